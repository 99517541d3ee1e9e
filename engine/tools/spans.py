"""Ticket numbers in spans: ``5,9-11`` as pairs, so that a leap of a million costs nothing."""

from collections.abc import Iterable, Iterator, Sequence

Span = tuple[int, int]
"""The first and the last number."""


def spans(text: str) -> list[Span]:
    """The spans of a text such as ``5,9-11``; of ``""`` none."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        low, _, high = part.partition("-")
        found.append((int(low), int(high or low)))
    return sorted(found)


def between(first: int, last: int, taken: Iterable[Span]) -> Iterator[Span]:
    """What is left of ``first`` to ``last`` outside of ``taken``, which ascends."""
    for low, high in taken:
        if low > first:
            yield first, min(low - 1, last)
        first = max(first, high + 1)
        if first > last:
            return
    if first <= last:
        yield first, last


def without(kept: Iterable[Span], numbers: Iterable[int]) -> list[Span]:
    """``kept`` without ``numbers``, both ascending."""
    taken = [(number, number) for number in numbers]
    return [span for low, high in kept for span in between(low, high, _within(taken, low, high))]


def size(many: Iterable[Span]) -> int:
    """How many numbers these are."""
    return sum(high - low + 1 for low, high in many)


def within(many: Sequence[Span], numbers: Iterable[int]) -> list[int]:
    """Those of ``numbers`` that are in one of ``many``; both ascend."""
    found, place = [], 0
    for number in numbers:
        while place < len(many) and many[place][1] < number:
            place += 1
        if place < len(many) and many[place][0] <= number:
            found.append(number)
    return found


def written(many: Iterable[Span]) -> str:
    """As ``5,9-11``."""
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in many)


def _within(taken: Sequence[Span], low: int, high: int) -> list[Span]:
    return [span for span in taken if low <= span[0] <= high]
