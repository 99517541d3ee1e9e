"""Whether anything that can come leads a till out of a state: tried, not proved."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from engine.core.build import Chart
from engine.core.exploration.likeness import Likeness
from engine.core.exploration.stimuli import STARTED, Stimuli
from engine.core.exploration.uses import uses_of
from engine.core.feed import StepFailed, feed, timer_event
from engine.core.records import Event, Till

MOST_TILLS = 2_000
"""So many different tills are tried before the state counts as one that nothing leads out of."""


def can_leave(chart: Chart, till: Till, state: str, now: float) -> bool:
    """Whether events, answers and delays lead out of ``state``, the shortest ways first."""
    stimuli = Stimuli(chart, Likeness(chart.definition, uses_of(chart.definition)))
    waiting = deque([(till, now)])
    known: set[object] = set()
    while waiting and len(known) < MOST_TILLS:
        here, moment = waiting.popleft()
        if state not in here.configuration:
            return True
        for event, at in _next(chart, stimuli, here, moment):
            after = _twin(here)
            try:
                feed(chart, after, event, at)
            except StepFailed:
                continue
            if (likeness := _likeness(after)) not in known:
                known.add(likeness)
                waiting.append((after, at))
    return False


def _next(chart: Chart, stimuli: Stimuli, till: Till, now: float) -> Iterator[tuple[Event, float]]:
    yield from ((event, now) for event in stimuli.posted if not event.name.startswith(STARTED))
    for run in till.running.values():
        yield from ((event._replace(run=run.number), now) for event in stimuli.answers[run.effect])
    if till.timers:
        first = min(till.timers.values(), key=lambda timer: timer.due)
        yield timer_event(chart, first.key), max(now, first.due)


def _twin(till: Till) -> Till:
    return replace(
        till,
        context=dict(till.context),
        timers=dict(till.timers),
        running=dict(till.running),
        entered=dict(till.entered),
    )


def _likeness(till: Till) -> object:
    """What tells tills apart here: neither times nor the numbers of calls."""
    calls = sorted((run.effect, run.state or "") for run in till.running.values())
    return (
        till.configuration,
        tuple(till.context.items()),
        tuple(sorted(till.timers)),
        tuple(calls),
        tuple(sorted(till.remembered.items())),
    )
