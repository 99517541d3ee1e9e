"""Jobs that a database undid in favour of another program's are run again."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine.agent.storing import ATTEMPTS, StoreThread
from engine.store.errors import DiskFull, StoreError, Undone
from tests.unit.agent.conftest import PATIENCE, Shelf

Play = Callable[[Coroutine[Any, Any, None]], None]
Opened = Callable[[], Awaitable[tuple[StoreThread[Any], Any]]]


class Contended(Shelf):
    """``deadlocks`` transactions are undone at their end; ``poison`` undoes the one it is in."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlocks = 0
        self.poisoned = False
        self.runs = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.runs += 1
        self.poisoned = False
        with super().transaction():
            yield
            if self.poisoned or self.deadlocks:
                self.deadlocks = max(0, self.deadlocks - 1)
                raise Undone("in favour of another")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        if self.poisoned:
            raise Undone("undid a whole transaction")
        with super().savepoint():
            yield


@pytest.fixture
def shelf() -> Contended:
    return Contended()


def add(name: str) -> Callable[[Any], str]:
    return lambda shelf: str(shelf.add(name))


def poison(shelf: Contended) -> None:
    shelf.poisoned = True
    raise StoreError("a ticket is never changed")


async def together(thread: StoreThread[Any], doors: Any, *works: Any) -> list[Any]:
    """Works that share a transaction, and what came of each."""
    held = asyncio.ensure_future(thread.run(doors, write=False))
    await doors.entered()
    jobs = [thread.send(work) for work in works]
    doors.open.set()
    found = await asyncio.gather(held, *jobs, return_exceptions=True)
    return found[1:]


def test_a_group_that_lost_a_deadlock_is_stored_at_the_next_try(
    play: Play, opened: Opened, doorway: Callable[[], Any]
) -> None:
    """Nobody who waits hears of it, and everything is there once."""

    async def story() -> None:
        thread, shelf = await opened()
        shelf.deadlocks = ATTEMPTS - 1
        assert await together(thread, doorway(), add("a"), add("b")) == ["a", "b"]
        assert (shelf.commits, shelf.runs, thread.failing) == ([["a", "b"]], ATTEMPTS, "")
        await thread.close(PATIENCE)

    play(story())


def test_it_is_not_tried_for_ever(play: Play, opened: Opened) -> None:
    """After some times the callers are told; the thread goes on."""

    async def story() -> None:
        thread, shelf = await opened()
        shelf.deadlocks = ATTEMPTS
        with pytest.raises(Undone):
            await thread.run(add("a"))
        assert (shelf.runs, shelf.names) == (ATTEMPTS, [])
        assert thread.failing == "in favour of another"
        assert await thread.run(add("b")) == "b"
        await thread.close(PATIENCE)

    play(story())


def test_a_job_that_undoes_its_neighbours_is_left_out(
    play: Play, opened: Opened, doorway: Callable[[], Any]
) -> None:
    """On SQL Server a trigger that says no undoes everything: the others are run without it."""

    async def story() -> None:
        thread, shelf = await opened()
        found = await together(thread, doorway(), add("a"), poison, add("b"))
        assert [type(each) for each in found] == [str, StoreError, str]
        assert (shelf.commits, shelf.runs) == ([["a", "b"]], 2)
        await thread.close(PATIENCE)

    play(story())


def test_what_has_a_lasting_reason_is_not_tried_again(play: Play, opened: Opened) -> None:
    """A disk that is full is not less so at once."""

    async def story() -> None:
        thread, shelf = await opened()
        shelf.commit = DiskFull("no room")
        with pytest.raises(DiskFull):
            await thread.run(add("a"))
        assert shelf.runs == 1
        await thread.close(PATIENCE)

    play(story())
