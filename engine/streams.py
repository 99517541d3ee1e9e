"""The standard streams of a command: there, tolerant, and never the reason for a traceback."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import NoReturn, TextIO

UNWRITABLE = 74
"""The exit code when standard output takes nothing more (EX_IOERR in sysexits.h)."""
OF_OUTPUT = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EPIPE, errno.EINVAL)
_LAST_STANDARD = 2


class _Closed(io.TextIOBase):
    """Stands in for a standard output that is closed, and says so when it is needed."""

    def write(self, _: str, /) -> int:
        raise OSError(errno.EBADF, "it is closed")


class _Deaf(io.TextIOBase):
    """Takes everything and keeps nothing."""

    def write(self, text: str, /) -> int:
        return len(text)


def fill_missing_streams() -> None:
    """A process may be started with its output closed. Then no file of ours, a database say, must
    get the number of a standard stream, for a library may write there."""
    if sys.stdout is None or sys.stderr is None:
        while (number := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD:
            pass
        os.close(number)
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = _Deaf()


def cannot_write(error: OSError) -> NoReturn:
    """End with a sentence, and leave nothing that would be written again at the very end."""
    sys.stdout = _Deaf()
    reason = (error.strerror or type(error).__name__).lower()
    with suppress(OSError):
        say(f"tillwire cannot write its output: {reason}.")
    sys.exit(UNWRITABLE)


def make_tolerant(stream: TextIO, system: str = os.name) -> None:
    """A console of code page 1252 shows '?' for what it has no sign for, and goes on. A file or a
    program gets UTF-8, also where Windows would write the code page there: it is data."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is None:
        return
    if system == "nt" and not stream.isatty() and "PYTHONIOENCODING" not in os.environ:
        reconfigure(encoding="utf-8", errors="replace")
    else:
        reconfigure(errors="replace")


def say(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(text + "\n")
