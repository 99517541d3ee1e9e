"""Which values an exploration tells apart, and which examples of an event it tries."""

import pytest

from engine.core.build import build
from engine.core.exploration.search import Search
from engine.definition.vocabulary import EffectSignature, Field, Vocabulary
from tests.unit.core.driving import define

WORDS = Vocabulary(
    {"ask": EffectSignature("ask", "asks", ok={"kind": Field("text", choices=("old", "new"))})}, {}
)
MACHINE = """
machine: values
parameters: {{limit: {{default: 5s, about: x}}, most: {{default: 4, about: x}}}}
events:
  e: {{data: {{n: integer, x: number, d: duration, b: boolean, t: text}}}}
  e.more: {{data: {{n: integer}}}}
  inner: {{data: {{n: integer}}}}
context:
  n: {{initial: 0, max: 9}}
  wide: {{initial: 0, max: 900}}
  other: {{initial: 0, min: -100, max: 100}}
  tone: {{initial: low, values: [low, high]}}
  on: {{initial: false}}
states:
  a:
    on: {on}
"""


def searching(on: str, words: Vocabulary = WORDS) -> Search:
    return Search(build(define(MACHINE.format(on=on), words)))


def guarded(guard: str) -> str:
    return f'{{e: {{guard: "{guard}", actions: []}}}}'


ALIKE = {
    "n >= 3": {"n": {0, 3}},
    "n + 1 >= most": {"n": {0, 3}},
    "n % 2 == 0": {"n": {0, 1}},
    "n > 2 and tone == 'high'": {"n": {0, 3}},
    "n > event.n": {"n": set(range(10))},
    "wide > 500": {},
    "wide > n": {"n": set(range(10))},
    "wide > 500 and other > n": {},
    "other < 0 or on": {"other": {-100, 0}},
    "n > 4 and event.name == 'e.more'": {"n": {0, 5}},
}


@pytest.mark.parametrize("guard", ALIKE)
def test_values_that_no_guard_tells_apart_are_one(guard: str) -> None:
    """The smallest stands for them. A variable with very many values is taken as it is, and so
    is one that is read together with very many others."""
    found = searching(guarded(guard)).likeness.stand_ins
    assert {name: set(values.values()) for name, values in found.items()} == ALIKE[guard]


def test_values_from_which_different_ones_are_made_are_told_apart() -> None:
    """A counter that is asked whether it has come to 3 has four values."""
    on = "{e: [{guard: n >= 3, target: a}, {actions: [{assign: {n: n + 1}}]}]}"
    assert set(searching(on).likeness.stand_ins["n"].values()) == {0, 1, 2, 3}


def test_a_variable_that_nothing_asks_for_is_left_out() -> None:
    """What a call is told, and what only such a variable is made from."""
    on = "{e: {actions: [{assign: {n: n + 1, on: n > 2}}, {start: ask, with: {}}]}}"
    assert list(searching(on).situations.variables) == []


def test_what_a_variable_that_matters_is_made_from_matters() -> None:
    """On the way through an event that is raised too."""
    on = """
      e: {actions: [{raise: inner, with: {n: wide}}]}
      inner: {actions: [{assign: {n: event.n}}]}
      e.more: {guard: n > 2, actions: []}"""
    assert list(searching(on).situations.variables) == ["n", "wide"]


EXAMPLES: dict[str, list[dict[str, object]]] = {
    "event.n > 2": [{"n": 0}, {"n": 3}],
    "event.n < 0": [{"n": 0}, {"n": -1}],
    "event.n % 10 == 3": [{"n": 0}, {"n": 3}],
    "event.n * 7 > 100": [{"n": 0}, {"n": 99}],
    "event.n == n and n > 7": [{"n": 0}, {"n": 8}, {"n": 9}],
    "event.x > 0.5": [{"x": 0.0}, {"x": 1.0}],
    "0.4 < event.x < 0.6": [{"x": 0.0}, {"x": 0.5}],
    "event.d > limit": [{"d": 0.0}, {"d": 6.0}],
    "event.b": [{"b": False}, {"b": True}],
    "event.t == 'boss'": [{"t": ""}, {"t": "boss"}],
    "event.t != '' and event.t != 'x'": [{"t": ""}, {"t": "xx"}],
    "event.t == tone": [{"t": ""}, {"t": "low"}, {"t": "high"}],
    "event.b and event.n > 2": [{"n": 0, "b": False}, {"n": 3, "b": True}],
    "event.name == 'e'": [{}],
    "on": [{}],
}


@pytest.mark.parametrize("guard", EXAMPLES)
def test_one_example_is_kept_for_each_way_to_take_an_event(guard: str) -> None:
    """On both sides of every number; numbers below zero come last."""
    posted = searching(guarded(guard)).stimuli.posted
    assert [dict(event.data) for event in posted if event.name == "e"] == EXAMPLES[guard]


def test_events_that_a_machine_takes_alike_have_one_example() -> None:
    """Unless their names are read."""
    assert [event.name for event in searching(guarded("on")).stimuli.posted] == ["e", "e.more"]
    named = searching(guarded("event.name == 'e'"))
    assert [event.name for event in named.stimuli.posted] == ["e", "e.more"]
    assert [event.name for event in named.stimuli.answers["ask"]] == ["ask.ok"]
    heard = searching("{ask.failed: {actions: []}}").stimuli.answers["ask"]
    assert [event.name for event in heard] == ["ask.ok", "ask.failed.timeout"]
    choosy = searching("{ask.failed: {guard: event.reason == 'bad_reply', actions: []}}")
    assert [event.name for event in choosy.stimuli.answers["ask"]] == [
        "ask.ok",
        "ask.failed.timeout",
        "ask.failed.bad_reply",
    ]


def test_what_an_event_may_make_of_a_variable_is_tried() -> None:
    """Each value that matters, though only something else is compared with it."""
    on = "{e: {actions: [{assign: {n: event.n - 2}}]}, e.more: {guard: n == 7, actions: []}}"
    numbers = [event.data["n"] for event in searching(on).stimuli.posted if event.name == "e"]
    assert {max(0, min(9, int(number) - 2)) == 7 for number in numbers} == {False, True}


def test_of_a_variable_with_very_many_values_those_near_its_guards_are_tried() -> None:
    on = "{e: {actions: [{assign: {wide: event.n}}]}, e.more: {guard: wide > 500, actions: []}}"
    numbers = {event.data["n"] for event in searching(on).stimuli.posted if event.name == "e"}
    assert {0, 500, 501, 900} <= numbers


def test_what_an_event_hands_on_is_tried() -> None:
    """Through the event that it raises."""
    on = """
      e: {actions: [{raise: inner, with: {n: event.n + 1}}]}
      inner: {guard: event.n == 7, actions: []}"""
    numbers = {event.data["n"] for event in searching(on).stimuli.posted if event.name == "e"}
    assert {6, 7} & numbers == {6, 7}


def test_an_answer_that_can_only_be_a_few_texts_is_tried_with_each() -> None:
    on = "{ask.ok: {guard: event.kind == 'new', actions: []}, ask: {}}"
    answers = searching(on).stimuli.answers["ask"]
    assert [event.data.get("kind") for event in answers] == ["old", "new", None]
