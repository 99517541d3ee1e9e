"""Loads of the catalogue: a thread of their own, how far they have got, what came of them.

The tills of a process share one catalogue, so one load is under way at a time. It has a pool of
its own, for it may last an hour: pings, tickets and messages find their workers free. What is
told here comes from memory; nobody who asks waits for a disk.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from engine.agent.clock import Clock
from engine.agent.logs import write
from engine.agent.views import moment
from engine.agent.watching import Watch
from engine.agent.workers import Workers
from engine.api.loads import (
    DatasetView,
    LoadAnswer,
    LoadKind,
    LoadNowView,
    LoadRefused,
    LoadsView,
    LoadTold,
    LoadView,
)
from engine.catalogue.tables import Table
from engine.core.records import Run, Step, Till
from engine.effects.call import Answer
from engine.effects.loading import Kind, Loading, LoadProgress, Source
from engine.store.catalogue import Catalogue, Loaded, LoadRecord
from engine.store.errors import StoreError

EFFECT = "load"
KEPT = 20
"""Stories of loads that are told."""

SWEEPING = 24 * 3600.0
"""Seconds that tidying up may take: it goes on in small steps for as long as it needs."""

ENDING = 1.5
"""Seconds that a load gets to notice that the agent stops."""

BRISK = 0.0005
"""Seconds after which a thread lets another one go on while a load runs, in place of Python's 5 ms.
A ticket that is handed over passes between threads some times, and would wait for the one that
loads each time: 99 of 100 were taken within 34 ms with this and within 85 ms without, on a busy
machine, and the load took no longer."""

UNDER_WAY = "A load is under way already"


@dataclass(frozen=True, slots=True)
class CatalogueParts:
    """What a catalogue is made of: its tables, how it is opened (StoreError), where its files
    come from and where they are put on their way."""

    tables: tuple[Table, ...]
    open: Callable[[], Catalogue]
    source: Source
    folder: Path


class LoadDesk:
    """Looks after the loads of all tills. But for what says otherwise, everything is called in
    the loop's thread.

    ``told`` takes what the stream tells; it and ``watch`` are called through ``tell``, which
    stops nothing. ``abandoned`` is told of a load whose thread was given up.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        parts: CatalogueParts | None,
        clock: Clock,
        *,
        watch: Watch,
        told: Callable[[LoadTold], None],
        tell: Callable[..., None],
        abandoned: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._parts = parts
        self._clock = clock
        self._watch = watch
        self._told = told
        self._tell = tell
        self._workers = Workers(loop, 1, abandoned)
        self._catalogue: Catalogue | None = None
        self._opening = threading.Lock()
        self._closed = False
        self._usual = sys.getswitchinterval()
        self._live: dict[asyncio.Future[Answer], tuple[str, Kind, float]] = {}
        self._sweeping: asyncio.Future[None] | None = None
        self._progress: dict[str, LoadProgress] = {}
        self._versions: dict[str, Loaded] = {}
        self._records: list[LoadRecord] = []
        self.loading = None if parts is None else self._loading(parts)

    def start(self) -> None:
        """Open the catalogue and tidy it up, in its own thread; nobody waits for it."""
        if self._parts is not None:
            self._sweep()

    def shut(self) -> None:
        """Begin nothing any more."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()

    async def close(self) -> None:
        """Wait for what runs to end. What hangs keeps the catalogue and ends with the process."""
        self.shut()
        if not await self._workers.close(ENDING) and self._catalogue is not None:
            with suppress(StoreError):
                self._catalogue.close()

    def submit(
        self,
        till: str,
        run: Run,
        job: Callable[[threading.Event], Answer],
        deadline: float,
        name: str,
    ) -> "asyncio.Future[Answer]":
        """Load in the thread for loads; rejected while another till's load is under way."""
        kind: Kind = "full" if run.arguments.get("kind") == "full" else "changes"
        others = [owner for owner, _, _ in self._going_on() if owner != till]
        if others:
            future: asyncio.Future[Answer] = self._loop.create_future()
            sentence = f"{UNDER_WAY}, for till {others[0]}."
            future.set_result(Answer("rejected", {"code": "busy", "message": sentence}))
            now = self._clock.wall()
            self._ended(till, LoadRecord(now, now, kind, "rejected", sentence, 0, 0), None)
            return future
        if self._sweeping is not None:
            self._sweeping.cancel()  # goes on afterwards
        future = self._workers.submit(job, deadline, name)
        self._live[future] = (till, kind, self._clock.wall())
        self._progress.pop(till, None)
        sys.setswitchinterval(BRISK)
        self._tell(self._watch.load_in_progress, True)
        future.add_done_callback(self._over)
        return future

    def ask(self, till: str, kind: LoadKind) -> None:
        """Raises :class:`LoadRefused` when no load may be asked for now."""
        if self._parts is None:
            raise LoadRefused(
                "no_catalogue",
                "till.yaml declares no catalogue.",
                "Name the datasets under 'catalogue' in till.yaml and restart the agent.",
            )
        for owner, running, _ in self._going_on():
            raise LoadRefused(
                "load_under_way",
                f"{UNDER_WAY}: {running}, for till {owner}; the load of {kind} was not begun.",
                f"GET /v1/tills/{till}/loads tells how far it has got.",
            )

    def answer(self, till: Till, kind: LoadKind, step: Step, at: float, state: str) -> LoadAnswer:
        """What became of a load that was asked for at ``at``, wall-clock seconds. Raises
        :class:`LoadRefused`."""
        if not step.handled:
            raise LoadRefused(
                "not_loaded",
                f"The machine of till {till.id} takes no load in the state '{state}'.",
            )
        return LoadAnswer(
            till=till.id,
            kind=kind,
            became="started" if till.calls(EFFECT) else "later",
            at=moment(at),
            state=state,
        )

    def view(self, till: Till) -> LoadsView:
        """See :class:`engine.api.port.Office`."""
        tables = () if self._parts is None else self._parts.tables
        return LoadsView(
            till=till.id,
            configured=self._parts is not None,
            runs=bool(till.calls(EFFECT)),
            now=next((self._now(*live) for live in self._going_on()), None),
            waits=_waits(till),
            datasets=tuple(_dataset(table.name, self._versions) for table in tables),
            last=tuple(_record(record) for record in self._records),
        )

    def _loading(self, parts: CatalogueParts) -> Loading:
        return Loading(
            parts.tables,
            self._opened,
            parts.source,
            parts.folder,
            self._move_later,
            self._end_later,
        )

    def _opened(self) -> Catalogue:
        """In a worker's thread: the catalogue, opened when it is needed first."""
        with self._opening:
            if self._catalogue is None:
                if self._parts is None or self._closed:
                    raise StoreError("The agent is stopping.")
                self._catalogue = self._parts.open()
                self._tell_known(self._catalogue)
            return self._catalogue

    def _sweep(self) -> None:
        if self._closed or self._live:
            return
        self._sweeping = self._workers.submit(
            self._tidy, SWEEPING, "tidying up the catalogue", SWEEPING
        )
        self._sweeping.add_done_callback(self._swept)

    def _tidy(self, stop: threading.Event) -> None:
        """In a worker's thread."""
        from engine.effects.catalogue_load import sweep

        catalogue = self._opened()
        self._tell_known(catalogue)
        sweep(catalogue, stop)

    def _tell_known(self, catalogue: Catalogue) -> None:
        """In a worker's thread."""
        self._call_soon(self._known, catalogue.versions(), catalogue.records(KEPT))

    def _swept(self, future: "asyncio.Future[None]") -> None:
        if self._sweeping is future:
            self._sweeping = None
        fault = None if future.cancelled() else future.exception()
        if fault is not None and not self._closed:
            write(logging.WARNING, "catalogue.unfit", message=str(fault))

    def _known(self, versions: dict[str, Loaded], records: Sequence[LoadRecord]) -> None:
        """What the catalogue itself knows: loads from before this start, too."""
        here = list(self._records)
        all_known = [*here, *(record for record in records if record not in here)]
        all_known.sort(key=lambda record: record.ended, reverse=True)
        self._records = all_known[:KEPT]
        self._take(versions)

    def _take(self, versions: dict[str, Loaded]) -> None:
        self._versions = versions
        self._tell(self._watch.datasets, versions)
        times = [record.ended for record in self._records if record.outcome == "ok"]
        times += [loaded.at for loaded in versions.values()]
        self._tell(self._watch.load_succeeded, max(times, default=0.0))

    def _move_later(self, till: str, progress: LoadProgress) -> None:
        """In a worker's thread."""
        self._call_soon(self._moved, till, progress)

    def _end_later(self, till: str, record: LoadRecord) -> None:
        """In a worker's thread."""
        versions = None
        with suppress(StoreError):
            versions = None if self._catalogue is None else self._catalogue.versions()
        self._call_soon(self._ended, till, record, versions)

    def _call_soon(self, call: Callable[..., None], *facts: Any) -> None:
        with suppress(RuntimeError):  # the loop may have ended before
            self._loop.call_soon_threadsafe(call, *facts)

    def _moved(self, till: str, progress: LoadProgress) -> None:
        live = next((live for live in self._going_on() if live[0] == till), None)
        if live is None:  # nobody waits for it any more
            return
        self._progress[till] = progress
        at = moment(self._clock.wall())
        told = LoadTold(till=till, at=at, now=self._now(*live), ended=None)
        self._tell(self._told, told)

    def _ended(self, till: str, record: LoadRecord, versions: dict[str, Loaded] | None) -> None:
        self._records = [record, *self._records][:KEPT]
        took = record.ended - record.started
        self._tell(self._watch.load, record.kind, record.outcome, took, record.rows, record.bytes)
        if versions is not None:
            self._take(versions)
        at = moment(self._clock.wall())
        told = LoadTold(till=till, at=at, now=None, ended=_record(record))
        self._tell(self._told, told)

    def _over(self, future: "asyncio.Future[Answer]") -> None:
        """It has answered, or nobody waits for the answer any more."""
        till, _, _ = self._live.pop(future)
        self._progress.pop(till, None)
        if not self._live:
            sys.setswitchinterval(self._usual)
            self._tell(self._watch.load_in_progress, False)
            self._sweep()

    def _going_on(self) -> list[tuple[str, Kind, float]]:
        """The loads that somebody waits for: of which till, which kind, since when."""
        return [live for future, live in self._live.items() if not future.done()]

    def _now(self, till: str, kind: Kind, began: float) -> LoadNowView:
        progress = self._progress.get(till) or LoadProgress(kind, "asking")
        return LoadNowView(
            till=till,
            kind=kind,
            started=moment(began),
            stage=progress.stage,
            table=progress.table,
            tables_done=progress.tables_done,
            tables_total=progress.tables_total,
            bytes_done=progress.bytes_done,
            bytes_total=progress.bytes_total,
            rows_done=progress.rows_done,
            rows_total=progress.rows_total,
        )


def _waits(till: Till) -> LoadKind | None:
    """What waits to be loaded, as the shipped machine's variables have it."""
    context = till.context
    if context.get("load") not in ("owed", "later"):
        return None
    return cast("LoadKind", context.get("load_kind", "changes"))


def _dataset(name: str, versions: dict[str, Loaded]) -> DatasetView:
    loaded = versions.get(name)
    if loaded is None:
        return DatasetView(name=name, version=None, loaded=None, rows=None)
    return DatasetView(
        name=name, version=loaded.version, loaded=moment(loaded.at), rows=loaded.rows
    )


def _record(record: LoadRecord) -> LoadView:
    return LoadView(
        started=moment(record.started),
        ended=moment(record.ended),
        kind="full" if record.kind == "full" else "changes",
        outcome=record.outcome,
        sentence=record.sentence,
        rows=record.rows,
        bytes=record.bytes,
    )
