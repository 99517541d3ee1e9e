import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from engine.agent.storing import StoreClosed, StoreStalled, StoreThread

Play = Callable[[Coroutine[Any, Any, None]], None]
Opened = Callable[[], Awaitable[tuple[StoreThread[Any], Any]]]
Doorway = Callable[[], Any]
PATIENCE = 10.0


def add(name: str) -> Callable[[Any], str]:
    def work(shelf: Any) -> str:
        return str(shelf.add(name))

    return work


async def sent(*coroutines: Coroutine[Any, Any, Any]) -> list["asyncio.Task[Any]"]:
    """Tasks that have all reached the store's queue."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    await asyncio.sleep(0)
    return tasks


def fail(_shelf: Any) -> None:
    raise ValueError("no such till")


def test_posted_work_is_done_and_its_failure_told_in_the_loop(play: Play, opened: Opened) -> None:
    """Nobody waits for posted work; only if it fails, the callback runs in the loop's thread."""

    async def story() -> None:
        told: asyncio.Queue[tuple[Exception, threading.Thread]] = asyncio.Queue()
        thread, shelf = await opened()

        def failed(error: Exception) -> None:
            told.put_nowait((error, threading.current_thread()))

        thread.post(add("a"), failed)
        thread.post(fail, failed)
        error, where = await told.get()
        assert isinstance(error, ValueError)
        assert where is threading.current_thread()
        assert shelf.stored() == ["a"]
        await thread.close(PATIENCE)
        thread.post(add("b"), failed)
        assert isinstance((await told.get())[0], StoreClosed)
        assert told.empty()

    play(story())


def test_a_failure_that_nobody_asked_for_is_logged(
    play: Play, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    """Posted work without a callback of its own leaves a warning."""

    async def story() -> None:
        thread, _ = await opened()
        thread.post(fail)
        await thread.close(PATIENCE)

    play(story())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.records[0].fields == {"message": "no such till"}  # type: ignore[attr-defined]


def test_a_callback_that_fails_keeps_nobody_from_an_answer(
    play: Play, opened: Opened, doorway: Doorway
) -> None:
    """Of one group, a caller gets its result although the callback before it raised."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        complaints = list[dict[str, Any]]()
        loop.set_exception_handler(lambda _loop, context: complaints.append(context))
        thread, _ = await opened()
        doors = doorway()

        def broken(_error: Exception) -> None:
            raise KeyError("broken callback")

        tasks = await sent(thread.run(doors))
        await doors.entered()
        thread.post(fail, broken)
        tasks += await sent(thread.run(add("a")))
        doors.open.set()
        assert await asyncio.gather(*tasks) == ["held", "a"]
        await thread.close(PATIENCE)
        assert len(complaints) == 1

    play(story())


def test_a_worker_thread_can_wait_for_its_work(play: Play, opened: Opened) -> None:
    """``call`` blocks the worker until its work is durable, and raises what it raised."""

    async def story() -> None:
        thread, shelf = await opened()
        found = await asyncio.to_thread(thread.call, add("a"), PATIENCE)
        assert (found, shelf.commits) == ("a", [["a"]])
        with pytest.raises(ValueError, match="no such till"):
            await asyncio.to_thread(thread.call, fail, PATIENCE)
        await thread.close(PATIENCE)
        with pytest.raises(StoreClosed):
            await asyncio.to_thread(thread.call, fail, PATIENCE)

    play(story())


def test_a_call_that_is_not_answered_says_whether_it_began(
    play: Play, opened: Opened, doorway: Doorway
) -> None:
    """One that waits is taken back and never done; one that runs has an unknown outcome."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()
        with pytest.raises(StoreStalled, match="its outcome is unknown") as begun:
            await asyncio.to_thread(thread.call, doors, 0.02)
        with pytest.raises(StoreStalled, match="was taken back") as waiting:
            await asyncio.to_thread(thread.call, add("late"), 0.02)
        assert (begun.value.ran, waiting.value.ran) == (True, False)
        doors.open.set()
        await thread.run(add("after"))
        assert shelf.stored() == ["after"]
        await thread.close(PATIENCE)

    play(story())


def test_threads_that_must_not_wait_are_refused(play: Play, opened: Opened) -> None:
    """``call`` from the loop or from a job would hang for ever: both are told so at once."""

    async def story() -> None:
        thread, _ = await opened()
        with pytest.raises(RuntimeError, match="must not wait"):
            thread.call(fail, PATIENCE)
        with pytest.raises(RuntimeError, match="must not wait"):
            await thread.run(lambda _: thread.call(fail, PATIENCE))
        await thread.close(PATIENCE)

    play(story())


def test_a_hanging_disk_shows(play: Play, opened: Opened, doorway: Doorway) -> None:
    """``stalled_for`` grows while a job runs, and is zero when the thread is idle."""

    async def story() -> None:
        thread, _ = await opened()
        assert thread.stalled_for() == 0.0
        doors = doorway()
        task = (await sent(thread.run(doors)))[0]
        await doors.entered()
        first = thread.stalled_for()
        began = time.monotonic()
        await asyncio.wait([task], timeout=0.02)
        assert thread.stalled_for() - first >= time.monotonic() - began - 0.001 > 0.0
        doors.open.set()
        await task
        await thread.close(PATIENCE)
        assert thread.stalled_for() == 0.0

    play(story())


def test_a_store_that_does_not_open_says_why(play: Play) -> None:
    """``start`` raises the reason; work sent before and after is refused, not left waiting."""

    async def story() -> None:
        def open_store() -> Any:
            raise OSError("the disk is full")

        thread = StoreThread(open_store, asyncio.get_running_loop())
        early = (await sent(thread.run(add("a"))))[0]
        with pytest.raises(OSError, match="full"):
            await thread.start()
        with pytest.raises(StoreClosed):
            await early
        with pytest.raises(StoreClosed):
            await thread.run(add("b"))
        assert await thread.close(PATIENCE)

    play(story())


def test_closing_does_what_waits_and_refuses_what_comes(
    play: Play, opened: Opened, doorway: Doorway
) -> None:
    """Everything sent before the close is durable after it; the store is closed in its thread;
    a second close changes nothing."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "ab"))
        closing = (await sent(thread.close(PATIENCE)))[0]
        with pytest.raises(StoreClosed):
            await thread.run(add("c"))
        doors.open.set()
        assert await closing
        assert await asyncio.gather(*tasks) == ["held", "a", "b"]
        assert shelf.names == ["a", "b"]
        assert shelf.closed_by is not threading.current_thread()
        assert shelf.closed_by is not None
        assert await thread.close(PATIENCE)

    play(story())


def test_a_stop_does_not_wait_for_a_hanging_disk(
    play: Play, opened: Opened, doorway: Doorway
) -> None:
    """After its time, close gives up: whoever waits is told, and nothing that waited is done
    when the disk comes back."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()
        tasks = await sent(thread.run(doors))
        await doors.entered()
        tasks += await sent(thread.run(add("a")))
        assert not await thread.close(0.02)
        running, waiting = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(running, StoreStalled)
        assert running.ran
        assert isinstance(waiting, StoreClosed)
        doors.open.set()
        assert await thread.close(PATIENCE)
        assert shelf.names == []
        assert shelf.closed_by is not None

    play(story())


def test_a_thread_that_was_never_started_closes(play: Play, shelf: Any) -> None:
    """Closing it refuses what was sent and returns at once."""

    async def story() -> None:
        thread = StoreThread(lambda: shelf, asyncio.get_running_loop())
        task = (await sent(thread.run(add("a"))))[0]
        assert await thread.close(PATIENCE)
        with pytest.raises(StoreClosed):
            await task

    play(story())
