"""A file on its way: what of it is on the disk, and how more comes to it."""

import errno
import hashlib
import io
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.server.deadline import describe
from engine.server.ftp_patience import Broken, Patience
from engine.server.port import CallFailed, Reason
from engine.swapping import rename

SUFFIX = ".part"
OVERLAP = 4096
"""Bytes that are asked for again when a download is taken up, and compared: a server that
ignores where to begin, and a file that is another one by now, show at once."""

RESERVE = 32 * 1024 * 1024
"""Bytes that a download leaves free on the disk: tickets come first."""

_BLOCK = 256 * 1024
_AT_ONCE = 8 * 1024 * 1024
"""Bytes after which the system has to write: a ticket that is kept meanwhile waits for them, and
would wait for the whole file (115 ms instead of 30 with 400 MB on one disk)."""

_TELL = 0.2
"""Seconds between two words about the progress."""


class Unlike(Broken):
    """What the server sends is not what it sent before: one of the two is wrong."""


class Part:
    """The first ``have`` bytes of a file of ``size``, on the disk beside its target.

    ``pieced`` says that not all of them came by one transfer, ``furthest`` how many there
    were at most. Methods raise :class:`CallFailed` when the disk does not play along.
    """

    def __init__(
        self, target: Path, size: int, where: str, progress: Callable[[int], None]
    ) -> None:
        self.target = target
        self.path = target.with_name(target.name + SUFFIX)
        self.size = size
        self.have = 0
        self.furthest = 0
        self.pieced = False
        self._where = where
        self._progress = progress
        self._told = 0.0
        self._unwritten = 0
        self._digest = hashlib.sha256()
        self._buffer = memoryview(bytearray(_BLOCK))
        self._file: io.FileIO | None = None

    @property
    def sha256(self) -> str:
        """The digest, in hex, of what is there."""
        return self._digest.hexdigest()

    def __enter__(self) -> Self:
        """Open the file, with what an earlier download has left of it."""
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
            self._file = self.path.open("r+b", buffering=0)
            self._take_stock()
        except OSError as error:
            self._close()
            raise self._unusable(error) from None
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close the file; what is there stays for the next download."""
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take_stock(self) -> None:
        while size := self._opened.readinto(self._buffer):
            self.have += size
            if self.have > self.size:
                self.rewind()
                return
            self._digest.update(self._buffer[:size])
        self.pieced = self.have > 0
        self.furthest = self.have

    @property
    def _opened(self) -> io.FileIO:
        if self._file is None:
            raise ValueError("the part is not open")
        return self._file

    def rewind(self) -> None:
        """Forget what is there."""
        try:
            self._opened.seek(0)
            self._opened.truncate()
        except OSError as error:
            raise self._unusable(error) from None
        self.have = 0
        self.pieced = False
        self._digest = hashlib.sha256()

    def check_room(self) -> None:
        """Refuse when the rest does not fit on the disk."""
        try:
            free = shutil.disk_usage(self.target.parent).free
        except OSError as error:
            raise self._unusable(error) from None
        needed = self.size - self.have + RESERVE
        if free < needed:
            megabytes = -(-needed // 1_000_000)
            raise CallFailed(
                Reason.LOCAL_ERROR,
                f"{self._where}: {self.target.name} was not downloaded: {megabytes} MB "
                f"are needed on the disk of {self.target.parent}, {free // 1_000_000} MB are free",
            )

    def resume_at(self) -> int:
        """From which byte on to ask for the rest: a little before what is missing."""
        return max(0, self.have - OVERLAP)

    def pour(self, data: socket.socket, offset: int, patience: Patience) -> None:
        """Take what comes by a data connection, which begins at ``offset``, until it ends.

        Takes never more than ``size`` bytes, and one too many is a ``bad_reply``. A transfer
        that stands still, or nearly so, breaks.
        """
        if offset == 0:
            self.rewind()
        else:
            self.pieced = True
            self._compare(data, offset, patience)
        patience.stage = f"while downloading {self.target.name}"
        patience.await_next()
        while size := receive(data, self._buffer[: self.size - self.have + 1], patience):
            if self.have + size > self.size:
                raise Unlike(
                    Reason.BAD_REPLY,
                    f"{self._where}: {self.target.name} is larger than the {self.size} bytes "
                    "announced",
                )
            self._add(self._buffer[:size])

    def _compare(self, data: socket.socket, offset: int, patience: Patience) -> None:
        patience.stage = f"while taking up {self.target.name} again"
        patience.await_next()
        try:
            self._opened.seek(offset)
            known = self._opened.read(self.have - offset)
        except OSError as error:
            raise self._unusable(error) from None
        at = 0
        while at < len(known):
            size = receive(data, self._buffer[: len(known) - at], patience)
            if not size:
                return
            if self._buffer[:size] != known[at : at + size]:
                raise Unlike(
                    Reason.BAD_REPLY,
                    f"{self._where}: {self.target.name} does not go on where it broke off",
                )
            at += size

    def _add(self, block: memoryview) -> None:
        try:
            at = 0
            while at < len(block):
                at += self._opened.write(block[at:]) or 0
            self._unwritten += len(block)
            if self._unwritten >= _AT_ONCE:
                os.fsync(self._opened.fileno())
                self._unwritten = 0
        except OSError as error:
            raise self._unusable(error) from None
        self._digest.update(block)
        self.have += len(block)
        self.furthest = max(self.furthest, self.have)
        now = time.monotonic()
        if now - self._told >= _TELL or self.have == self.size:
            self._told = now
            self._progress(self.have)

    def keep(self) -> None:
        """Make it the target, so that a power cut leaves it whole or away."""
        try:
            os.fsync(self._opened.fileno())
            self._close()
            rename(self.path, self.target)
        except OSError as error:
            raise self._unusable(error) from None
        if os.name != "nt":
            with suppress(OSError):
                _sync_directory(self.target.parent)

    def _unusable(self, error: OSError) -> CallFailed:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            # What is there fills the disk that the tickets need.
            with suppress(OSError, ValueError):
                self._opened.truncate(0)
        why = error.strerror or type(error).__name__
        return CallFailed(
            Reason.LOCAL_ERROR, f"{self._where}: the file {self.path} cannot be used: {why}"
        )


def receive(data: socket.socket, into: memoryview, patience: Patience) -> int:
    """Some bytes of a data connection; 0 is its end. Raises :class:`CallFailed`."""
    while True:
        data.settimeout(patience.wait())
        try:
            size = data.recv_into(into)
        except TimeoutError as error:
            if error.errno is not None:
                raise patience.broken(error) from None
        except ssl.SSLError:
            raise Broken(
                Reason.UNREACHABLE, f"{patience.where}: the TLS connection broke ({patience.stage})"
            ) from None
        except OSError as error:
            raise Broken(
                Reason.UNREACHABLE, f"{patience.where}: {describe(error)} ({patience.stage})"
            ) from None
        else:
            patience.moved(size)
            return size


def is_proven(path: Path, size: int, sha256: str) -> bool:
    """Whether a file is there and is the one announced."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != size:
                return False
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
