"""What happens to the tills, told to whoever listens at the API's stream.

Nothing that a till program posted is told: an event's name, never its data. While nobody ever
listened nothing is made, so that ten thousand tills pay nothing for a stream without readers.
"""

from collections.abc import Sequence

from engine.agent.clock import Clock
from engine.agent.keeping import worth_keeping
from engine.agent.views import Views, moment
from engine.api.loads import LoadTold
from engine.api.stream import Broadcast, Reader
from engine.api.told import MOST_TOLD, MessageTold, NewMessage, ProgressTold, StepTold
from engine.core.records import Step, Till
from engine.server.port import Message
from engine.store.tickets import Backlog


class Streaming:
    """Turns steps, backlogs, loads and messages into events of the stream."""

    def __init__(self, views: Views, clock: Clock) -> None:
        self._views = views
        self._clock = clock
        # milliseconds: ids go on growing over restarts, and browsers count them exactly
        self._broadcast = Broadcast(max(0, int(clock.wall() * 1000)))
        self._counts: dict[str, tuple[int, int, int]] = {}

    def subscribe(self, last_id: int | None, till: str | None) -> Reader:
        """See :class:`engine.api.port.Office`."""
        return self._broadcast.subscribe(last_id, till)

    def close(self) -> None:
        """Nobody hears anything any more."""
        self._broadcast.close()

    def observe(self, step: Step, _till: Till) -> None:
        """Tell a step, if it is one that the history keeps."""
        if not self._broadcast.wanted or step.late or not worth_keeping(step):
            return
        view = self._views.step(step, step.configuration)
        told = StepTold(
            till=step.till,
            at=moment(self._clock.wall()),
            event=step.event.name,
            state=view.state_after,
            states=step.configuration,
            taken=view.taken,
            refused=view.refused,
            unhandled=view.unhandled,
            dull=not (step.entered or step.exited),
        )
        self._broadcast.publish("step", step.till, told)

    def counted(self, till: str, backlog: Backlog) -> None:
        """Tell how far a till's tickets have got, when that changed."""
        counts = (backlog.pending, backlog.sent, backlog.refused)
        if not self._broadcast.wanted or self._counts.get(till) == counts:
            return
        self._counts[till] = counts
        told = ProgressTold(
            till=till,
            at=moment(self._clock.wall()),
            pending=backlog.pending,
            sent=backlog.sent,
            refused=backlog.refused,
        )
        self._broadcast.publish("progress", till, told)

    def load(self, told: LoadTold) -> None:
        """Tell how far a load has got, or what came of it."""
        self._broadcast.publish("load", told.till, told)

    def received(self, till: str, new: Sequence[Message], unread: int) -> None:
        """Tell of messages that came; none in ``new``: one was read."""
        if not self._broadcast.wanted:
            return
        told = MessageTold(
            till=till,
            at=moment(self._clock.wall()),
            unread=unread,
            new=tuple(
                NewMessage(id=message.id, level=message.level, title=message.title)
                for message in new[:MOST_TOLD]
            ),
        )
        self._broadcast.publish("message", till, told)
