"""Plays the way to a fault on a till in virtual time, and writes it as a test of the machine."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil

from engine.core.build import Chart
from engine.core.exploration.situations import TILL, Situations
from engine.core.exploration.stimuli import Stimulus
from engine.core.feed import StepFailed, begin, feed, timer_event
from engine.core.records import Event, Step, Till
from engine.core.restore import pack, unpack
from engine.definition.values import format_duration, show
from engine.definition.vocabulary import Field, Value

MOST_TIMEOUTS = 10_000
"""So many other timers may run out before the one that the way speaks of."""


@dataclass(slots=True)
class Timeline:
    """A way that was played. ``lines`` are YAML; ``till`` and ``started`` are how it ended.

    ``astray`` says that with the delays as they are it did not come to its end, ``failed`` that
    its last step could not be played.
    """

    till: Till
    lines: list[str] = field(default_factory=list)
    started: tuple[str, ...] = ()
    astray: bool = False
    failed: bool = False


class _Astray(Exception):  # noqa: N818 - it is where the till went
    """What was to come next cannot come."""


def timeline(chart: Chart, situations: Situations, way: list[Stimulus]) -> Timeline:
    """Play it; where a delay has to pass, shorter ones run out first, as they would."""
    return _Player(chart, situations).play(way)


class _Player:
    def __init__(self, chart: Chart, situations: Situations) -> None:
        self._chart = chart
        self._situations = situations
        self._now = 0.0
        self._count = 0
        till, step = begin(chart, TILL, 0.0)
        self._told = Timeline(till)
        leaves = [name for name in till.configuration if not chart.tree.children(name)]
        self._told.lines.append(f"# 0s: begins in {' and '.join(leaves)}")
        self._note([step])

    def play(self, way: list[Stimulus]) -> Timeline:
        """The whole way, or as much of it as can be."""
        told = self._told
        for stimulus in way:
            try:
                self._one(stimulus)
            except _Astray:
                told.astray = True
                told.lines.append(f"# {stimulus.kind} {stimulus.event.name}: cannot come here")
            except StepFailed:
                told.failed = True
                told.lines[-1] += "  # this step fails"
            if told.astray or told.failed:
                break
        return told

    def _one(self, stimulus: Stimulus) -> None:
        event = stimulus.event
        if stimulus.kind == "timer":
            self._timeout(event)
        elif stimulus.kind == "restart":
            now = self._now
            self._told.lines.append("- restart: {}")
            self._told.till, step = unpack(
                self._chart, TILL, pack(self._told.till, now, now), now, now
            )
            self._note([step])
        else:
            data = self._data(stimulus)
            fed = Event(event.name, {**event.data, **data})
            to = ""
            if stimulus.call is not None:
                try:
                    fed = self._situations.answer(self._told.till, stimulus.call, fed)
                except ValueError:
                    raise _Astray from None
                to = self._which(stimulus.call.effect, fed.run)
            self._told.lines.append(f"- {self._written(stimulus.kind, event.name, data, to)}")
            self._note([self._feed(fed)])

    def _which(self, effect: str, number: int | None) -> str:
        """The arguments of the call that is answered, where it is not the oldest of its effect."""
        calls = self._told.till.calls(effect)
        if number == min(run.number for run in calls):
            return ""
        arguments = next(run.arguments for run in calls if run.number == number)
        return _mapping(arguments, self._chart.definition.vocabulary.effects[effect].arguments)

    def _timeout(self, event: Event) -> None:
        """Let time pass until a timer runs out, and the others with it that do so before."""
        began, steps = self._now, []
        for _ in range(MOST_TIMEOUTS):
            timers = self._told.till.timers
            if event.timer not in timers:
                break
            first = min(timers.values(), key=lambda timer: (timer.due, timer.key != event.timer))
            self._now = max(self._now, first.due)
            steps.append(self._feed(timer_event(self._chart, first.key)))
            if first.key == event.timer:
                self._wait(began, event.name)
                self._note(steps)
                return
        raise _Astray

    def _wait(self, began: float, label: str) -> None:
        waited = ceil((self._now - began) * 1000 - 1e-6) / 1000
        moment = format_duration(self._now)
        self._told.lines.append(f"- wait: {format_duration(waited)}  # {moment}: {label}")

    def _feed(self, event: Event) -> Step:
        return feed(self._chart, self._told.till, event, self._now)

    def _note(self, steps: list[Step]) -> None:
        """Say behind the last line what happened."""
        told = self._told
        told.started = tuple(run.effect for run in steps[-1].started)
        did = ", ".join(dict.fromkeys(part for step in steps for part in self._did(step)))
        if did:
            mark = ", " if "#" in told.lines[-1] else f"  # {format_duration(self._now)}: "
            told.lines[-1] += mark + did

    def _did(self, step: Step) -> Iterator[str]:
        yield from (f"{one.source} -> {one.target}" for one in step.taken if not one.stays)
        yield from (f"starts {run.effect}" for run in step.started)
        yield from (f"ends {run.effect}" for run in step.cancelled)
        for name, (_, after) in step.changed.items():
            if name in self._situations.variables:
                yield f"{name} = {json.dumps(after)}"

    def _data(self, stimulus: Stimulus) -> dict[str, Value]:
        """What the event carries: the example and, where somebody posts it, something for the
        rest, each time something else."""
        event = stimulus.event
        data = {name: value for name, value in event.data.items() if name != "reason"}
        if stimulus.kind == "event":
            self._count += 1
            for name, kind in self._fields(event.name).items():
                data.setdefault(name, _something(kind, self._count))
        return data

    def _fields(self, event: str) -> Mapping[str, Field]:
        return self._chart.definition.events[event]

    def _written(self, kind: str, name: str, data: Mapping[str, Value], to: str) -> str:
        parts = [f"{kind}: {name}"]
        parts += [f"with: {{{_mapping(data, self._fields(name))}}}"] if data else []
        parts += [f"to: {{{to}}}"] if to else []
        return parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"


def _mapping(values: Mapping[str, Value], fields: Mapping[str, Field]) -> str:
    """The inside of a mapping in YAML's flow style."""
    return ", ".join(f"{name}: {_yaml(value, fields[name])}" for name, value in values.items())


def _yaml(value: Value, kind: Field) -> str:
    return json.dumps(value) if isinstance(value, str) else show(value, kind.type)


def _something(kind: Field, count: int) -> Value:
    if kind.type == "text":
        return kind.choices[0] if kind.choices else f"x{count}"
    return {"integer": count, "boolean": False}.get(kind.type, float(count))
