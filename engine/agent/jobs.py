"""What the store's thread is given to do, and how its answer comes back."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeVar

from engine.agent.outcomes import carriable


class StoreShape(Protocol):
    """What the thread itself needs of a store; the jobs use the rest of it."""

    def transaction(self) -> AbstractContextManager[object]:
        """Everything done inside is durable at the end, or, after an exception, undone."""

    def savepoint(self) -> AbstractContextManager[object]:
        """Inside a transaction: everything done inside is undone after an exception.

        It refuses to begin when the transaction is gone (SQLite undoes all of it by itself
        when the disk is full), and so does the commit: else half a group would be stored.
        """

    def close(self) -> None:
        """Close the file."""


S = TypeVar("S", bound=StoreShape)


class Job(Generic[S]):
    """A piece of work and, afterwards, what came of it. It may be run more than once: where the
    database undid everything through no fault of the job."""

    __slots__ = ("answer", "error", "result", "taken", "work", "write")

    def __init__(self, work: Callable[[S], Any], write: bool) -> None:
        self.work = work
        self.write = write
        self.taken = False
        self.result: Any = None
        self.error: Exception | None = None
        self.answer: asyncio.Future[Any] | threading.Event | Callable[[Exception], None] | None = (
            None
        )


def attempt(store: StoreShape, job: Job[Any]) -> None:
    """Run a job in a savepoint of its own; what it raises is its own error."""
    try:
        with store.savepoint():
            job.result = job.work(store)
    except BaseException as error:  # noqa: BLE001 - whoever sent the job gets it
        job.error = carriable(error, "the job")


def answer_in_loop(jobs: list[Job[Any]]) -> None:
    """Give those who wait in the loop what came of their jobs. Runs in the loop."""
    for job in jobs:
        if isinstance(job.answer, asyncio.Future):
            if job.answer.done():
                continue
            if job.error is None:
                job.answer.set_result(job.result)
            else:
                job.answer.set_exception(job.error)
        elif job.error is not None and callable(job.answer):
            # In a turn of its own: what it raises must not keep the others from their answers.
            asyncio.get_running_loop().call_soon(job.answer, job.error)
