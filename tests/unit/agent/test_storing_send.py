"""Sending a job to the store without waiting: in its order, with a future of its own."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.agent.storing import StoreClosed, StoreStalled, StoreThread
from engine.store.errors import StoreError
from tests.unit.agent.conftest import PATIENCE, Play, Shelf

Opened = Callable[[], Awaitable[tuple[StoreThread[Shelf], Shelf]]]


def test_what_is_sent_is_done_before_what_is_asked_afterwards(play: Play, opened: Opened) -> None:
    """Without awaiting it: it is in the queue when the call returns."""

    async def story() -> None:
        thread, shelf = await opened()
        sent = thread.send(lambda held: held.add("a"))
        assert await thread.run(lambda held: list(held.names), write=False) == ["a"]
        assert await sent == "a"
        assert shelf.stored() == ["a"]
        await thread.close(PATIENCE)

    play(story())


def test_a_job_that_fails_tells_its_future_alone(play: Play, opened: Opened) -> None:
    """The others of its group are stored."""

    async def story() -> None:
        thread, shelf = await opened()

        def fail(_shelf: Shelf) -> None:
            raise OSError("no room")

        failed, good = thread.send(fail), thread.send(lambda held: held.add("b"))
        await asyncio.gather(failed, good, return_exceptions=True)
        assert isinstance(failed.exception(), OSError)
        assert shelf.stored() == ["b"]
        await thread.close(PATIENCE)

    play(story())


def test_a_store_that_is_closed_says_so_at_once(play: Play, opened: Opened) -> None:
    """No future is left that nobody answers."""

    async def story() -> None:
        thread, _ = await opened()
        await thread.close(PATIENCE)
        with pytest.raises(StoreClosed, match="closed"):
            thread.send(lambda held: held.add("c"))

    play(story())


@pytest.mark.parametrize("kind", [StoreClosed, StoreStalled])
def test_a_store_that_does_not_answer_is_a_store_error(kind: type[Exception]) -> None:
    """Effects know the store and not the thread that owns it: to them it is a local error."""
    assert issubclass(kind, StoreError)
