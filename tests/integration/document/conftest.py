"""A whole agent with its API served, in a thread, for callers that block."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.agent.clock import SystemClock
from engine.agent.files import Files
from engine.agent.in_force import InForce
from engine.agent.reloading import Reloader
from engine.api.access import Access
from engine.api.application import create_api
from engine.api.serving import start
from engine.core.build import build
from engine.effects.table import VOCABULARY
from engine.settings import load_till
from tests.unit.agent.catalogues import catalogue
from tests.unit.agent.houses import House

TOKEN = "correct horse"
TILL_YAML = """\
shop: '0042'
tills: ['01', '02']
server: {protocol: soap, url: 'http://server.example'}
database: {path: till.db}
"""
LIMIT = 20.0


class Served:
    """An agent of two tills and where its API is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)
        self._thread.start()
        assert self._ready.wait(LIMIT)

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        config = self._path.with_name("till.yaml")
        config.write_text(TILL_YAML, encoding="utf-8")
        settings, definition = load_till(config, VOCABULARY)
        chart = build(definition)
        self.house = House(
            self._path, chart=chart, names=("01", "02"), catalogue=catalogue(self._path.parent)
        )
        await self.house.agent.start()
        started = InForce(Files(settings, definition), self.house.agent.rules, 1e9, "none")
        reloader = Reloader(
            self.house.agent, config, started, clock=SystemClock(), watch=self.house.watch
        )
        await reloader.start()
        serving = await start(create_api(self.house.agent, Access(token=TOKEN)), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{serving.port}"
        self._ready.set()
        await self._end.wait()
        await serving.stop()
        await reloader.close()
        await self.house.agent.stop()

    def stop(self) -> None:
        """End both."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One agent for all calls: what one leaves behind, the next one meets."""
    found = Served(tmp_path_factory.mktemp("agent") / "till.db")
    yield found
    found.stop()
