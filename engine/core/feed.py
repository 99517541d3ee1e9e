"""Everything that can change a till: one event in, one step out.

:func:`feed` plays one event, with all that follows from it at the same moment (events that
actions raise, transitions without event), and says what it did. It knows no clock: the time
is passed in. When it raises, the till is as it was.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b

from engine.core.build import BEGIN, NUDGE, Chart
from engine.core.plans import ALWAYS, Guard, StatePlan, TimerPlan
from engine.core.records import NO_DATA, Event, Refusal, Run, Step, Taken, Till, Timer
from engine.core.routes import Route
from engine.definition.tree import ROOT
from engine.definition.vocabulary import Value

MOST_TRANSITIONS = 1000
"""More transitions than this in one step are an eventless loop that the check did not see."""


class StepFailed(Exception):  # noqa: N818 - named as it is told
    """A step could not be played to its end; the till is where it was before."""


def begin(
    chart: Chart, till: str, now: float, known: Mapping[str, Value] = NO_DATA
) -> tuple[Till, Step]:
    """A new till, entering the machine's initial state at ``now``.

    ``known`` are context variables that do not begin with what the file gives them.
    """
    if chart.beginning is not None and not known:
        return _begin_alike(*chart.beginning, till, now)
    fresh = Till(till, context={**chart.initial_context, **known})
    step = _play(chart, fresh, Event(BEGIN), BEGIN, now)
    if not known and fresh.draws == 0:  # nothing was left to chance: all others begin alike
        chart.beginning = _begin_alike(fresh, step, till, now)
    return fresh, step


def _begin_alike(first: Till, step: Step, till: str, now: float) -> tuple[Till, Step]:
    """The beginning of another till at another time. A process may start 10,000 of them."""
    timers = {key: timer.starting(now) for key, timer in first.timers.items()}
    alike = replace(
        first,
        id=till,
        context=dict(first.context),
        timers=timers,
        running=dict(first.running),
        entered=dict.fromkeys(first.entered, now),
    )
    started = [timers.get(timer.key) or timer.starting(now) for timer in step.timers_started]
    return alike, replace(step, till=till, at=now, timers_started=started)


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
    turn = Turn(chart, till, event, now)
    try:
        play(chart, turn, name)
    except StepFailed:
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
        raise
    return turn.step


def play(chart: Chart, turn: "Turn", name: str | None) -> None:
    """Play a turn on its chart; whatever goes wrong comes out as StepFailed."""
    chart.turn = turn
    try:
        turn.play(name)
    except Exception as fault:
        chart.lose_place()
        raise StepFailed(f"till {turn.step.till}, event {turn.step.event.name}: {fault}") from fault
    finally:
        chart.turn = None


class Turn:
    """One step in the making. The chart's callbacks ask it for every change."""

    __slots__ = (
        "_chart",
        "_left",
        "_marks",
        "_moving",
        "_now",
        "_placed",
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
        self._placed = False
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
            plan = chart.timers[self.event.timer]
            self._run_out(plan)
            if plan.repeats:
                name = self._repeat(plan)
        if name is not None:
            self._send(name)
        step.handled = step.handled or name == BEGIN or _asked_for(step)
        while self._raised:
            self.event = self._raised.pop(0)
            raised = chart.id_of(self.event.name)
            if raised is not None:
                self._send(raised)
        if step.entered or step.exited:
            till.configuration = chart.configuration()
            till.remembered = chart.remembered()
            self._name_targets()
        step.configuration = till.configuration

    def _repeat(self, plan: TimerPlan) -> str | None:
        """Do what a delay does each time. It is no transition: the machine, which costs most of
        a step, is only asked when something changed that its guards may read."""
        self.step.handled = True
        for act in plan.acts:
            act(self)
        return NUDGE if self.step.changed else None

    def _send(self, name: str) -> None:
        if not self._placed:
            self._chart.place(self._till.configuration)
            self._chart.remember(self._till.remembered)
            self._placed = True
        self._chart.send(name)

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
        if plan.final:
            self._finish(plan.id)

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
        for effect in dict.fromkeys(call.effect for call in plan.invoked):
            for run in till.calls(effect):
                if run.state == plan.id:
                    self._drop(run)

    def take(self, label: str, source: str, way: Route) -> bool:
        """A transition is taken. ``source`` is the state that declares it.

        False when it was taken already: the library runs what leads to a history once more
        after the state around the history is entered.
        """
        step = self.step
        if way.target is not None and not self._moving:
            return False
        if len(step.taken) >= MOST_TRANSITIONS:
            raise StepFailed(f"more than {MOST_TRANSITIONS} transitions in one step")
        # A transition that stays may come with one of another region that moves.
        left = self._till.entered if way.target is None else self._left
        leaves = [name for name in left if name in way.sources]
        if len(leaves) == 1:
            source = leaves[0]
        if way.target is None:
            step.taken.append(Taken(label, source, source, stays=True))
        else:
            self._marks.append((len(step.taken), len(step.entered), way.targets))
            step.taken.append(Taken(label, source, way.target))
        return True

    def refuse(self, state: str, label: str, guard: Guard) -> bool:
        """A guard did not hold: False. It may be asked again in the same step, after what that
        changed or by another region: what it saw last is told."""
        seen = () if label == ALWAYS else guard.seen(self)
        refusal = Refusal(state, label, guard.text, seen)
        refused = self.step.refused
        for place, known in enumerate(refused):
            if known[:3] == refusal[:3]:
                refused[place] = refusal
                break
        else:
            refused.append(refusal)
        return False

    def assign(self, name: str, value: Value) -> None:
        """Change a context variable."""
        before = self.context.get(name, value)  # not asked for: no step depends on it
        if value != before:
            first, _ = self.step.changed.get(name, (before, before))
            self.context[name] = value
            if value == first:
                del self.step.changed[name]
            else:
                self.step.changed[name] = (first, value)

    def raise_event(self, name: str, data: Mapping[str, Value]) -> None:
        """Queue an event that is played before this step ends."""
        if len(self.step.raised) >= MOST_TRANSITIONS:
            raise StepFailed(f"more than {MOST_TRANSITIONS} events raised in one step")
        self.step.raised.append(name)
        self._raised.append(Event(name, data or NO_DATA))

    def start(self, effect: str, arguments: Mapping[str, Value], state: str | None) -> None:
        """Start an effect, unless the same call is still running.

        What a state invokes does not join a call that another state invoked: that one ends
        with the other state, and this one would wait for an answer that never comes.
        """
        till = self._till
        for run in till.calls(effect):
            if run.arguments == arguments and (state is None or run.state is None):
                self.step.joined.append(effect)
                return
        till.runs += 1
        run = till.running[till.runs] = Run(till.runs, effect, arguments, state)
        self.step.started.append(run)

    def cancel(self, effect: str) -> None:
        """Drop every running call of an effect; late answers are ignored."""
        for run in self._till.dropping(effect):
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

    def _finish(self, final: str) -> None:
        """A final state was entered: whatever is done by that says so. The library would say it
        of a parallel state once for each region that ends at the same moment."""
        tree = self._chart.tree
        outer = tree[final].parent
        while outer != ROOT and self._is_done(outer):
            name = f"done.{outer}"
            if self._chart.id_of(name) is not None:
                self.raise_event(name, NO_DATA)
            outer = tree[outer].parent
            if not tree.parallel(outer):
                break

    def _is_done(self, name: str) -> bool:
        tree, active = self._chart.tree, self._till.entered
        children = tree.children(name)
        if tree.parallel(name):
            return all(self._is_done(child) for child in children)
        return any(child in active and tree[child].state.final for child in children)

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


def _asked_for(step: Step) -> bool:
    """Whether the event itself asked for something: what it finds waiting to be taken or
    refused without any event does not count."""
    return any(taken.event != ALWAYS for taken in step.taken) or any(
        refusal.event != ALWAYS for refusal in step.refused
    )
