"""What an agent finds out about its loop, its disk and its journal, and what it costs."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.agent.checkup import AGAIN, AT_ONCE, BEAT, REST, Checkup
from engine.agent.clock import VirtualClock
from engine.agent.storing import StoreThread
from engine.agent.streaming import Streaming
from engine.agent.telling import Telling
from engine.store import Store
from engine.store.errors import StoreError
from engine.store.reading import ReadingStore
from tests.unit.agent.conftest import Play
from tests.unit.agent.houses import House, Watching

WALL = 1_800_000_000.0


class Told(Watching):
    """Notes what a checkup tells."""

    def __init__(self) -> None:
        super().__init__()
        self.free: list[int] = []
        self.journals: list[tuple[bool, float | None]] = []
        self.well: list[tuple[bool, float]] = []

    def disk(self, free: int) -> None:
        self.free.append(free)

    def journal(self, broken: bool, whole_at: float | None) -> None:
        self.journals.append((broken, whole_at))
        self._changed.set()

    def wellbeing(self, ready: bool, lag: float) -> None:
        self.well.append((ready, lag))


class Bench:
    """A checkup of a store on disk, in virtual time."""

    def __init__(self, store: Store, shelf: StoreThread[ReadingStore]) -> None:
        self.store, self.shelf = store, shelf
        self.clock = VirtualClock(100.0, WALL)
        self.told = Told()
        self.concerns: dict[str, str] = {}
        stream: Any = Streaming.__new__(Streaming)
        telling = Telling(self.told, stream, self.clock)
        loop = asyncio.get_running_loop()
        self.checkup = Checkup(loop, shelf, self.clock, telling, self.concerns)

    def fill(self, count: int) -> None:
        """More entries in the journal."""
        with self.store.transaction():
            for _ in range(count):
                self.store.journal.append("offline_began", "01", {}, WALL)

    def forge(self, statement: str) -> None:
        """Another hand."""
        database: Any = self.store._database
        for trigger in ("journal_not_changed", "journal_head_not_deleted"):
            database._execute(f"DROP TRIGGER IF EXISTS {trigger}")
        database._execute(statement)


Story = Callable[[Bench], Awaitable[None]]
Tell = Callable[[Story], None]


@pytest.fixture
def tell(play: Play, tmp_path: Path) -> Tell:
    """Tells a story of a checkup."""

    def run(story: Story) -> None:
        async def told() -> None:
            with Store.open(tmp_path / "till.db") as store:
                place = store.place
                shelf = StoreThread(lambda: ReadingStore.open(place), asyncio.get_running_loop())
                await shelf.start()
                await story(Bench(store, shelf))
                await shelf.close(1.0)

        play(told())

    return run


def test_a_long_journal_is_read_in_parts_and_then_it_is_whole(tell: Tell) -> None:
    """Nothing is claimed before its end; between two parts the loop is free."""

    async def story(bench: Bench) -> None:
        bench.fill(AT_ONCE + 1)
        assert await bench.checkup.look() < REST
        assert bench.told.journals == []
        bench.clock.advance(5.0)
        assert await bench.checkup.look() == REST
        assert bench.told.journals == [(False, WALL + 5.0)]

    tell(story)


def test_what_is_new_is_read_every_minute_and_all_of_it_every_day(tell: Tell) -> None:
    """The time at which the whole of it held does not move with what is new."""

    async def story(bench: Bench) -> None:
        await bench.checkup.look()
        bench.fill(3)
        bench.forge("UPDATE journal SET at = 1 WHERE seq = 1")
        bench.clock.advance(REST)
        await bench.checkup.look()
        bench.fill(1)
        bench.clock.advance(AGAIN - REST)
        await bench.checkup.look()
        assert bench.told.journals == [(False, WALL), (True, WALL), (True, WALL)]

    tell(story)


def test_an_entry_changed_after_it_was_read_is_found_the_next_day(tell: Tell) -> None:
    """And a chain that is put right holds again."""

    async def story(bench: Bench) -> None:
        bench.fill(3)
        await bench.checkup.look()
        bench.forge("UPDATE journal SET kind = 'refused' WHERE seq = 2")
        bench.clock.advance(REST)
        await bench.checkup.look()
        assert (bench.told.journals, bench.concerns) == ([(False, WALL)] * 2, {})
        bench.clock.advance(AGAIN)
        await bench.checkup.look()
        sentence = "The journal does not hold: entry 2 was changed: its hash differs."
        assert bench.concerns == {"journal": sentence}
        assert bench.told.journals[-1] == (True, WALL)
        bench.forge("UPDATE journal SET kind = 'offline_began' WHERE seq = 2")
        bench.clock.advance(REST)
        await bench.checkup.look()
        assert bench.concerns == {}
        assert bench.told.journals[-1][0] is False

    tell(story)


def test_a_journal_without_its_head_is_broken(tell: Tell) -> None:
    """It cannot be read at all: that is not left for tomorrow."""

    async def story(bench: Bench) -> None:
        bench.forge("DELETE FROM journal_head")
        assert await bench.checkup.look() == REST
        assert bench.told.journals == [(True, None)]
        assert bench.concerns["journal"].startswith("The journal cannot be read: ")

    tell(story)


def test_a_database_that_does_not_answer_is_asked_again_later(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is claimed of its journal."""

    async def story(bench: Bench) -> None:
        async def run(*_: object, **__: object) -> None:
            raise StoreError("It is away.")

        monkeypatch.setattr(bench.shelf, "run", run)
        assert await bench.checkup.look() == REST
        assert (bench.told.journals, bench.concerns) == ([], {})

    tell(story)


def test_the_disk_is_looked_at_once_a_minute(
    tell: Tell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A disk that cannot be looked at is not said to be full."""

    async def story(bench: Bench) -> None:
        await bench.checkup.look()
        bench.clock.advance(REST / 2)
        await bench.checkup.look()
        (free,) = bench.told.free
        assert 0 < free < 1e18

        def gone(_: Path) -> None:
            raise OSError("it was pulled out")

        monkeypatch.setattr(shutil, "disk_usage", gone)
        bench.clock.advance(REST)
        await bench.checkup.look()
        assert bench.told.free == [free]

    tell(story)


def test_a_loop_that_was_held_up_says_for_how_long(tell: Tell) -> None:
    """The worst of the last minute; 0 before the first beat."""

    async def story(bench: Bench) -> None:
        assert bench.checkup.lag == 0.0
        now = asyncio.get_running_loop().time()
        for late in (0.0, 3.0, 0.1):
            bench.checkup._beaten(now - late)
            assert bench.checkup._beat is not None
            assert bench.checkup._beat.when() >= now + BEAT
            bench.checkup._beat.cancel()
        assert 3.0 <= bench.checkup.lag < 3.5

    tell(story)


def test_an_agent_looks_at_itself_and_tells_it_with_a_scrape(play: Play, tmp_path: Path) -> None:
    """From its start; the scrape itself asks whether it is ready."""

    async def story() -> None:
        watch = Told()
        house = House(tmp_path / "till.db", watch=watch)
        began = time.time()
        await house.agent.start()
        await watch.until(lambda: bool(watch.journals))
        assert watch.free
        ((broken, whole_at),) = watch.journals
        assert not broken
        assert whole_at is not None
        assert whole_at >= began
        await house.agent.metrics("text/plain")
        await house.agent.stop()
        await house.agent.metrics("text/plain")
        assert [ready for ready, _ in watch.well] == [True, False]

    play(story())
