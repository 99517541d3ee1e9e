"""Offers for whoever asks: fresh where the machine lets the server be asked, else as kept.

The request is an event like any other (``ticket.customer``), so that the machine's rules hold
for it. What is kept is read on a connection of its own, which waits for no transaction. A
customer's code is in no log line, no label and no sentence.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, cast, get_args

from engine.agent.asking import DROPPED, Asking, running
from engine.agent.clock import Clock
from engine.agent.views import moment
from engine.api.port import BadData
from engine.api.shop import MOST_WITHIN, OffersReason, OffersView, OfferView
from engine.core.records import Event, Step, Till
from engine.store.errors import StoreError
from engine.store.offers import KeptOffer, valid
from engine.store.reading import ReadingStore

T = TypeVar("T")

LONGEST_CODE = 200
"""Characters of a customer's code at the most."""

READING = 0.25
"""Seconds that a disk may take to tell what is kept; after that there is nothing."""

Answered = Literal["fresh", "cached", "none"]


class Shelf(Protocol):
    """The reading thread, as far as it is needed here."""

    def send(self, work: Callable[[ReadingStore], T], *, write: bool = True) -> "asyncio.Future[T]":
        """Do ``work`` soon. Raises StoreError when closed."""

    def stalled_for(self) -> float:
        """Seconds since it began what it is doing now; 0.0 when it does nothing."""


class Kept(NamedTuple):
    """What was kept: the offers that hold today and when they were told, in epoch seconds."""

    offers: tuple[OfferView, ...]
    as_of: float
    own: bool


class OfferDesk:
    """Answers for all tills. ``deliver`` feeds a till's machine, ``tills`` finds one,
    ``offline`` names the states in which the server is not asked."""

    def __init__(
        self,
        shelf: Shelf,
        asking: Asking,
        clock: Clock,
        *,
        deliver: Callable[[str, Event], Step | None],
        till: Callable[[str], Till],
        offline: Iterable[str],
        tells: Callable[[], bool],
        counted: Callable[[Answered], None],
    ) -> None:
        self._shelf = shelf
        self._asking = asking
        self._clock = clock
        self._deliver = deliver
        self._till = till
        self._offline = frozenset(offline)
        self._tells = tells
        self._counted = counted

    def follow(self, offline: Iterable[str]) -> None:
        """Another machine names other states in which the server counts as not there."""
        self._offline = frozenset(offline)

    async def offers(self, till: str, customer: str, within: float) -> OffersView:
        """See :class:`engine.api.port.Office`."""
        if len(customer) > LONGEST_CODE:
            raise BadData(f"A customer's code has {LONGEST_CODE} characters at the most.")
        reason = await self._ask(till, customer, min(max(0.0, within), MOST_WITHIN))
        kept = await self._kept(till, customer)
        if kept is None:
            self._counted("none")
            return OffersView(
                offers=(), as_of=None, fresh=False, reason=reason or "local_error", own=False
            )
        self._counted("cached" if reason else "fresh")
        return OffersView(
            offers=kept.offers,
            as_of=moment(kept.as_of),
            fresh=not reason,
            reason=reason,
            own=kept.own,
        )

    async def _ask(self, till: str, customer: str, within: float) -> OffersReason:
        """Why there is no fresh answer; empty when there is one, which is kept by now."""
        self._deliver(till, Event("ticket.customer", {"customer": customer}))
        if not self._tells():
            return "unsupported"
        run = running(self._till(till), "fetch_offers", {"customer": customer})
        if run is None:
            return self._idle(till)
        answer = await self._asking.answer(till, run, within)
        if answer is None:
            return "late"
        if answer is DROPPED:
            return self._idle(till)
        return _reason(answer.name)

    def _idle(self, till: str) -> OffersReason:
        """Why the machine does not ask."""
        return "busy" if self._offline.isdisjoint(self._till(till).configuration) else "offline"

    async def _kept(self, till: str, customer: str) -> Kept | None:
        if self._shelf.stalled_for() > READING:  # it hangs: nobody else has to wait to learn that
            return None
        day = moment(self._clock.wall()).astimezone().date()

        def read(store: ReadingStore) -> Kept | None:
            cached = store.offers.cached(till, customer)
            if cached is None:
                return None
            offers = tuple(_view(offer) for offer in valid(cached.offers, day))
            return Kept(offers, cached.as_of, cached.own)

        try:
            reading = self._shelf.send(read, write=False)
            reading.add_done_callback(_heard)
            await asyncio.wait([reading], timeout=READING)
            return reading.result() if reading.done() else None
        except StoreError:
            return None


def _heard(reading: "asyncio.Future[Any]") -> None:
    """A failure that comes after the waiting is nobody's any more."""
    if not reading.cancelled():
        reading.exception()


def _reason(answer: str) -> OffersReason:
    """``fetch_offers.failed.timeout`` as ``timeout``, ``fetch_offers.ok`` as nothing."""
    last = answer.rpartition(".")[2]
    if last == "ok":
        return ""
    return cast("OffersReason", last) if last in get_args(OffersReason) else "local_error"


def _view(offer: KeptOffer) -> OfferView:
    try:
        data = json.loads(offer.data) if offer.data else {}
    except ValueError:
        data = {}
    return OfferView(
        id=offer.id,
        general=not offer.customer,
        title=offer.title,
        text=offer.text,
        starts=offer.starts,
        ends=offer.ends,
        data=data if isinstance(data, dict) else {"value": data},
    )
