"""Tills carried from one chart to another between two steps: a reload.

The other chart is built from the same file, edited. Whatever is under way goes on: timers keep
their start and take the new length, effects keep their runs. Only what the new file asks for
and the old one did not have is begun: a state around or inside the present ones, a delay, an
effect that a state invokes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.core.build import NUDGE, Chart
from engine.core.feed import Turn, play
from engine.core.plans import Call, StatePlan, TimerPlan
from engine.core.records import NO_DATA, Event, Run, Step, Till, Timer
from engine.core.standing import Names, can_go_back, kept_context, standing
from engine.definition.vocabulary import Value

RELOADED = "agent.reloaded"
"""The event of the step: the agent posts it to the history, nobody to a machine."""


class Stranded(Exception):  # noqa: N818 - what would become of a till
    """A till cannot be carried: ``till`` is in ``configuration``, of whose states the other
    chart has not got ``gone``. With none of them gone it may not hold the others together."""

    def __init__(self, till: str, configuration: tuple[str, ...], gone: tuple[str, ...]) -> None:
        self.till = till
        self.configuration = configuration
        self.gone = gone
        super().__init__(f"till {till} cannot stay in {' '.join(configuration)}")


@dataclass(frozen=True, slots=True)
class _Way:
    """From one configuration to another one.

    ``names`` and ``timers`` lead from old states and keys to new ones; ``entered``, ``armed``
    and ``invoked`` are what the new file has and the old one had not. ``plain``: everything has
    the same names and nothing is begun. ``waiting``: transitions without event lie there.
    """

    configuration: tuple[str, ...]
    names: Mapping[str, str]
    timers: Mapping[str, TimerPlan]
    entered: tuple[StatePlan, ...]
    armed: tuple[TimerPlan, ...]
    invoked: tuple[tuple[str, Call], ...]
    plain: bool
    waiting: bool


class Carrying:
    """The way of all tills from ``old`` to ``new``. What is the same for tills that are in the
    same states is found once: a process may have ten thousand.

    ``renames`` take the place of the new file's own; ``data`` is what the step's event tells.
    """

    def __init__(
        self,
        old: Chart,
        new: Chart,
        renames: Mapping[str, str] | None = None,
        data: Mapping[str, Value] = NO_DATA,
    ) -> None:
        self.old = old
        self.new = new
        self._names = Names(new, renames)
        self._event = Event(RELOADED, data)
        self._same_context = old.definition.model.context == new.definition.model.context
        self._heard = {descriptor.partition(".")[0] for descriptor in new.descriptors}
        self._ways: dict[tuple[str, ...], _Way] = {}
        self._quiet: set[tuple[object, ...]] = set()

    def stranded(self, tills: Iterable[Till]) -> list[Stranded]:
        """Whoever cannot be carried: one till for each configuration."""
        found = []
        for till in {till.configuration: till for till in tills}.values():
            try:
                self._way(till)
            except Stranded as stranded:
                found.append(stranded)
        return found

    def carry(self, till: Till, now: float) -> tuple[Till, Step]:
        """The till in the new chart, and the step that this is; ``till`` itself is left alone.

        Raises Stranded, and StepFailed when the new machine cannot go on from there.
        """
        way = self._ways.get(till.configuration)
        if way is None:
            way = self._ways[till.configuration] = self._way(till)
        calm = self._calm(way, till)
        if calm and self._unmoved(way, till):
            step = Step(till.id, self._event, now, configuration=way.configuration, handled=True)
            return till, step
        return self._carried(till, way, now, calm)

    def _calm(self, way: _Way, till: Till) -> bool:
        """Whether nothing follows from the new machine by itself, as far as is known."""
        if way.entered or way.invoked or not self._same_context:
            return False
        return not way.waiting or (way.configuration, *till.context.values()) in self._quiet

    def _unmoved(self, way: _Way, till: Till) -> bool:
        """Whether all of a till has the same names, lengths and calls in both."""
        if not way.plain or till.remembered:
            return False
        if any(self._bound(run, way) is not run for run in till.running.values()):
            return False
        timers, old = way.timers, self.old
        return not any(_moved(timer, old, timers[timer.key]) for timer in till.timers.values())

    def _way(self, till: Till) -> _Way:
        before = till.configuration
        present = {name: self._names.now(name) for name in before}
        after = standing(self.new, list(present.values()))
        if after is None:
            gone = tuple(name for name in before if not present[name])
            raise Stranded(till.id, before, gone)
        kept = {new: old for old, new in present.items() if new in after}
        timers: dict[str, TimerPlan] = {}
        armed: list[TimerPlan] = []
        invoked: list[tuple[str, Call]] = []
        for new, old in kept.items():
            was, will = self.old.plans[old], self.new.plans[new]
            paired = _paired(was, will)
            timers |= paired
            found = {plan.key for plan in paired.values()}
            armed += [plan for plan in will.timers if plan.key not in found]
            known = {call.effect for call in was.invoked}
            invoked += [(new, call) for call in will.invoked if call.effect not in known]
        entered = tuple(self.new.plans[name] for name in after if name not in kept)
        return _Way(
            after,
            {old: new for new, old in kept.items()},
            timers,
            entered,
            tuple(armed),
            tuple(invoked),
            before == after
            and not (entered or armed or invoked)
            and all(key == plan.key for key, plan in timers.items())
            and len(timers) == sum(len(self.old.plans[name].timers) for name in before),
            any(self.new.tree[name].state.always for name in after),
        )

    def _carried(self, till: Till, way: _Way, now: float, calm: bool) -> tuple[Till, Step]:
        context = dict(till.context)
        if not self._same_context:
            context = {**self.new.initial_context, **kept_context(self.new, context)}
        carried = Till(till.id, way.configuration, context)
        carried.runs, carried.draws = till.runs, till.draws
        carried.entered = {
            new: till.entered[old] for old, new in way.names.items() if old in till.entered
        }
        for name, active in till.remembered.items():
            present = [self._names.now(other) for other in active]
            if can_go_back(self.new.tree, name, present):
                carried.remembered[name] = tuple(present)
        turn = Turn(self.new, carried, self._event, now)
        self._go_on_running(till, carried, way, turn)
        self._go_on_waiting(till, carried, way, turn)
        for plan in way.entered:
            turn.enter(plan)
        for delay in way.armed:
            turn.arm(delay, now)
        for state, call in way.invoked:
            turn.start(call.effect, call.read(turn), state)
        step = turn.step
        step.configuration = way.configuration
        if not calm:  # what the new file says may hold already
            play(self.new, turn, NUDGE)
            if not (step.taken or step.changed or way.entered):
                self._quiet.add((way.configuration, *context.values()))
        step.handled = True
        return carried, step

    def _go_on_running(self, till: Till, carried: Till, way: _Way, turn: Turn) -> None:
        """Effects end under the rules that started them: the answer is an event like any other.
        One that nothing in the new machine listens to is dropped."""
        for number, run in till.running.items():
            bound = self._bound(run, way)
            if bound is None:
                turn.step.cancelled.append(run)
            else:
                carried.running[number] = bound

    def _bound(self, run: Run, way: _Way) -> Run | None:
        """A run with the state that it ends with, without one where the state no longer invokes
        it; None when it is dropped."""
        if run.effect not in self._heard:
            return None
        if run.state is None:
            return run
        state = way.names.get(run.state)
        bound = state is not None and any(
            call.effect == run.effect for call in self.new.plans[state].invoked
        )
        present = state if bound else None
        return run if present == run.state else run._replace(state=present)

    def _go_on_waiting(self, till: Till, carried: Till, way: _Way, turn: Turn) -> None:
        """Timers count from when they began; one that is overdue by now is due."""
        for key, timer in till.timers.items():
            plan = way.timers.get(key)
            if plan is None:
                turn.step.timers_stopped.append(key)
                continue
            if not _moved(timer, self.old, plan):
                carried.timers[key] = timer
                continue
            length = timer.length if _alike(self.old.timers[key], plan) else plan.length(turn)
            due = timer.due if length == timer.length else max(turn.step.at, timer.start + length)
            anew = carried.timers[plan.key] = Timer(plan.key, due, timer.start, length)
            turn.step.timers_started.append(anew)


def _moved(timer: Timer, old: Chart, plan: TimerPlan) -> bool:
    """Whether a timer has another key or another length in the new chart."""
    return timer.key != plan.key or not (
        timer.length == plan.fixed or _alike(old.timers[timer.key], plan)
    )


def _alike(one: TimerPlan, other: TimerPlan) -> bool:
    """Whether two delays are as long: of a backoff a length that was drawn stays drawn."""
    return (one.fixed, one.growth) == (other.fixed, other.growth)


def _paired(was: StatePlan, will: StatePlan) -> dict[str, TimerPlan]:
    """The delays of a state by their old keys: the same delay in the file, else the same place
    among the rest of its kind."""
    pairs: dict[str, TimerPlan] = {}
    old, new = list(was.timers), list(will.timers)
    for one in was.timers:
        match = next((other for other in new if other.label == one.label), None)
        if match is not None:
            pairs[one.key] = match
            old.remove(one)
            new.remove(match)
    for repeats in (False, True):
        rest = [one for one in old if one.repeats == repeats]
        pairs |= {
            one.key: other
            for one, other in zip(rest, (o for o in new if o.repeats == repeats), strict=False)
        }
    return pairs
