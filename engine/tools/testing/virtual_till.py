"""One till in virtual time: the agent's own loop over the core, with scripted answers."""

import logging
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count

from engine.agent.clock import VirtualClock
from engine.agent.tills import Feed, Tills
from engine.core.build import Chart
from engine.core.feed import StepFailed
from engine.core.records import Event, Run, Step, Till
from engine.core.restore import RESTORED, pack
from engine.definition.values import convert
from engine.tools.testing.model import Reply
from engine.tools.testing.naming import ALL, NEVER, filled
from engine.tools.testing.rounds import Rounds

USUAL = 0.05
"""Seconds that an answer takes."""
BEGAN = 1_800_000_000.0
"""The wall clock, in seconds since 1970, when a case begins."""
CLOSE = 1e-6
"""Seconds that count as no time: sums of delays are not exact."""
LATENCY = "latency"
"""What an answer carries under this name is how long it took."""
MOST_STEPS = 2_000_000
"""More steps than this while time passes are a machine that runs on the spot."""


class Halted(Exception):  # noqa: N818 - it says why the till goes no further
    """A step could not be played, or a line of the timeline cannot come here."""


Heard = Callable[[Step, Till], None]
Again = Callable[[Sequence[Step], int], None]
"""Is told that steps came to pass so many more times, without being played."""


class VirtualTill:
    """A till; ``steps`` counts those that were played.

    Whoever ``hears`` the steps may raise nothing. Where a till is exactly as it was a moment
    ago, what follows is not played but told ``again``; without that, everything is played.
    ``play`` plays a step in place of the core's ``feed``.
    """

    def __init__(
        self,
        chart: Chart,
        name: str,
        hears: tuple[Heard, ...],
        again: Again | None = None,
        play: Feed | None = None,
    ) -> None:
        logging.getLogger("tillwire").addHandler(logging.NullHandler())
        self.steps = 0
        self._replies: dict[str, Reply] = {}
        self._chart = chart
        self._name = name
        self._clock = VirtualClock(0.0, BEGAN)
        self._skipped = 0.0
        self._again = again
        self._rounds: Rounds | None = None
        self._hears = (self._count, *hears)
        self._serials = count()
        self._answers: list[tuple[float, int, Event]] = []
        self._play = play
        self._tills = Tills(chart, self._clock, self, self._hears, play=play)

    def begin(self) -> None:
        """The till is new, and enters the machine's initial state."""
        try:
            self._tills.add(self._name)
        except StepFailed as fault:
            raise Halted(_words(fault)) from None

    @property
    def now(self) -> float:
        """Virtual seconds since the case began."""
        return self.moment + self._skipped

    @property
    def moment(self) -> float:
        """The same on the scale of the till's timers: what is not played does not pass on it."""
        return self._clock.monotonic()

    @property
    def wall(self) -> float:
        """The wall clock, in seconds since 1970."""
        return self._clock.wall()

    @property
    def till(self) -> Till:
        """Where it is. Only the core changes it."""
        return self._tills[self._name]

    def _count(self, step: Step, _till: Till) -> None:
        self.steps += 1
        if self._rounds is not None:
            self._rounds.steps.append(step)

    def script(self, replies: Mapping[str, Reply]) -> None:
        """Calls of these effects that are started from now on are answered so."""
        if ALL in replies:
            effects = self._chart.definition.vocabulary.effects
            self._replies = dict.fromkeys(effects, replies[ALL])
        self._replies.update((name, each) for name, each in replies.items() if name != ALL)

    def answer_all(self, reply: Reply) -> None:
        """All calls are answered so, those under way as well that nothing answers yet."""
        self.script({ALL: reply})
        waiting = {event.run for _, _, event in self._answers}
        for run in list(self.till.running.values()):
            if run.number not in waiting:
                self.start(self._name, run)

    def start(self, till: str, run: Run) -> None:
        """An effect is started: see :class:`engine.agent.tills.Runner`."""
        del till
        reply = self._replies.get(run.effect)
        if reply is None or reply.answer == NEVER:
            return
        seconds = self._seconds(reply, run)
        name = f"{run.effect}.{reply.answer}"
        data = filled(reply.with_, self._chart.definition.events[name], name)
        if LATENCY in data and LATENCY not in (reply.with_ or {}):
            data[LATENCY] = seconds
        entry = (self.moment + seconds, next(self._serials), Event(name, data, run=run.number))
        heappush(self._answers, entry)

    def cancel(self, till: str, run: Run) -> None:
        """A call is given up: its answer will be found late by the core."""

    def _seconds(self, reply: Reply, run: Run) -> float:
        if reply.after is not None:
            return self._chart.definition.seconds(reply.after)
        hangs = reply.answer == "failed.timeout" and "timeout" in run.arguments
        return float(run.arguments["timeout"]) if hangs else USUAL

    def send(self, event: Event) -> None:
        """Something happens now."""
        if self._tills.deliver(self._name, event) is None:
            raise Halted(_words(self._tills.failing[self._name]))

    def answer(self, name: str, given: Mapping[str, object], to: Mapping[str, object]) -> None:
        """The oldest call that is under way, with these arguments, is answered now."""
        effect, vocabulary = name.partition(".")[0], self._chart.definition.vocabulary
        takes = vocabulary.effects[effect].arguments
        wanted = {key: convert(value, takes[key].type) for key, value in to.items()}  # type: ignore[arg-type] # a mapping of values
        for _, run in sorted(self.till.running.items()):
            if run.effect == effect and wanted.items() <= run.arguments.items():
                data = filled(given, self._chart.definition.events[name], name)  # type: ignore[arg-type] # as above
                self.send(Event(name, data, run=run.number))
                return
        such = " with such arguments" if wanted else ""
        raise Halted(f"no call of '{effect}'{such} is under way that could be answered")

    def wait(self, seconds: float) -> None:
        """Let time pass, with all that falls due on the way."""
        self.until(lambda: False, seconds)

    def until(self, so: Callable[[], bool], seconds: float, most: int = MOST_STEPS) -> bool:
        """Let time pass until something is so; whether it was before the time was over."""
        end, last = self.moment + seconds, self.steps + most
        self._rounds = Rounds() if self._again is not None else None
        while not so():
            due = self._next_due()
            if due is None or due > end + CLOSE:
                self._clock.jump(max(end, self.moment))
                return so()
            if self.steps > last:
                raise Halted(f"more than {most} steps, and it is still going on")
            self._clock.jump(max(due, self.moment))
            self._turn()
            if not so():
                end -= self._skip(end - self.moment)
        return True

    def _skip(self, left: float) -> float:
        """Leave out rounds that would all be the same; the seconds that they take together."""
        rounds, again = self._rounds, self._again
        found = rounds and rounds.look(self.till, self._answers, self.moment)
        times = int(left / found.seconds) - 1 if found else 0
        if not found or again is None or times < 1:
            return 0.0
        skipped = times * found.seconds
        self._skipped += skipped
        self._clock.set_wall(self.wall + skipped)
        again(found.steps, times)
        self._rounds = None
        return skipped

    def _next_due(self) -> float | None:
        timer = self._tills.next_due()
        answer = self._answers[0][0] if self._answers else None
        if timer is None or answer is None:
            return timer if answer is None else answer
        return min(timer, answer)

    def _turn(self) -> None:
        """Play the earliest thing that is due; an answer comes before a timer."""
        if self._answers and self._answers[0][0] <= self.moment:
            _, _, event = heappop(self._answers)
            if event.run in self.till.running:
                self.send(event)
            return
        self._tills.advance(1)
        if self._name in self._tills.failing:
            raise Halted(_words(self._tills.failing[self._name]))

    def restart(self, away: float) -> None:
        """The process ends; ``away`` seconds later it begins again from what was saved."""
        saved = pack(self.till, self.moment, self.wall)
        self._answers.clear()
        self._clock.advance(away)
        self._tills = Tills(self._chart, self._clock, self, self._hears, play=self._play)
        if self._tills.add(self._name, saved).event.name != RESTORED:
            raise Halted("the till could not go on where it was saved, and began anew")


def _words(fault: StepFailed | str) -> str:
    return "this step fails: " + str(fault).partition(": ")[2]
