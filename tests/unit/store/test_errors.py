"""What SQLite and the system report becomes a sentence with the file and what to do."""

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest

from engine.store import (
    Busy,
    Damaged,
    DiskFailing,
    DiskFull,
    NotWritable,
    StoreError,
    errors,
)
from engine.store.errors import explain, explain_file, space_is_gone


def reported(code: int | None, text: str = "words") -> sqlite3.Error:
    """An error as the sqlite3 module raises it; it has no code when the module made it up."""
    error = sqlite3.OperationalError(text)
    if code is not None:
        error.sqlite_errorcode = code
        error.sqlite_errorname = "SQLITE_NAME"
    return error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, DiskFull),
        (sqlite3.SQLITE_CORRUPT_VTAB, Damaged),
        (sqlite3.SQLITE_NOTADB, Damaged),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Busy),
        (sqlite3.SQLITE_LOCKED, Busy),
        (sqlite3.SQLITE_READONLY_DBMOVED, NotWritable),
        (sqlite3.SQLITE_PERM, NotWritable),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, NotWritable),
        (sqlite3.SQLITE_IOERR_FSYNC, DiskFailing),
        (sqlite3.SQLITE_CONSTRAINT_CHECK, StoreError),
        (None, StoreError),
    ],
)
def test_each_report_has_its_kind_and_names_the_file(
    path: Path, code: int | None, kind: type[StoreError]
) -> None:
    """Extended codes count as what they extend."""
    found = explain(reported(code), path)
    assert type(found) is kind
    assert str(path) in str(found)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN])
def test_an_error_for_want_of_room_is_a_full_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A quota and the file beside the log come as other errors: the disk is asked."""
    monkeypatch.setattr(errors, "space_is_gone", lambda _: True)
    assert type(explain(reported(code), path)) is DiskFull


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EIO, DiskFailing),
        (errno.EACCES, NotWritable),
        (errno.EROFS, NotWritable),
    ],
)
def test_the_system_s_reports_have_the_same_kinds(
    path: Path, number: int, kind: type[StoreError]
) -> None:
    """By their number, with the system's own words."""
    found = explain_file(OSError(number, os.strerror(number)), path)
    assert type(found) is kind
    assert str(path) in str(found)


class Probe:
    """A file that takes some of the bytes, or refuses them."""

    def __init__(self, takes: int, fails: int = 0) -> None:
        self.takes, self.fails, self.at = takes, fails, -1

    def __enter__(self) -> "Probe":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def seek(self, offset: int) -> None:
        """Remembers where."""
        self.at = offset

    def write(self, data: bytes) -> int:
        """As many as it takes."""
        if self.fails:
            raise OSError(self.fails, "")
        return min(self.takes, len(data))

    def fileno(self) -> int:
        """Any file that can be synced."""
        return -1


@pytest.mark.parametrize(
    ("probe", "gone"),
    [
        (Probe(1 << 20), False),
        (Probe(10), True),
        (Probe(0, errno.ENOSPC), True),
        (Probe(0, errno.EFBIG), True),
        (Probe(0, errno.EACCES), False),
    ],
)
@pytest.mark.parametrize(("system", "reach"), [("posix", 300), ("nt", 0)])
def test_room_is_tried_by_writing(
    path: Path, monkeypatch: pytest.MonkeyPatch, probe: Probe, gone: bool, system: str, reach: int
) -> None:
    """As far out as the database's files reach, where holes cost nothing."""
    path.write_bytes(bytes(100))
    path.with_name("till.db-wal").write_bytes(bytes(300))
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: probe)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(errors, "SYSTEM", system)
    assert space_is_gone(path) is gone
    assert probe.at == reach


def test_there_is_room_here(path: Path) -> None:
    """The real probe on a disk with space, with no database yet."""
    assert space_is_gone(path) is False
    assert list(path.parent.iterdir()) == []
