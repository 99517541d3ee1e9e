"""Takes tickets from the till program's own table, and marks there what the server has.

The table is looked at every now and then and soon after each ``ticket.closed``. What is not
marked is accepted like any other ticket, in the order of its number. What cannot be a ticket, or
may not be the one that was accepted, is left alone and told, and keeps no other from being taken.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple, Protocol, TypeVar

from engine.agent.logs import write
from engine.agent.storing import StoreThread
from engine.api.access import Limits
from engine.api.port import Accepted, StoreUnavailable
from engine.store.errors import StoreError
from engine.store.source import TOGETHER, TicketSource
from engine.store.store import Store

T = TypeVar("T")

log = logging.getLogger("tillwire.source")

Known = dict[int, tuple[str, str]]
"""The digest that a ticket was accepted with, and its state, by number."""

Conflicts = dict[tuple[str, int | str], str]
"""Why a row is left alone, by till and number."""

TWICE = "it is there more than once"
UNFIT = "its number is no whole number from 0 on"
EMPTY = "it has no content"
LARGE = "it is larger than a ticket may be"
DIFFERENT = "other bytes were accepted under its number"
LARGEST = Limits().ticket
"""Bytes, as for a ticket that comes by the API."""
MOST_NAMED = 5
"""Tickets named in a sentence for a person."""


class Taking(Protocol):
    """The agent, as far as it is needed here."""

    async def accept_ticket(self, till: str, number: int, payload: bytes) -> Accepted:
        """Keep a ticket. Raises StoreUnavailable."""


class Asked(Protocol):
    """The store's thread, as far as it is needed here."""

    async def run(self, work: Callable[[Store], T], *, write: bool = True) -> T:
        """Do ``work`` and give its result. Raises StoreError."""


class Plan(NamedTuple):
    """Whose tickets are looked for, from which number on, and how often in seconds."""

    tills: tuple[str, ...]
    first: int
    interval: float


class Sourcing:
    """Looks at the table from :meth:`start` to :meth:`close`; all in the loop's thread.

    ``told(conflicts, why, failing)`` is called after each look: how many tickets are left alone,
    a sentence for a person, which is empty when all is well, and whether the look failed.
    """

    def __init__(
        self,
        agent: Taking,
        books: Asked,
        source: StoreThread[TicketSource],
        plan: Plan,
        told: Callable[[int, str, bool], None],
    ) -> None:
        self._agent = agent
        self._books = books
        self._source = source
        self._plan = plan
        self._told = told
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._compared: dict[str, set[int]] = {till: set() for till in plan.tills}
        self._conflicts: Conflicts = {}
        self._failure = ""

    async def start(self) -> None:
        """Begin to look. A database that is not there is no reason not to start."""
        await self._source.start()
        self._task = asyncio.ensure_future(self._live())

    def wake(self) -> None:
        """A ticket was closed: look soon."""
        self._wake.set()

    async def close(self, within: float) -> None:
        """End it, ``within`` seconds at the most; a call that hangs is left behind."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._source.close(within)

    async def _live(self) -> None:
        while True:
            self._wake.clear()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._plan.interval):
                    await self._wake.wait()

    async def look(self) -> None:
        """Look at the table once and tell how it is."""
        found: Conflicts = {}
        try:
            for till in self._plan.tills:
                await self._look(till, found)
        except (StoreError, StoreUnavailable) as fault:
            self._fail(str(fault))
            return
        except Exception as fault:  # a fault of ours must not end the taking without a word
            log.exception("source.broken")
            self._fail(f"{type(fault).__name__}: {fault}")
            return
        self._failure = ""
        for (till, number), why in found.items():
            if (till, number) not in self._conflicts:
                message = f"ticket {number} of the till program's table is left alone: {why}"
                write(logging.ERROR, "source.conflict", till, number=number, message=message)
        self._conflicts = found
        self._told(len(found), _sentence(found), False)

    def _fail(self, sentence: str) -> None:
        if sentence != self._failure:
            write(logging.WARNING, "source.failing", message=sentence)
        self._failure = sentence
        why = f"No tickets come from the till program: {sentence}"
        self._told(len(self._conflicts), why, True)

    async def _look(self, till: str, found: Conflicts) -> None:
        after: Any = self._plan.first - 1
        open_ = set[int]()
        while after is not None:
            page = await self._asked(partial(TicketSource.numbers, till=till, after=after))
            open_.update(page.times)
            found.update({(till, number): UNFIT for number in page.unfit})
            found.update(
                {(till, number): TWICE for number, times in page.times.items() if times > 1}
            )
            once = [number for number, times in page.times.items() if times == 1]
            if once:
                await self._page(till, once, found)
            after = page.after
        self._compared[till] &= open_

    async def _asked(self, work: Callable[[TicketSource], T]) -> T:
        return await self._source.run(work, write=False)

    async def _page(self, till: str, numbers: Sequence[int], found: Conflicts) -> None:
        known = await self._books.run(
            lambda store: store.tickets.states(till, numbers), write=False
        )
        compared = self._compared[till]
        wanted = [
            number
            for number in numbers
            if number not in compared or known.get(number, ("", ""))[1] == "sent"
        ]
        for some in _slices(wanted):
            work = partial(TicketSource.payloads, till=till, numbers=some)
            payloads = await self._asked(work)
            whole = {number: payload for number, payload in payloads.items() if payload is not None}
            found.update({(till, number): TWICE for number in payloads.keys() - whole.keys()})
            for number, payload in list(whole.items()):
                if not payload or len(payload) > LARGEST:
                    # Filled in later it would be lost, were it marked now.
                    found[till, number] = LARGE if payload else EMPTY
                    del whole[number]
            await self._accept(till, {n: whole[n] for n in whole if n not in known}, found)
            await self._compare(till, {n: whole[n] for n in whole if n in known}, known, found)

    async def _accept(self, till: str, new: dict[int, bytes], found: Conflicts) -> None:
        """All at once: they share a transaction, in their order."""
        asked = (self._agent.accept_ticket(till, number, each) for number, each in new.items())
        for number, answer in zip(new, await asyncio.gather(*asked), strict=True):
            if answer == "different":
                found[till, number] = DIFFERENT
            else:
                self._compared[till].add(number)

    async def _compare(
        self,
        till: str,
        there: dict[int, bytes],
        known: Known,
        found: Conflicts,
    ) -> None:
        """Those that were accepted before; what the server has is marked, if it is still that."""
        for number, payload in there.items():
            digest, state = known[number]
            if sha256(payload).hexdigest() != digest:
                found[till, number] = DIFFERENT
                continue
            self._compared[till].add(number)
            if state == "sent":
                await self._asked(partial(TicketSource.mark, till=till, number=number))


def _slices(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for place in range(0, len(numbers), TOGETHER):
        yield numbers[place : place + TOGETHER]


def _sentence(found: Conflicts) -> str:
    if not found:
        return ""
    named = "; ".join(
        f"{number} of till {till}: {why}"
        for (till, number), why in list(found.items())[:MOST_NAMED]
    )
    more = f"; and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return f"Tickets of the till program's table are left alone ({named}{more})."
