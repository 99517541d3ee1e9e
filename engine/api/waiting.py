"""Waiting for the agent, and making others wait: bounded time, bounded memory."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from engine.api.answers import unavailable
from engine.api.port import RETRY_AFTER

log = logging.getLogger("tillwire.api")

Result = TypeVar("Result")


class Room:
    """The bytes of ticket that may be in memory at one time, all callers together."""

    def __init__(self, size: int) -> None:
        self._free = size

    def take(self, size: int) -> None:
        """Take room. Raises :class:`~engine.api.answers.Denied` (503) when there is none left."""
        if size > self._free:
            raise unavailable(
                "Too many tickets are being received at this moment.", 1, error="busy"
            )
        self._free -= size

    def give(self, size: int) -> None:
        """Give room back."""
        self._free += size


async def within(seconds: float, task: "asyncio.Task[Result]", what: str = "The agent") -> Result:
    """What ``task`` returns or raises, or 503 when it takes longer than ``seconds``.

    The task is not cancelled: a ticket that is on its way to the disk must not be torn from it.
    """
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        task.add_done_callback(_note_late_failure)
    if not done:
        raise unavailable(
            f"{what} did not answer within {seconds:g} s.", RETRY_AFTER, error="stalled"
        )
    return task.result()


def begin(work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
    """Start a call of the agent."""
    return asyncio.get_running_loop().create_task(work)


def _note_late_failure(task: "asyncio.Task[Any]") -> None:
    # fetching the exception also keeps asyncio from calling it "never retrieved"
    if not task.cancelled() and (error := task.exception()) is not None:
        log.debug("api.late_failure", extra={"fields": {"message": repr(error)}})
