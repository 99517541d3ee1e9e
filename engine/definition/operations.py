"""What the operators of expressions do, and with which types: tables, no syntax."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from engine.definition.values import zero
from engine.definition.vocabulary import Type, Value


class EventLike(Protocol):
    """What an expression needs to know of an event."""

    @property
    def name(self) -> str:
        """The event's full name."""

    @property
    def data(self) -> Mapping[str, Value]:
        """What it carries, by field."""


Run = Callable[[Mapping[str, Value], EventLike], Any]

LARGEST = 2**53
"""Whole numbers stay exact as floats and in JSON up to here; products and events stop there."""

NUMERIC: tuple[Type, ...] = ("integer", "number")


def multiply(left: float, right: float) -> float:
    """A product; whole numbers stop at plus or minus 2**53 so that none can grow for ever."""
    product = left * right
    if type(product) is int:
        return max(-LARGEST, min(LARGEST, product))
    return product


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": multiply,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
DIVISIONS = ("/", "//", "%")

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def result(symbol: str, left: Type, right: Type) -> Type | None:
    """The type of ``left symbol right``, or None where the two do not go together."""
    if left in NUMERIC and right in NUMERIC:
        whole = left == right == "integer" and symbol != "/"
        return "integer" if whole else "number"
    durations = (left == "duration", right == "duration")
    if durations == (True, True):
        return {"+": "duration", "-": "duration", "/": "number"}.get(symbol)  # type: ignore[return-value]
    if durations == (True, False) and right in NUMERIC and symbol in ("*", "/"):
        return "duration"
    if durations == (False, True) and left in NUMERIC and symbol == "*":
        return "duration"
    return None


def join(left: Type, right: Type) -> Type | None:
    """The one type that holds both, or None: a whole number is a number too."""
    if left == right:
        return left
    return "number" if left in NUMERIC and right in NUMERIC else None


def fits(found: Type, wanted: Type) -> bool:
    """Whether a value of the type found may stand where the other is wanted."""
    return join(found, wanted) == wanted


def ordered(kind: Type) -> bool:
    """Whether ``<`` means something for it."""
    return kind in NUMERIC or kind == "duration"


def field_reader(name: str, kind: Type) -> Run:
    """Reads a field of the event; missing or of another type, it reads as zero or empty."""
    nothing = zero(kind)
    wanted = (int, float) if kind in ("number", "duration") else (type(nothing),)

    def read(_context: Mapping[str, Value], event: EventLike) -> Value:
        value = event.data.get(name, nothing)
        if type(value) not in wanted:
            return nothing
        if type(value) is int:
            return max(-LARGEST, min(LARGEST, value))
        return value

    return read
