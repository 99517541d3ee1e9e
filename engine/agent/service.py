"""The agent: one asyncio loop that owns the machines of a process's tills.

It only wires: the machines are in :mod:`engine.agent.tills`, effects in
:mod:`engine.agent.running`, what is written down in :mod:`engine.agent.keeping`. Nothing in
here waits for a network or a disk without awaiting it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from engine.agent.alarm import Alarm
from engine.agent.asking import Asking
from engine.agent.beside import Beside
from engine.agent.checkup import Checkup
from engine.agent.chronicle import STOPPED
from engine.agent.clock import Clock
from engine.agent.closing import closing
from engine.agent.keeping import Keeper
from engine.agent.loads import CatalogueParts, LoadDesk
from engine.agent.logs import write
from engine.agent.messages import MessageBoard
from engine.agent.offers import OfferDesk
from engine.agent.past import Past
from engine.agent.rules import Rules, rules_of
from engine.agent.running import EffectRunner, Reach
from engine.agent.standing import standing
from engine.agent.storing import StoreThread
from engine.agent.streaming import Streaming
from engine.agent.telling import Telling
from engine.agent.tills import Tills
from engine.agent.timeouts import LowTimeouts
from engine.agent.views import Views, event_data
from engine.agent.watching import Watch
from engine.agent.wellbeing import health, not_played
from engine.agent.workers import Workers
from engine.api.config import ConfigView, ReloadView
from engine.api.loads import LoadAnswer, LoadKind, LoadsView
from engine.api.port import (
    Accepted,
    EventFailed,
    Health,
    HistoryView,
    MachineView,
    StepView,
    StoreUnavailable,
    TillView,
    UnknownEvent,
    UnknownTill,
)
from engine.api.shop import ClosingView, MessageView, OffersView, ReadAnswer
from engine.api.stream import Reader
from engine.core.build import Chart
from engine.core.carrying import Carrying, Stranded
from engine.core.records import Event, Step, Till
from engine.definition.vocabulary import Value
from engine.server.port import Server
from engine.store.errors import StoreError
from engine.store.reading import ReadingStore
from engine.store.store import Store
from engine.store.tickets import Backlog
from engine.story.entries import Entry, WhyNot

AT_ONCE = 200
"""Timers played, or tills shown, before other events get their turn."""

BREATH = 50
"""Tills taken over at a start before other events get their turn."""

CROWDED = 0.01
"""Seconds that a start waits then if their effects find no worker: memory is for tills."""

STOP = 5.0
"""Seconds that the store gets to end when the agent stops."""

LAST_ANSWERS = 1.0
"""Seconds in which calls that are under way at a stop may still end: an answer that is written
down need not be asked for again. A call that hangs is not waited for any longer."""


class Agent:
    """Looks after tills. ``start`` and ``stop`` once; the rest is what the API asks.

    ``books`` is started and closed by the agent; ``server`` and the catalogue are closed too.
    """

    _running = False

    def __init__(
        self,
        chart: Chart,
        shop: str,
        names: Sequence[str],
        *,
        server: Server,
        books: StoreThread[Store],
        workers: int,
        clock: Clock,
        watch: Watch,
        catalogue: CatalogueParts | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._shop, self._names = shop, tuple(names)
        self._server, self._books = server, books
        self._clock, self._watch = clock, watch
        self._rules = rules_of(chart)
        self._views = Views(chart, clock, shop)
        self._stream = Streaming(self._views, clock)
        self.telling = Telling(watch, self._stream, clock, self._rules)
        self._workers = Workers(self._loop, workers, self.telling.abandoned)
        self._loads = self._load_desk(catalogue)
        self._runner = EffectRunner(
            self._loop,
            self._workers,
            Reach(shop, server, books, clock, self._loads),
            deliver=self._deliver,
            ended=self.telling.ended,
            counted=self.telling.counted,
            received=self.telling.received,
        )
        self._keeper = Keeper(self._loop, books, clock, self._rules.offline, chart.definition)
        self._past = Past(books, self._keeper, clock)
        self._asking = Asking(self._loop)
        self.beside = Beside(self._keeper.chronicle.note)
        self._low = LowTimeouts(chart.definition.parameters, clock)
        listeners = (self.telling, self._keeper, self._low, self._asking, self.beside)
        heard = tuple(listener.observe for listener in listeners)
        self._tills = Tills(chart, clock, self._runner, heard, failed=self.telling.step_failed)
        told = self._tills, self._views, self.telling.backlogs
        self.standing = lambda: standing(*told, self._rules.offline, self.health())
        self._alarm = Alarm(self._loop, clock, self._tills.next_due, self._advance)
        self._shelf = StoreThread(lambda: ReadingStore.open(self._place), self._loop)
        self._desk = OfferDesk(
            self._shelf,
            self._asking,
            clock,
            deliver=self._deliver,
            till=self._tills.__getitem__,
            offline=self._rules.offline,
            tells=lambda: server.tells_offers,
            counted=lambda answered: self.telling.tell(watch.offers, answered),
        )
        self._board = MessageBoard(books, self._shelf, clock, self.telling.read)
        self._checkup = Checkup(self._loop, self._shelf, clock, self.telling, self.beside.concerns)

    def _load_desk(self, catalogue: CatalogueParts | None) -> LoadDesk:
        return LoadDesk(
            self._loop,
            catalogue,
            self._clock,
            watch=self._watch,
            told=self._stream.load,
            tell=self.telling.tell,
            abandoned=self.telling.abandoned,
        )

    async def start(self) -> None:
        """Open the store, take the tills over and set them going. Raises StoreError."""
        await self._books.start()
        self._place, saved, backlogs, unread, ending = await self._books.run(
            lambda store: (
                store.place,
                store.snapshots.all(),
                {name: store.tickets.backlog(name) for name in self._names},
                {name: store.messages.unread_count(name) for name in self._names},
                store.history.ending(),
            ),
            write=False,
        )
        await self._shelf.start()
        self._loads.start()
        self._checkup.start()
        self._running = True
        definition = self._rules.chart.definition
        self._keeper.chronicle.began(definition, len(self._names), ending)
        for count, name in enumerate(self._names, 1):
            if not self._running:  # stopped in one of the pauses below
                return
            self._take_over(name, saved.get(name), backlogs[name])
            self.telling.tell(self._watch.messages, name, 0, unread[name])
            if count % BREATH == 0:
                # The first answers are taken while the next tills are added: their pings then
                # come as far apart, for ever, as it takes to handle them.
                crowded = self._workers.waiting > BREATH
                await asyncio.sleep(CROWDED if crowded else 0)

    def _take_over(self, name: str, saved: str | None, backlog: Backlog) -> None:
        self.telling.counted(name, backlog)
        if saved is not None:
            self._keeper.take_over(name, saved)
        self._tills.add(name, saved)
        self.telling.at(self._tills[name])
        self._deliver(name, Event("agent.started", {"pending": backlog.pending}))

    async def stop(self, reason: str = "") -> None:
        """Keep everything, end what runs; takes at most some seconds. Again: nothing more.
        ``reason`` is who asked, as the history tells it."""
        began, self._running = self._running, False
        self._stream.close()
        self._alarm.cancel()
        self._loads.shut()
        self._checkup.stop()
        self._runner.stop()
        self._asking.stop()
        await asyncio.gather(self._workers.close(LAST_ANSWERS), self._loads.close())
        end = self._loop.time() + STOP
        if began:
            self._keeper.chronicle.note(STOPPED, reason=reason)
        await self._keeper.close(STOP / 2)
        await self._shelf.close(STOP / 10)
        if not await self._books.close(max(0.0, end - self._loop.time())):
            write(logging.WARNING, "store.stuck", message="the database did not end in time")
        self._server.close()

    @property
    def rules(self) -> Rules:
        """What the tills play now."""
        return self._rules

    def stranded(self, carrying: Carrying) -> list[Stranded]:
        """Tills that could not be carried: one of each situation."""
        return carrying.stranded(self._tills)

    async def follow(self, rules: Rules, carrying: Carrying) -> None:
        """Have all tills play other rules from now on, between two steps.

        Raises StepFailed when a till cannot go on in them; all play on by the old ones then.
        """
        elsewhere = self._tills.swap(carrying)
        self._rules = rules
        self._views.follow(rules.chart)
        self._keeper.follow(rules.offline, rules.chart.definition)
        self._desk.follow(rules.offline)
        self._low.follow(rules.chart.definition.parameters)
        self.telling.follow(rules)
        for name in elsewhere:
            self.telling.at(self._tills[name])
        self._alarm.set()
        more = True
        while more:
            more = self._tills.tell(AT_ONCE)
            await asyncio.sleep(0)

    async def tills(self) -> list[TillView]:
        """See :class:`engine.api.port.Office`."""
        views = []
        for count, till in enumerate(list(self._tills), 1):
            views.append(self._view(till))
            if count % AT_ONCE == 0:  # 10,000 of them take a quarter of a second
                await asyncio.sleep(0)
        return views

    async def till(self, till: str) -> TillView | None:
        """See :class:`engine.api.port.Office`."""
        return self._view(self._tills[till]) if till in self._tills else None

    async def post_event(self, till: str, event: str, data: Mapping[str, Value]) -> StepView:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        fields = self._rules.events.get(event)
        if fields is None or event.startswith("agent."):
            allowed = sorted(name for name in self._rules.events if not name.startswith("agent."))
            raise UnknownEvent(event, allowed)
        checked = event_data(event, fields, data)
        before = self._tills[till].configuration
        step = self._deliver(till, Event(event, checked))
        if step is None:
            raise self._unplayed(till)
        view = self._views.step(step, before)
        if event == "till.day_closed":
            return view.model_copy(update={"closing": await self.closing(till)})
        return view

    async def accept_ticket(self, till: str, number: int, payload: bytes) -> Accepted:
        """See :class:`engine.api.port.Office`. A new ticket is also a ``ticket.closed``."""
        self._known(till)
        shop, at = self._shop, self._clock.wall()

        def accept(store: Store) -> tuple[Accepted, Backlog]:
            accepted = store.tickets.accept(shop, till, number, payload, at)
            return accepted, store.tickets.backlog(till)

        try:
            accepted, backlog = await self._books.run(accept)
        except StoreError as fault:
            raise StoreUnavailable(str(fault)) from fault
        if accepted == "new":
            self.telling.counted(till, backlog)
            self._deliver(till, Event("ticket.closed", {"number": number}))
        return accepted

    async def machine(self) -> MachineView:
        """See :class:`engine.api.port.Office`."""
        return self._rules.view

    async def config(self) -> ConfigView:
        """See :class:`engine.api.port.Office`."""
        return self.beside.reloads.config()

    async def reload(self) -> ReloadView:
        """See :class:`engine.api.port.Office`."""
        return await self.beside.reloads.reload()

    async def history(
        self, till: str, limit: int, before: int | None, dull: bool = True
    ) -> list[HistoryView]:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        return await self._past.history(till, limit, before, dull)

    async def trace(
        self, till: str, limit: int, before: int | None, dull: bool = True
    ) -> list[Entry]:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        return await self._past.trace(self._rules.chart, till, limit, before, dull)

    async def why_not(self, till: str) -> WhyNot:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        return await self._past.why_not(self._rules.chart, self._tills[till])

    async def messages(self, till: str, unread: bool) -> list[MessageView]:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        return await self._board.messages(till, unread)

    async def read_message(self, till: str, message: str) -> ReadAnswer:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        return await self._board.read(till, message)

    async def offers(self, till: str, customer: str, within: float) -> OffersView:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        return await self._desk.offers(till, customer, within)

    async def post_load(self, till: str, kind: LoadKind) -> LoadAnswer:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        self._loads.ask(till, kind)
        at = self._clock.wall()
        step = self._deliver(till, Event(f"load.{kind}"))
        if step is None:
            raise self._unplayed(till)
        state = self._views.state(step.configuration)
        return self._loads.answer(self._tills[till], kind, step, at, state)

    async def loads(self, till: str) -> LoadsView:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        return self._loads.view(self._tills[till])

    async def closing(self, till: str) -> ClosingView:
        """See :class:`engine.api.port.Office`."""
        self._known(till)
        offline = not self._rules.offline.isdisjoint(self._tills[till].configuration)
        return closing(self.telling.backlogs.get(till, Backlog()), offline)

    async def subscribe(self, last_id: int | None, till: str | None = None) -> Reader:
        """See :class:`engine.api.port.Office`."""
        if till is not None:
            self._known(till)
        return self._stream.subscribe(last_id, till)

    def health(self) -> Health:
        """See :class:`engine.api.port.Office`."""
        books, stuck = self._books, self._workers.stuck
        told = (books.failing, self._tills.failing, stuck, self.beside.concerns)
        return health(self._running, books.stalled_for(), *told)

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """See :class:`engine.api.port.Office`."""
        return await self.telling.metrics(accept, self.health().ready, self._checkup.lag)

    def _unplayed(self, till: str) -> EventFailed | StoreUnavailable:
        """Why an event was not played."""
        if not self._running:
            return StoreUnavailable("The machines are not running.")
        return EventFailed(not_played(self._tills.failing[till]))

    def _known(self, till: str) -> None:
        if till not in self._tills:
            raise UnknownTill(till)

    def _view(self, till: Till) -> TillView:
        return self._views.till(till, self.telling.backlogs.get(till.id, Backlog()))

    def _deliver(self, till: str, event: Event) -> Step | None:
        if not self._running:
            return None
        step = self._tills.deliver(till, event)
        self._alarm.set()
        return step

    def _advance(self) -> None:
        self._tills.advance(AT_ONCE)
        self._alarm.set()
