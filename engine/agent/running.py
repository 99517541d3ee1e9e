"""Carries out effects in worker threads and brings their answers back to the machines."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event as Flag
from typing import Protocol

from engine.agent.clock import Clock
from engine.agent.workers import Crowded, Overdue, Workers
from engine.core.records import Event, Run
from engine.effects.call import Answer, Books, Call, Patience, failed
from engine.effects.load import LOAD
from engine.effects.loading import Loading
from engine.effects.table import EFFECTS, perform
from engine.server.port import Message, Reason, Server
from engine.store.tickets import Backlog


class Loads(Protocol):
    """Where loads of the catalogue run: :class:`engine.agent.loads.LoadDesk`."""

    @property
    def loading(self) -> Loading | None:
        """What a load needs; None where there is no catalogue."""

    def submit(
        self, till: str, run: Run, job: Callable[[Flag], Answer], deadline: float, name: str
    ) -> "asyncio.Future[Answer]":
        """As :meth:`Workers.submit`, in a thread that no other effect needs."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What effects work with."""

    shop: str
    server: Server
    books: Books
    clock: Clock
    loads: Loads | None = None


class EffectRunner:
    """Runs effects for tills. Everything here is called in the loop's thread.

    ``deliver(till, event)`` takes the answers; ``ended(effect, outcome, seconds)`` is told how
    long each took; ``counted(till, backlog)`` when an effect changed a till's backlog;
    ``received(till, new, unread)`` when new messages were kept.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        reach: Reach,
        *,
        deliver: Callable[[str, Event], object],
        ended: Callable[[str, str, float], None],
        counted: Callable[[str, Backlog], None],
        received: Callable[[str, Sequence[Message], int], None],
    ) -> None:
        self._loop = loop
        self._workers = workers
        self._reach = reach
        self._deliver = deliver
        self._ended = ended
        self._counted = counted
        self._received = received
        self._patience = Patience()
        self._futures: dict[tuple[str, int], asyncio.Future[Answer]] = {}

    def start(self, till: str, run: Run) -> None:
        """Start an effect in a worker; its answer is delivered as an event."""
        future = self._submit(till, run)
        self._futures[till, run.number] = future
        future.add_done_callback(partial(self._answered, till, run, self._reach.clock.monotonic()))

    def _submit(self, till: str, run: Run) -> "asyncio.Future[Answer]":
        try:
            deadline = EFFECTS[run.effect].deadline(run.arguments)
        except (KeyError, TypeError, ValueError) as fault:
            # Arguments that an older version saved: the machine is told, the agent goes on.
            future: asyncio.Future[Answer] = self._loop.create_future()
            message = f"{run.effect} cannot be started with these arguments: {fault!r}"
            future.set_result(failed(Reason.LOCAL_ERROR, message))
            return future
        job = partial(self._perform, till, run)
        loads = self._reach.loads
        if run.effect == LOAD.signature.name and loads is not None and loads.loading is not None:
            return loads.submit(till, run, job, deadline, f"{run.effect} of till {till}")
        return self._workers.submit(job, deadline, f"{run.effect} of till {till}")

    def cancel(self, till: str, run: Run) -> None:
        """Drop a run; its late answer is ignored."""
        future = self._futures.pop((till, run.number), None)
        if future is not None:
            future.cancel()

    def stop(self) -> None:
        """Drop every run: the next start of the agent starts them again."""
        for future in list(self._futures.values()):
            future.cancel()
        self._futures.clear()

    def _perform(self, till: str, run: Run, cancelled: Flag) -> Answer:
        """In a worker's thread."""
        reach = self._reach
        call = Call(
            reach.shop,
            till,
            run.arguments,
            reach.server,
            reach.books,
            self._patience,
            cancelled,
            reach.clock.wall,
            reach.clock.monotonic,
            self._count_later,
            self._receive_later,
            reach.loads.loading if reach.loads is not None else None,
        )
        return perform(run.effect, call)

    def _count_later(self, till: str, backlog: Backlog) -> None:
        """In a worker's thread; the loop may have ended before it."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._counted, till, backlog)

    def _receive_later(self, till: str, new: Sequence[Message], unread: int) -> None:
        """In a worker's thread, as above."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._received, till, new, unread)

    def _answered(
        self, till: str, run: Run, started: float, future: "asyncio.Future[Answer]"
    ) -> None:
        self._futures.pop((till, run.number), None)
        if future.cancelled():
            return
        answer = _answer(future)
        self._ended(run.effect, answer.name, self._reach.clock.monotonic() - started)
        self._deliver(till, Event(f"{run.effect}.{answer.name}", answer.data, run=run.number))


def _answer(future: "asyncio.Future[Answer]") -> Answer:
    """What the worker brought, or what its silence means."""
    fault = future.exception()
    if fault is None:
        return future.result()
    reason = Reason.TIMEOUT if isinstance(fault, Overdue) else Reason.LOCAL_ERROR
    if not isinstance(fault, Overdue | Crowded):
        return failed(reason, f"{type(fault).__name__}: {fault}")
    return failed(reason, str(fault))
