"""How log lines are written: as text or JSON, by a thread of their own.

A console whose text somebody has selected, or a pipe that nobody reads, blocks whoever writes
to it, and so does a disk. That must not be the loop, so lines wait in a bounded queue; when it is
full they are dropped and counted, and the count is written once there is room.
:mod:`engine.agent.log_file` bounds the file, :mod:`engine.agent.log_repeats` what repeats.
"""

import json
import logging
import math
import re
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from queue import Empty, Full, Queue
from typing import Any, Literal, TextIO

from engine.agent.log_file import LogFile
from engine.agent.log_repeats import Repeats
from engine.agent.log_sinks import FileSink, Sink, StreamSink
from engine.agent.logs import LONGEST_TEXT, level_name, timestamp

Format = Literal["auto", "text", "json"]
OURS = "tillwire"
"""The logger above all of ours, whose lines follow the level that was asked for."""

LEVELS = ("debug", "info", "warning", "error")

MOST_WAITING = 10_000
"""Lines that wait to be written; a line is about 300 bytes."""

FLUSH_WITHIN = 2.0
"""Seconds that the end of the process waits for the last lines."""


SWEEP = 60.0
"""Seconds between two looks at what was left out and has not come back."""


_INPUT = re.compile(r"input_value=.*?(?=, input_type=|$)", re.DOTALL)
"""What pydantic tells of a value that did not fit: it may be a ticket."""


def configure(
    format: Format = "auto",  # noqa: A002 - it is what the option is called
    level: str = "info",
    stream: TextIO | None = None,
    *,
    file: LogFile | None = None,
    shop: str = "",
) -> "LineWriter":
    """Send all log lines to ``stream`` (standard error), replacing what was configured before.

    With ``file`` they go there, and to ``stream`` only where that is a terminal, or while the
    file takes nothing. ``auto`` is text on a terminal and JSON otherwise. ``level`` (one of
    LEVELS) is for tillwire's own lines; other libraries are heard from warning on. ``shop`` is in
    each JSON line. ValueError, as a sentence, for any other format or level.
    """
    if level not in LEVELS:
        raise ValueError(f"the log level is one of {', '.join(LEVELS)}, not '{level}'")
    if format not in ("auto", *FORMATTERS):
        raise ValueError(f"the log format is one of auto, text, json, not '{format}'")
    stream = stream or sys.stderr
    _take_away()
    sinks: list[Sink] = [StreamSink(stream)] if file is None else [FileSink(file, stream)]
    if file is not None and stream.isatty():
        sinks.append(StreamSink(stream))
    root = logging.getLogger()
    for sink in sinks:
        writer = LineWriter(sink)
        usual = "text" if sink.is_terminal else "json"
        # A terminal beside a file is for a person, whatever the file is for.
        chosen = usual if format == "auto" or (file and sink.is_terminal) else format
        writer.setFormatter(FORMATTERS[chosen](shop))
        root.addHandler(writer)
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level.upper())
    return _writers()[0]


def lost() -> int:
    """Lines of this process that went nowhere: a full queue had no room, or nobody took them."""
    return sum(writer.dropped for writer in _writers())


def trouble() -> str:
    """What is wrong with the log just now, as a sentence; empty when it is well."""
    return next((writer.sink.trouble for writer in _writers() if writer.sink.trouble), "")


def _writers() -> "list[LineWriter]":
    return [each for each in logging.getLogger().handlers if isinstance(each, LineWriter)]


def _take_away() -> None:
    for handler in _writers():
        logging.getLogger().removeHandler(handler)
        handler.close()


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
        line["error"] = _INPUT.sub("input_value=***", f"{kind.__name__}: {error}")[:LONGEST_TEXT]
        line["traceback"] = "".join(traceback.format_tb(trace))
    return line


class _OfShop(logging.Formatter):
    def __init__(self, shop: str = "") -> None:
        super().__init__()
        self.shop = shop


class JsonFormatter(_OfShop):
    """One JSON object per line, in ASCII: no console or file can spoil it."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        line = line_of(record) | ({"shop": self.shop} if self.shop else {})
        try:
            return json.dumps(line, default=str, allow_nan=False)
        except ValueError:  # not-a-number is no JSON
            return json.dumps(_finite(line), default=str)


class TextFormatter(_OfShop):
    """When, how bad, which till, what, and then the fields that there are, but for those that are
    the same in each line or stand in it already."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        line = line_of(record)
        if "states" in line:
            for name in ("machine", "hash", "from", "to", "cause", "effect", "outcome"):
                line.pop(name, None)
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


FORMATTERS: Mapping[str, type[_OfShop]] = {"text": TextFormatter, "json": JsonFormatter}


class _Last(threading.Event):
    """Ends the thread once what was queued before it is written."""


class LineWriter(logging.Handler):
    """Writes lines from its own thread. ``dropped`` counts those it could not."""

    def __init__(self, sink: Sink, most_waiting: int = MOST_WAITING) -> None:
        super().__init__()
        self.dropped = 0
        self.sink = sink
        self._repeats = Repeats()
        self._told = 0
        self._queue: Queue[str | threading.Event] = Queue(most_waiting)
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record's line; never blocks and never raises."""
        try:
            now = time.monotonic()
            for over in self._repeats.over(now):
                self._queue.put_nowait(self.format(over))
            if not self._repeats.leaves_out(record.levelno, line_of(record), now):
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
        self._wait(threading.Event())

    def close(self) -> None:
        """Write what is left, what was left out too. A stream belongs to somebody else."""
        self._sweep(None)
        self._wait(_Last())
        self._thread = None
        super().close()

    def _wait(self, done: threading.Event) -> None:
        if self._thread is not None:
            try:
                self._queue.put(done, timeout=FLUSH_WITHIN)
            except Full:
                return
            done.wait(FLUSH_WITHIN)

    def _sweep(self, now: float | None) -> None:
        """Say what was left out, in its time or, without ``now``, at once."""
        self.acquire()
        try:
            for over in self._repeats.over(now):
                self._queue.put_nowait(self.format(over))
        except Full:
            self.dropped += 1
        finally:
            self.release()

    def _write(self) -> None:
        while True:
            entries: list[str | threading.Event] = []
            try:
                entries.append(self._queue.get(timeout=SWEEP))
                while len(entries) < 100:
                    entries.append(self._queue.get_nowait())
            except Empty:
                if not entries:
                    self._sweep(time.monotonic())
            lines = [entry for entry in entries if isinstance(entry, str)]
            if self.dropped > self._told:
                lines.append(self._loss())
            self._put(lines)
            last = any(isinstance(entry, _Last) for entry in entries)
            if last:
                self.sink.close()
            for entry in entries:
                if isinstance(entry, threading.Event):
                    entry.set()
            if last:
                return

    def _loss(self) -> str:
        """A line that says how many are missing."""
        lost, self._told = self.dropped - self._told, self.dropped
        return self.about_log("log.dropped", lines=lost)

    def about_log(self, event: str, **fields: Any) -> str:
        """A line about the log itself."""
        record = logging.LogRecord("tillwire", logging.WARNING, "", 0, event, (), None)
        record.fields = fields
        return self.format(record)

    def _put(self, lines: list[str]) -> None:
        if not lines:
            return
        try:
            self.sink.write(lines, self.about_log)
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
