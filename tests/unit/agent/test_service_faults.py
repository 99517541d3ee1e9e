"""The agent goes on, or stops in time, whatever hangs, breaks or listens badly."""

import asyncio
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.agent import service
from engine.agent.clock import SystemClock
from engine.core.feed import StepFailed
from engine.core.records import Step
from engine.lab.stub import StubServer
from engine.server.port import CallFailed, Reason
from metrics.listening import Guarded
from tests.unit.agent.conftest import PATIENCE, Play
from tests.unit.agent.houses import House, Watching

ALL_CALLS = {"add_till", "observe", "effect", "backlog"}


class Broken(Watching):
    """Notes what it is told and then fails at every call."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: set[str] = set()

    def _fail(self, call: str) -> None:
        self.failed.add(call)
        raise ValueError("a broken metric")

    def add_till(
        self, till: str, configuration: tuple[str, ...], entered: Mapping[str, float]
    ) -> None:
        super().add_till(till, configuration, entered)
        self._fail("add_till")

    def observe(self, step: Step, wall: float) -> None:
        super().observe(step, wall)
        self._fail("observe")

    def effect(self, effect: str, outcome: str, seconds: float) -> None:
        super().effect(effect, outcome, seconds)
        self._fail("effect")

    def backlog(
        self,
        till: str,
        pending: int,
        sent: int,
        refused: int,
        oldest_at: float | None,
        missing: int = 0,
    ) -> None:
        super().backlog(till, pending, sent, refused, oldest_at, missing)
        self._fail("backlog")

    def worker_abandoned(self) -> None:
        super().worker_abandoned()
        self._fail("worker_abandoned")

    def listener_failed(self) -> None:
        """What the guard counts with."""


def transitions(watch: Watching) -> list[list[tuple[str, str, str]]]:
    return [[taken[:3] for taken in step.taken] for step in watch.steps]


def a_day(play: Play, path: Path, watch: Any, notes: Watching) -> list[Any]:
    """A ticket is sold and sent, the server is lost; gives the transitions."""

    async def story() -> None:
        house = House(path, watch=watch)
        await house.agent.start()
        assert await house.agent.accept_ticket("01", 1, b"x") == "new"
        await house.agent.post_event("01", "sync.now", {})
        await notes.until(lambda: "send_tickets.ok" in notes.names())

        def gone(*_: object) -> None:
            raise CallFailed(Reason.UNREACHABLE, "no route")

        house.server.strike = gone
        await house.agent.accept_ticket("01", 2, b"y")
        await house.agent.post_event("01", "sync.now", {})
        await notes.until(lambda: "send_tickets.failed.unreachable" in notes.names())
        assert await house.state() == "down"
        await house.agent.stop()

    play(story())
    return transitions(notes)


def test_metrics_that_fail_at_every_call_change_nothing(
    play: Play, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same transitions with them, without them, and with a guard before them."""
    made: list[list[Any]] = []

    async def make() -> None:
        made.append([Watching(), Broken(), Broken()])

    play(make())
    sound, broken, guarded = made[0]
    guard = Guarded(guarded, SystemClock().monotonic)
    expected = a_day(play, tmp_path / "1", sound, sound)
    assert a_day(play, tmp_path / "2", broken, broken) == expected
    assert a_day(play, tmp_path / "3", guard, guarded) == expected
    assert broken.failed == guarded.failed == ALL_CALLS
    failures = {r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR}
    assert failures == {"watch.failed"}


def test_a_stop_while_effects_hang_ends_within_its_bounds(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls that hang are left behind; the store is closed and whole."""
    monkeypatch.setattr(service, "LAST_ANSWERS", 0.05)
    gate, begun = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        begun.set()
        gate.wait(PATIENCE)

    async def story() -> None:
        house = House(tmp_path / "till.db", StubServer(strike=hang))
        await house.agent.start()
        await house.agent.accept_ticket("01", 1, b"x")
        await house.agent.post_event("01", "sync.now", {})
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        before = asyncio.get_running_loop().time()
        await house.agent.stop()
        assert asyncio.get_running_loop().time() - before < 2
        assert house.books._ended.done()
        gate.set()

    play(story())


def test_a_stop_while_the_disk_hangs_ends_within_its_bounds(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said; the thread, a daemon, is left behind."""
    monkeypatch.setattr(service, "STOP", 0.1)
    gate = threading.Event()

    async def story() -> None:
        house = House(tmp_path / "till.db")
        await house.agent.start()
        house.books.post(lambda _: gate.wait(PATIENCE))
        before = asyncio.get_running_loop().time()
        await house.agent.stop()
        assert asyncio.get_running_loop().time() - before < 2
        gate.set()

    play(story())
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told[:2] == ["history.not_kept", "store.stuck"]


def test_an_answer_that_comes_in_the_stop_is_written_down(play: Play, tmp_path: Path) -> None:
    """It need not be asked for at the next start."""
    gate, begun = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        begun.set()
        gate.wait(PATIENCE)

    async def story() -> None:
        house = House(tmp_path / "till.db", StubServer(lost=hold))
        await house.agent.start()
        await house.agent.accept_ticket("01", 1, b"x")
        await house.agent.post_event("01", "sync.now", {})
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        stopping = asyncio.create_task(house.agent.stop())
        await asyncio.sleep(0)
        gate.set()
        await stopping
        with house.open_store() as store:
            assert store.tickets.backlog("01")[:3] == (0, 0, 1)

    play(story())


def test_a_stop_in_the_middle_of_a_start_ends_it(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No till is begun after it."""
    monkeypatch.setattr(service, "BREATH", 1)

    async def story() -> None:
        house = House(tmp_path / "till.db", names=[str(number) for number in range(500)])
        starting = asyncio.create_task(house.agent.start())
        await house.watch.until(lambda: len(house.watch.steps) > 3)
        await house.agent.stop()
        await starting
        assert len(await house.agent.tills()) < 500

    play(story())


def test_a_machine_that_cannot_begin_is_told(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start raises what the core says; a stop then ends everything."""

    def broken(*_: object) -> object:
        raise StepFailed("till 01, event begin: by arrangement")

    monkeypatch.setattr("engine.agent.tills.begin", broken)

    async def story() -> None:
        house = House(tmp_path / "till.db")
        with pytest.raises(StepFailed, match="by arrangement"):
            await house.agent.start()
        await house.agent.stop()

    play(story())


def test_a_till_whose_saved_text_is_spoilt_begins_anew_and_keeps_its_tickets(
    play: Play, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They are not in there."""

    async def story() -> None:
        house = House(tmp_path / "till.db")
        with house.open_store() as store:
            store.snapshots.save([("01", "{spoilt", 0.0)])
            store.tickets.accept("0042", "01", 1, b"x", 1.0)
        await house.agent.start()
        (view,) = await house.agent.tills()
        assert (view.state, view.tickets.pending) == ("up", 1)
        await house.agent.stop()

    play(story())
    assert "till.begins_anew" in [record.getMessage() for record in caplog.records]


def test_a_stuck_worker_is_counted_and_shown_in_the_health(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The agent stays ready: others have taken its place."""
    gate = threading.Event()
    server = StubServer(strike=lambda *_: (gate.wait(PATIENCE), None)[1])

    async def story() -> None:
        house = House(tmp_path / "till.db", server, workers=1)
        await house.agent.start()
        worker = house.agent._workers.submit(lambda _: gate.wait(PATIENCE), 0.0, "a call")
        with pytest.raises(Exception, match="did not end"):
            await worker
        assert house.watch.abandoned == 1
        health = house.agent.health()
        assert (health.ready, health.reasons) == (True, ("A call hangs and was given up.",))
        gate.set()
        await house.agent.stop()

    play(story())
    assert "worker.abandoned" in [record.getMessage() for record in caplog.records]
