"""Why the database could not do it, as a sentence that names the file and what to do."""

# ruff: noqa: N818 - the kinds are named for what happened, as an operator would say it

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

PROBE_BYTES = 64 * 1024
SYSTEM = os.name
NO_SPACE = frozenset(
    {errno.ENOSPC, errno.EFBIG} | ({errno.EDQUOT} if hasattr(errno, "EDQUOT") else set())
)


class StoreError(Exception):
    """The database could not do what it was asked; the text is a sentence for a person."""


class DiskFull(StoreError):
    """There is no room left (disk, quota or largest file size). Nothing stored is lost."""


class DiskFailing(StoreError):
    """The disk answers with an error that is not a lack of room."""


class Damaged(StoreError):
    """The file is not a tillwire database that this program can read."""


class Busy(StoreError):
    """Another program holds the database."""


class Missing(StoreError):
    """There is no database and none may be created."""


class NotWritable(StoreError):
    """The file, or the directory around it, may not be read or written; or the login has not the
    rights that it needs."""


class Unreachable(StoreError):
    """The server of the database is not there, or the connection to it broke. It may come back."""


class Unanswered(Unreachable):
    """The server of the database did not answer in time: the call was abandoned."""


class LoginRefused(StoreError):
    """The server does not let this login in, or not into this database: a person must mend it."""


class Undone(StoreError):
    """The whole transaction was undone through no fault of its own (a deadlock, a connection
    that broke before it was to be kept): the same again may well succeed."""


class KeyTwice(StoreError):
    """A key would be there twice."""


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """The sentence for what SQLite reported about the database ``path``."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    primary = code & 0xFF
    said = str(error)
    if primary == sqlite3.SQLITE_FULL:
        return disk_full(path)
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and space_is_gone(path):
        # SQLite says FULL for ENOSPC in a write only: a quota, a size limit and the
        # shared-memory file beside a WAL all come as I/O errors.
        return disk_full(path)
    if primary == sqlite3.SQLITE_IOERR:
        name = getattr(error, "sqlite_errorname", "an I/O error")
        return DiskFailing(
            f"The disk under the database {path} reports {name} ({said}). Check the disk and its "
            "cables, then start again: what was acknowledged is kept."
        )
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "decode to UTF-8" in said:
        return damaged(path, said)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(
            f"The database {path} is locked by another program ({said}). Close what else has it "
            "open (a backup, a database browser) and try again."
        )
    if primary in (
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_AUTH,
    ):
        return not_writable(path, said)
    return StoreError(f"The database {path} refused: {said}.")


def explain_file(error: OSError | RuntimeError, path: Path) -> StoreError:
    """The sentence for what the operating system reported about a file of the database."""
    number = getattr(error, "errno", None)
    said = getattr(error, "strerror", None) or str(error)
    if number in NO_SPACE:
        return disk_full(path)
    if number == errno.EIO:
        return DiskFailing(f"The disk under the database {path} reports: {said}. Check the disk.")
    return not_writable(path, said)


def disk_full(path: Path) -> DiskFull:
    """The sentence for a lack of room under ``path``."""
    return DiskFull(
        f"There is no room left for the database {path}. Free some space on that disk (or raise "
        "its quota): nothing stored is lost, and work goes on by itself once there is room."
    )


def damaged(place: object, why: str) -> Damaged:
    """The sentence for what is no database of ours; ``why`` has no full stop."""
    keep = "keep the file and those beside it that start with its name, restore a copy"
    if not isinstance(place, Path):
        keep = "leave it as it is, restore a backup beside it"
    return Damaged(
        f"The database {place} cannot be used: {why}. It may hold tickets that were never sent: "
        f"{keep} or have them examined, and never start with an empty one in their place."
    )


def not_writable(path: Path, why: str) -> NotWritable:
    """The sentence for a file that may not be opened for writing."""
    return NotWritable(
        f"The database {path} cannot be opened for writing: {why}. Let the account that tillwire "
        "runs under write to that file and to its directory."
    )


def space_is_gone(path: Path) -> bool:
    """Whether the disk refuses more bytes beside ``path``, seen by writing a probe file.

    Free space as the system counts it knows nothing of quotas and size limits, so bytes are
    really written. Where files may have holes they are written as far out as the database
    files reach, so that a limit on the size of one file shows too.
    """
    offset = 0
    if SYSTEM == "posix":
        reach = (path, path.with_name(path.name + "-wal"))
        offset = max((each.stat().st_size for each in reach if each.exists()), default=0)
    try:
        with tempfile.TemporaryFile(dir=path.parent, buffering=0) as probe:
            probe.seek(offset)
            written = probe.write(bytes(PROBE_BYTES))
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in NO_SPACE
    return written < PROBE_BYTES
