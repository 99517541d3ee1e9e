"""A connection whose calls can be abandoned: who waits for one does so for a bounded time."""

import threading
import time
from collections.abc import Iterator

import pytest

from engine.store.odbc_line import Hanging, Line

SOON = 0.05
PATIENCE = 10.0


class Connection:
    """Remembers the threads that it was made, used and closed in."""

    def __init__(self) -> None:
        self.made_in = threading.current_thread()
        self.closed_in: threading.Thread | None = None
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed_in = threading.current_thread()
        self.closed.set()

    def cancel(self) -> None:
        """Nothing here hears of it."""


@pytest.fixture
def made() -> list[Connection]:
    return []


@pytest.fixture
def line(made: list[Connection]) -> Iterator[Line[Connection]]:
    def connect() -> Connection:
        made.append(Connection())
        return made[-1]

    opened = Line(connect)
    yield opened
    opened.close(PATIENCE)


def test_all_calls_are_made_in_one_thread_that_is_not_the_callers(
    line: Line[Connection], made: list[Connection]
) -> None:
    threads = [line.call(lambda _: threading.current_thread(), PATIENCE) for _ in range(3)]
    line.close(PATIENCE)
    assert {*threads, made[0].made_in, made[0].closed_in} == {threads[0]}
    assert threads[0] is not threading.current_thread()
    assert not threads[0].is_alive()


def test_what_a_call_raises_reaches_the_caller_without_the_frames_it_came_from(
    line: Line[Connection],
) -> None:
    """They would keep cursors alive in the caller's thread."""

    def fail(_: Connection) -> None:
        raise ValueError("no such table")

    with pytest.raises(ValueError, match="no such table") as caught:
        line.call(fail, PATIENCE)
    frames = [entry.frame.code.name for entry in caught.traceback]
    assert "fail" not in frames
    assert line.call(lambda _: "on", PATIENCE) == "on"


def test_a_call_that_hangs_is_abandoned_and_its_connection_closed_when_it_ends(
    line: Line[Connection], made: list[Connection]
) -> None:
    """The line is of no use afterwards: every further call says so at once."""
    gate = threading.Event()
    began = time.monotonic()
    with pytest.raises(Hanging):
        line.call(lambda _: gate.wait(PATIENCE), SOON)
    with pytest.raises(Hanging):
        line.call(lambda _: None, PATIENCE)
    assert line.abandoned
    assert time.monotonic() - began < PATIENCE / 2
    assert not made[0].closed.is_set()
    gate.set()
    assert made[0].closed.wait(PATIENCE)


def test_a_log_in_that_hangs_is_abandoned_too() -> None:
    """What it brings in the end is closed."""
    gate, made = threading.Event(), list[Connection]()

    def connect() -> Connection:
        gate.wait(PATIENCE)
        made.append(Connection())
        return made[0]

    line = Line(connect)
    with pytest.raises(Hanging):
        line.call(lambda _: None, SOON)
    line.close(SOON)
    gate.set()
    line.close(PATIENCE)
    assert made[0].closed.is_set()


def test_a_log_in_that_fails_is_tried_again_by_the_next_call() -> None:
    faults = [OSError("not yet")]

    def connect() -> Connection:
        if faults:
            raise faults.pop()
        return Connection()

    line = Line(connect)
    with pytest.raises(OSError, match="not yet"):
        line.call(lambda _: None, PATIENCE)
    assert line.call(lambda _: "there", PATIENCE) == "there"
    line.close(PATIENCE)
