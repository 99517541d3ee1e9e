"""``tillwire support``: what is in the zip, what is not, and that it is there whatever is wrong."""

import errno
import json
import os
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.store import Store
from engine.store.history import HistoryRow
from engine.tools.support import books, files, pack
from engine.tools.support.pack import FOLDER
from tests.unit.tools.days import tamper

SECRET = "motdepasse-très-secret"
PLAIN = "hunter2-in-the-file"
TILL_YAML = """\
shop: '0042'
tills: ['01', '02']
server:
  protocol: soap
  url: http://127.0.0.1:9/
  auth: {user: till01, password: '${file:server.password}'}
database: {path: till.db}
api: {port: 18999}
log: {file: logs/tillwire.log}
"""
ALWAYS = ["check.txt", "clock.json", "config/till.yaml", "disk.json", "versions.json"]


@pytest.fixture
def till(path: Path) -> Path:
    """The till.yaml beside a database with ten tickets."""
    config = path.with_name("till.yaml")
    config.write_text(TILL_YAML, encoding="utf-8")
    (path.parent / "server.password").write_text(SECRET, encoding="utf-8")
    return config


def packed(tillwire: Any, config: Path, *more: object) -> tuple[dict[str, str], dict[str, Any]]:
    """The texts of the zip by name, and its manifest."""
    out = config.with_name("help.zip")
    result = tillwire("support", "-c", config, "--out", out, *more)
    assert (result.code, result.err) == (0, "")
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    out.unlink()
    assert all(name.startswith(FOLDER) for name in texts)
    texts = {name.removeprefix(FOLDER): text for name, text in texts.items()}
    manifest = json.loads(texts.pop("manifest.json"))
    assert {one["name"]: one["bytes"] for one in manifest["entries"]} == {
        name: len(text.encode()) for name, text in texts.items()
    }
    return texts, manifest


def left_out(manifest: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["why"] for one in manifest["left_out"]}


def test_a_till_whose_agent_is_stopped_is_packed(tillwire: Any, till: Path) -> None:
    """Settings, values, check, tickets by count, history, journal; the agent is said to be away."""
    at = time.time()
    row = HistoryRow("01", at, "sync.now", ("online",), "[]", False, '{"replay": {"n": 1}}')
    old = row._replace(at=at - 90_000, event="till.opened")
    with Store.open(till.with_name("till.db")) as store:
        store.history.record([old, row])
    texts, manifest = packed(tillwire, till)
    assert sorted(texts) == sorted(
        [
            *ALWAYS,
            "config/values.json",
            "tickets.json",
            "journal.json",
            "history/agent.jsonl",
            "history/till-01.jsonl",
            "history/till-02.jsonl",
        ]
    )
    assert left_out(manifest).keys() == {"agent", "config/last-good", "logs"}
    assert left_out(manifest)["agent"].startswith("No agent answers at http://127.0.0.1:18999")
    assert texts["check.txt"].endswith("parameters set)\nexit code 0\n")
    assert json.loads(texts["tickets.json"])["01"]["sent"] == 10
    assert json.loads(texts["journal.json"]) == {
        "entries": 21,
        "broken_at": None,
        "why": "",
        "whole": True,
    }
    (line,) = texts["history/till-01.jsonl"].splitlines()
    assert json.loads(line)["event"] == "sync.now"
    assert "replay" not in line
    assert "ticket 7" not in "".join(texts.values())


def test_since_says_how_far_back(tillwire: Any, till: Path) -> None:
    """Two days bring yesterday's step too."""
    row = HistoryRow("01", time.time() - 90_000, "x", ("online",), "[]", False, "{}")
    with Store.open(till.with_name("till.db")) as store:
        store.history.record([row])
    assert packed(tillwire, till)[0]["history/till-01.jsonl"] == ""
    assert '"x"' in packed(tillwire, till, "--since", "2d")[0]["history/till-01.jsonl"]


@pytest.mark.parametrize(
    "broken",
    [
        f"{TILL_YAML}  password: {PLAIN}\n\tnot: [yaml\n",
        TILL_YAML.replace("'${file:server.password}'", PLAIN),
        f"shop: '1'\npasswrd: >\n  {PLAIN}\n",
        f"server: {{url: 'http://till:{PLAIN}@server.example/', auth: {{password: '{PLAIN}'",
        f"\xff\xfe password: {PLAIN}",
        "",
    ],
)
def test_a_broken_till_yaml_is_packed_and_tells_no_password(
    tillwire: Any, till: Path, broken: str
) -> None:
    """What cannot be parsed has no values to look at: its lines are masked, and check says why."""
    till.write_bytes(broken.encode("latin-1"))
    texts, manifest = packed(tillwire, till)
    assert set(ALWAYS) <= set(texts)
    assert PLAIN not in json.dumps([texts, manifest])
    assert re.search(r"exit code [12]\n$", texts["check.txt"])
    assert "config/values.json" in left_out(manifest)


def test_a_secret_is_struck_out_wherever_it_stands(tillwire: Any, till: Path) -> None:
    """In a log line or a comment too, as it is and as JSON writes it."""
    (till.parent / "logs").mkdir()
    line = json.dumps({"event": "odd", "message": SECRET})
    (till.parent / "logs" / "tillwire.log").write_text(f"{line}\n{SECRET}\n", encoding="utf-8")
    till.write_text(f"{TILL_YAML}# {SECRET}\n", encoding="utf-8")
    texts, _ = packed(tillwire, till)
    assert texts["logs/tillwire.log"] == '{"event": "odd", "message": "***"}\n***\n'
    whole = "".join(texts.values())
    assert SECRET not in whole
    assert json.dumps(SECRET)[1:-1] not in whole
    assert "${file:server.password}" in texts["config/till.yaml"]


def test_what_was_last_good_is_masked_too(tillwire: Any, till: Path) -> None:
    """Its two texts, apart."""
    kept = {"till_yaml": f"shop: '1'\npassword: {PLAIN}\n", "machine": "machine: link\n"}
    till.with_name("till.yaml.last-good").write_text(json.dumps(kept), encoding="utf-8")
    texts, _ = packed(tillwire, till)
    assert texts["config/last-good/till.yaml"] == "shop: '1'\npassword: ***\n"
    assert texts["config/last-good/machine.yaml"] == "machine: link\n"


def test_the_log_is_its_newest_lines(
    tillwire: Any, till: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the older files, whole lines, no more than there is room for."""
    monkeypatch.setattr(files, "MOST_LOG", 45)
    folder = till.parent / "logs"
    folder.mkdir()
    (folder / "tillwire.log.2").write_text("line 1\nline 2\n")
    (folder / "tillwire.log.1").write_text("".join(f"line {n}\n" for n in range(3, 7)))
    (folder / "tillwire.log").write_text("line 7\nline 8\n")
    texts, _ = packed(tillwire, till)
    assert texts["logs/tillwire.log"] == "".join(f"line {n}\n" for n in range(3, 9))


def test_a_database_that_was_tampered_with_is_told(tillwire: Any, till: Path) -> None:
    """The journal's chain is read, and one that there is no time for is said not to be whole."""
    tamper(till.with_name("till.db"), "UPDATE journal SET subject = '{}' WHERE seq = 5")
    journal = json.loads(packed(tillwire, till)[0]["journal.json"])
    assert (journal["broken_at"], journal["whole"]) == (5, False)


def test_a_journal_that_is_too_long_is_read_in_part(
    tillwire: Any, till: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so."""
    monkeypatch.setattr(books, "JOURNAL_SECONDS", 0.0)
    journal = json.loads(packed(tillwire, till)[0]["journal.json"])
    assert journal == {"entries": 0, "whole": False, "why": "there was no time to read it all"}


@pytest.mark.parametrize("content", [None, b"", b"no database " * 500])
def test_without_a_database_the_rest_is_packed(
    tillwire: Any, till: Path, content: bytes | None
) -> None:
    """It is not there, is empty, or is something else: a sentence."""
    database = till.with_name("till.db")
    database.unlink()
    if content is not None:
        database.write_bytes(content)
    texts, manifest = packed(tillwire, till)
    assert set(ALWAYS) <= set(texts)
    assert "till.db" in left_out(manifest)["tickets, history, journal"]


def test_the_zip_is_bounded(tillwire: Any, till: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would make it too large is left out, and said."""
    monkeypatch.setattr(pack, "LARGEST", 5_000)
    texts, manifest = packed(tillwire, till)
    assert sum(len(text.encode()) for text in texts.values()) <= 5_000
    why = left_out(manifest)["config/values.json"]
    assert why == "config/values.json would make the zip larger than it may be."


def test_what_breaks_is_left_out_and_said(
    tillwire: Any, till: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of one part costs that part, and its words tell no secret."""

    def broken(_: object) -> Any:
        raise RuntimeError(f"no {SECRET}")

    monkeypatch.setattr(files, "sizes", broken)
    texts, manifest = packed(tillwire, till)
    assert "disk.json" not in texts
    assert left_out(manifest)["disk.json"] == "It could not be had: RuntimeError: no ***"


@pytest.mark.parametrize(("owner", "name"), [(zipfile.ZipFile, "writestr"), (os, "fsync")])
def test_a_full_disk_is_a_sentence(
    tillwire: Any, till: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    """Exit code 1, and no half zip is left."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(owner, name, full)
    out = till.with_name("help.zip")
    result = tillwire("support", "-c", till, "--out", out)
    assert result.code == 1
    assert result.err == (
        f"{out} cannot be written: no space left on device. Name another place with --out.\n"
    )
    assert [each.name for each in till.parent.glob("help*")] == []


def test_a_place_that_is_not_there_is_a_sentence(tillwire: Any, till: Path) -> None:
    """The folder is missing."""
    out = till.parent / "missing" / "help.zip"
    result = tillwire("support", "-c", till, "--out", out)
    assert result.code == 1
    assert result.err.startswith(f"{out} cannot be written: no such file or directory.")


def test_a_file_that_is_there_is_never_overwritten(tillwire: Any, till: Path) -> None:
    """Nor is a till.yaml needed that is not there."""
    out = till.with_name("help.zip")
    out.write_text("mine")
    result = tillwire("support", "-c", till, "--out", out)
    assert (result.code, out.read_text()) == (1, "mine")
    assert result.err == f"There is a file {out} already: name another one with --out.\n"
    result = tillwire("support", "-c", till.with_name("no.yaml"))
    assert (result.code, result.err.partition(":")[0][-7:]) == (2, "no.yaml")


def test_a_folder_gets_a_name_that_every_system_takes(tillwire: Any, till: Path) -> None:
    """With the shop and the moment, and no colon; --json tells it."""
    result = tillwire("support", "-c", till, "--out", till.parent, "--json")
    told = json.loads(result.out)
    path = Path(told["file"])
    assert re.fullmatch(r"tillwire-support-0042-\d{8}-\d{6}\.zip", path.name)
    assert (path.parent, path.stat().st_size) == (till.parent, told["bytes"])
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert [name for name in names if re.search(r'[<>:"\\|?*]|[. ]$|\.\.', name)] == []
