"""Who waits for the answer to a call that a machine has started.

The machine alone decides whether a call is made. Whoever wants its answer looks for the run and
waits here; a run that is dropped, as when the link is lost, ends the waiting at once.
"""

import asyncio
from collections.abc import Mapping

from engine.core.records import Event, Run, Step, Till
from engine.definition.vocabulary import Value

DROPPED = Event("dropped")
"""The answer of a run that the machine gave up."""


class Asking:
    """Listens to steps. Everything here is called in the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[tuple[str, int], asyncio.Future[Event]] = {}

    def observe(self, step: Step, _till: Till) -> None:
        """A step may be an answer, and may drop runs."""
        if not self._waiting:
            return
        if step.event.run is not None and not step.late:
            self._settle(step.till, step.event.run, step.event)
        for run in step.cancelled:
            self._settle(step.till, run.number, DROPPED)

    async def answer(self, till: str, run: Run, within: float) -> Event | None:
        """The event that answers a run, or :data:`DROPPED`; None after ``within`` seconds.

        Any number may wait for the same run.
        """
        key = (till, run.number)
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = self._loop.create_future()
        await asyncio.wait([future], timeout=within)
        return future.result() if future.done() else None

    def stop(self) -> None:
        """No answer comes any more: nobody waits."""
        for key in list(self._waiting):
            self._settle(*key, DROPPED)

    def _settle(self, till: str, number: int, event: Event) -> None:
        future = self._waiting.pop((till, number), None)
        if future is not None and not future.done():
            future.set_result(event)


def running(till: Till, effect: str, arguments: Mapping[str, Value]) -> Run | None:
    """The run of an effect with these arguments, whatever others it has; None if none runs."""
    for run in till.running.values():
        if run.effect == effect and arguments.items() <= run.arguments.items():
            return run
    return None
