"""Whether what a case expects is so: on a till, and in what happened to it meanwhile."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.core.build import Chart
from engine.core.plans import ALWAYS
from engine.core.records import Step, Till
from engine.definition.expressions import NO_EVENT
from engine.definition.model import Condition
from engine.definition.values import convert, format_duration, show
from engine.definition.vocabulary import Type, Value
from engine.tools.testing.model import Expect, Left

EXACT = 0.0015
"""Seconds by which a timer may differ from what is written: that is in milliseconds."""


class Mismatch(NamedTuple):
    """One expectation that does not hold. ``key`` is its way within the expectation."""

    key: tuple[str, ...]
    expected: str
    got: str


class Happenings:
    """What happened since the last expectation."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.started: Counter[str] = Counter()
        self.entered: list[str] = []
        self.logged: list[str] = []
        self.refused: dict[str, None] = {}

    def hear(self, step: Step, _till: Till | None = None) -> None:
        """Note a step."""
        self.started.update(run.effect for run in step.started)
        self.entered += [taken.target for taken in step.taken if not taken.stays]
        self.logged += step.logged
        for refusal in step.refused:
            self.refused[refusal.event] = None

    def repeat(self, steps: Sequence[Step], times: int) -> None:
        """Note steps that came to pass so many more times, in the same order."""
        once = Happenings()
        for step in steps:
            once.hear(step)
        for effect, count in once.started.items():
            self.started[effect] += times * count
        self.entered += once.entered * times
        self.logged += once.logged * times


class Expecting:
    """Looks at one till of one chart, ``now`` as the last thing that it is told."""

    def __init__(self, chart: Chart, since: Happenings) -> None:
        self._chart = chart
        self._since = since
        definition = chart.definition
        self._types: Mapping[str, Type] = {
            name: _type(variable.initial) for name, variable in definition.model.context.items()
        }

    def mismatches(self, expect: Expect, till: Till, now: float) -> Iterator[Mismatch]:
        """Every part that does not hold; ``metrics`` are not looked at here."""
        yield from self._states(expect, till)
        yield from self._effects(expect, till)
        yield from self._happened(expect)
        for name, value in expect.context.items():
            wanted = convert(value, self._types[name])
            if till.context[name] != wanted:
                got = show(till.context[name], self._types[name])
                yield Mismatch(("context", name), f"{name}: {show(wanted, self._types[name])}", got)
        for name, left in expect.timers.items():
            found = self.time_left(till, name, now)
            if not self._fits(left, found):
                yield Mismatch(("timers", name), f"{name}: {_written(left)}", _lefts(found))
        if expect.guard is not None and not self._guard(expect.guard, till):
            yield Mismatch(("guard",), f"guard: {expect.guard}", self._values(expect.guard, till))

    def _states(self, expect: Expect, till: Till) -> Iterator[Mismatch]:
        active = ", ".join(till.configuration)
        if not set(expect.active) <= set(till.configuration):
            yield Mismatch(("active",), f"active: {', '.join(expect.active)}", active)
        for name in expect.inactive:
            if name in till.configuration:
                yield Mismatch(("inactive",), f"inactive: {name}", active)

    def _effects(self, expect: Expect, till: Till) -> Iterator[Mismatch]:
        running = list(dict.fromkeys(run.effect for run in till.running.values()))
        told = ", ".join(running) or "no effect"
        for name in expect.running:
            if name not in running:
                yield Mismatch(("running",), f"running: {name}", told)
        for name in expect.not_running:
            if name in running:
                yield Mismatch(("not_running",), f"not_running: {name}", told)

    def _happened(self, expect: Expect) -> Iterator[Mismatch]:
        since = self._since
        for name, times in expect.started.items():
            count = since.started[name]
            if count != times and not (times is None and count):
                wanted = f"started: {name}" if times is None else f"started: {name}, {times} times"
                yield Mismatch(("started",), wanted, self._all_started())
        for name in expect.not_started:
            if since.started[name]:
                yield Mismatch(("not_started",), f"not_started: {name}", self._all_started())
        if expect.entered is not None and list(expect.entered) != since.entered:
            wanted = f"entered: {', '.join(expect.entered) or 'nothing'}"
            yield Mismatch(("entered",), wanted, ", ".join(since.entered) or "nothing")
        for key in ("refused", "logged"):
            happened = list(getattr(since, key))
            for name in getattr(expect, key):
                if name not in happened:
                    got = ", ".join(map(str, happened)) or "nothing"
                    yield Mismatch((key,), f"{key}: {name}", got)

    def _all_started(self) -> str:
        counts = self._since.started.items()
        return ", ".join(f"{name}, {count} times" for name, count in counts if count) or "nothing"

    def time_left(self, till: Till, label: str, now: float) -> list[float]:
        """The seconds for which the timers of that name still run."""
        plans = self._chart.timers
        return [t.due - now for t in till.timers.values() if plans[t.key].label == label]

    def _fits(self, left: Left, found: list[float]) -> bool:
        if left.off:
            return not found
        seconds = self._chart.definition.seconds
        low = 0.0 if left.min is None else seconds(left.min)
        high = float("inf") if left.max is None else seconds(left.max)
        return any(low - EXACT <= each <= high + EXACT for each in found)

    def _guard(self, text: str, till: Till) -> bool:
        return bool(self._chart.definition.expression(text)(till.context, NO_EVENT))

    def _values(self, text: str, till: Till) -> str:
        """What the context variables of a guard are."""
        names = sorted(self._chart.definition.expression(text).names & set(till.context))
        values = (f"{name} = {show(till.context[name], self._types[name])}" for name in names)
        return ", ".join(values) or "false"

    def holds(self, condition: Condition, till: Till, step: Step | None = None) -> bool:
        """Whether a condition holds; what it ``starts`` is looked for in the step alone."""
        running = {run.effect for run in till.running.values()}
        started = {run.effect for run in step.started} if step is not None else set()
        return (
            set(condition.active) <= set(till.configuration)
            and set(condition.running) <= running
            and (not condition.starts or not started.isdisjoint(condition.starts))
            and (condition.guard is None or self._guard(condition.guard, till))
        )


def dull(step: Step) -> bool:
    """Whether there is nothing to tell of a step."""
    return not (
        step.entered or step.started or step.cancelled or step.changed or step.refused or step.taken
    )


def told(step: Step) -> str:
    """What a step did, on one line; nothing when it did nothing."""
    parts = [f"{t.source} -> {t.target}" for t in step.taken if not t.stays]
    parts += [f"starts {run.effect}" for run in step.started]
    parts += [f"ends {run.effect}" for run in step.cancelled]
    parts += [f"{name} = {_plain(after)}" for name, (_, after) in step.changed.items()]
    refused = [f"{r.event} refused by {r.guard}" for r in step.refused if r.event != ALWAYS]
    return ", ".join(parts or refused)


def _plain(value: Value) -> str:
    return show(value, _type(value))


def _type(value: Value) -> Type:
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "text"


def _written(left: Left) -> str:
    if left.off:
        return "off"
    if left.min == left.max:
        return str(left.min)
    parts = [f"{key} {text}" for key, text in (("min", left.min), ("max", left.max)) if text]
    return ", ".join(parts)


def _lefts(found: list[float]) -> str:
    return ", ".join(map(format_duration, found)) or "off"


def written(condition: Condition) -> str:
    """A condition as a failure names it."""
    parts = [
        f"{key} {', '.join(getattr(condition, key))}"
        for key in ("active", "starts", "running")
        if getattr(condition, key)
    ]
    if condition.guard is not None:
        parts.append(condition.guard)
    return " and ".join(parts)
