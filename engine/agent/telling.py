"""Whoever counts and whoever listens at the API's stream is told here what happens."""

import logging
from collections.abc import Callable, Sequence

from engine.agent.clock import Clock
from engine.agent.logs import log_step, write
from engine.agent.streaming import Streaming
from engine.agent.watching import Watch
from engine.core.records import Step, Till
from engine.server.port import Message
from engine.store.tickets import Backlog


class Telling:
    """They listen and stop nothing, whatever is wrong with them. ``backlogs`` holds what each
    till's tickets were last counted to be."""

    def __init__(self, watch: Watch, stream: Streaming, clock: Clock) -> None:
        self.backlogs: dict[str, Backlog] = {}
        self._watch = watch
        self._stream = stream
        self._clock = clock

    def observe(self, step: Step, till: Till) -> None:
        """A step was played."""
        wall = self._clock.wall()
        log_step(step, wall)
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
        """An effect ended."""
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

    def metrics(self, accept: str, ready: bool, lag: float) -> tuple[bytes, str]:
        """A scrape, with how the agent does just now."""
        self.tell(self._watch.wellbeing, ready, lag)
        return self._watch.render(accept)

    def disk(self, free: int) -> None:
        """The disk of the database was looked at."""
        self.tell(self._watch.disk, free)

    def journal(self, broken: bool, whole_at: float | None) -> None:
        """The chain of the journal was looked at."""
        self.tell(self._watch.journal, broken, whole_at)

    def tell(self, call: Callable[..., None], *facts: object) -> None:
        """Call somebody who listens."""
        try:
            call(*facts)
        except Exception as fault:  # noqa: BLE001 - see above
            write(logging.ERROR, "watch.failed", fault=fault)
