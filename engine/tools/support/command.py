"""``tillwire support``: asks all that there is and writes the zip."""

import json as encoding
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from engine import __version__
from engine.tools.support import agent, books, files, machine, place
from engine.tools.support.pack import Pack, Source, write_zip

PACKED, NOT_WRITTEN, NO_FILE = 0, 1, 2


def support(config: Path, out: Path | None, since: float, url: str | None, json: bool) -> int:
    """Pack what a help desk needs of a till; ``since`` is in seconds back from now.

    Returns 0 when it is packed, whatever had to be left out, 1 when the zip cannot be written,
    2 when there is no till.yaml.
    """
    if not config.exists():
        sys.stderr.write(f"There is no file {config}: name the till.yaml with --config.\n")
        return NO_FILE
    at = time.time()
    till = place.find(config)
    path = _named(out, till, at)
    if path.exists():
        sys.stderr.write(f"There is a file {path} already: name another one with --out.\n")
        return NOT_WRITTEN
    pack = Pack(till.secrets)
    about = {
        "about": "What tillwire packed for a help desk. No ticket, customer, message or secret.",
        "made": datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds"),
        "tillwire": __version__,
        "shop": till.shop,
        "config": str(config.absolute()),
        "since": datetime.fromtimestamp(at - since).astimezone().isoformat(timespec="seconds"),
    }

    def fill(archive: ZipFile) -> None:
        pack.take(_sources(till, at - since, url), archive, at)
        pack.finish(archive, about, at)

    try:
        write_zip(path, fill)
    except OSError as fault:
        why = (fault.strerror or type(fault).__name__).lower()
        sys.stderr.write(f"{path} cannot be written: {why}. Name another place with --out.\n")
        return NOT_WRITTEN
    _tell(path, pack, json)
    return PACKED


def _sources(till: place.Till, since: float, url: str | None) -> Iterator[Source]:
    """In the order of what is worth most, should there be too much."""
    yield "versions.json", machine.versions
    yield "clock.json", machine.clock
    yield "disk.json", lambda: files.sizes(till)
    yield "check.txt", lambda: files.checked(till)
    yield "config", lambda: files.settings(till)
    yield "config/values.json", lambda: files.values(till)
    yield "config/last-good", lambda: files.last_good(till)
    yield "agent", lambda: agent.asked(till, url)
    yield "tickets, history, journal", lambda: books.read(till, since)
    yield "logs", lambda: files.log(till)


def _named(out: Path | None, till: place.Till, at: float) -> Path:
    """No colon in it: Windows has none in a name."""
    moment = datetime.fromtimestamp(at).astimezone().strftime("%Y%m%d-%H%M%S")
    usual = f"tillwire-support-{till.shop}-{moment}.zip"
    if out is None:
        return Path(usual)
    return out / usual if out.is_dir() else out


def _tell(path: Path, pack: Pack, json: bool) -> None:
    size = path.stat().st_size
    data: dict[str, Any] = {"file": str(path), "bytes": size, "left_out": pack.left_out}
    if json:
        sys.stdout.write(encoding.dumps(data, indent=2, ensure_ascii=False) + "\n")
        return
    lines = [f"{path}: {len(pack.entries)} files, {size} bytes. Look through it, then send it."]
    if pack.left_out:
        lines.append("Left out:")
        lines += [f"  {one['name']}: {one['why']}" for one in pack.left_out]
    sys.stdout.write("\n".join(lines) + "\n")
