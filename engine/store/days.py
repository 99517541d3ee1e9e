"""What a till did in a span of time, for the proof of the day.

Spans reach from their first moment to before their last; times are wall-clock seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from engine.store.port import AnyDatabase


@dataclass(frozen=True, slots=True)
class Counted:
    """Tickets by number: how many, the lowest and the highest (None: there is none), and the
    SHA-256, in hex, of one line ``number sha256`` each in ascending order."""

    count: int
    first: int | None
    last: int | None
    digest: str


@dataclass(frozen=True, slots=True)
class DaySummary:
    """The tickets that were accepted in a span.

    ``gaps`` are numbers that never came, as ``5,9-11``: those between the first and the last,
    and those between the first and the highest number below it. ``bytes`` is the size of the
    payloads. The digests are made as in :class:`Counted`, the second one of the tickets that the
    server has acknowledged.
    """

    first: int | None
    last: int | None
    count: int
    pending: int
    refused: int
    sent: int
    gaps: str
    bytes: int
    digest: str
    acknowledged_count: int
    acknowledged_digest: str


class OfflinePeriod(NamedTuple):
    """When a till could not reach the server; ``ended_at`` is None while it lasts."""

    till: str
    began_at: float
    ended_at: float | None


class _Lines:
    """A count and a digest that grow by one ticket at a time, in ascending order."""

    def __init__(self) -> None:
        self.count = 0
        self.first: int | None = None
        self.last: int | None = None
        self._hash = sha256()

    def add(self, number: int, digest: str) -> None:
        self.count += 1
        self.first = number if self.first is None else self.first
        self.last = number
        self._hash.update(f"{number} {digest}\n".encode())

    def digest(self) -> str:
        return self._hash.hexdigest()


class Days:
    """Reads tickets and the journal; nothing is written."""

    def __init__(self, database: AnyDatabase) -> None:
        self._database = database

    def summary(self, till: str, first_at: float, last_at: float) -> DaySummary:
        """The tickets accepted from ``first_at`` to before ``last_at``."""
        states = dict.fromkeys(("pending", "refused", "sent"), 0)
        lines, acknowledged, size = _Lines(), _Lines(), 0
        for number, digest, state, length in self._database.stream(
            "day_tickets", till, first_at, last_at
        ):
            states[state] += 1
            size += length
            lines.add(number, digest)
            if state == "sent":
                acknowledged.add(number, digest)
        return DaySummary(
            lines.first,
            lines.last,
            lines.count,
            states["pending"],
            states["refused"],
            states["sent"],
            ",".join(self._gaps(till, lines.first, lines.last)),
            size,
            lines.digest(),
            acknowledged.count,
            acknowledged.digest(),
        )

    def acknowledged(self, till: str, first: int, last: int) -> Counted:
        """The tickets numbered ``first`` to ``last`` that the server has acknowledged, whenever
        they were accepted: what the server's own count of these numbers is to be held against."""
        lines = _Lines()
        for number, digest, state in self._database.stream("ticket_numbers", till, first, last):
            if state == "sent":
                lines.add(number, digest)
        return Counted(lines.count, lines.first, lines.last, lines.digest())

    def offline_periods(self, first_at: float, last_at: float) -> list[OfflinePeriod]:
        """The periods of all tills that reach into the span, in the order in which they began."""
        found = []
        for period in self._periods():
            ended = period.ended_at
            if period.began_at < last_at and (ended is None or ended >= first_at):
                found.append(period)
        return sorted(found, key=lambda period: (period.began_at, period.till))

    def _periods(self) -> Iterator[OfflinePeriod]:
        began: dict[str, float] = {}
        for at, till, kind in self._database.rows("offline_entries"):
            if kind == "offline_began":
                began.setdefault(till, at)
            elif till in began:
                yield OfflinePeriod(till, began.pop(till), at)
        for till, at in began.items():
            yield OfflinePeriod(till, at, None)

    def _gaps(self, till: str, first: int | None, last: int | None) -> Iterator[str]:
        if first is None or last is None:
            return
        before = self._database.only_row("number_before", till, first)[0]
        expected = first if before is None else before + 1
        for number, _, _ in self._database.stream("ticket_numbers", till, first, last):
            if number > expected:
                low, high = expected, number - 1
                yield str(low) if low == high else f"{low}-{high}"
            expected = number + 1
