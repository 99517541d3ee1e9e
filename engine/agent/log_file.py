"""The log file: lines are added to it, older ones are put aside, and the disk is never filled.

The file and ``OLDER`` older ones (``tillwire.log.1`` is the newest) take no more than they may,
whatever happens. On Windows a file that a scanner holds cannot be renamed: lines then go on into
the same file for a while, and if it is never let go it is begun anew in its place.
"""

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path

OLDER = 4
"""Files that are kept besides the one that is written."""

HELD = 5.0
"""Seconds after which a file is tried to be put aside again that another program held."""


class LogFile:
    """A file of lines that takes, with its older ones, at most ``most`` bytes.

    ``overwritten`` counts the bytes that were lost in a file that could not be put aside. Used by
    one thread. What raises, raises OSError, and may be tried again at any time.
    """

    def __init__(
        self, path: Path, most: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path
        self.overwritten = 0
        self._piece = most // (OLDER + 2)  # the current one may grow to two pieces
        self._monotonic = monotonic
        self._file: FileIO | None = None
        self._size = 0
        self._held_until: float | None = None

    def write(self, lines: bytes) -> None:
        """Add whole lines."""
        file = self._opened()
        if self._size and self._size + len(lines) > self._piece:
            file = self._put_aside(file, len(lines))
        written = file.write(lines)
        self._size += written
        if written < len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Let go of the file; writing opens it again."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def _opened(self) -> FileIO:
        """The file, unless another program took it away: then a new one of its name."""
        if self._file is not None and not self._is_there(self._file):
            self.close()
        return self._file or self._open("a")

    def _open(self, mode: str) -> FileIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = FileIO(self.path, mode)
        self._size = os.fstat(file.fileno()).st_size
        self._file = file
        return file

    def _is_there(self, file: FileIO) -> bool:
        try:
            return os.path.samestat(self.path.stat(), os.fstat(file.fileno()))
        except OSError:
            return False

    def _put_aside(self, file: FileIO, more: int) -> FileIO:
        """A new file; the same one while another program holds it and there is room."""
        if self._held_until is None or self._monotonic() >= self._held_until:
            self.close()
            try:
                self._rename()
            except OSError:
                self._held_until = self._monotonic() + HELD
            else:
                self._held_until = None
            file = self._open("a")
        if self._size and self._size + more > 2 * self._piece:
            self.overwritten += self._size
            self.close()
            file = self._open("w")
        return file

    def _rename(self) -> None:
        """Free ``.1``: what is missing below makes room, so that a second try after one that
        came half-way moves nothing twice."""
        older = [self.path.with_name(f"{self.path.name}.{n}") for n in range(1, OLDER + 1)]
        free = next((n for n, path in enumerate(older) if not path.exists()), OLDER - 1)
        for n in range(free, 0, -1):
            older[n - 1].replace(older[n])
        self.path.replace(older[0])
