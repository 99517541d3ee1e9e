"""The files around the database: one owner at a time, and names that survive a power cut.

Windows and POSIX differ here and nowhere else in the store; ``system`` is ``os.name``.
"""

import contextlib
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from engine.store.errors import Busy, explain_file

# Windows makes a locked byte unreadable for others: it lies far behind the process number that
# the other one wants to read.
LOCKED_BYTE = 1 << 20


class OwnerLock:
    """The operating system's lock on a file, held until ``release`` or the end of the process.

    The file stays when the lock goes: deleting it would let two processes each lock a file of
    that name.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Gives the lock up; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def own(database: Path, system: str = os.name) -> OwnerLock:
    """Takes ``<database>.lock``; Busy when another process has it."""
    path = database.with_name(database.name + ".lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise explain_file(error, database) from error
    try:
        locking(system)(descriptor)
    except OSError as error:
        holder = _holder(descriptor)
        os.close(descriptor)
        raise Busy(
            f"The database {database} is in use by another tillwire{holder}. Only one may have it "
            "open: stop that one first."
        ) from error
    with contextlib.suppress(OSError):  # the number is a courtesy; a full disk still locks
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
    return OwnerLock(path, descriptor)


def locking(system: str) -> Callable[[int], None]:
    """The call that locks an open file for this process or raises OSError at once."""
    return _lock_windows if system == "nt" else _lock_posix


def _lock_posix(descriptor: int) -> None:
    # flock and not lockf: the latter is lost when any other descriptor of the file is closed.
    fcntl = import_module("fcntl")
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_windows(descriptor: int) -> None:
    msvcrt = import_module("msvcrt")
    os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
    msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    os.lseek(descriptor, 0, os.SEEK_SET)


def _holder(descriptor: int) -> str:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        number = os.read(descriptor, 20).decode("ascii", "replace")
    except OSError:
        return ""
    return f" (process {number})" if number.isdigit() else ""


def sync_file(path: Path) -> None:
    """Waits until the bytes of a file are on the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_directory(path: Path, system: str = os.name) -> None:
    """Waits until the names in a directory are on the disk. Windows has no call for it."""
    if system == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Creates a directory and those above it; a power cut cannot take them away again."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        sync_directory(each.parent)
