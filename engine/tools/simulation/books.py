"""A till's database in memory: what effects ask of :class:`engine.store.store.Store`, no disk.

The real one is asked in ``tests/unit/tools/simulation/test_books.py`` whether it would have said
the same. Messages and offers are not kept: the simulated server has none to tell.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any, TypeVar, cast

from engine.store.store import Store
from engine.store.tickets import Accepted, Backlog, Ticket

T = TypeVar("T")


class _Till:
    """One till's tickets. ``pending`` is in the order in which they came."""

    __slots__ = (
        "accepted_at",
        "arrivals",
        "batches",
        "first",
        "known",
        "last",
        "pending",
        "refused",
        "sent",
    )

    def __init__(self) -> None:
        self.known: dict[int, tuple[str, str]] = {}
        self.arrivals: dict[int, int] = {}
        self.pending: dict[int, Ticket] = {}
        self.accepted_at: dict[int, float] = {}
        self.batches: dict[int, str] = {}
        self.refused: set[int] = set()
        self.sent = 0
        self.first = 0
        self.last = 0

    def ordered(self, numbers: Iterable[int]) -> list[int]:
        """Those of the numbers that are known, each once, in the order in which they came."""
        return sorted({*numbers} & self.known.keys(), key=self.arrivals.__getitem__)


class MemoryTickets:
    """As :class:`engine.store.tickets.Tickets`, without a journal."""

    def __init__(self) -> None:
        self._tills: dict[str, _Till] = {}

    def accept(self, shop: str, till: str, number: int, payload: bytes, at: float) -> Accepted:
        """See :meth:`Tickets.accept`."""
        books = self._till(till)
        key, digest = f"{shop}/{till}/{number}", sha256(payload).hexdigest()
        there = books.known.get(number)
        if there is not None:
            return "same" if there == (key, digest) else "different"
        books.first = min(books.first, number) if books.known else number
        books.last = max(books.last, number) if books.known else number
        books.known[number] = key, digest
        books.arrivals[number] = len(books.arrivals)
        books.accepted_at[number] = at
        books.pending[number] = Ticket(till, number, key, payload, digest, None, 0)
        return "new"

    def batch(self, till: str, limit: int) -> list[Ticket]:
        """See :meth:`Tickets.batch`."""
        return list(islice(self._till(till).pending.values(), limit))

    def attempted(
        self, till: str, numbers: Sequence[int], batch: str, at: float
    ) -> tuple[int, ...]:
        """See :meth:`Tickets.attempted`."""
        books = self._till(till)
        noted = tuple(number for number in books.ordered(numbers) if number in books.pending)
        for number in noted:
            ticket = books.pending[number]
            books.pending[number] = ticket._replace(attempted_at=at, attempts=ticket.attempts + 1)
            books.batches[number] = batch
        return noted

    def withdrawn(
        self,
        till: str,
        before: Sequence[tuple[int, float | None]],
        batch: str,
        at: float,  # noqa: ARG002 - the store's shape
    ) -> tuple[int, ...]:
        """See :meth:`Tickets.withdrawn`."""
        books, since = self._till(till), dict(before)
        taken = tuple(
            number
            for number in books.ordered(since)
            if number in books.pending and books.batches.get(number) == batch
        )
        for number in taken:
            books.pending[number] = books.pending[number]._replace(attempted_at=since[number])
        return taken

    def acknowledged(
        self,
        till: str,
        numbers: Iterable[int],
        batch: str,  # noqa: ARG002 - the store's shape
        at: float,  # noqa: ARG002
    ) -> tuple[int, ...]:
        """See :meth:`Tickets.acknowledged`."""
        books = self._till(till)
        marked = tuple(
            number
            for number in books.ordered(numbers)
            if number in books.pending or number in books.refused
        )
        for number in marked:
            books.pending.pop(number, None)
            books.refused.discard(number)
        books.sent += len(marked)
        return marked

    def refused(
        self,
        till: str,
        refusals: Sequence[tuple[int, str, str]],
        batch: str,  # noqa: ARG002 - the store's shape
        at: float,  # noqa: ARG002
    ) -> tuple[int, ...]:
        """See :meth:`Tickets.refused`."""
        books = self._till(till)
        asked = books.ordered(number for number, _, _ in refusals)
        marked = tuple(number for number in asked if number in books.pending)
        for number in marked:
            del books.pending[number]
        books.refused.update(marked)
        return marked

    def backlog(self, till: str) -> Backlog:
        """See :meth:`Tickets.backlog`."""
        books = self._till(till)
        if not books.known:
            return Backlog()
        oldest = next(iter(books.pending), None)
        return Backlog(
            len(books.pending),
            len(books.refused),
            books.sent,
            None if oldest is None else books.accepted_at[oldest],
            books.last,
            books.last - books.first + 1 - len(books.known),
        )

    def _till(self, till: str) -> _Till:
        books = self._tills.get(till)
        if books is None:
            books = self._tills[till] = _Till()
        return books


class _NoMessages:
    """There are none."""

    def to_acknowledge(self, _till: str) -> list[str]:
        return []

    def unread_count(self, _till: str) -> int:
        return 0


class _NoOffers:
    """None are kept."""

    def keep(self, _till: str, _customer: str, _offers: Sequence[Any], _at: float) -> None:
        pass


class MemoryStore:
    """The parts of a store that the simulated effects use."""

    def __init__(self) -> None:
        self.tickets = MemoryTickets()
        self.messages = _NoMessages()
        self.offers = _NoOffers()


class MemoryBooks:
    """As :class:`engine.effects.call.Books`: a visit takes no time, and never fails."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def call(
        self,
        work: Callable[[Store], T],
        timeout: float,  # noqa: ARG002 - the port's shape
        *,
        write: bool = True,  # noqa: ARG002
    ) -> T:
        """Do ``work``."""
        return work(cast("Store", self.store))
