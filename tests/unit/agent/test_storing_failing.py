"""Whether the store takes what is to be written, as its thread tells it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from engine.agent.storing import StoreThread
from engine.store.errors import DiskFull
from tests.unit.agent.conftest import PATIENCE

Play = Callable[[Coroutine[Any, Any, None]], None]
Opened = Callable[[], Awaitable[tuple[StoreThread[Any], Any]]]
FULL = "There is no room left."


def full(_shelf: Any) -> None:
    raise DiskFull(FULL)


def wrong(_shelf: Any) -> None:
    raise ValueError("no such till")


def fine(shelf: Any) -> None:
    shelf.add("a")


@pytest.mark.parametrize("moment", ["begin", "commit"])
def test_a_transaction_that_fails_is_told_until_one_succeeds(
    play: Play, opened: Opened, moment: str
) -> None:
    """Whether it cannot begin or cannot be made durable; a read says nothing about it."""

    async def story() -> None:
        thread, shelf = await opened()
        setattr(shelf, moment, DiskFull(FULL))
        with pytest.raises(DiskFull):
            await thread.run(fine)
        await thread.run(lambda shelf: shelf.names, write=False)
        assert thread.failing == FULL
        setattr(shelf, moment, None)
        await thread.run(fine)
        assert thread.failing == ""
        await thread.close(PATIENCE)

    play(story())


def test_what_a_job_itself_does_wrong_is_no_matter_of_the_disk(play: Play, opened: Opened) -> None:
    """It neither begins nor ends a failure of the store."""

    async def story() -> None:
        thread, _ = await opened()
        for before in ("", FULL):
            if before:
                with pytest.raises(DiskFull):
                    await thread.run(full)
            with pytest.raises(ValueError, match="no such till"):
                await thread.run(wrong)
            assert thread.failing == before
        await thread.close(PATIENCE)

    play(story())


def test_of_writes_that_share_a_transaction_one_that_fails_is_told(
    play: Play, opened: Opened, doorway: Callable[[], Any]
) -> None:
    """A small write beside a large one that finds no room does not hide it."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()
        first = asyncio.ensure_future(thread.run(doors, write=False))
        await doors.entered()
        jobs = [thread.send(job) for job in (full, fine)]
        doors.open.set()
        done = await asyncio.gather(first, *jobs, return_exceptions=True)
        assert (str(done[1]), done[2]) == (FULL, None)
        assert shelf.commits == [["a"]]
        assert thread.failing == FULL
        await thread.close(PATIENCE)

    play(story())
