"""What is known of tills' past: their history, the story that it tells, why they are where they
are. All of it is what was written down, and is waited for until what was gathered is too."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from engine.agent.clock import Clock
from engine.agent.keeping import Keeper
from engine.agent.storing import StoreThread
from engine.agent.views import history
from engine.api.port import HistoryView, StoreUnavailable
from engine.core.build import Chart
from engine.core.records import Till
from engine.store.errors import StoreError
from engine.store.store import Store
from engine.story.entries import Entry, WhyNot
from engine.story.reading import Unreadable, rows_of, told
from engine.story.why_not import Standing, why_not

T = TypeVar("T")

LATELY = 300
"""Entries that are looked through for what held a till where it is."""


class Past:
    """Reads it for the API. Raises StoreUnavailable."""

    def __init__(self, books: StoreThread[Store], keeper: Keeper, clock: Clock) -> None:
        self._books = books
        self._keeper = keeper
        self._clock = clock

    async def history(
        self, till: str, limit: int, before: int | None, dull: bool
    ) -> list[HistoryView]:
        """See :class:`engine.api.port.Office`."""
        rows = await self._read(lambda store: store.history.recent(till, limit, before, dull))
        return [history(row) for row in rows]

    async def trace(
        self, chart: Chart, till: str, limit: int, before: int | None, dull: bool = True
    ) -> list[Entry]:
        """See :class:`engine.api.port.Office`."""
        labels = {key: plan.label for key, plan in chart.timers.items()}
        rows = await self._read(lambda store: rows_of(store.history, till, limit, before, dull))
        try:  # neither the tills nor the database wait for it
            return await asyncio.to_thread(told, rows, limit, labels)
        except Unreadable as fault:
            raise StoreUnavailable(str(fault)) from fault

    async def why_not(self, chart: Chart, till: Till) -> WhyNot:
        """See :class:`engine.api.port.Office`."""
        entries = await self.trace(chart, till.id, LATELY, None)
        wall = self._clock.wall()
        shift = wall - self._clock.monotonic()
        standing = Standing(
            till.id,
            till.configuration,
            dict(till.context),
            {state: at + shift for state, at in till.entered.items()},
            {key: timer.due + shift for key, timer in till.timers.items()},
            frozenset(run.effect for run in till.running.values()),
        )
        return why_not(chart, standing, entries, wall)

    async def _read(self, work: Callable[[Store], T]) -> T:
        await self._keeper.flush()
        try:
            return await self._books.run(work, write=False)
        except StoreError as fault:
            raise StoreUnavailable(str(fault)) from fault
