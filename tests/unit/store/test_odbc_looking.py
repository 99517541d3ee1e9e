"""A long call that is looked after while it runs."""

import threading

import pytest

from engine.store.odbc_line import Hanging, Line, Watch


class Slow:
    """A connection whose call ends when it is told to."""

    def __init__(self, deaf: bool = False) -> None:
        self.deaf = deaf
        self.end = threading.Event()
        self.cancelled = threading.Event()

    def close(self) -> None:
        """Nothing is open."""

    def cancel(self) -> None:
        self.cancelled.set()
        if not self.deaf:
            self.end.set()

    def work(self) -> str:
        self.end.wait(20)
        return "done"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and soon gives up who does not hear."""
    monkeypatch.setattr("engine.store.odbc_line.LOOKS", 0.01)
    monkeypatch.setattr("engine.store.odbc_line.TO_CANCEL", 0.1)


def test_who_looks_is_asked_again_and_again_and_gets_the_result() -> None:
    slow = Slow()
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        if len(looks) == 3:
            slow.end.set()

    line = Line(lambda: slow)
    assert line.call(Slow.work, 20, Watch(look, Slow.cancel)) == "done"
    assert len(looks) >= 3
    line.close(1)


def test_what_is_raised_while_looking_cancels_the_call() -> None:
    """The line is there for the next one."""
    slow = Slow()

    def look() -> None:
        raise InterruptedError("enough")

    line = Line(lambda: slow)
    with pytest.raises(InterruptedError, match="enough"):
        line.call(Slow.work, 20, Watch(look, Slow.cancel))
    assert slow.cancelled.is_set()
    assert not line.abandoned
    assert line.call(lambda connection: connection.deaf, 20) is False
    line.close(1)


def test_a_call_that_does_not_hear_is_left_to_its_fate() -> None:
    slow = Slow(deaf=True)

    def look() -> None:
        raise InterruptedError("enough")

    line = Line(lambda: slow)
    with pytest.raises(InterruptedError, match="enough"):
        line.call(Slow.work, 20, Watch(look, Slow.cancel))
    assert line.abandoned
    slow.end.set()
    line.close(1)


def test_a_call_that_is_looked_after_has_an_end_all_the_same() -> None:
    slow = Slow()
    line = Line(lambda: slow)
    with pytest.raises(Hanging):
        line.call(Slow.work, 0.05, Watch(lambda: None, Slow.cancel))
    assert line.abandoned
    slow.end.set()
    line.close(1)
