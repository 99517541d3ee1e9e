"""The one thread that owns the till's database.

Everything that reads or writes the store is sent here. Writes that wait at the same moment
share one transaction (group commit): a disk that takes 10 ms to make something durable then
takes 10 ms for all of them. Each has its own savepoint, so that one that fails, fails alone.

The loop never waits for the disk: it awaits, and :meth:`StoreThread.stalled_for` tells when a
disk hangs.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from engine.agent.jobs import Job, StoreShape, answer_in_loop, attempt
from engine.agent.logs import write
from engine.agent.outcomes import carriable
from engine.store.errors import StoreError, Undone

LARGEST_GROUP = 256
"""Jobs that share a transaction at most."""

LONGEST_GROUP = 0.05
"""Seconds after which a transaction takes no more jobs: the first of them is waiting."""

ATTEMPTS = 3
"""How often a job is run that the database undoes in favour of another program's."""


S = TypeVar("S", bound=StoreShape)
T = TypeVar("T")


class StoreClosed(StoreError):  # noqa: N818 - it is the state of the thread
    """The job was not run: the store could not be opened, or the agent is stopping."""


class StoreStalled(StoreError):  # noqa: N818 - it is the state of the disk
    """The store did not answer in time. ``ran`` says whether the job had begun: what it wrote
    may then still become durable. Else it was taken back and nothing will happen."""

    def __init__(self, message: str, ran: bool) -> None:
        super().__init__(message)
        self.ran = ran


class StoreThread(Generic[S]):
    """Owns a store. ``open_store`` is called in the thread, and so is every job.

    ``on_failure`` is told, in the loop, what a posted job raised; by default it is logged.
    """

    def __init__(
        self,
        open_store: Callable[[], S],
        loop: asyncio.AbstractEventLoop,
        *,
        on_failure: Callable[[Exception], None] | None = None,
    ) -> None:
        self._open_store = open_store
        self._loop = loop
        self._on_failure = on_failure or _log_failure
        self._queue: SimpleQueue[Job[S] | None] = SimpleQueue()
        self._lock = threading.Lock()  # taking, taking back, closing
        self._closed = False
        self._since: float | None = None
        self._failing = ""
        self._at_work: list[Job[S]] = []
        self._opened: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._thread = threading.Thread(target=self._live, name="tillwire-store", daemon=True)

    @property
    def waiting(self) -> int:
        """Jobs that have not begun, about."""
        return self._queue.qsize()

    @property
    def failing(self) -> str:
        """Why the store did not take what was last to be written, as a sentence; else empty."""
        return self._failing

    def stalled_for(self) -> float:
        """Seconds since the thread began what it is doing now; 0.0 when it does nothing."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    async def start(self) -> None:
        """Start the thread and open the store; raises what ``open_store`` raised."""
        self._thread.start()
        await asyncio.shield(self._opened)

    async def run(self, work: Callable[[S], T], *, write: bool = True) -> T:
        """Do ``work`` in the store's thread and give its result once it is durable.

        Raises what the work raised, or why the commit failed: nothing of it is stored then.
        ``write=False`` is for work that only reads: it runs outside of any transaction, after
        the writes that were sent before it. Cancelling takes it back if it has not begun.
        """
        job, future = self._begin(work, write)
        try:
            return await future
        except asyncio.CancelledError:
            self._take_back(job)
            raise

    def send(self, work: Callable[[S], T], *, write: bool = True) -> "asyncio.Future[T]":
        """As :meth:`run`, for who does not wait: it is in the queue when this returns. To be
        called in the loop's thread; cancelling the future takes nothing back."""
        return self._begin(work, write)[1]

    def post(
        self,
        work: Callable[[S], object],
        failed: Callable[[Exception], None] | None = None,
        *,
        write: bool = True,
    ) -> None:
        """Do ``work`` some time soon, from any thread. ``failed`` is told, in the loop, if not."""
        job = Job(work, write)
        job.answer = failed or self._on_failure
        try:
            self._send(job)
        except StoreClosed as error:
            job.error = error
            self._answer([job])

    def call(self, work: Callable[[S], T], timeout: float, *, write: bool = True) -> T:
        """As :meth:`run`, for worker threads: blocks at most ``timeout`` seconds.

        Raises StoreStalled when that is over. RuntimeError in the loop's or the store's own
        thread, which must not wait for the store.
        """
        if threading.current_thread() is self._thread or _in_a_loop():
            raise RuntimeError("this thread must not wait for the store")
        done = threading.Event()
        job = Job(work, write)
        job.answer = done
        self._send(job)
        if not done.wait(timeout):
            ran = not self._take_back(job)
            state = "began, its outcome is unknown" if ran else "was taken back"
            raise StoreStalled(
                f"the database did not answer in {timeout:g} s: the job {state}", ran
            )
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    async def close(self, within: float) -> bool:
        """Take no more jobs, do those that wait, close the store; at most ``within`` seconds.

        False when that was not enough: waiting jobs then fail with StoreClosed, the one at
        work with StoreStalled, and the thread, a daemon, is left alone.
        """
        with self._lock:
            first, self._closed = not self._closed, True
            if first:
                self._queue.put(None)
        if self._thread.ident is None:  # never started
            self._refuse_waiting()
            return True
        await asyncio.wait([self._ended], timeout=within)
        if self._ended.done():
            self._thread.join(within)
            return True
        self._abandon()
        return False

    # In the thread of whoever sends the job.

    def _begin(self, work: Callable[[S], T], write: bool) -> "tuple[Job[S], asyncio.Future[T]]":
        future: asyncio.Future[T] = self._loop.create_future()
        job = Job(work, write)
        job.answer = future
        self._send(job)
        return job, future

    def _send(self, job: Job[S]) -> None:
        with self._lock:
            if self._closed:
                raise StoreClosed("the database is closed")
            self._queue.put(job)

    def _take_back(self, job: Job[S]) -> bool:
        """Keep a job from being run; False when it was taken already."""
        with self._lock:
            taken, job.taken = job.taken, True
            return not taken

    def _abandon(self) -> None:
        """The thread is stuck: answer everybody who waits for it."""
        with self._lock:
            running = list(self._at_work)
        for job in running:
            job.error = StoreStalled("the database did not answer before the stop", ran=True)
        self._refuse_waiting()
        self._queue.put(None)
        self._answer(running)

    # In the store's thread.

    def _live(self) -> None:
        self._since = time.monotonic()
        try:
            store = self._open_store()
        except Exception as error:  # noqa: BLE001 - start() raises it where it can be handled
            self._tell(_settle, self._opened, error)
        else:
            self._since = None
            self._tell(_settle, self._opened, None)
            while (job := self._queue.get()) is not None:
                self._turn(store, job)
                del job  # an idle thread must not keep a large result alive
            self._shut(store)
        with self._lock:
            self._closed = True
        self._refuse_waiting()
        self._tell(_settle, self._ended, None)

    def _shut(self, store: S) -> None:
        self._since = time.monotonic()
        try:
            store.close()
        except Exception as error:  # noqa: BLE001 - all is durable: nothing depends on it
            self._tell(_log_failure, error)
        self._since = None

    def _turn(self, store: S, job: Job[S]) -> None:
        """One transaction that begins with ``job``, or ``job`` alone when it only reads."""
        if not self._take(job):
            return
        self._since = time.monotonic()
        reads = self._write(store, job) if job.write else [job]
        for read in reads:
            self._since = time.monotonic()
            try:
                read.result = read.work(store)
            except BaseException as error:  # noqa: BLE001 - whoever sent the job gets it
                read.error = carriable(error, "the job")
            self._done([read])
        self._since = None

    def _take(self, job: Job[S]) -> bool:
        with self._lock:
            taken, job.taken = job.taken, True
            if not taken:
                self._at_work.append(job)
            return not taken

    def _write(self, store: S, first: Job[S]) -> list[Job[S]]:
        """One transaction for ``first`` and what waits behind it; gives the reads among those.

        Jobs that a database undid through no fault of theirs are run again, some times.
        """
        group, reads = [first], list[Job[S]]()
        self._transact(store, group, reads, list(group))
        for _ in range(ATTEMPTS - 1):
            undone = [job for job in group if isinstance(job.error, Undone)]
            if not undone:
                break
            for job in undone:
                job.error = job.result = None
            self._transact(store, group, None, undone)
        faults = [str(job.error) for job in group if isinstance(job.error, StoreError)]
        if faults or any(job.error is None for job in group):
            self._failing = faults[0] if faults else ""
        self._done(group)
        return reads

    def _transact(
        self, store: S, group: list[Job[S]], reads: list[Job[S]] | None, jobs: list[Job[S]]
    ) -> None:
        """Do ``jobs``; with ``reads`` also what waits, which goes into ``group`` or ``reads``."""
        try:
            with store.transaction():
                for job in jobs:
                    attempt(store, job)
                while (
                    reads is not None
                    and len(group) + len(reads) < LARGEST_GROUP
                    and self.stalled_for() < LONGEST_GROUP
                    and (more := self._next()) is not None
                ):
                    if more.write:
                        group.append(more)
                        jobs.append(more)
                        attempt(store, more)
                    else:
                        reads.append(more)
        except Exception as error:  # noqa: BLE001 - each job of the group is told
            for job in jobs:
                job.error = error if job.error is None else job.error

    def _next(self) -> Job[S] | None:
        """The next job that waits, or None. The end of the queue is left for the next round."""
        while True:
            try:
                job = self._queue.get_nowait()
            except Empty:
                return None
            if job is None:
                self._queue.put(None)
                return None
            if self._take(job):
                return job

    def _done(self, jobs: list[Job[S]]) -> None:
        with self._lock:
            for job in jobs:
                self._at_work.remove(job)
        self._answer(jobs)

    def _refuse_waiting(self) -> None:
        refused: list[Job[S]] = []
        with suppress(Empty):
            while True:
                job = self._queue.get_nowait()
                if job is not None and self._take_back(job):
                    job.error = StoreClosed("the database is closed")
                    refused.append(job)
        self._answer(refused)

    def _answer(self, jobs: list[Job[S]]) -> None:
        """Tell who waits: other threads directly, the loop with one call for all of its jobs."""
        for job in jobs:
            if isinstance(job.answer, threading.Event):
                job.answer.set()
        mine = [job for job in jobs if not isinstance(job.answer, threading.Event)]
        if mine:
            self._tell(answer_in_loop, mine)

    def _tell(self, callback: Callable[..., object], *args: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback, *args)


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _settle(future: "asyncio.Future[None]", error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _log_failure(error: Exception) -> None:
    write(logging.WARNING, "store.failed", message=str(error))
