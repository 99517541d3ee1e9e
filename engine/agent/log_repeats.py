"""The same again and again: a failure that comes back each few seconds does not fill a disk.

A line that stands there already is left out for ten minutes and counted; then a line
``log.repeated`` says how often it came. A step that brought a till somewhere else is never left
out, nor is anything at debug: there everything was asked for.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

WITHIN = 600.0
"""Seconds for which a line is not written again."""

MOST = 20_000
"""Lines that are remembered: of each of 10,000 tills, two. About 300 bytes each."""

ALWAYS = ("config.refused", "config.taken_back", "config.restart_needed", "log.")
"""Lines that somebody waits for who has just saved a file, or that tell of the log itself."""

_DIGITS = re.compile(r"\d+")


@dataclass(slots=True)
class _Told:
    """A line that was written: until when it need not be again, and how often it came since."""

    until: float
    since: str
    level: int
    event: str
    till: str
    times: int = 0


class Repeats:
    """What was written lately. Times are monotonic seconds; the same thread, or one at a time."""

    def __init__(self) -> None:
        self._told: OrderedDict[int, _Told] = OrderedDict()

    def leaves_out(self, level: int, line: Mapping[str, Any], now: float) -> bool:
        """Whether a line need not be written, as one like it was; it is counted then."""
        event = str(line.get("event", ""))
        if not _may_be_left_out(level, event, line):
            return False
        whose = (line.get("till"), tuple(line.get("states", ())))
        # A fault of our own is the same whatever till it met: its traceback is long.
        key = hash((event, None if "error" in line else whose, _words(line)))
        told = self._told.get(key)
        if told is not None and now < told.until:
            told.times += 1
            return True
        till = str(line.get("till", ""))
        self._told[key] = _Told(now + WITHIN, str(line.get("ts", "")), level, event, till)
        return False

    def over(self, now: float | None = None) -> Iterator[logging.LogRecord]:
        """A record for each line that was left out and whose time is over; without ``now``, or
        where there are too many, whatever the time is."""
        while self._told:
            told = next(iter(self._told.values()))
            if now is not None and now < told.until and len(self._told) <= MOST:
                return
            self._told.popitem(last=False)
            if told.times:
                yield _record(told)


def _may_be_left_out(level: int, event: str, line: Mapping[str, Any]) -> bool:
    if level < logging.INFO or event.startswith(ALWAYS):
        return False
    if "states" in line:  # a till's step
        return "to" not in line
    return level >= logging.WARNING


def _words(line: Mapping[str, Any]) -> str:
    """What the line says, whatever its numbers are; of a fault, what was raised."""
    data = line.get("data")
    reason = data.get("reason", "") if isinstance(data, Mapping) else ""
    told = (line.get("error", ""), line.get("message", ""), line.get("log", ""), reason)
    return _DIGITS.sub("#", " ".join(map(str, told)))


def _record(told: _Told) -> logging.LogRecord:
    record = logging.LogRecord("tillwire", told.level, "", 0, "log.repeated", (), None)
    about = {"till": told.till} if told.till else {}
    record.fields = {**about, "of": told.event, "times": told.times, "since": told.since}
    return record
