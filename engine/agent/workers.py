"""Threads for jobs that may block, each job with a total deadline.

``concurrent.futures`` is not used because a pool of its threads cannot give one up: a call
that hangs in a driver or in DNS would hold its place for ever, and the interpreter would wait
for it at exit. Here a thread that outlives its job's deadline is abandoned, counted, and
replaced by another one as soon as there is work.

All book-keeping belongs to the thread of the event loop. A worker thread only takes a job from
its own inbox, runs it and sends the outcome to the loop, so nothing needs a lock.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from engine.agent.outcomes import carriable

T = TypeVar("T")

GRACE = 0.25
"""Seconds that a job may take longer than its deadline: it keeps the deadline itself, and what
it says about its own failure is worth more than what we know of it."""


class Crowded(Exception):  # noqa: N818 - it is the state of the pool, not a fault of the job
    """The job was not run at all: every thread is busy or stuck, or the pool is closing."""


class Overdue(Exception):  # noqa: N818 - it is what became of the job
    """The job did not end within its deadline; what it did or will still do is unknown."""


class _Job:
    """A job on its way. ``started`` is on the loop's clock and written by the worker thread."""

    __slots__ = ("call", "cancel", "deadline", "future", "name", "started", "timer")

    def __init__(
        self,
        call: Callable[[threading.Event], Any],
        deadline: float,
        name: str,
        future: "asyncio.Future[Any]",
    ) -> None:
        self.call = call
        self.deadline = deadline
        self.name = name
        self.future = future
        self.cancel: threading.Event | None = None  # 1 KB: not made before it may be needed
        self.started: float | None = None
        self.timer: asyncio.TimerHandle | None = None


class _Worker:
    """One thread and its inbox; None in the inbox tells it to end."""

    __slots__ = ("inbox", "job", "thread")

    def __init__(self) -> None:
        self.inbox: SimpleQueue[_Job | None] = SimpleQueue()
        self.job: _Job | None = None
        self.thread: threading.Thread | None = None


class Workers:
    """A bounded pool of daemon threads. Everything here is called from the loop's thread.

    At most ``size`` threads work at once; they are started when they are needed and kept.
    ``on_abandoned`` is told the name of each job whose thread is given up. ``patience`` is how
    many seconds a job may wait for a thread, ``grace`` by how much it may outlive its deadline,
    ``stuck_limit`` (4 x size) how many abandoned threads may be stuck before no more are
    started: there are never more than ``size + stuck_limit`` threads.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        size: int,
        on_abandoned: Callable[[str], None],
        *,
        patience: float = 60.0,
        grace: float = GRACE,
        stuck_limit: int | None = None,
    ) -> None:
        if size < 1:
            raise ValueError(f"a pool needs at least one thread, not {size}")
        self._loop = loop
        self._size = size
        self._on_abandoned = on_abandoned
        self._patience = patience
        self._grace = grace
        self._stuck_limit = 4 * size if stuck_limit is None else stuck_limit
        self._idle: list[_Worker] = []
        self._working: set[_Worker] = set()
        self._stuck: set[_Worker] = set()
        self._queue: dict[_Job, None] = {}  # in order, and a cancelled job is out at once
        self._ending: set[_Worker] = set()
        self._all_ended: asyncio.Future[None] | None = None
        self._abandoned = 0

    @property
    def abandoned(self) -> int:
        """Threads given up since the start."""
        return self._abandoned

    @property
    def stuck(self) -> int:
        """Threads given up that have not come back."""
        return len(self._stuck)

    @property
    def busy(self) -> int:
        """Threads that run a job now, abandoned ones aside."""
        return len(self._working)

    @property
    def waiting(self) -> int:
        """Jobs that wait for a thread."""
        return len(self._queue)

    def submit(
        self,
        job: Callable[[threading.Event], T],
        deadline: float,
        name: str,
        patience: float | None = None,
    ) -> "asyncio.Future[T]":
        """Run ``job(cancel)`` in a thread and give the future of its result.

        ``deadline`` is in seconds from the moment at which the job starts to run; the time
        before that is bounded by ``patience`` (the pool's, when None). The future fails with
        what the job raised, with Overdue, or with Crowded. Cancelling it sets the Event that
        the job was given and drops the result; a job that was still waiting never runs.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        entry = _Job(job, deadline, name, future)
        if self._all_ended is not None:
            future.set_exception(Crowded(f"{name} was not run: the agent is stopping"))
            return future
        worker = self._idle.pop() if self._idle else self._start()
        if worker is not None:
            self._hand(worker, entry)
        elif self._working:
            self._queue[entry] = None
            wait = self._patience if patience is None else patience
            entry.timer = self._loop.call_later(wait, self._give_up_waiting, entry, wait)
        else:
            future.set_exception(self._no_thread(entry))
            return future
        future.add_done_callback(lambda done: self._withdraw(entry) if done.cancelled() else None)
        return future

    async def close(self, within: float) -> int:
        """Take no more jobs and wait at most ``within`` seconds for the threads to end.

        Waiting jobs fail with Crowded at once; running ones may end in that time, after which
        their Events are set and their futures fail with Overdue. Gives the number of threads
        that still run: they are daemons and end with the process at the latest.
        """
        if self._all_ended is None:
            self._all_ended = self._loop.create_future()
            for job in list(self._queue):
                self._fail(job, Crowded(f"{job.name} was not run: the agent is stopping"))
            self._queue.clear()
            self._ending = {*self._idle, *self._working}
            self._idle.clear()
            for worker in self._ending | self._stuck:
                worker.inbox.put(None)
        if self._ending:
            await asyncio.wait([self._all_ended], timeout=within)
        for worker in list(self._working):
            if worker.job is not None:
                self._fail(worker.job, Overdue(f"{worker.job.name} was still at work at the stop"))
        return len(self._ending | self._stuck)

    def _start(self) -> _Worker | None:
        """A new thread, or None where there may not be one more."""
        if len(self._working) >= self._size or len(self._stuck) >= self._stuck_limit:
            return None
        worker = _Worker()
        worker.thread = threading.Thread(
            target=_work,
            args=(worker, self._loop, self._finished, self._ended),
            name="tillwire-worker",
            daemon=True,
        )
        try:
            worker.thread.start()
        except RuntimeError:  # the operating system gives no more threads
            return None
        return worker

    def _hand(self, worker: _Worker, job: _Job) -> None:
        self._working.add(worker)
        worker.job = job
        job.cancel = threading.Event()
        if job.timer is not None:
            job.timer.cancel()
        job.timer = self._loop.call_later(job.deadline + self._grace, self._expire, worker, job)
        worker.inbox.put(job)

    def _expire(self, worker: _Worker, job: _Job) -> None:
        """The deadline has passed: abandon the thread, unless it began to run the job late."""
        if job.started is not None:
            end = job.started + job.deadline + self._grace
            if end > self._loop.time():
                job.timer = self._loop.call_at(end, self._expire, worker, job)
                return
        self._working.discard(worker)
        self._stuck.add(worker)
        self._abandoned += 1
        worker.job = None
        self._fail(job, Overdue(f"{job.name} did not end within {job.deadline:g} s"))
        self._serve_queue()
        self._ended(worker)  # a stop does not wait for it
        self._on_abandoned(job.name)

    def _finished(self, worker: _Worker, job: _Job, result: Any, error: Exception | None) -> None:
        """In the loop: a thread has run its job."""
        if worker in self._stuck:
            self._stuck.discard(worker)
            if self._all_ended is None:
                worker.inbox.put(None)
            self._serve_queue()
            return
        self._working.discard(worker)
        worker.job = None
        if job.timer is not None:
            job.timer.cancel()
        if self._all_ended is None:
            self._idle.append(worker)
            self._serve_queue()
        if error is not None:
            self._fail(job, error)
        elif not job.future.done():
            job.future.set_result(result)

    def _ended(self, worker: _Worker) -> None:
        """In the loop: a thread is about to end, or is no longer waited for."""
        self._ending.discard(worker)
        if not self._ending and self._all_ended is not None and not self._all_ended.done():
            self._all_ended.set_result(None)

    def _serve_queue(self) -> None:
        while self._queue:
            worker = self._idle.pop() if self._idle else self._start()
            if worker is None:
                break
            job = next(iter(self._queue))
            del self._queue[job]
            self._hand(worker, job)
        if not self._working:  # every thread is stuck: nobody would ever come for these
            for job in list(self._queue):
                self._fail(job, self._no_thread(job))
            self._queue.clear()

    def _give_up_waiting(self, job: _Job, patience: float) -> None:
        if job in self._queue:
            del self._queue[job]
            self._fail(
                job, Crowded(f"{job.name} was not run: no thread was free in {patience:g} s")
            )

    def _withdraw(self, job: _Job) -> None:
        if job.cancel is not None:
            job.cancel.set()
        elif job in self._queue:
            del self._queue[job]
            if job.timer is not None:
                job.timer.cancel()

    def _no_thread(self, job: _Job) -> Crowded:
        stuck = len(self._stuck)
        why = f"{stuck} threads are stuck" if stuck else "no thread could be started"
        return Crowded(f"{job.name} was not run: {why}")

    def _fail(self, job: _Job, error: Exception) -> None:
        if job.timer is not None:
            job.timer.cancel()
        if job.cancel is not None:
            job.cancel.set()
        if not job.future.done():
            job.future.set_exception(error)


def _work(
    worker: _Worker,
    loop: asyncio.AbstractEventLoop,
    finished: Callable[..., None],
    ended: Callable[[_Worker], None],
) -> None:
    """The life of a worker thread. A closed loop has no use for its outcome: it ends quietly."""
    with suppress(RuntimeError):
        while (job := worker.inbox.get()) is not None:
            job.started = loop.time()
            result, error = _outcome(job)
            loop.call_soon_threadsafe(finished, worker, job, result, error)
            del job, result, error  # an idle thread must not keep a large result alive
        loop.call_soon_threadsafe(ended, worker)


def _outcome(job: _Job) -> tuple[Any, Exception | None]:
    """What the job gave, or what it raised as something that a future can carry."""
    call, cancel, name = job.call, job.cancel, job.name
    del job  # else a traceback would hold the job, its future, and itself
    if cancel is None or cancel.is_set():
        return None, None
    try:
        return call(cancel), None
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who submitted
        return None, carriable(error, name)
