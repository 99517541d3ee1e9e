"""Plays a step that was played before from what came of it then.

A step depends on the event's fields that some expression reads, on where the till is, on the
values of its context, on which of its timers run and which of its calls are under way; never on
when it is, nor on which till it is, but for the chance in a backoff. A thousand tills that live
the same day play the same few thousand steps over and over: from the second time on, what
followed is written down instead of found out. :func:`engine.core.feed.feed` finds out; this
module never decides anything by itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from engine.core.build import Chart
from engine.core.feed import feed
from engine.core.records import Event, Run, Step, Till, Timer
from engine.definition.vocabulary import Value

MOST = 20_000
"""Steps kept at once. More than a machine has, but for texts that come from outside."""


class _Noting(Mapping[str, Value]):
    """An event's data that notes which of its fields are read."""

    def __init__(self, data: Mapping[str, Value], read: set[str]) -> None:
        self._data = data
        self._read = read

    def __getitem__(self, name: str) -> Value:
        self._read.add(name)
        return self._data[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


class _Started(NamedTuple):
    """A call that a step starts; ``offset`` is its number, counted from the till's last one."""

    offset: int
    effect: str
    arguments: Mapping[str, Value]
    state: str | None


class _Outcome(NamedTuple):
    """What follows. Timers as key, length and whether they still run when the step ends; calls
    by their places; context and states whole, where they change."""

    step: Step
    context: tuple[tuple[str, Value], ...]
    timers_gone: tuple[str, ...]
    timers: tuple[tuple[str, float, bool], ...]
    cancelled: tuple[int, ...]
    started: tuple[_Started, ...]
    runs: int
    entered: tuple[str, ...]
    remembered: dict[str, tuple[str, ...]]


class Repeating:
    """Feeds the tills of one chart after another. ``played`` counts the steps that had to be
    found out. Steps that are alike share the lists in them: nobody may change a step."""

    def __init__(self) -> None:
        self._chart: Chart | None = None
        self._names: tuple[str, ...] = ()
        self._read: dict[str, tuple[str, ...]] = {}
        self._known: dict[tuple[Any, ...], _Outcome] = {}
        self.played = 0

    def feed(self, chart: Chart, till: Till, event: Event, now: float) -> Step:
        """As :func:`engine.core.feed.feed`: the same step, the same till afterwards."""
        if chart is not self._chart:
            self._chart, self._names = chart, tuple(chart.initial_context)
            self._read.clear()
            self._known.clear()
        own = None if event.timer is None else till.timers.get(event.timer)
        usual = own is None or own.due <= now < own.due + own.length
        answered = event.run is None or event.run in till.running
        if not usual or not answered or (event.timer is not None and own is None):
            self.played += 1
            return feed(chart, till, event, now)
        key = self._key(till, event)
        outcome = self._known.get(key)
        if outcome is not None:
            return _again(chart, outcome, till, event, now)
        return self._learn(chart, till, event, now)

    def _key(self, till: Till, event: Event) -> tuple[Any, ...]:
        data, fields = event.data, self._read.get(event.name, ())
        return (
            event.name,
            event.timer,
            fields and tuple([data.get(name) for name in fields]),
            None if event.run is None else [*till.running].index(event.run),
            till.configuration,
            tuple(map(till.context.get, self._names)),
            tuple(till.timers),
            tuple(
                [(run.effect, run.state, *run.arguments.items()) for run in till.running.values()]
            ),
            tuple(till.remembered.items()),
        )

    def _learn(self, chart: Chart, till: Till, event: Event, now: float) -> Step:
        self.played += 1
        read: set[str] = set()
        before = replace(till, timers=dict(till.timers), running=dict(till.running))
        contextual, place = dict(till.context), till.configuration
        step = feed(chart, till, event._replace(data=_Noting(event.data, read)), now)
        step.event = event
        fields = self._read.get(event.name, ())
        if not read <= set(fields):
            self._read[event.name] = (*fields, *sorted(read - set(fields)))
        if till.draws == before.draws:  # chance is each till's own
            if len(self._known) >= MOST:
                self._known.clear()
            asked = replace(before, context=contextual, configuration=place)
            self._known[self._key(asked, event)] = _outcome(step, before, till)
        return step


def _outcome(step: Step, before: Till, after: Till) -> _Outcome:
    places = {number: place for place, number in enumerate(before.running)}
    return _Outcome(
        step,
        tuple(after.context.items()) if step.changed else (),
        tuple(key for key in before.timers if key not in after.timers),
        tuple(
            (timer.key, timer.length, after.timers.get(timer.key) is timer)
            for timer in step.timers_started
        ),
        tuple(places[run.number] for run in step.cancelled),
        tuple(_Started(run.number - before.runs, *run[1:]) for run in step.started),
        after.runs - before.runs,
        tuple(after.entered) if step.entered or step.exited else (),
        after.remembered,
    )


def _again(chart: Chart, outcome: _Outcome, till: Till, event: Event, now: float) -> Step:
    learned, running = outcome.step, till.running
    cancelled = []
    if outcome.cancelled:
        runs = [*running.values()]
        cancelled = [runs[place] for place in outcome.cancelled]
    if event.run is not None:
        del running[event.run]
    for run in cancelled:
        del running[run.number]
    started = []
    for offset, effect, arguments, state in outcome.started:
        run = running[till.runs + offset] = Run(till.runs + offset, effect, arguments, state)
        started.append(run)
    till.runs += outcome.runs
    timers = _timers(chart, outcome, till, event, now)
    if outcome.context:
        till.context = dict(outcome.context)
    if outcome.entered:
        fresh = set(learned.entered)
        till.entered = {
            name: now if name in fresh else till.entered[name] for name in outcome.entered
        }
        till.configuration = learned.configuration
        till.remembered = outcome.remembered
    return Step(
        till.id,
        event,
        now,
        learned.taken,
        learned.refused,
        learned.exited,
        learned.entered,
        started,
        learned.joined,
        cancelled,
        timers,
        learned.timers_stopped,
        learned.changed,
        learned.raised,
        learned.logged,
        learned.configuration,
        learned.handled,
    )


def _timers(chart: Chart, outcome: _Outcome, till: Till, event: Event, now: float) -> list[Timer]:
    """Those that are started. The one that ran out counts from when it was due."""
    timers, own, started = till.timers, event.timer, []
    if own is not None:
        due = timers.pop(own).due
    for key in outcome.timers_gone:
        timers.pop(key, None)
    for key, length, stays in outcome.timers:
        start = now
        if key == own and chart.timers[key].repeats:
            start, own = due, None
        timer = Timer(key, start + length, start, length)
        started.append(timer)
        if stays:
            timers.pop(key, None)
            timers[key] = timer
    return started
