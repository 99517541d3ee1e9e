"""Everything that can change a till: one event in, one step out.

:func:`feed` plays one event, with all that follows from it at the same moment (events that
actions raise, transitions without event), and says what it did. It knows no clock: the time
is passed in. When it raises, the till is as it was.
"""

from collections.abc import Mapping
from hashlib import blake2b

from engine.core.build import BEGIN, Chart
from engine.core.plans import StatePlan, TimerPlan
from engine.core.records import NO_DATA, Event, Refusal, Run, Step, Taken, Till, Timer
from engine.core.routes import Route
from engine.definition.vocabulary import Value

MOST_TRANSITIONS = 1000
"""More transitions than this in one step are an eventless loop that the check did not see."""


class StepFailed(Exception):  # noqa: N818 - named as it is told
    """A step could not be played to its end; the till is where it was before."""


def begin(chart: Chart, till: str, now: float) -> tuple[Till, Step]:
    """A new till, entering the machine's initial state at ``now``."""
    fresh = Till(till, context=dict(chart.initial_context))
    return fresh, _play(chart, fresh, Event(BEGIN), BEGIN, now)


def feed(chart: Chart, till: Till, event: Event, now: float) -> Step:
    """Play ``event`` on ``till`` at ``now`` and tell what it did.

    An event whose timer or effect run is no longer there changes nothing (``Step.late``).
    Raises StepFailed when the machine runs in circles or an expression cannot be computed.
    """
    if _is_late(till, event, now):
        return Step(till.id, event, now, configuration=till.configuration, late=True)
    name = chart.id_of(event.name) if event.timer is None else chart.timer_ids[event.timer]
    return _play(chart, till, event, name, now)


def timer_event(chart: Chart, key: str) -> Event:
    """The event of a timer that has run out."""
    return Event(chart.timers[key].label, timer=key)


def _is_late(till: Till, event: Event, now: float) -> bool:
    if event.run is not None:
        return event.run not in till.running
    if event.timer is not None:
        timer = till.timers.get(event.timer)
        return timer is None or timer.due > now
    return False


def _play(chart: Chart, till: Till, event: Event, name: str | None, now: float) -> Step:
    saved = (
        till.configuration,
        dict(till.context),
        dict(till.timers),
        dict(till.running),
        dict(till.entered),
        till.remembered,
        till.runs,
        till.draws,
    )
    turn = chart.turn = Turn(chart, till, event, now)
    try:
        turn.play(name)
    except Exception as fault:
        (
            till.configuration,
            till.context,
            till.timers,
            till.running,
            till.entered,
            till.remembered,
            till.runs,
            till.draws,
        ) = saved
        chart.lose_place()
        raise StepFailed(f"till {till.id}, event {event.name}: {fault}") from fault
    finally:
        chart.turn = None
    return turn.step


class Turn:
    """One step in the making. The chart's callbacks ask it for every change."""

    __slots__ = (
        "_chart",
        "_left",
        "_marks",
        "_moving",
        "_now",
        "_raised",
        "_till",
        "context",
        "event",
        "step",
    )

    def __init__(self, chart: Chart, till: Till, event: Event, now: float) -> None:
        self._chart = chart
        self._till = till
        self._now = now
        self._raised: list[Event] = []
        self._left: list[str] = []
        self._moving = False
        self._marks: list[tuple[int, int, frozenset[str]]] = []
        self.context = till.context
        self.event = event
        self.step = Step(till.id, event, now)

    def play(self, name: str | None) -> None:
        """Send the event to the machine, then what its actions raised, until all is quiet."""
        chart, till, step = self._chart, self._till, self.step
        if self.event.run is not None:
            del till.running[self.event.run]
        if self.event.timer is not None:
            self._run_out(chart.timers[self.event.timer])
        if name is not None:
            chart.place(till.configuration)
            chart.remember(till.remembered)
            chart.machine.send(name)
            step.handled = bool(step.taken or step.refused)
            while self._raised:
                self.event = self._raised.pop(0)
                raised = chart.id_of(self.event.name)
                if raised is not None:
                    chart.machine.send(raised)
        if step.entered or step.exited:
            till.configuration = chart.configuration()
            till.remembered = chart.remembered()
            self._name_targets()
        step.configuration = till.configuration

    def enter(self, plan: StatePlan) -> None:
        """A state is entered: its entry actions, then its timers, then what it invokes, so
        that a delay may depend on what the entry actions assigned."""
        self._moving = False
        self.step.entered.append(plan.id)
        self._till.entered[plan.id] = self._now
        for act in plan.entry:
            act(self)
        for timer in plan.timers:
            self.arm(timer, self._now)
        for call in plan.invoked:
            self.start(call.effect, call.read(self), plan.id)

    def leave(self, plan: StatePlan) -> None:
        """A state is left: its exit actions, then its timers and invoked effects end."""
        if not self._moving:
            self._moving = True
            self._left = []
        self._left.append(plan.id)
        self.step.exited.append(plan.id)
        for act in plan.exit:
            act(self)
        till = self._till
        till.entered.pop(plan.id, None)
        for timer in plan.timers:
            if till.timers.pop(timer.key, None) is not None:
                self.step.timers_stopped.append(timer.key)
        if plan.invoked:
            for run in [run for run in till.running.values() if run.state == plan.id]:
                self._drop(run)

    def take(self, label: str, source: str, way: Route) -> None:
        """A transition is taken. ``source`` is the state that declares it."""
        step = self.step
        if len(step.taken) >= MOST_TRANSITIONS:
            raise StepFailed(f"more than {MOST_TRANSITIONS} transitions in one step")
        left = self._left if self._moving else self._till.entered
        leaves = [name for name in left if name in way.sources]
        if len(leaves) == 1:
            source = leaves[0]
        if way.target is None:
            step.taken.append(Taken(label, source, source, stays=True))
        else:
            self._marks.append((len(step.taken), len(step.entered), way.targets))
            step.taken.append(Taken(label, source, way.target))

    def refuse(self, state: str, label: str, guard: str) -> bool:
        """A guard did not hold: False. Regions of a parallel state may ask it again."""
        refusal = Refusal(state, label, guard)
        if refusal not in self.step.refused:
            self.step.refused.append(refusal)
        return False

    def assign(self, name: str, value: Value) -> None:
        """Change a context variable."""
        before = self.context[name]
        if value != before:
            first, _ = self.step.changed.get(name, (before, before))
            self.step.changed[name] = (first, value)
            self.context[name] = value

    def raise_event(self, name: str, data: Mapping[str, Value]) -> None:
        """Queue an event that is played before this step ends."""
        if len(self.step.raised) >= MOST_TRANSITIONS:
            raise StepFailed(f"more than {MOST_TRANSITIONS} events raised in one step")
        self.step.raised.append(name)
        self._raised.append(Event(name, data or NO_DATA))

    def start(self, effect: str, arguments: Mapping[str, Value], state: str | None) -> None:
        """Start an effect, unless the same call is still running."""
        till = self._till
        for run in till.running.values():
            if run.effect == effect and run.arguments == arguments:
                self.step.joined.append(effect)
                return
        till.runs += 1
        run = till.running[till.runs] = Run(till.runs, effect, arguments, state)
        self.step.started.append(run)

    def cancel(self, effect: str) -> None:
        """Drop every running call of an effect; late answers are ignored."""
        for run in [run for run in self._till.running.values() if run.effect == effect]:
            self._drop(run)

    def arm(self, plan: TimerPlan, start: float) -> None:
        """Start a timer that counts from ``start``."""
        length = plan.length(self)
        timer = self._till.timers[plan.key] = Timer(plan.key, start + length, start, length)
        self.step.timers_started.append(timer)

    def draw(self) -> float:
        """A number from 0 to 1, the same for the same till and the same count of draws."""
        self._till.draws += 1
        seed = f"{self._till.id}:{self._till.draws}".encode()
        return int.from_bytes(blake2b(seed, digest_size=7).digest()) / (1 << 56)

    def _run_out(self, plan: TimerPlan) -> None:
        timer = self._till.timers.pop(plan.key)
        if plan.repeats:
            # The next one counts from when this one was due, so that it does not drift, but a
            # machine that slept for an hour does not make up for all that it missed.
            late = self._now >= timer.due + timer.length
            self.arm(plan, self._now if late else timer.due)

    def _drop(self, run: Run) -> None:
        del self._till.running[run.number]
        if run in self.step.started:
            self.step.started.remove(run)
        else:
            self.step.cancelled.append(run)

    def _name_targets(self) -> None:
        """Say of each transition taken which innermost state it led to, now that the entries
        that followed it are known."""
        step, end = self.step, len(self.step.entered)
        following = end
        for index, mark, targets in reversed(self._marks):
            # Transitions of the same microstep share their mark: the entries end at the next.
            if mark < following:
                end, following = following, mark
            leaves = [name for name in step.entered[mark:end] if name in targets]
            if len(leaves) == 1:
                event, source, _, _ = step.taken[index]
                step.taken[index] = Taken(event, source, leaves[0])
