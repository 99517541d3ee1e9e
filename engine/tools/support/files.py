"""The files of a till for the zip: settings without secrets, the log, and how large all are.

A file of settings is masked line by line, as in a message about it: a file that cannot be parsed
has no values to look at, and may hold a password all the same. What is doubtful is hidden.
"""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from engine.definition.secrecy import veil
from engine.effects.table import VOCABULARY
from engine.settings import load_definition
from engine.tools.check import check
from engine.tools.config import everything
from engine.tools.support.pack import Entry, LeftOut, as_json
from engine.tools.support.place import Till

LARGEST_FILE = 1_048_576
"""Bytes of a file of settings; tillwire reads no larger one."""

MOST_LOG = 10_000_000
"""Bytes of the log: the newest."""


def masked(text: str) -> str:
    """A file's text without what may be secret."""
    lines = tuple(text.splitlines())
    hiding = veil(lines)
    return "".join(f"{hiding.line(number)}\n" for number in range(1, len(lines) + 1))


def settings(till: Till) -> Iterator[Entry]:
    """till.yaml, the one before, the machine, the datasets."""
    found = till.settings
    files = [
        (till.config, "till.yaml", "The settings."),
        (till.config.with_name(till.config.name + ".previous"), "till.yaml.previous", "Before."),
    ]
    if found is not None and found.machine:
        files.append((found.machine_path, "machine.yaml", "The machine that till.yaml names."))
    if found is not None and found.catalogue is not None:
        path = till.folder / found.catalogue.datasets
        files.append((path, "datasets.yaml", "What the catalogue holds."))
    for path, name, about in files:
        if path.is_file():
            text = masked(_read(path))
            yield Entry(f"config/{name}", f"{about} Secrets are masked.", text.encode())
    if not till.config.is_file():
        raise LeftOut(f"There is no file {till.config}.")


def last_good(till: Till) -> Iterator[Entry]:
    """What a restart with bad files would run with: the two texts, apart."""
    path = till.config.with_name(till.config.name + ".last-good")
    if not path.is_file():
        raise LeftOut(f"There is no file {path}.")
    kept = json.loads(_read(path))
    for name in ("till_yaml", "machine"):
        text = masked(str(kept[name]))
        file = f"config/last-good/{name.replace('_', '.')}"
        about = "As it was when it was last good. Secrets are masked."
        yield Entry(file if name == "till_yaml" else f"{file}.yaml", about, text.encode())


def values(till: Till) -> Iterator[Entry]:
    """Every value in force, as ``tillwire config show`` has them."""
    if till.settings is None or not till.good:
        raise LeftOut("till.yaml is at fault: check.txt says how.")
    found = everything(till.settings, load_definition(till.settings, VOCABULARY))
    data = as_json([value._asdict() for value in found])
    yield Entry("config/values.json", "Every value in force, and where it comes from.", data)


def checked(till: Till) -> Iterator[Entry]:
    """What ``tillwire check`` says."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = check([till.config], json=False, strict=False)
    text = f"{said.getvalue()}exit code {code}\n"
    yield Entry("check.txt", "What tillwire check says.", text.encode())


def log(till: Till) -> Iterator[Entry]:
    """The newest lines of the log file and its older ones."""
    path = None if till.settings is None else till.settings.log_path
    if path is None:
        raise LeftOut("till.yaml names no log file: the lines went to standard error.")
    older = [path.with_name(f"{path.name}.{number}") for number in range(9, 0, -1)]
    files = [file for file in (*older, path) if file.is_file()]
    if not files:
        raise LeftOut(f"There is no file {path}.")
    left, texts = MOST_LOG, []
    for file in reversed(files):
        texts.append(_end(file, left))
        left -= len(texts[-1])
    about = f"The newest lines of the log, {MOST_LOG // 1_000_000} MB at most."
    yield Entry("logs/tillwire.log", about, b"".join(reversed(texts)))


def sizes(till: Till) -> Iterator[Entry]:
    """How large the files are, and what room their disks have."""
    found = till.settings
    data: dict[str, Any] = {"files": {}, "disks": {}}
    paths = [till.config, till.path(None if found is None else found.database.path, "tillwire.db")]
    if found is not None:
        paths += [found.catalogue_path, found.log_path]
    for path in dict.fromkeys(path.absolute() for path in paths if path is not None):
        if path.parent.is_dir():
            for each in sorted(path.parent.glob(f"{_literal(path.name)}*")):
                data["files"][str(each)] = each.stat().st_size
            total, _, free = shutil.disk_usage(path.parent)
            data["disks"][str(path.parent)] = {"bytes": total, "free_bytes": free}
    yield Entry("disk.json", "Sizes of files, room on their disks, in bytes.", as_json(data))


def _literal(name: str) -> str:
    import glob

    return glob.escape(name)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise LeftOut(f"{path} is larger than {LARGEST_FILE} bytes.")
    return raw.decode("utf-8-sig", "replace")


def _end(path: Path, most: int) -> bytes:
    """The last whole lines of a file."""
    with path.open("rb") as file:
        begin = max(0, path.stat().st_size - most)
        file.seek(begin)
        content = file.read(most)
    return content.partition(b"\n")[2] if begin else content
