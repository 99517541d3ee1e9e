"""Another machine on a recorded history: what was posted comes as it came, and its own timers and
calls take it from there. The tills are the agent's, on a virtual clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from engine.agent.clock import VirtualClock
from engine.agent.tills import Tills
from engine.core.build import BEGIN, Chart
from engine.core.noting import recalled
from engine.core.records import Event, Run, Step, Till
from engine.core.restore import pack
from engine.definition.vocabulary import Value
from engine.tools.replaying.recording import Lived, Recording
from engine.tools.replaying.tally import LAST_MOMENT, Tally
from engine.tools.replaying.world import Met, World


class Played(NamedTuple):
    """What came of it: of ``calls`` that were begun, ``assumed`` were answered with what no
    record tells."""

    tally: Tally
    calls: int
    assumed: int
    steps: list[Step]
    failed: list[str]


@dataclass(slots=True)
class _Pending:
    """A call that will answer."""

    run: Run
    met: Met
    began: float


class Player:
    """Plays one recording on one chart, once."""

    def __init__(self, chart: Chart, recording: Recording) -> None:
        self._recording = recording
        first = recording.steps[0]
        self._end = recording.steps[-1].at - LAST_MOMENT
        offline = frozenset(node.id for node in chart.tree if node.state.offline)
        self._tally = Tally(offline)
        self._world = World(recording)
        self._clock = VirtualClock(at=first.at, wall=first.own)
        self._tills = Tills(chart, self._clock, self, [self.observe], self._fail)
        self._answers: list[tuple[float, int, _Pending]] = []
        self._order = count()
        self._steps: list[Step] = []
        self._failed: list[str] = []
        self._calls = self._assumed = 0

    def play(self) -> Played:
        """From the first step to the last."""
        name, first = self._recording.till, self._recording.steps[0]
        if first.event == BEGIN:
            self._tills.add(name)
        else:
            till = recalled(name, first.till)
            self._tills.add(name, pack(till, 0.0, 0.0))
        self._clock.set_wall(first.at)
        last = first
        for lived in self._recording.steps[1:]:
            if lived.begins:
                self._restart(last, lived)
            else:
                self._until(lived.at)
                if lived.posted:
                    self._post(lived)
            last = lived
        return Played(self._tally, self._calls, self._assumed, self._steps, self._failed)

    def start(self, _till: str, run: Run) -> None:
        """A call of the machine: what it will meet is known at once."""
        now = self._clock.monotonic()
        met = self._world.meet(run, now)
        if now < self._end:
            self._calls += 1
        pending = _Pending(run, met, now)
        heappush(self._answers, (max(now, met.at), next(self._order), pending))

    def cancel(self, _till: str, run: Run) -> None:
        """Its answer will come late, and the core drops it."""

    def observe(self, step: Step, _till: Till) -> None:
        """Count a step."""
        if step.late:
            return
        self._steps.append(step)
        if step.at < self._end:
            self._tally.called(run.effect for run in step.started)
        self._tally.at(step.at, step.configuration)

    def _fail(self, till: str) -> None:
        self._failed.append(self._tills.failing[till])

    def _post(self, lived: Lived) -> None:
        if lived.event == "ticket.closed":
            self._tally.closed(lived.at)
        self._tills.deliver(self._recording.till, Event(lived.event, lived.data))

    def _restart(self, last: Lived, lived: Lived) -> None:
        """The process ended after ``last``, as far as is known, and began anew."""
        name = self._recording.till
        self._until(last.at)
        saved = pack(self._tills[name], last.at, last.at)
        self._answers.clear()
        self._clock.jump(max(lived.at, last.at))
        self._tills.add(name, saved)

    def _until(self, at: float) -> None:
        """Play timers and answers up to a moment, in their order."""
        while True:
            due = self._tills.next_due()
            answers = self._answers[0][0] if self._answers else None
            following = min((time for time in (due, answers) if time is not None), default=None)
            if following is None or following > at:
                break
            self._clock.jump(max(following, self._clock.monotonic()))
            if following == answers:
                self._answer(heappop(self._answers)[2])
            else:
                self._tills.advance(1)
        self._clock.jump(max(at, self._clock.monotonic()))

    def _answer(self, pending: _Pending) -> None:
        name, run, met = self._recording.till, pending.run, pending.met
        if run.number not in self._tills[name].running:
            return
        self._assumed += met.assumed
        data: Mapping[str, Value] = met.data
        if (run.effect, met.answer) == ("send_tickets", "ok"):
            now = self._clock.monotonic()
            left = self._tally.left(pending.began)
            if met.assumed:
                sent = len(self._tally.waiting) - left
                data = {"sent": sent, "refused": 0, "pending": left}
            self._tally.sent(pending.began, now)
        self._tills.deliver(name, Event(f"{run.effect}.{met.answer}", data, run=run.number))
