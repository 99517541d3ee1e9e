"""The values of the language: how they are written, which types they have.

A duration is written ``500ms``, ``30s``, ``2min``, ``1h30`` or ``1d`` and is a float of seconds
everywhere behind this file.
"""

import re
from typing import Any

from engine.definition.vocabulary import Type, Value

UNITS = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1_000, "ms": 1}
"""Milliseconds in each unit, from the longest to the shortest."""

LONGEST = 366 * 86_400.0
"""No duration of ours is longer than a year; a longer one is a slip of the keyboard."""

HOW = "A duration is written 500ms, 30s, 2min, 1h30 or 1d."

PATTERN = r"^(?:\d+\.\d+(?:ms|min|d|h|s)|(?:\d+(?:ms|min|d|h|s))+\d*)$"
"""A duration, as far as an editor looks: the readers' own word is :func:`parse_duration`."""
DELAY_PATTERN = PATTERN.replace(")$", r"|[^-+.\d\s]\S*)$")
"""A duration, or the name of a parameter."""

_SHAPE = re.compile(r"(?:\d{1,15}(?:ms|min|d|h|s))+(?:\d{1,15})?", re.ASCII)
_PART = re.compile(r"(\d+)(ms|min|d|h|s|)", re.ASCII)
_DECIMAL = re.compile(r"(\d+\.\d+)(ms|min|d|h|s)", re.ASCII)
_IMPLIED = {"h": "min", "min": "s"}
_MISSPELT = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*(milliseconds?|millis|msec|ms|seconds?|secs?|s|minutes?|mins?|mn|m"
    r"|hours?|heures?|hr|h|days?|jours?|j|d)",
    re.ASCII | re.IGNORECASE,
)
_ARTICLES: dict[Type, str] = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "text": "a text",
    "duration": "a duration",
}


class NotOfType(ValueError):  # noqa: N818 - it says what the value is not
    """A value that is not what is wanted; ``hint`` says how to write it."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


def parse_duration(text: str) -> float:
    """Seconds of a written duration; raises :class:`NotOfType` with a sentence."""
    decimal = _DECIMAL.fullmatch(text)
    if decimal:
        seconds = float(decimal[1]) * UNITS[decimal[2]] / 1000
    elif _SHAPE.fullmatch(text):
        seconds = _milliseconds(text) / 1000
    elif text.startswith("-"):
        raise NotOfType(f"'{text}' is negative; a duration is zero or longer.", HOW)
    else:
        raise NotOfType(f"'{text}' is not a duration.", _suggestion(text))
    if seconds > LONGEST:
        raise NotOfType(f"'{text}' is longer than a year.", HOW)
    return seconds


def _milliseconds(text: str) -> int:
    total = 0
    order = list(UNITS)
    previous = ""
    for digits, written in _PART.findall(text):
        unit = written or _IMPLIED.get(previous, "")
        if not unit or (previous and order.index(unit) <= order.index(previous)):
            raise NotOfType(f"'{text}' is not a duration: units go from long to short.", HOW)
        total += int(digits) * UNITS[unit]
        previous = unit
    return total


def _suggestion(text: str) -> str:
    if re.fullmatch(r"\d+", text, re.ASCII):
        return f"Did you mean '{text}s'?"
    spelt = _MISSPELT.fullmatch(text.strip())
    if not spelt:
        return HOW
    word = spelt[2].lower()
    unit = "ms" if word.startswith(("ms", "mil")) else {"m": "min", "j": "d"}.get(word[0], word[0])
    return f"Did you mean '{spelt[1].replace(',', '.')}{unit}'?"


def format_duration(seconds: float) -> str:
    """The shortest way to write a duration, to the millisecond: ``1h30min``, ``1s500ms``."""
    left = round(seconds * 1000)
    if left <= 0:
        return "0s"
    parts = []
    for unit, size in UNITS.items():
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def type_of(raw: Value) -> Type:
    """The type of a value as a file has it: a text that reads as a duration is one."""
    if isinstance(raw, bool):
        return "boolean"
    if isinstance(raw, int):
        return "integer"
    if isinstance(raw, float):
        return "number"
    try:
        parse_duration(raw)
    except NotOfType:
        return "text"
    return "duration"


def zero(kind: Type) -> Value:
    """What a missing value of that type reads as."""
    return _ZEROS[kind]


_ZEROS: dict[Type, Value] = {
    "integer": 0,
    "number": 0.0,
    "boolean": False,
    "text": "",
    "duration": 0.0,
}


def article(kind: Type) -> str:
    """The type as a sentence names it: ``a whole number``."""
    return _ARTICLES[kind]


def describe(raw: Any) -> str:
    """What was found, as a sentence names it: ``the text 'x'``, ``nothing``, ``a mapping``."""
    if raw is None:
        return "nothing"
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, (int, float)):
        return f"the number {raw}"
    if isinstance(raw, str):
        shown = raw if len(raw) <= 40 else raw[:37] + "..."
        return f"the text '{shown}'"
    return "a mapping" if isinstance(raw, dict) else "a list"


def convert(raw: Value, kind: Type) -> Value:
    """``raw`` as a value of that type, or :class:`NotOfType`.

    A whole number is a number too; nothing else is converted. Durations become seconds.
    """
    if kind == "duration":
        if isinstance(raw, str):
            return parse_duration(raw)
        hint = f"Did you mean '{raw}s'?" if type(raw) is int and raw >= 0 else HOW
        raise NotOfType(f"Expected a duration, found {describe(raw)} without a unit.", hint)
    if kind == "number" and type(raw) is int:
        return float(raw)
    if type(raw) is not type(_ZEROS[kind]):
        raise NotOfType(f"Expected {article(kind)}, found {describe(raw)}.", _hint(raw, kind))
    return raw


def _hint(raw: Value, kind: Type) -> str:
    if kind == "boolean" and str(raw).lower() in ("yes", "on", "oui", "no", "off", "non"):
        return f"Write {'true' if str(raw).lower() in ('yes', 'on', 'oui') else 'false'}."
    if kind == "text":
        return f"Write it in quotes: '{show(raw, type_of(raw))}'."
    return ""


def show(value: Value, kind: Type) -> str:
    """The value as a file would write it."""
    if kind == "duration":
        return format_duration(float(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
