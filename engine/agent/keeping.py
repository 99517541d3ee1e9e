"""Writes down what tills do: their history, where they are, their offline periods.

Steps come faster than a disk should be asked, so they are gathered for a moment and written
together. A kill in that moment loses some history and makes a till resume from a moment
earlier; tickets do not depend on any of this.

One writing is under way at a time. What a disk does not take is kept and tried again, after a
pause that grows: history is bounded then, periods and places are not lost.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from json import dumps, loads
from typing import NamedTuple, Protocol, TypeVar

from engine.agent.chronicle import Chronicle
from engine.agent.clock import Clock
from engine.agent.logs import write
from engine.agent.noting import Note, Notes
from engine.core.carrying import RELOADED
from engine.core.records import Step, Till
from engine.core.restore import pack
from engine.definition.machine import Definition
from engine.store.errors import StoreError
from engine.store.history import REPLAY, HistoryRow
from engine.store.journal import Kind
from engine.store.store import Store

T = TypeVar("T")

GATHER = 0.2
"""Seconds for which steps are gathered."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until what could not be written is tried again; they double with each failure."""

AT_ONCE = 500
"""Steps, and tills, that one writing takes: it holds their texts in memory until it is done."""

MOST_ROWS = 20_000
"""Steps kept for writing when the disk does not take them; after that the oldest go."""

OFFLINE = "offline"
"""What a till's saved text has when its offline period is in the journal and has not ended."""


class Writing(Protocol):
    """The store's thread, as far as it is needed here."""

    def send(self, work: Callable[[Store], T], *, write: bool = True) -> "asyncio.Future[T]":
        """Do ``work`` soon, after all that was sent before. Raises StoreError when closed."""


class Period(NamedTuple):
    """The beginning or the end of an offline period, in wall-clock seconds."""

    kind: Kind
    till: str
    at: float
    states: tuple[str, ...]


class Keeper:
    """Listens to steps and keeps them; ``chronicle`` notes what befalls all tills. ``offline``
    names the states in which the server counts as not there, ``definition`` is the machine that
    the tills play."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        books: Writing,
        clock: Clock,
        offline: Iterable[str],
        definition: Definition,
    ) -> None:
        self._loop = loop
        self._books = books
        self._clock = clock
        self._offline_states = frozenset(offline)
        self._offline: set[str] = set()
        self._notes = Notes(definition)
        self.chronicle = Chronicle(clock, self._keep)
        self._rows: deque[HistoryRow] = deque(maxlen=MOST_ROWS)
        self._periods: list[Period] = []
        self._moved: dict[str, Till] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None
        self._pause = 0.0
        self._closed = False

    def follow(self, offline: Iterable[str], definition: Definition) -> None:
        """Another machine names other states in which the server counts as not there."""
        self._offline_states = frozenset(offline)
        self._notes.follow(definition)

    def take_over(self, till: str, saved: str) -> None:
        """Before a till is restored: whether its offline period has begun in an earlier life.

        The saved text says so itself: it is written together with the journal's entry, and
        holds whatever the states are called in the machine's next version.
        """
        try:
            told = loads(saved)
        except (ValueError, RecursionError):
            return
        if isinstance(told, dict) and told.get(OFFLINE) is True:
            self._offline.add(till)

    def observe(self, step: Step, till: Till) -> None:
        """Keep a step."""
        if step.late:
            return
        self.chronicle.look()
        wall = self._clock.wall()
        # In the machine's next version a till may be offline, or no longer, where it stands.
        carried = step.event.name == RELOADED
        if self._note_period(step, wall) or _moves(step) or carried:
            self._moved[till.id] = till
        if worth_keeping(step):
            self._rows.append(history_row(step, wall, self._notes.note(step, till)))
        else:
            self._notes.quiet(step)
        self._gather(GATHER)

    def _keep(self, row: HistoryRow) -> None:
        self._rows.append(row)
        self._gather(GATHER)

    def write(self, most: int = AT_ONCE) -> None:
        """Hand over ``most`` of what was gathered, unless a writing is under way: that one is
        followed by another."""
        self._stop_timer()
        if self._writing is not None or not self._waiting:
            return
        now, wall = self._clock.monotonic(), self._clock.wall()
        rows = [self._rows.popleft() for _ in range(min(most, len(self._rows)))]
        moved = {name: self._moved.pop(name) for name in list(islice(self._moved, most))}
        # A till's saved text says whether its period is in the journal: both go together.
        periods = [period for period in self._periods if period.till in moved]
        self._periods = [period for period in self._periods if period.till not in moved]
        snapshots = [(name, self._pack(till, now, wall), wall) for name, till in moved.items()]

        def keep(store: Store) -> None:
            for period in periods:
                subject = {"states": " ".join(period.states)}
                store.journal.append(period.kind, period.till, subject, period.at)
            store.history.record(rows)
            store.snapshots.save(snapshots)

        def ended(written: "asyncio.Future[None]") -> None:
            self._writing = None
            fault = None if written.cancelled() else written.exception()
            if fault is None:
                self._pause = 0.0
                if self._waiting:
                    self._gather(0.0 if most in (len(rows), len(moved)) else GATHER)
                return
            self._rows = deque([*rows, *self._rows], maxlen=MOST_ROWS)
            self._periods = periods + self._periods
            self._moved = {**moved, **self._moved}
            self._try_again(fault)

        try:
            self._writing = self._books.send(keep)
        except StoreError as fault:
            self._writing = self._loop.create_future()
            self._writing.set_exception(fault)
        self._writing.add_done_callback(ended)

    async def flush(self) -> None:
        """Write all that was observed before this call and wait until that is tried."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        self.write(most=len(self._rows) + len(self._moved))
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def close(self, within: float) -> None:
        """Write the last of it, ``within`` seconds at the most, and never again."""
        self._closed = True
        try:
            async with asyncio.timeout(within):
                await self.flush()
        except TimeoutError:
            write(logging.WARNING, "history.not_kept", message="the database does not answer")
        self._stop_timer()

    @property
    def _waiting(self) -> bool:
        return bool(self._rows or self._periods or self._moved)

    def _pack(self, till: Till, now: float, wall: float) -> str:
        text = pack(till, now, wall)
        return dumps({**loads(text), OFFLINE: True}) if till.id in self._offline else text

    def _gather(self, seconds: float) -> None:
        if self._timer is None and self._writing is None and not self._closed:
            self._timer = self._loop.call_later(seconds, self.write)

    def _try_again(self, fault: BaseException) -> None:
        write(logging.WARNING, "history.not_kept", message=str(fault))
        self._pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * self._pause))
        self._gather(self._pause)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _note_period(self, step: Step, wall: float) -> bool:
        """Whether the step began or ended an offline period."""
        offline = bool(self._offline_states.intersection(step.configuration))
        if offline == (step.till in self._offline):
            return False
        kind: Kind = "offline_began" if offline else "offline_ended"
        self._periods.append(Period(kind, step.till, wall, step.configuration))
        if offline:
            self._offline.add(step.till)
        else:
            self._offline.discard(step.till)
        return True


def _moves(step: Step) -> bool:
    """Whether a till that is restored from before this step would be wrong about itself. A ping
    that went well only starts a timer anew: restored, the till pings a little early."""
    return bool(
        step.entered
        or step.exited
        or step.changed
        or step.cancelled
        or (step.event.timer is None and step.started)
    )


def worth_keeping(step: Step) -> bool:
    """A timer that only repeated an effect tells nothing that the effect's answer does not.

    A transition is kept even where it does no more: what is counted has to be found here.
    """
    return step.event.timer is None or bool(
        step.taken
        or step.entered
        or step.exited
        or step.changed
        or step.refused
        or step.raised
        or step.logged
    )


def history_row(step: Step, wall: float, note: Note | None = None) -> HistoryRow:
    """A step as the history keeps it, with what is noted for a replay. What a till program
    posted stays out: a customer's code is none of the history's business."""
    told = step.event.run is not None or step.event.name == RELOADED
    detail: dict[str, object] = {
        "refused": [refusal.kept() for refusal in step.refused],
        "started": [run.effect for run in step.started],
        "joined": step.joined,
        "cancelled": [run.effect for run in step.cancelled],
        "changed": {name: list(values) for name, values in step.changed.items()},
        "raised": step.raised,
        "log": step.logged,
        "data": dict(step.event.data) if told else {},
        REPLAY: note,
    }
    if not step.handled and step.event.timer is None and not step.entered:
        detail["unhandled"] = True
    return HistoryRow(
        step.till,
        wall,
        step.event.name,
        step.configuration,
        dumps([list(taken) for taken in step.taken]),
        not (step.entered or step.exited),
        dumps({name: told for name, told in detail.items() if told}, separators=(",", ":")),
    )
