"""Effects run in real threads against a server in the same process; answers become events."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest

from engine.agent.clock import SystemClock
from engine.agent.running import EffectRunner, Reach
from engine.agent.workers import Workers
from engine.core.records import Event, Run
from engine.effects.call import Effect
from engine.effects.ping import PING
from engine.effects.table import EFFECTS
from engine.lab.stub import StubServer
from engine.server.port import CallFailed, CallRejected, Message, Reason
from engine.store import Backlog, Store, Ticket
from tests.unit.agent.conftest import PATIENCE, Play

T = TypeVar("T")
EMPTY = Backlog(0, 0, 3, None, 7, 0)


class EmptyBooks:
    """A store without tickets to send."""

    def __init__(self) -> None:
        self.tickets = self
        self.messages = self

    def to_acknowledge(self, _till: str) -> list[str]:
        return []

    def keep(self, _till: str, messages: Sequence[Message], _at: float) -> list[str]:
        return [message.id for message in messages[1:]]

    def unread_count(self, _till: str) -> int:
        return 7

    def batch(self, _till: str, _limit: int) -> list[Ticket]:
        return []

    def attempted(self, *_: object) -> tuple[int, ...]:
        return ()

    def backlog(self, _till: str) -> Backlog:
        return EMPTY

    def call(self, work: Callable[[Store], T], timeout: float, *, write: bool = True) -> T:
        assert timeout > 0 or write
        return work(self)  # type: ignore[arg-type]


class Desk:
    """A runner with what it delivers."""

    def __init__(self, server: StubServer, size: int = 2, **pool: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.abandoned: list[str] = []
        self.workers = Workers(self.loop, size, self.abandoned.append, **pool)
        self.events: asyncio.Queue[tuple[str, Event]] = asyncio.Queue()
        self.ended: list[tuple[str, str, float]] = []
        self.counted: list[tuple[str, Backlog, int]] = []
        self.received: list[tuple[str, list[str], int, int]] = []
        self.runner = EffectRunner(
            self.loop,
            self.workers,
            Reach("0042", server, EmptyBooks(), SystemClock()),
            deliver=lambda till, event: self.events.put_nowait((till, event)),
            ended=lambda *facts: self.ended.append(facts),
            counted=self.count,
            received=self.receive,
        )

    def receive(self, till: str, new: Sequence[Message], unread: int) -> None:
        self.received.append((till, [message.id for message in new], unread, threading.get_ident()))

    def count(self, till: str, backlog: Backlog) -> None:
        self.counted.append((till, backlog, threading.get_ident()))

    async def answer(self) -> Event:
        _, event = await asyncio.wait_for(self.events.get(), PATIENCE)
        return event


def story(server: StubServer, tell: Callable[[Desk], Awaitable[None]], **pool: Any) -> Any:
    async def told() -> None:
        desk = Desk(server, **pool)
        await tell(desk)
        desk.runner.stop()
        assert await desk.workers.close(PATIENCE) == 0

    return told()


def ping(number: int = 1, timeout: Any = 5.0) -> Run:
    return Run(number, "ping", {"timeout": timeout}, None)


def test_an_answer_comes_back_as_an_event_of_its_run(play: Play) -> None:
    """With what the effect found out, and the time it took goes to who counts."""

    async def tell(desk: Desk) -> None:
        desk.runner.start("01", ping(7))
        till, event = await asyncio.wait_for(desk.events.get(), PATIENCE)
        assert (till, event.name, event.run, event.timer) == ("01", "ping.ok", 7, None)
        assert set(event.data) == {"latency"}
        ((effect, outcome, seconds),) = desk.ended
        assert (effect, outcome) == ("ping", "ok")
        assert 0 <= seconds < PATIENCE

    play(story(StubServer(), tell))


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (CallFailed(Reason.UNREACHABLE, "no route"), "ping.failed.unreachable"),
        (CallRejected("4", "no"), "ping.rejected"),
        (RuntimeError("a fault of ours"), "ping.failed.local_error"),
    ],
)
def test_whatever_an_effect_meets_is_an_event(play: Play, fault: Exception, name: str) -> None:
    """Nothing else can get a machine out of the state in which it waits for it."""

    def strike(*_: object) -> None:
        raise fault

    async def tell(desk: Desk) -> None:
        desk.runner.start("01", ping())
        assert (await desk.answer()).name == name

    play(story(StubServer(strike=strike), tell))


def test_the_backlog_is_told_in_the_loop(play: Play) -> None:
    """The worker's thread only hands it over."""

    async def tell(desk: Desk) -> None:
        desk.runner.start("01", Run(1, "send_tickets", {"timeout": 5.0}, "sending"))
        assert (await desk.answer()).data == {"sent": 0, "refused": 0, "pending": 0}
        assert desk.counted == [("01", EMPTY, threading.get_ident())]

    play(story(StubServer(), tell))


def test_an_effect_that_outlives_its_deadline_is_a_timeout(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread is given up and counted; another takes its place."""
    gate = threading.Event()

    def hang(*_: object) -> None:
        gate.wait(PATIENCE)

    impatient = Effect(PING.signature, PING.run, lambda _arguments: 0.01)
    monkeypatch.setattr("engine.agent.running.EFFECTS", {**EFFECTS, "ping": impatient})
    server = StubServer(strike=hang)

    async def tell(desk: Desk) -> None:
        desk.runner.start("01", ping())
        event = await desk.answer()
        assert event.name == "ping.failed.timeout"
        assert event.data["reason"] == "timeout"
        assert desk.abandoned == ["ping of till 01"]
        gate.set()
        server.strike = None
        desk.runner.start("02", ping())
        assert (await desk.answer()).name == "ping.ok"

    play(story(server, tell, size=1, grace=0.0))


def test_messages_that_are_new_are_told_in_the_loop(play: Play) -> None:
    """Those alone that the till did not have, with how many are unread."""
    server = StubServer()
    server.notices.put_messages([{"id": "m-1"}, {"id": "m-2"}])

    async def tell(desk: Desk) -> None:
        arguments: dict[str, Any] = {"timeout": 5.0, "reason": "opened"}
        desk.runner.start("01", Run(1, "poll_messages", arguments, None))
        event = await desk.answer()
        assert (event.name, event.data) == ("poll_messages.ok", {"new": 1, "unread": 7})
        assert desk.received == [("01", ["m-2"], 7, threading.get_ident())]

    play(story(server, tell))


def test_an_effect_that_finds_no_worker_is_a_local_error(play: Play) -> None:
    """The machine hears that it was never tried."""
    gate = threading.Event()
    server = StubServer(strike=lambda *_: (gate.wait(PATIENCE), None)[1])

    async def tell(desk: Desk) -> None:
        desk.runner.start("01", ping(1))
        desk.runner.start("01", ping(2))
        event = await desk.answer()
        assert (event.run, event.name) == (2, "ping.failed.local_error")
        assert "no thread was free" in str(event.data["message"])
        gate.set()
        assert (await desk.answer()).run == 1

    play(story(server, tell, size=1, patience=0.0))


def test_a_cancelled_run_is_never_heard_of(play: Play) -> None:
    """Not when its answer comes late, and not by who counts; the next one is."""
    gate, begun = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        begun.set()
        gate.wait(PATIENCE)

    async def tell(desk: Desk) -> None:
        desk.runner.start("01", ping(1))
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        desk.runner.cancel("01", ping(1))
        gate.set()
        desk.runner.start("01", ping(2))
        assert (await desk.answer()).run == 2
        assert [outcome for _, outcome, _ in desk.ended] == ["ok"]
        assert desk.runner._futures == {}

    play(story(StubServer(strike=hang), tell, size=1))


def test_cancelling_what_has_ended_does_nothing(play: Play) -> None:
    """A machine may say so in the same step in which the answer came."""

    async def tell(desk: Desk) -> None:
        desk.runner.start("01", ping())
        await desk.answer()
        desk.runner.cancel("01", ping())
        assert desk.events.empty()

    play(story(StubServer(), tell))


def test_runs_of_the_same_number_belong_to_their_tills(play: Play) -> None:
    """Each till counts its own."""

    async def tell(desk: Desk) -> None:
        for till in ("01", "02"):
            desk.runner.start(till, ping(1))
        desk.runner.cancel("01", ping(1))
        till, _ = await asyncio.wait_for(desk.events.get(), PATIENCE)
        assert till == "02"

    play(story(StubServer(), tell))


def test_after_a_stop_no_answer_comes(play: Play) -> None:
    """The next start of the agent starts those effects again."""
    gate = threading.Event()
    server = StubServer(strike=lambda *_: (gate.wait(PATIENCE), None)[1])

    async def tell(desk: Desk) -> None:
        for number in range(4):
            desk.runner.start("01", ping(number))
        desk.runner.stop()
        gate.set()
        assert await desk.workers.close(PATIENCE) == 0
        assert (desk.events.empty(), desk.ended) == (True, [])

    play(story(server, tell))


@pytest.mark.parametrize("arguments", [{}, {"timeout": "soon"}, {"timeout": None}])
def test_arguments_that_an_older_version_saved_are_a_local_error(
    play: Play, arguments: dict[str, Any]
) -> None:
    """A till that was restored with them goes on; so does the agent."""

    async def tell(desk: Desk) -> None:
        desk.runner.start("01", Run(3, "ping", arguments, None))
        event = await desk.answer()
        assert (event.name, event.run) == ("ping.failed.local_error", 3)

    play(story(StubServer(), tell))
