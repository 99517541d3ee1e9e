"""The shortest ways to situations, and how far each of them is from the beginning."""

from engine.core.build import build
from engine.core.exploration.diagrams import END, Vector
from engine.core.exploration.layers import Layers
from engine.core.exploration.search import Search
from engine.core.exploration.situations import Place
from tests.unit.core.driving import chart_file, chart_of

FAILING = """
machine: failing
events: {one: {}, two: {}, three: {}}
states:
  a: {on: {one: b, three: d}}
  b: {on: {two: c, one: a}}
  c: {always: [{target: d}]}
  d: {always: [{target: c}]}
"""


def searched(search: Search) -> Search:
    search.run(float("inf"), lambda: False)
    return search


def distances(search: Search) -> dict[tuple[Place, Vector], int]:
    """How far each situation is, found one by one."""
    ((place, vectors),) = search.graph.beginning.items()
    found = {(place, next(search.sets.vectors(vectors))): 0}
    waiting = list(found)
    for place, vector in waiting:
        for edge in search.edges(place, search.sets.single(vector)):
            for after in search.sets.vectors(
                search.sets.assigned(edge.vectors, edge.outcome.changes)
            ):
                if (edge.outcome.place, after) not in found:
                    found[edge.outcome.place, after] = found[place, vector] + 1
                    waiting.append((edge.outcome.place, after))
    return found


def test_the_way_to_each_situation_is_as_short_as_can_be() -> None:
    """The nearest come first, and each comes once."""
    search = searched(Search(build(chart_file("guards"))))
    ways = list(Layers(search).ways(search.graph.reached))
    found = {(way.place, way.vector): len(way.stimuli) for way in ways}
    assert found == distances(search)
    assert len(ways) == len(found) > 100
    assert [len(way.stimuli) for way in ways] == sorted(found.values())


def test_ways_to_where_no_till_gets_are_none() -> None:
    """The layers are looked through to the last; what was found of them serves again."""
    search = searched(Search(chart_of(FAILING.replace("three: d", "three: b"))))
    ((place, _),) = search.graph.beginning.items()
    layers = Layers(search)
    assert list(layers.ways({})) == []
    assert list(layers.ways({place._replace(configuration=("c",)): END})) == []
    assert [len(way.stimuli) for way in layers.ways(search.graph.reached)] == [0, 1]


def test_the_nearest_step_that_fails_comes_first() -> None:
    """Each with the stimuli that lead to it."""
    search = searched(Search(chart_of(FAILING)))
    failures = list(Layers(search).failures())
    told = [
        [*(each.event.name for each in way.stimuli), edge.stimulus.event.name]
        for way, edge in failures
    ]
    assert told == [["three"], ["one", "two"]]
