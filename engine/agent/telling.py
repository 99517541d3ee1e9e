"""Whoever counts and whoever listens at the API's stream is told here what happens."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from engine.agent.clock import Clock
from engine.agent.logs import log_step, write
from engine.agent.rules import Rules
from engine.agent.streaming import Streaming
from engine.agent.watching import Watch
from engine.core.facts import machine_facts
from engine.core.records import Step, Till
from engine.server.port import Message
from engine.store.tickets import Backlog


class Telling:
    """They listen and stop nothing, whatever is wrong with them. ``backlogs`` holds what each
    till's tickets were last counted to be."""

    def __init__(
        self, watch: Watch, stream: Streaming, clock: Clock, rules: Rules | None = None
    ) -> None:
        self.backlogs: dict[str, Backlog] = {}
        self._watch = watch
        self._stream = stream
        self._clock = clock
        self._machine = {} if rules is None else _named(rules)
        self._took: tuple[str, float] | None = None

    def follow(self, rules: Rules) -> None:
        """The tills play another machine from now on."""
        self._machine = _named(rules)
        self.tell(self._watch.machine, machine_facts(rules.chart.definition))

    def observe(self, step: Step, till: Till) -> None:
        """A step was played."""
        wall = self._clock.wall()
        log_step(step, wall, self._machine, self._seconds(step))
        self.tell(self._watch.observe, step, wall)
        self.tell(self._stream.observe, step, till)

    def step_failed(self, till: str) -> None:
        """A step could not be played."""
        self.tell(self._watch.step_failed, till)

    def at(self, till: Till) -> None:
        """Where a till is, that did not come there by a step which was told."""
        shift = self._clock.wall() - self._clock.monotonic()
        entered = {state: at + shift for state, at in till.entered.items()}
        self.tell(self._watch.add_till, till.id, till.configuration, entered)

    def ended(self, effect: str, outcome: str, seconds: float) -> None:
        """An effect ended; its answer is the next step that is told of."""
        self._took = f"{effect}.{outcome}", seconds
        self.tell(self._watch.effect, effect, outcome, seconds)

    def counted(self, till: str, backlog: Backlog) -> None:
        """A till's tickets were counted."""
        self.backlogs[till] = backlog
        self.tell(self._stream.counted, till, backlog)
        pending, refused, sent, oldest_at, _, missing = backlog
        self.tell(self._watch.backlog, till, pending, sent, refused, oldest_at, missing)

    def received(self, till: str, new: Sequence[Message], unread: int) -> None:
        """Messages came."""
        self.tell(self._watch.messages, till, len(new), unread)
        self.tell(self._stream.received, till, new, unread)

    def read(self, till: str, unread: int) -> None:
        """A message was read."""
        self.received(till, (), unread)

    def abandoned(self, name: str) -> None:
        """A worker was given up."""
        write(logging.WARNING, "worker.abandoned", message=f"{name} did not end in time")
        self.tell(self._watch.worker_abandoned)

    async def metrics(self, accept: str, ready: bool, lag: float) -> tuple[bytes, str]:
        """A scrape, with how the agent does just now. Between two pieces of it the loop goes on."""
        self.tell(self._watch.wellbeing, ready, lag)
        chunks, media_type = self._watch.chunks(accept)
        pieces = []
        for piece in chunks:
            pieces.append(piece)
            await asyncio.sleep(0)
        return b"".join(pieces), media_type

    def disk(self, free: int) -> None:
        """The disk of the database was looked at."""
        self.tell(self._watch.disk, free)

    def journal(self, broken: bool, whole_at: float | None) -> None:
        """The chain of the journal was looked at."""
        self.tell(self._watch.journal, broken, whole_at)

    def _seconds(self, step: Step) -> float | None:
        """How long the call took whose answer a step is; what was carried over a reload is told
        of before it."""
        if self._took is None or step.event.run is None or step.event.name != self._took[0]:
            return None
        (_, seconds), self._took = self._took, None
        return seconds

    def tell(self, call: Callable[..., None], *facts: object) -> None:
        """Call somebody who listens."""
        try:
            call(*facts)
        except Exception as fault:  # noqa: BLE001 - see above
            write(logging.ERROR, "watch.failed", fault=fault)


def _named(rules: Rules) -> dict[str, str]:
    return {"machine": rules.chart.name, "hash": rules.hash}
