"""Where log lines end up: a stream, or a file with the stream for when the file takes nothing."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol, TextIO

from engine.agent.log_file import LogFile

PAUSE = 30.0
"""Seconds after which a file is tried again that took nothing."""

AboutLog = Callable[..., str]
"""Makes a line about the log itself: its name, and its fields by keyword."""


class Sink(Protocol):
    """Takes lines, in the writer's thread."""

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it."""

    @property
    def trouble(self) -> str:
        """Why it takes nothing just now, as a sentence; empty when it does."""

    def write(self, lines: Sequence[str], about_log: AboutLog) -> None:
        """Write them. Raises OSError or ValueError when they are lost."""

    def close(self) -> None:
        """Nothing more is written for now."""


class StreamSink:
    """A console or a pipe, which belongs to somebody else."""

    trouble = ""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def is_terminal(self) -> bool:
        """See :class:`Sink`."""
        return self._stream.isatty()

    def write(self, lines: Sequence[str], _: AboutLog) -> None:
        """See :class:`Sink`; what the stream has no sign for is escaped."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        text = "\n".join(lines) + "\n"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()

    def close(self) -> None:
        """Let it be."""


class FileSink:
    """A file. While it takes nothing (a full disk, a missing right) its lines go to ``stream``,
    and it is tried again now and then."""

    is_terminal = False

    def __init__(
        self, file: LogFile, stream: TextIO, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.trouble = ""
        self._file = file
        self._instead = StreamSink(stream)
        self._monotonic = monotonic
        self._again = 0.0
        self._overwritten = 0

    def write(self, lines: Sequence[str], about_log: AboutLog) -> None:
        """See :class:`Sink`."""
        if self.trouble and self._monotonic() < self._again:
            self._instead.write(lines, about_log)
            return
        before = (
            () if not self.trouble else (about_log("log.file_works", file=str(self._file.path)),)
        )
        try:
            self._file.write(_bytes((*before, *lines)))
        except OSError as fault:
            self._fails(lines, about_log, fault)
        else:
            self.trouble = ""
            self._tell_overwritten(about_log)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _fails(self, lines: Sequence[str], about_log: AboutLog, fault: OSError) -> None:
        self._file.close()
        self._again = self._monotonic() + PAUSE
        said: tuple[str, ...] = ()
        if not self.trouble:
            why = fault.strerror or type(fault).__name__
            self.trouble = f"The log file {self._file.path} takes nothing: {why}."
            message = f"the log file takes nothing, lines go here: {why}"
            said = (about_log("log.file_failed", file=str(self._file.path), message=message),)
        self._instead.write((*said, *lines), about_log)

    def _tell_overwritten(self, about_log: AboutLog) -> None:
        more = self._file.overwritten - self._overwritten
        if more:
            self._overwritten += more
            self._file.write(_bytes((about_log("log.overwritten", bytes=more),)))


def _bytes(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
