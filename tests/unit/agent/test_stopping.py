import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from engine.agent.console import (
    CTRL_BREAK,
    CTRL_C,
    CTRL_CLOSE,
    CTRL_LOGOFF,
    CTRL_SHUTDOWN,
    ConsoleEvents,
)
from engine.agent.stopping import StopSignal

Play = Callable[[Coroutine[Any, Any, None]], None]
PATIENCE = 10.0


@pytest.fixture(autouse=True)
def handlers_given_back() -> Iterator[None]:
    """Every test leaves the signal handlers as it found them."""
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    if ignored:  # whoever runs the tests under nohup has a hangup ignored
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before
    if ignored:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_asks_for_a_clean_stop(play: Play, number: signal.Signals) -> None:
    """The first signal ends the wait with its name and ends no process."""

    async def story() -> None:
        codes: list[int] = []
        stop = StopSignal(asyncio.get_running_loop(), end=codes.append)
        waiting = asyncio.ensure_future(stop.wait())
        await asyncio.sleep(0)
        assert stop.reason is None
        os.kill(os.getpid(), number)
        assert await waiting == number.name
        assert codes == []
        stop.close()

    play(story())


def test_a_second_signal_ends_at_once(play: Play) -> None:
    """Even when the loop gets no turn in between, the second signal ends the process with 130."""

    async def story() -> None:
        codes: list[int] = []
        stop = StopSignal(asyncio.get_running_loop(), end=codes.append)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert codes == [130]
        assert await stop.wait() == "SIGTERM"
        stop.close()

    play(story())


def test_a_program_may_ask_too(play: Play) -> None:
    """``stop`` works from any thread, keeps the first reason, and the first Ctrl-C after it is
    still a first one."""

    async def story() -> None:
        codes: list[int] = []
        stop = StopSignal(asyncio.get_running_loop(), end=codes.append)
        await asyncio.to_thread(stop.stop, "time is over")
        stop.stop("again")
        signal.raise_signal(signal.SIGINT)
        assert (await stop.wait(), codes) == ("time is over", [])
        stop.close()

    play(story())


def test_a_hangup_that_is_ignored_stays_ignored(play: Play) -> None:
    """Under nohup a closed terminal does not stop the agent."""

    async def story() -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            stop = StopSignal(asyncio.get_running_loop())
            signal.raise_signal(signal.SIGHUP)
            assert stop.reason is None
            stop.close()
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        finally:
            signal.signal(signal.SIGHUP, before)

    play(story())


def test_another_thread_needs_no_signals() -> None:
    """In a loop outside of the main thread it is made without handlers and hears ``stop``."""
    found: list[str] = []

    async def story() -> None:
        stop = StopSignal(asyncio.get_running_loop())
        stop.stop("asked")
        found.append(await stop.wait())
        stop.close()

    thread = threading.Thread(target=lambda: asyncio.run(story()))
    thread.start()
    thread.join(PATIENCE)
    assert found == ["asked"]


def test_asking_a_loop_that_is_closed_does_nothing() -> None:
    """A late request, when the agent has long stopped, raises nothing."""
    loop = asyncio.new_event_loop()
    stop = StopSignal(loop)
    stop.close()
    loop.close()
    stop.stop("late")
    assert stop.reason == "late"


class Kernel32:
    """Windows' kernel32, as far as it is used: calls the handler from a thread of its own."""

    def __init__(self, console: bool = True) -> None:
        self.console = console
        self.handlers: list[Callable[[int], bool]] = []

    def SetConsoleCtrlHandler(self, handler: Callable[[int], bool], add: bool) -> int:  # noqa: N802
        if not self.console:
            return 0
        if add:
            self.handlers.append(handler)
        else:
            self.handlers.remove(handler)
        return 1

    def send(self, event: int) -> "tuple[threading.Thread, list[bool]]":
        answers: list[bool] = []
        thread = threading.Thread(target=lambda: answers.append(self.handlers[-1](event)))
        thread.start()
        return thread, answers


def listener(kernel32: Kernel32, last_moment: float = PATIENCE) -> tuple[ConsoleEvents, list[str]]:
    asked: list[str] = []
    return ConsoleEvents(kernel32, lambda handler: handler, asked.append, last_moment), asked


@pytest.mark.parametrize(
    ("event", "name"), [(CTRL_CLOSE, "CTRL_CLOSE"), (CTRL_SHUTDOWN, "CTRL_SHUTDOWN")]
)
def test_windows_ends_the_process_only_after_the_stop(event: int, name: str) -> None:
    """After a closed window or a shutdown the handler returns when the agent has stopped."""
    kernel32 = Kernel32()
    console, asked = listener(kernel32)
    thread, answers = kernel32.send(event)
    thread.join(0.05)
    assert thread.is_alive()
    console.close()
    thread.join(PATIENCE)
    assert (asked, answers) == ([name], [True])
    assert kernel32.handlers == []


def test_the_handler_does_not_wait_longer_than_windows() -> None:
    """An agent that does not stop keeps the handler only for its last moment."""
    kernel32 = Kernel32()
    console, asked = listener(kernel32, last_moment=0.01)
    thread, answers = kernel32.send(CTRL_CLOSE)
    thread.join(PATIENCE)
    assert (asked, answers) == (["CTRL_CLOSE"], [True])
    console.close()


@pytest.mark.parametrize(
    ("event", "asks", "answer"),
    [(CTRL_BREAK, ["CTRL_BREAK"], True), (CTRL_C, [], False), (CTRL_LOGOFF, [], True)],
)
def test_events_that_end_no_process_are_answered_at_once(
    event: int, asks: list[str], answer: bool
) -> None:
    """Ctrl-Break asks for a stop; Ctrl-C is left to Python; a log-off, which only services see
    and which may be anybody's, is ignored."""
    kernel32 = Kernel32()
    console, asked = listener(kernel32)
    thread, answers = kernel32.send(event)
    thread.join(PATIENCE)
    assert (asked, answers) == (asks, [answer])
    console.close()


def test_without_a_console_there_are_no_events() -> None:
    """In a service Windows refuses the handler: nothing is listened to and nothing breaks."""
    console, asked = listener(Kernel32(console=False))
    assert not console.listening
    console.close()
    assert asked == []


def test_a_console_event_stops_the_agent(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed window ends the wait in the loop, and the handler goes when the stop is done."""

    async def story() -> None:
        kernel32 = Kernel32()
        monkeypatch.setattr(
            "engine.agent.stopping._console_events",
            lambda asked: ConsoleEvents(kernel32, lambda handler: handler, asked),
        )
        stop = StopSignal(asyncio.get_running_loop())
        thread, answers = kernel32.send(CTRL_CLOSE)
        assert await stop.wait() == "CTRL_CLOSE"
        assert thread.is_alive()
        stop.close()
        assert kernel32.handlers == []
        await asyncio.to_thread(thread.join, PATIENCE)
        assert answers == [True]

    play(story())


def test_a_hangup_that_somebody_wants_to_hear_of_stops_nothing(play: Play) -> None:
    """It is a reload then; SIGTERM stops as before."""

    async def story() -> None:
        heard = asyncio.Event()
        stop = StopSignal(asyncio.get_running_loop(), end=lambda _: None)
        stop.hung_up = heard.set
        os.kill(os.getpid(), signal.SIGHUP)
        await heard.wait()
        assert stop.reason is None
        os.kill(os.getpid(), signal.SIGTERM)
        assert await stop.wait() == "SIGTERM"
        stop.close()

    play(story())


def test_a_terminal_that_is_closed_stops_the_agent(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hangup is none that asks for a reload."""
    ours, theirs = os.openpty()
    terminal = os.fdopen(theirs)
    monkeypatch.setattr("sys.stdin", terminal)

    async def story() -> None:
        heard: list[int] = []
        stop = StopSignal(asyncio.get_running_loop(), end=lambda _: None)
        stop.hung_up = lambda: heard.append(1)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.01)
        assert (heard, stop.reason) == ([1], None)
        os.close(ours)
        os.kill(os.getpid(), signal.SIGHUP)
        assert await stop.wait() == "SIGHUP"
        stop.close()

    play(story())
    terminal.close()
