import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from engine.agent.workers import Crowded, Overdue, Workers

Play = Callable[[Coroutine[Any, Any, None]], None]
Gates = Callable[..., Any]

AMPLE = 30.0
"""A deadline that no test reaches."""


def workers(size: int = 1, names: list[str] | None = None, **settings: Any) -> Workers:
    """A pool on the running loop whose deadlines are held with very little grace."""
    told = (names if names is not None else []).append
    return Workers(asyncio.get_running_loop(), size, told, **{"grace": 0.02, **settings})


def nothing(_cancel: threading.Event) -> None:
    """The shortest job."""


def note(order: list[int], number: int, _cancel: threading.Event) -> None:
    order.append(number)


def test_a_job_gives_its_result(play: Play) -> None:
    """What the job returns is the result of the future, and it ran in another thread."""

    async def story() -> None:
        pool = workers()
        found = await pool.submit(lambda _: threading.current_thread().name, AMPLE, "job")
        assert found == "tillwire-worker"
        assert await pool.close(5.0) == 0

    play(story())


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ValueError("no"), ValueError),
        (StopIteration(), RuntimeError),
        (SystemExit(3), RuntimeError),
    ],
)
def test_a_job_that_raises_fails_its_own_future(
    play: Play, raised: BaseException, expected: type[Exception]
) -> None:
    """An exception, even one that no future carries or that ends a program, reaches the caller
    and the thread goes on."""

    async def story() -> None:
        pool = workers()

        def job(_cancel: threading.Event) -> None:
            raise raised

        with pytest.raises(expected):
            await pool.submit(job, AMPLE, "job")
        assert await pool.submit(lambda _: 7, AMPLE, "next") == 7
        await pool.close(5.0)

    play(story())


def test_threads_are_started_when_needed_and_kept(play: Play) -> None:
    """One job after the other uses one thread although the pool may have eight."""

    async def story() -> None:
        pool = workers(8)
        idents = {await pool.submit(lambda _: threading.get_ident(), AMPLE, "job") for _ in "1234"}
        assert len(idents) == 1
        await pool.close(5.0)

    play(story())


def test_no_more_than_size_jobs_run_at_once(play: Play, gate: Gates) -> None:
    """A third job waits for one of two threads and runs once one is free."""

    async def story() -> None:
        pool = workers(2)
        first, second, third = gate("a"), gate("b"), gate("c")
        futures = [pool.submit(job, AMPLE, "job") for job in (first, second, third)]
        await first.entered()
        await second.entered()
        assert (pool.busy, pool.waiting) == (2, 1)
        assert not third.begun.is_set()
        second.open.set()
        await third.entered()
        first.open.set()
        third.open.set()
        assert await asyncio.gather(*futures) == ["a", "b", "c"]
        await pool.close(5.0)

    play(story())


def test_jobs_wait_in_order(play: Play, gate: Gates) -> None:
    """Jobs that find no free thread run in the order in which they came."""

    async def story() -> None:
        pool, order = workers(), list[int]()
        block = gate()
        held = pool.submit(block, AMPLE, "block")
        jobs = [partial(note, order, number) for number in range(20)]
        rest = [pool.submit(job, AMPLE, "job") for job in jobs]
        block.open.set()
        await asyncio.gather(held, *rest)
        assert order == list(range(20))
        await pool.close(5.0)

    play(story())


def test_an_overdue_job_is_abandoned_and_its_thread_replaced(play: Play, gate: Gates) -> None:
    """The future fails, the job is told, the thread is counted, and the next job runs."""

    async def story() -> None:
        names: list[str] = []
        pool, hung = workers(1, names), gate("too late")
        future = pool.submit(hung, 0.02, "ping")
        waiting = pool.submit(lambda _: "served", AMPLE, "next")
        with pytest.raises(Overdue, match=r"ping did not end within 0\.02 s"):
            await future
        assert (pool.abandoned, pool.stuck, names) == (1, 1, ["ping"])
        assert await waiting == "served"
        await hung.left()
        assert pool.stuck == 0
        assert hung.cancelled is True
        assert isinstance(future.exception(), Overdue)
        assert pool.abandoned == 1
        assert await pool.close(5.0) == 0

    play(story())


def test_a_deadline_ends_at_its_time(play: Play, gate: Gates) -> None:
    """A job that hangs is given up after its deadline and the grace, not before."""

    async def story() -> None:
        pool, hung = workers(1, grace=0.05), gate()
        began = time.monotonic()
        with pytest.raises(Overdue):
            await pool.submit(hung, 0.1, "job")
        assert 0.15 <= time.monotonic() - began < 1.0
        hung.open.set()
        await pool.close(5.0)

    play(story())


def test_a_result_within_the_grace_counts(play: Play, gate: Gates) -> None:
    """A job that ends between its deadline and the end of the grace keeps its result."""

    async def story() -> None:
        pool, slow = workers(1, grace=AMPLE), gate("said by the job itself")
        future = pool.submit(slow, 0.0, "job")
        await slow.entered()
        slow.open.set()
        assert await future == "said by the job itself"
        assert pool.abandoned == 0
        await pool.close(5.0)

    play(story())


def test_waiting_does_not_use_up_the_deadline(play: Play, gate: Gates) -> None:
    """A job that waited longer than its deadline still has all of it when it starts."""

    async def story() -> None:
        pool, block = workers(), gate()
        held = pool.submit(block, AMPLE, "block")
        future = pool.submit(lambda _: "done", 0.03, "job")
        await asyncio.wait([future], timeout=0.1)
        assert not future.done()
        block.open.set()
        assert await future == "done"
        await held
        await pool.close(5.0)

    play(story())


def test_a_thread_that_starts_late_does_not_use_up_the_deadline(
    play: Play, gate: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine so loaded that the thread begins 0.3 s late, the job still has its 0.5 s."""

    async def story() -> None:
        loop, start = asyncio.get_running_loop(), threading.Thread.start
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", lambda t: loop.call_later(0.3, start, t))
            pool, slow = workers(1, grace=0.0), gate("in time")
            future = pool.submit(slow, 0.5, "job")
        loop.call_later(0.6, slow.open.set)
        assert await future == "in time"
        assert pool.abandoned == 0
        await pool.close(5.0)

    play(story())


def test_a_job_that_never_began_is_given_up_and_never_runs(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that does not even begin within the deadline is abandoned; when it does begin,
    the job that everybody gave up is not run."""

    async def story() -> None:
        loop, start, ran = asyncio.get_running_loop(), threading.Thread.start, list[int]()
        late = list[threading.Thread]()

        def hold(thread: threading.Thread) -> None:
            late.append(thread)

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", hold)
            pool = workers(1)
            future = pool.submit(lambda _: ran.append(1), 0.01, "job")
        with pytest.raises(Overdue):
            await future
        start(late[0])
        await loop.run_in_executor(None, late[0].join, 5.0)
        assert (pool.stuck, ran) == (0, [])
        await pool.close(5.0)

    play(story())


def test_patience_ends_the_wait_for_a_thread(play: Play, gate: Gates) -> None:
    """A job that no thread takes in time fails as crowded and never runs."""

    async def story() -> None:
        pool, block, ran = workers(1, patience=0.02), gate(), list[int]()
        held = pool.submit(block, AMPLE, "block")
        with pytest.raises(Crowded, match=r"no thread was free in 0\.02 s"):
            await pool.submit(lambda _: ran.append(1), AMPLE, "job")
        with pytest.raises(Crowded, match=r"no thread was free in 0\.01 s"):
            await pool.submit(lambda _: ran.append(1), AMPLE, "job", patience=0.01)
        block.open.set()
        await held
        await pool.submit(nothing, AMPLE, "after")
        assert ran == []
        await pool.close(5.0)

    play(story())


def test_cancelling_a_waiting_job_takes_it_out(play: Play, gate: Gates) -> None:
    """It leaves the queue at once and never runs; the jobs behind it do."""

    async def story() -> None:
        pool, block, ran = workers(), gate(), list[str]()
        held = pool.submit(block, AMPLE, "block")
        dropped = pool.submit(lambda _: ran.append("dropped"), AMPLE, "job")
        kept = pool.submit(lambda _: ran.append("kept"), AMPLE, "job")
        dropped.cancel()
        await asyncio.sleep(0)  # one turn of the loop
        assert pool.waiting == 1
        block.open.set()
        await asyncio.gather(held, kept)
        assert ran == ["kept"]
        await pool.close(5.0)

    play(story())


def test_cancelling_a_running_job_tells_it(play: Play, gate: Gates) -> None:
    """Its Event is set, its result is dropped, and its thread serves the next job."""

    async def story() -> None:
        pool, running = workers(), gate("dropped")
        future = pool.submit(running, AMPLE, "job")
        await running.entered()
        future.cancel()
        await asyncio.sleep(0)
        running.open.set()
        assert await pool.submit(lambda _: 7, AMPLE, "next") == 7
        assert running.cancelled is True
        assert future.cancelled()
        assert (pool.abandoned, pool.busy) == (0, 0)
        await pool.close(5.0)

    play(story())


def test_a_cancelled_job_that_hangs_is_still_abandoned(play: Play, gate: Gates) -> None:
    """Cancelling does not free a thread that hangs; its deadline does."""

    async def story() -> None:
        names: list[str] = []
        pool, hung = workers(1, names), gate()
        future = pool.submit(hung, 0.05, "job")
        await hung.entered()
        future.cancel()
        assert await pool.submit(lambda _: 7, AMPLE, "next") == 7
        assert (pool.abandoned, names) == (1, ["job"])
        hung.open.set()
        await pool.close(5.0)

    play(story())


def test_an_idle_pool_keeps_no_result_alive(play: Play) -> None:
    """What a job returned is freed once its caller lets go of it."""

    class Large:
        pass

    async def story() -> None:
        pool = workers()
        large = await pool.submit(lambda _: Large(), AMPLE, "job")
        trace = weakref.ref(large)
        del large
        await asyncio.sleep(0)
        gc.collect()
        assert trace() is None
        await pool.close(5.0)

    play(story())


def test_a_pool_has_at_least_one_thread(play: Play) -> None:
    """A size of zero is refused with a sentence."""

    async def story() -> None:
        with pytest.raises(ValueError, match="at least one thread, not 0"):
            workers(0)

    play(story())
