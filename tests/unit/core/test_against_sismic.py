"""The same events through our core and through sismic, an interpreter of its own: after every
event both are in the same states, with the same values in the context.

Three things differ on purpose and no chart relies on them. A transition of a parallel state
(or around it) is asked in each region that has nothing of its own to say, as in SCXML; sismic
forgets it as soon as one region has. Going from one region to a region itself, or into another
one, leaves and enters the parallel state here and only the regions there. A state at the top
that is final ends sismic's interpreter; here it is a state to be in.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.build import Chart, build
from engine.core.records import Event
from engine.definition.machine import Definition
from tests.unit.core.driving import CHARTS, Play, chart_file, define
from tests.unit.core.random_charts import machines
from tests.unit.core.sismic_twin import Twin

NEAR = 1e-6
"""Seconds: how shortly before and after a delay both are looked at."""

NAMES = sorted(path.stem for path in CHARTS.glob("*.yaml"))
WAITS = (0.1, 0.7, 1.3, 2.9, 6.1)
Deed = tuple[str, int] | float
"""An event with its number, or seconds to wait."""


class Pair:
    """One till of ours and one of theirs, side by side in the same time."""

    def __init__(self, chart: Chart, twin: Twin) -> None:
        self.ours = Play(chart)
        self.twin = twin
        self.theirs = twin.interpreter()
        self.agree("begin")

    def agree(self, deed: object) -> None:
        """Both are in the same states with the same context."""
        ours = set(self.ours.till.configuration), self.ours.till.context
        theirs = self.twin.active(self.theirs), self.twin.context(self.theirs)
        assert ours == theirs, f"after {deed} at {self.ours.now}"

    def do(self, deed: Deed) -> None:
        """Play one event, or let time pass."""
        if isinstance(deed, float):
            self.wait(self.ours.now + deed)
            return
        name, number = deed
        self.ours.feed(Event(name, {"n": number}))
        self.theirs.queue(name, n=number).execute()
        self.agree(deed)

    def wait(self, time: float) -> None:
        """Look just before and just after every delay on the way."""
        while (due := self.ours.next_due()) is not None and due + NEAR <= time:
            for moment in (due - NEAR, due + NEAR):
                self.at(max(moment, self.ours.now))
        self.at(time)

    def at(self, moment: float) -> None:
        """Have it be this moment for both."""
        self.ours.now = self.theirs.clock.time = moment
        self.ours.fire()
        self.theirs.execute()
        self.agree("waiting")


def twin_of(definition: Definition) -> Twin:
    return Twin(definition.model, definition.seconds)


def deeds(definition: Definition) -> st.SearchStrategy[list[Deed]]:
    """Up to 40 events of the machine's own, with waits between them where it has delays."""
    events: list[Any] = [
        st.tuples(st.sampled_from(sorted(events_of(definition))), st.integers(0, 3))
    ]
    if any(node.state.after or node.state.every for node in definition.tree):
        events.append(st.sampled_from(WAITS))
    return st.lists(st.one_of(events), min_size=1, max_size=40)


def events_of(definition: Definition) -> Sequence[str]:
    return list(definition.model.events)


def play(pair: Pair, story: list[Deed]) -> None:
    for deed in story:
        pair.do(deed)


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_means_the_same_to_another_interpreter(name: str) -> None:
    """200 random sequences of up to 40 events, the same at every run."""
    definition = chart_file(name)
    chart, twin = build(definition), twin_of(definition)

    @settings(max_examples=200, derandomize=True, deadline=None, database=None)
    @given(deeds(definition))
    def agree(story: list[Deed]) -> None:
        play(Pair(chart, twin), story)

    agree()


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_gets_into_all_of_its_states(name: str) -> None:
    """A comparison of charts that never leave their first state would show nothing."""
    definition = chart_file(name)
    chart = build(definition)
    seen: set[str] = set()

    @settings(max_examples=200, derandomize=True, deadline=None, database=None)
    @given(deeds(definition))
    def wander(story: list[Deed]) -> None:
        till = Play(chart)
        for deed in story:
            if isinstance(deed, float):
                till.wait(deed)
            else:
                till.send(deed[0], n=deed[1])
            seen.update(state for step in till.steps for state in step.entered)

    wander()
    assert seen == {node.id for node in definition.tree if node.kind != "history"}


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(machines(), st.lists(st.sampled_from(["e1", "e2", "e3"]), min_size=1, max_size=25))
def test_random_charts_mean_the_same_to_another_interpreter(
    machine: dict[str, Any], story: list[str]
) -> None:
    """Compound and parallel states up to eight, guards, counters, transitions without event."""
    definition = define(json.dumps(machine))
    pair = Pair(build(definition), twin_of(definition))
    play(pair, [(name, index % 4) for index, name in enumerate(story)])
