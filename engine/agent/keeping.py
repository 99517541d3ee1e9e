"""Writes down what tills do: their history, where they are, their offline periods.

Steps come faster than a disk should be asked, so they are gathered for a moment and written
together. A kill in that moment loses some history and makes a till resume from a moment
earlier; tickets do not depend on any of this.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from json import dumps
from typing import NamedTuple, Protocol

from engine.agent.clock import Clock
from engine.core.records import Step, Till
from engine.core.restore import pack
from engine.store.history import HistoryRow
from engine.store.journal import Kind
from engine.store.store import Store

log = logging.getLogger(__name__)

GATHER = 0.2
"""Seconds for which steps are gathered."""

MOST_ROWS = 20_000
"""Steps kept for writing when the disk does not take them; after that the oldest go."""


class Posting(Protocol):
    """The store's thread, as far as it is needed here."""

    def post(
        self,
        work: Callable[[Store], object],
        failed: Callable[[Exception], None] | None = None,
        *,
        write: bool = True,
    ) -> None:
        """Do ``work`` soon; ``failed`` is told, in the loop, if it could not be done."""


class Period(NamedTuple):
    """The beginning or the end of an offline period, in wall-clock seconds."""

    kind: Kind
    till: str
    at: float
    states: tuple[str, ...]


class Keeper:
    """Listens to steps and keeps them. ``offline`` names the states in which the server counts
    as not there."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        books: Posting,
        clock: Clock,
        offline: Iterable[str],
    ) -> None:
        self._loop = loop
        self._books = books
        self._clock = clock
        self._offline_states = frozenset(offline)
        self._offline: set[str] = set()
        self._rows: list[HistoryRow] = []
        self._periods: list[Period] = []
        self._moved: dict[str, Till] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take_over(self, till: Till) -> None:
        """A till that was restored: its offline period, if any, has begun before."""
        if self._offline_states.intersection(till.configuration):
            self._offline.add(till.id)

    def observe(self, step: Step, till: Till) -> None:
        """Keep a step."""
        if step.late:
            return
        wall = self._clock.wall()
        self._moved[till.id] = till
        self._note_period(step, wall)
        if _worth_keeping(step):
            self._rows.append(history_row(step, wall))
        if self._timer is None:
            self._timer = self._loop.call_later(GATHER, self.write)

    def write(self) -> None:
        """Hand over what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rows, periods, moved = self._rows, self._periods, self._moved
        if not (rows or periods or moved):
            return
        self._rows, self._periods, self._moved = [], [], {}
        now, wall = self._clock.monotonic(), self._clock.wall()
        snapshots = [(name, pack(till, now, wall), wall) for name, till in moved.items()]

        def keep(store: Store) -> None:
            for period in periods:
                subject = {"states": " ".join(period.states)}
                store.journal.append(period.kind, period.till, subject, period.at)
            store.history.record(rows)
            store.snapshots.save(snapshots)

        def failed(fault: Exception) -> None:
            log.warning("history.not_kept", extra={"fields": {"message": str(fault)}})
            self._rows = (rows + self._rows)[-MOST_ROWS:]
            self._periods = periods + self._periods
            self._moved = {**moved, **self._moved}

        self._books.post(keep, failed)

    def _note_period(self, step: Step, wall: float) -> None:
        offline = bool(self._offline_states.intersection(step.configuration))
        if offline == (step.till in self._offline):
            return
        kind: Kind = "offline_began" if offline else "offline_ended"
        self._periods.append(Period(kind, step.till, wall, step.configuration))
        if offline:
            self._offline.add(step.till)
        else:
            self._offline.discard(step.till)


def _worth_keeping(step: Step) -> bool:
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


def history_row(step: Step, wall: float) -> HistoryRow:
    """A step as the history keeps it. What a till program posted stays out: a customer's code
    is none of the history's business."""
    detail: dict[str, object] = {
        "refused": [list(refusal) for refusal in step.refused],
        "started": [run.effect for run in step.started],
        "joined": step.joined,
        "cancelled": [run.effect for run in step.cancelled],
        "changed": {name: list(values) for name, values in step.changed.items()},
        "raised": step.raised,
        "log": step.logged,
        "data": dict(step.event.data) if step.event.run is not None else {},
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
        dumps({name: value for name, value in detail.items() if value}),
    )
