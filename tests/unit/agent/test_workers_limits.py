import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
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


def test_stuck_threads_have_a_limit(play: Play, gate: Gates) -> None:
    """At the limit no thread is added: waiting and new jobs fail at once, until one returns."""

    async def story() -> None:
        pool, first, second = workers(1, stuck_limit=2), gate(), gate()
        futures = [pool.submit(hung, 0.02, "hung") for hung in (first, second)]
        waiting = pool.submit(nothing, AMPLE, "waiting")
        for future in (*futures, waiting):
            with pytest.raises((Overdue, Crowded)):
                await future
        assert isinstance(waiting.exception(), Crowded)
        assert pool.stuck == 2
        with pytest.raises(Crowded, match="2 threads are stuck"):
            await pool.submit(nothing, AMPLE, "new")
        await first.left()
        assert pool.stuck == 1
        assert await pool.submit(lambda _: 7, AMPLE, "again") == 7
        second.open.set()
        await pool.close(5.0)

    play(story())


def test_the_limit_leaves_healthy_threads_at_work(play: Play, gate: Gates) -> None:
    """With as many stuck threads as allowed, a thread that is not stuck goes on serving."""

    async def story() -> None:
        pool, busy, hung = workers(2, stuck_limit=1), gate(), gate()
        held = pool.submit(busy, AMPLE, "busy")
        with pytest.raises(Overdue):
            await pool.submit(hung, 0.02, "hung")
        waiting = pool.submit(lambda _: 7, AMPLE, "waiting")
        assert pool.waiting == 1
        busy.open.set()
        assert await waiting == 7
        await held
        hung.open.set()
        await pool.close(5.0)

    play(story())


def test_a_system_without_threads_is_said(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the operating system gives no thread, the job fails with a sentence."""

    async def story() -> None:
        pool = workers()

        def refuse(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(Crowded, match="no thread could be started"):
                await pool.submit(nothing, AMPLE, "job")
        assert await pool.submit(lambda _: 7, AMPLE, "job") == 7
        await pool.close(5.0)

    play(story())


def test_close_waits_for_what_runs_and_refuses_the_rest(play: Play, gate: Gates) -> None:
    """A running job keeps its result, a waiting one and a new one fail, every thread ends."""

    async def story() -> None:
        pool, running = workers(), gate("kept")
        future = pool.submit(running, AMPLE, "running")
        waiting = pool.submit(nothing, AMPLE, "waiting")
        await running.entered()
        closing = asyncio.ensure_future(pool.close(5.0))
        with pytest.raises(Crowded, match="stopping"):
            await waiting
        with pytest.raises(Crowded, match="stopping"):
            await pool.submit(nothing, AMPLE, "new")
        running.open.set()
        assert await future == "kept"
        assert await closing == 0

    play(story())


def test_close_does_not_wait_for_ever(play: Play, gate: Gates) -> None:
    """After its time a job that runs is told and failed, and its thread is counted."""

    async def story() -> None:
        pool, hung = workers(), gate()
        future = pool.submit(hung, AMPLE, "hung")
        await hung.entered()
        assert await pool.close(0.02) == 1
        with pytest.raises(Overdue, match="still at work at the stop"):
            await future
        hung.open.set()
        assert await pool.close(5.0) == 0
        assert hung.cancelled is True

    play(story())


def test_close_does_not_wait_for_abandoned_threads(play: Play, gate: Gates) -> None:
    """A thread given up long ago does not hold up the stop."""

    async def story() -> None:
        pool, hung = workers(), gate()
        with pytest.raises(Overdue):
            await pool.submit(hung, 0.01, "hung")
        began = time.monotonic()
        assert await pool.close(AMPLE) == 1
        assert time.monotonic() - began < 5.0
        hung.open.set()

    play(story())


def test_a_job_that_is_given_up_during_the_stop_ends_the_wait(play: Play, gate: Gates) -> None:
    """When the last running job reaches its deadline, close returns without waiting on."""

    async def story() -> None:
        pool, hung = workers(), gate()
        future = pool.submit(hung, 0.05, "hung")
        assert await pool.close(AMPLE) == 1
        with pytest.raises(Overdue):
            await future
        hung.open.set()

    play(story())


def test_a_thread_that_outlives_its_loop_ends_quietly(gate: Gates) -> None:
    """A job that ends after the loop was closed raises nothing and its thread ends."""
    hung, threads = gate(), list[threading.Thread]()

    async def story() -> None:
        pool = workers()

        def job(cancel: threading.Event) -> object:
            threads.append(threading.current_thread())
            return hung(cancel)

        future = pool.submit(job, AMPLE, "hung")
        await hung.entered()
        future.cancel()

    loud: list[object] = []
    threading.excepthook, hook = loud.append, threading.excepthook
    try:
        asyncio.run(story())
        hung.open.set()
        threads[0].join(5.0)
    finally:
        threading.excepthook = hook
    assert not threads[0].is_alive()
    assert loud == []
