"""How log lines are written: as text or JSON, by a thread of their own.

A console whose text somebody has selected, or a pipe that nobody reads, blocks whoever writes
to it. That must not be the loop, so lines wait in a bounded queue; when it is full they are
dropped and counted, and the count is written once there is room.
"""

import json
import logging
import math
import sys
import threading
import traceback
from collections.abc import Mapping
from queue import Empty, Full, Queue
from typing import Any, Literal, TextIO

from engine.agent.logs import LONGEST_TEXT, level_name, timestamp

Format = Literal["auto", "text", "json"]
OURS = "tillwire"
"""The logger above all of ours, whose lines follow the level that was asked for."""

LEVELS = ("debug", "info", "warning", "error")

MOST_WAITING = 10_000
"""Lines that wait to be written; a line is about 300 bytes."""

FLUSH_WITHIN = 2.0
"""Seconds that the end of the process waits for the last lines."""


def configure(
    format: Format = "auto",  # noqa: A002 - it is what the option is called
    level: str = "info",
    stream: TextIO | None = None,
) -> "LineWriter":
    """Send all log lines to ``stream`` (standard error), replacing what was configured before.

    ``auto`` is text on a terminal and JSON otherwise. ``level`` (one of LEVELS) is for
    tillwire's own lines; other libraries are heard from warning on. ValueError, as a sentence,
    for any other format or level.
    """
    if level not in LEVELS:
        raise ValueError(f"the log level is one of {', '.join(LEVELS)}, not '{level}'")
    stream = stream or sys.stderr
    if format == "auto":
        format = "text" if stream.isatty() else "json"  # noqa: A001
    formatters = {"text": TextFormatter, "json": JsonFormatter}
    if format not in formatters:
        raise ValueError(f"the log format is one of auto, text, json, not '{format}'")
    writer = LineWriter(stream)
    writer.setFormatter(formatters[format]())
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LineWriter)]:
        root.removeHandler(handler)
        handler.close()
    root.addHandler(writer)
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level.upper())
    return writer


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of any log record: ours carry them, other libraries only have a text."""
    fields = getattr(record, "fields", None)
    line: dict[str, Any] = {"ts": timestamp(record.created), "level": level_name(record.levelno)}
    if record.name.partition(".")[0] == OURS:
        line["event"] = record.getMessage()
    else:
        line |= {"event": record.name, "message": record.getMessage()}
    if isinstance(fields, Mapping):
        line |= fields
    if record.exc_info and record.exc_info[0] is not None:
        kind, error, trace = record.exc_info
        line["error"] = f"{kind.__name__}: {error}"[:LONGEST_TEXT]
        line["traceback"] = "".join(traceback.format_tb(trace))
    return line


class JsonFormatter(logging.Formatter):
    """One JSON object per line, in ASCII: no console or file can spoil it."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        line = line_of(record)
        try:
            return json.dumps(line, default=str, allow_nan=False)
        except ValueError:  # not-a-number is no JSON
            return json.dumps(_finite(line), default=str)


class TextFormatter(logging.Formatter):
    """When, how bad, which till, what, and then the fields that there are."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        line = line_of(record)
        parts = [
            str(line.pop("ts")),
            f"{line.pop('level').upper():7}",
            str(line.pop("till", "-")),
            str(line.pop("event")),
        ]
        moves = line.pop("transitions", ())
        parts += [f"{move['from']} -> {move['to']}" for move in moves if "stays" not in move]
        frames = line.pop("traceback", "")
        for name, value in line.items():
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            parts.append(f"{name}={text}")
        return "\n".join([_printable("  ".join(parts)), *map(_printable, frames.splitlines())])


class LineWriter(logging.Handler):
    """Writes lines to a stream from its own thread. ``dropped`` counts those it could not."""

    def __init__(self, stream: TextIO, most_waiting: int = MOST_WAITING) -> None:
        super().__init__()
        self.dropped = 0
        self._stream = stream
        self._told = 0
        self._queue: Queue[str | threading.Event] = Queue(most_waiting)
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record's line; never blocks and never raises."""
        try:
            self._queue.put_nowait(self.format(record))
        except Full:
            self.dropped += 1
        except Exception:  # noqa: BLE001 - a line that cannot be made must not stop the agent
            self.dropped += 1
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="tillwire-log", daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Wait until what was queued is written, but not for ever."""
        if self._thread is not None:
            done = threading.Event()
            try:
                self._queue.put(done, timeout=FLUSH_WITHIN)
            except Full:
                return
            done.wait(FLUSH_WITHIN)

    def close(self) -> None:
        """Write what is left and let the stream be; it belongs to somebody else."""
        self.flush()
        super().close()

    def _write(self) -> None:
        while True:
            entries = [self._queue.get()]
            try:
                while len(entries) < 100:
                    entries.append(self._queue.get_nowait())
            except Empty:
                pass
            lines = [entry for entry in entries if isinstance(entry, str)]
            if self.dropped > self._told:
                lines.append(self._loss())
            self._put(lines)
            for entry in entries:
                if isinstance(entry, threading.Event):
                    entry.set()

    def _loss(self) -> str:
        """A line that says how many are missing."""
        lost, self._told = self.dropped - self._told, self.dropped
        record = logging.LogRecord("tillwire", logging.WARNING, "", 0, "log.dropped", (), None)
        record.fields = {"lines": lost}
        return self.format(record)

    def _put(self, lines: list[str]) -> None:
        if not lines:
            return
        text = "\n".join(lines) + "\n"
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads any more, or the stream is closed
            self.dropped += len(lines)
            self._told = self.dropped


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return value


def _printable(text: str) -> str:
    """``text`` without what could move the cursor or feign another line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
