"""An office without an agent: two tills and their tickets in memory.

For tests of the API itself and for integrators who write a till program against it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from engine.api.config import ConfigView, ReloadRefused, ReloadView
from engine.api.loads import LoadAnswer, LoadKind, LoadRefused, LoadsView
from engine.api.machine import machine_view
from engine.api.port import (
    Accepted,
    BadData,
    Health,
    HistoryView,
    LabelView,
    MachineView,
    StepView,
    TakenView,
    TicketsView,
    TillView,
    UnknownEvent,
    UnknownTill,
)
from engine.api.shop import ClosingView, MessageView, OffersView, ReadAnswer
from engine.api.stream import Broadcast, Reader
from engine.definition.machine import load_machine
from engine.definition.vocabulary import Value
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from engine.story.entries import Entry, Moved, Refused, Way, WhyNot

EVENTS = ("load.full", "sync.now", "ticket.closed", "ticket.customer", "till.day_closed")
BEGAN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


class StandIn:
    """An :class:`~engine.api.port.Office`. Tickets are kept in ``tickets`` by till and number.

    ``before_each`` is called at the start of every call with its name; a test makes it raise.
    ``instead`` holds the views of tills that are told in place of the usual one, by till, and
    ``drawn`` the machine; the shipped one when it is None. ``notices`` are the messages of every
    till, oldest first; ``on_offer`` is what whoever asks for offers is told;
    ``on_load`` is why no load can be asked for, ``catalogue`` what is told of loads;
    ``files`` are those in force and ``on_reload`` is why they are refused;
    ``broadcast`` is where a test publishes what the stream tells.
    """

    def __init__(self, tills: Sequence[str] = ("01", "02")) -> None:
        self.names = tuple(tills)
        self.tickets: dict[tuple[str, int], bytes] = {}
        self.steps: list[HistoryView] = []
        self.instead: dict[str, TillView] = {}
        self.drawn: MachineView | None = None
        self.notices: list[MessageView] = []
        self.wanted: list[tuple[str, float]] = []
        self.on_offer = OffersView(offers=(), as_of=None, own=False, fresh=False, reason="offline")
        self.on_load: LoadRefused | None = None
        self.catalogue = LoadsView(till="", configured=False, now=None, datasets=(), last=())
        self.on_reload: ReloadRefused | None = None
        self.files = ConfigView(
            machine="connection",
            hash="0" * 64,
            since=BEGAN,
            read=BEGAN,
            good=True,
            sentence="",
            problems=(),
            restart=(),
            explored="all",
        )
        self.befell = [Entry(number=0, at=BEGAN, kind="agent", event="agent.started", states=())]
        self.broadcast = Broadcast(0)
        self.condition = Health(alive=True, ready=True)
        self.before_each: Callable[[str], None] = lambda _call: None

    async def tills(self) -> Sequence[TillView]:
        """Every till."""
        self.before_each("tills")
        return [self._view(till) for till in self.names]

    async def till(self, till: str) -> TillView | None:
        """One till."""
        self.before_each("till")
        return self._view(till) if till in self.names else None

    async def post_event(self, till: str, event: str, data: Mapping[str, Value]) -> StepView:
        """``sync.now`` leads from online to syncing; the others are known and unhandled."""
        self.before_each("post_event")
        self._known(till)
        if event not in EVENTS:
            raise UnknownEvent(event, EVENTS)
        if event == "ticket.customer" and not isinstance(data.get("customer"), str):
            raise BadData("'ticket.customer' carries 'customer', a text.")
        syncs = event == "sync.now"
        taken = (TakenView(event=event, source="online", target="syncing"),) if syncs else ()
        after = "syncing" if syncs else "online"
        self.steps.append(
            HistoryView(
                number=len(self.steps) + 1,
                at=BEGAN,
                event=event,
                states=("reachable", after),
                taken=taken,
                dull=not syncs,
                detail={"data": dict(data)},
            )
        )
        return StepView(
            till=till,
            event=event,
            state_before="online",
            state_after=after,
            taken=taken,
            refused=(),
            unhandled=not syncs,
            closing=await self.closing(till) if event == "till.day_closed" else None,
        )

    async def accept_ticket(self, till: str, number: int, payload: bytes) -> Accepted:
        """Keep a ticket; its first bytes stay."""
        self.before_each("accept_ticket")
        self._known(till)
        kept = self.tickets.setdefault((till, number), payload)
        if kept is payload:
            return "new"
        return "same" if kept == payload else "different"

    async def config(self) -> ConfigView:
        """``files``."""
        self.before_each("config")
        return self.files

    async def reload(self) -> ReloadView:
        """``files``, or ``on_reload`` raised."""
        self.before_each("reload")
        if self.on_reload is not None:
            raise self.on_reload
        return ReloadView(**dict(self.files), changed=True)

    async def machine(self) -> MachineView:
        """``drawn``."""
        self.before_each("machine")
        if self.drawn is None:
            self.drawn = machine_view(load_machine(shipped_machine(), VOCABULARY))
        return self.drawn

    async def history(
        self, till: str, limit: int, before: int | None, dull: bool = True
    ) -> Sequence[HistoryView]:
        """The events posted, newest first."""
        self.before_each("history")
        self._known(till)
        newest = [
            step
            for step in reversed(self.steps)
            if (before is None or step.number < before) and (dull or not step.dull)
        ]
        return newest[:limit]

    async def trace(
        self, till: str, limit: int, before: int | None, dull: bool = True
    ) -> Sequence[Entry]:
        """The events posted, newest first, and before them ``befell``."""
        self.before_each("trace")
        self._known(till)
        newest = [_entry(step) for step in reversed(self.steps) if dull or not step.dull]
        told = [*newest, *self.befell]
        return [one for one in told if before is None or one.number < before][:limit]

    async def why_not(self, till: str) -> WhyNot:
        """``sync.now`` would lead to syncing."""
        self.before_each("why_not")
        self._known(till)
        way = Way(state="online", event="sync.now", target="syncing", guard=None, held="never")
        states = ("reachable", "online")
        return WhyNot(
            till=till, machine="0" * 64, state="online", states=states, since=BEGAN, ways=(way,)
        )

    async def messages(self, till: str, unread: bool) -> Sequence[MessageView]:
        """``notices``, as they would be told."""
        self.before_each("messages")
        self._known(till)
        if unread:
            return [notice for notice in self.notices if notice.read is None]
        return self.notices[::-1]

    async def read_message(self, till: str, message: str) -> ReadAnswer:
        """Marks one of ``notices`` read."""
        self.before_each("read_message")
        self._known(till)
        for place, notice in enumerate(self.notices):
            if notice.id == message:
                if notice.read is not None:
                    return "again"
                self.notices[place] = notice.model_copy(update={"read": BEGAN})
                return "read"
        return "unknown"

    async def offers(self, till: str, customer: str, within: float) -> OffersView:
        """``on_offer``, whoever the customer is; ``wanted`` notes who and how long."""
        self.before_each("offers")
        self._known(till)
        self.wanted.append((customer, within))
        return self.on_offer

    async def post_load(self, till: str, kind: LoadKind) -> LoadAnswer:
        """Raises ``on_load``; without it the load has started."""
        self.before_each("post_load")
        self._known(till)
        if self.on_load is not None:
            raise self.on_load
        return LoadAnswer(till=till, kind=kind, became="started", at=BEGAN, state="loading")

    async def loads(self, till: str) -> LoadsView:
        """``catalogue``, as this till's."""
        self.before_each("loads")
        self._known(till)
        return self.catalogue.model_copy(update={"till": till})

    async def closing(self, till: str) -> ClosingView:
        """Every ticket that it was handed waits for ever."""
        self.before_each("closing")
        self._known(till)
        pending = sum(1 for owner, _ in self.tickets if owner == till)
        reasons = (f"{pending} not acknowledged.",) if pending else ()
        return ClosingView(pending=pending, refused=0, complete=not pending, reasons=reasons)

    async def subscribe(self, last_id: int | None, till: str | None = None) -> Reader:
        """A reader of ``broadcast``."""
        self.before_each("subscribe")
        if till is not None:
            self._known(till)
        return self.broadcast.subscribe(last_id, till)

    def health(self) -> Health:
        """``condition``."""
        self.before_each("health")
        return self.condition

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """One sample."""
        self.before_each("metrics")
        kind = "application/openmetrics-text" if "openmetrics" in accept else "text/plain"
        return b"tillwire_time_seconds 1.0\n", f"{kind}; version=1.0.0; charset=utf-8"

    def _known(self, till: str) -> None:
        if till not in self.names:
            raise UnknownTill(till)

    def _view(self, till: str) -> TillView:
        if till in self.instead:
            return self.instead[till]
        pending = sum(1 for owner, _ in self.tickets if owner == till)
        return TillView(
            till=till,
            shop="0042",
            machine="connection",
            state="online",
            active=("reachable", "online"),
            label=LabelView(en="Online", fr="En ligne"),
            since=BEGAN,
            next_try=None,
            tickets=TicketsView(
                pending=pending, sent=0, refused=0, oldest_pending=BEGAN if pending else None
            ),
            context={"failures": 0},
        )


def _entry(step: HistoryView) -> Entry:
    told = {"started", "joined", "changed", "raised", "data"}
    refused = step.detail.get("refused", ())
    return Entry(
        number=step.number,
        at=step.at,
        kind="step",
        event=step.event,
        states=step.states,
        taken=tuple(Moved(**dict(one)) for one in step.taken),
        refused=tuple(
            Refused(**dict(zip(Refused.model_fields, one, strict=False))) for one in refused
        ),
        ignored=bool(step.detail.get("unhandled")),
        answer=step.detail.get("answer"),
        dull=step.dull,
        **{name: value for name, value in step.detail.items() if name in told},
    )
