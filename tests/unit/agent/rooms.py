"""A keeper at work on real tills, and a store on a real disk that answers when the test says."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from engine.agent.keeping import Keeper
from engine.agent.tills import Tills
from engine.core.records import Event, Step
from engine.store import Store
from tests.unit.agent.scripted import NotingRunner, chart_of, clock

T = TypeVar("T")
CHART = chart_of()


class Books:
    """A store that answers when the test says, in the order in which it was asked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.jobs = 0
        self.fault: Exception | None = None
        self.held: list[Callable[[], None]] | None = None
        self.asked = asyncio.Event()

    async def next_job(self) -> None:
        """Wait until the keeper comes again by itself."""
        self.asked.clear()
        await self.asked.wait()

    def send(self, work: Callable[[Store], T], *, write: bool = True) -> "asyncio.Future[T]":
        self.jobs += 1
        self.asked.set()
        assert write
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def answer() -> None:
            try:
                if self.fault is not None:
                    raise self.fault
                with self.store.transaction():
                    result = work(self.store)
            except Exception as fault:  # noqa: BLE001 - as the store's thread does
                future.set_exception(fault)
            else:
                future.set_result(result)

        if self.held is None:
            answer()
        else:
            self.held.append(answer)
        return future


class Room:
    """A keeper at work on real tills, and a store on a real disk."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = clock()
        self.store = Store.open(path)
        self.books = Books(self.store)
        self.offline = ["down"]
        self.begin()

    def begin(self) -> None:
        """A new process: nothing is remembered but what the store has."""
        self.keeper = Keeper(self.loop, self.books, self.clock, self.offline, CHART.definition)
        self.tills = Tills(CHART, self.clock, NotingRunner(), [self.keeper.observe])
        saved = self.store.snapshots.all().get("01")
        if saved is not None:
            self.keeper.take_over("01", saved)
        self.tills.add("01", saved)

    def play(self, name: str, **data: Any) -> Step:
        till = self.tills["01"]
        run = next(iter(till.running), None) if name.startswith(("ping", "send")) else None
        step = self.tills.deliver("01", Event(name, data, run=run))
        assert step is not None
        return step

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.tills.advance()

    def go_down(self) -> None:
        self.play("sync.now")
        self.play("send_tickets.failed.timeout")

    def come_back(self) -> None:
        self.advance(300)
        self.play("ping.ok", latency=0.1)

    def events(self) -> list[str]:
        return [row.event for row in reversed(self.store.history.recent("01"))]

    def periods(self) -> list[tuple[str, float]]:
        rows = self.store._database.stream("journal_entries")
        return [(row[3], row[1]) for row in rows if row[3].startswith("offline")]

    def place(self) -> list[str]:
        return list(json.loads(self.store.snapshots.all()["01"])["configuration"])
