"""Wherever a till gets, the exploration has been: nothing that can be is left out."""

import json
from collections.abc import Iterator

import pytest

from engine.core.build import Chart, build
from engine.core.exploration.diagrams import NONE
from engine.core.exploration.search import Search
from engine.core.exploration.situations import Place
from engine.core.exploration.stimuli import Call
from engine.core.records import Till
from tests.unit.core.driving import CHARTS, chart_file, chart_of, define
from tests.unit.core.wandering import Wanderer, machine

NAMES = sorted(path.stem for path in CHARTS.glob("*.yaml"))


def searched(chart: Chart) -> Search:
    """All that a machine can get into."""
    search = Search(chart)
    graph = search.run(float("inf"), lambda: False)
    assert not graph.open
    return search


def astray(chart: Chart, tills: int, steps: int) -> Iterator[tuple[Place, object]]:
    """Where tills that wander get to, and the exploration does not."""
    search = searched(chart)
    sets, places = search.sets, search.situations
    known: dict[Place, int] = {}
    for place, vectors in search.graph.reached.items():
        known[_bare(place)] = sets.union(known.get(_bare(place), NONE), vectors)
    unknown: dict[tuple[Place, object], None] = {}

    def look(till: Till, fresh: bool) -> None:
        place = _bare(places.place(till, fresh and bool(search.stimuli.starting)))
        vector = places.vector(till)
        if not sets.both(known.get(place, NONE), sets.single(vector)):
            unknown[place, places.read(vector)] = None

    for seed in range(tills):
        Wanderer(chart, seed, look).wander(steps)
    yield from unknown


def _bare(place: Place) -> Place:
    """Which timers a restart set going anew cannot be seen of a till."""
    return place._replace(loose=frozenset())


@pytest.mark.parametrize("name", NAMES)
def test_no_till_of_a_chart_gets_where_its_exploration_was_not(name: str) -> None:
    """Twenty tills in virtual time, with restarts."""
    assert list(astray(build(chart_file(name)), 20, 200)) == []


@pytest.mark.parametrize("seed", range(13))
def test_no_till_of_a_random_machine_gets_where_its_exploration_was_not(seed: int) -> None:
    """With calls that are told apart and calls that are not, delays and restarts of each kind."""
    assert list(astray(build(define(json.dumps(machine(seed)))), 10, 200)) == []


CROWD = """
machine: crowd
context: {lost: {initial: 0, max: 9}}
events: {shut: {}, open: {}}
states:
  asking:
    on:
      sign: {actions: [{start: ask, with: {what: event.n}}]}
      shut: counting
      ask: {}
  counting:
    on:
      ask.failed: [{guard: lost >= 4, target: five}, {actions: [{assign: {lost: lost + 1}}]}]
      ask: {}
      open: {target: asking, actions: [{assign: {lost: 0}}]}
  five: {on: {open: asking}}
"""


def test_more_than_two_calls_that_are_not_told_apart_are_thought_of() -> None:
    """Five of them may fail in a row, though no more than two are kept in mind."""
    assert "five" in searched(chart_of(CROWD)).graph.entered


def calls_of(search: Search) -> set[tuple[Call, ...]]:
    """The calls of the last effect that may be under way at once."""
    return {
        search.situations.read(vector)[-1]
        for vectors in search.graph.reached.values()
        for vector in search.sets.vectors(vectors)
    }


def test_a_call_whose_arguments_are_not_known_may_be_the_one_under_way_or_another() -> None:
    """After another sign there are two calls under way, or still one."""
    search = searched(chart_of(CROWD))
    place, vectors = next(iter(search.graph.reached.items()))
    slot = search.situations.effects["ask"]
    one = [n for n, calls in enumerate(search.situations.known[slot]) if len(calls) == 1]
    under_way = search.sets.restricted(vectors, slot, one[0])
    signs = [
        edge.outcome
        for edge in search.edges(place, under_way)
        if edge.stimulus.event.name == "sign"
    ]
    assert {len(calls) for calls in calls_of(search)} == {0, 1, 2}
    assert len(signs) == 1  # the other one, in which nothing changes, is no edge
    assert len(search.situations.known[slot][dict(signs[0].changes)[slot]]) == 2


def test_calls_that_are_told_apart_are_kept_apart() -> None:
    """By their arguments, where these stand in the file, and by the state that invoked them."""
    search = searched(
        chart_of(
            """
machine: apart
events: {one: {}, two: {}, in: {}}
states:
  a:
    on:
      one: {actions: [{start: ask, with: {what: 1}}]}
      two: {actions: [{start: ask, with: {what: 2}}]}
      in: b
      ask: {}
  b: {invoke: {effect: ask, with: {what: 1}}, on: {ask: a}}
"""
        )
    )
    calls = {frozenset((call.state, *call.arguments) for call in each) for each in calls_of(search)}
    one, two, invoked = ("", ("what", 1)), ("", ("what", 2)), ("b", ("what", 1))
    assert {
        frozenset(),
        frozenset({one}),
        frozenset({one, two}),
        frozenset({two, invoked}),
    } <= calls
