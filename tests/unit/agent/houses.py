"""An agent with everything around it: a store on disk, a server in the process, who counts."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.agent.clock import SystemClock
from engine.agent.service import Agent
from engine.agent.storing import StoreThread
from engine.agent.watching import Unwatched
from engine.core.records import Step
from engine.lab.stub import StubServer
from engine.store import Store
from tests.unit.agent.conftest import PATIENCE
from tests.unit.agent.scripted import chart_of


class Watching(Unwatched):
    """Notes every step and lets a test wait for one."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.tills: list[str] = []
        self.effects: list[tuple[str, str]] = []
        self.pending: dict[str, int] = {}
        self.abandoned = 0
        self.unplayed: list[str] = []
        self.loads: list[tuple[str, str, int, int]] = []
        self.loading: list[bool] = []
        self.held: dict[str, tuple[int, float, int]] = {}
        self._changed = asyncio.Event()

    def add_till(
        self, till: str, configuration: tuple[str, ...], entered: Mapping[str, float]
    ) -> None:
        assert set(entered) == set(configuration)
        self.tills.append(till)

    def observe(self, step: Step, wall: float) -> None:
        assert wall > 1e9
        self.steps.append(step)
        self._changed.set()

    def step_failed(self, till: str) -> None:
        self.unplayed.append(till)
        self._changed.set()

    def effect(self, effect: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.effects.append((effect, outcome))

    def backlog(
        self,
        till: str,
        pending: int,
        sent: int,
        refused: int,
        oldest_at: float | None,
        missing: int = 0,
    ) -> None:
        assert (oldest_at is None) == (pending == 0)
        assert min(pending, sent, refused, missing) >= 0
        self.pending[till] = pending
        self._changed.set()

    def load(self, kind: str, outcome: str, seconds: float, rows: int, size: int) -> None:
        assert seconds >= 0
        self.loads.append((kind, outcome, rows, size))
        self._changed.set()

    def load_in_progress(self, going_on: bool) -> None:
        self.loading.append(going_on)
        self._changed.set()

    def datasets(self, held: Mapping[str, tuple[int, float, int]]) -> None:
        self.held = dict(held)
        self._changed.set()

    def worker_abandoned(self) -> None:
        self.abandoned += 1

    def chunks(self, accept: str) -> tuple[Iterator[bytes], str]:
        return iter((accept[:3].encode(), accept[3:].encode())), "text/plain"

    async def until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait until it holds after a step or a count."""
        async with asyncio.timeout(patience):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def names(self, till: str = "01") -> list[str]:
        return [step.event.name for step in self.steps if step.till == till]


class House:
    """An agent with everything around it, in the test's loop."""

    def __init__(self, path: Path, server: StubServer | None = None, **details: Any) -> None:
        self.server = server or StubServer()
        self.watch: Any = details.pop("watch", None) or Watching()
        self.open_store: Callable[[], Store] = details.pop("open_store", lambda: Store.open(path))
        self.books = StoreThread(self.open_store, asyncio.get_running_loop())
        self.agent = Agent(
            details.pop("chart", None) or chart_of(),
            "0042",
            details.pop("names", ("01",)),
            server=self.server,
            books=self.books,
            workers=details.pop("workers", 2),
            clock=details.pop("clock", None) or SystemClock(),
            watch=self.watch,
            catalogue=details.pop("catalogue", None),
        )
        assert not details

    async def state(self, till: str = "01") -> str:
        view = await self.agent.till(till)
        assert view is not None
        return view.state
