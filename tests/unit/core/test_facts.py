"""What is counted out beforehand holds everything that happens afterwards."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.build import build
from engine.core.facts import (
    MachineFacts,
    PossibleRefusal,
    PossibleTransition,
    StateFacts,
    machine_facts,
)
from engine.core.records import Event
from engine.definition.machine import Definition, load_machine
from engine.definition.vocabulary import REASONS
from engine.effects.table import VOCABULARY
from tests.unit.core.driving import CHARTS, Play, chart_file, define
from tests.unit.core.random_charts import machines
from tests.unit.machines.virtual_till import MACHINE

NAMES = sorted(path.stem for path in CHARTS.glob("*.yaml"))


def assert_foreseen(facts: MachineFacts, play: Play) -> None:
    """Every transition and refusal of a till was counted out."""
    for step in play.steps:
        for taken in step.taken:
            if not taken.stays:
                assert PossibleTransition(*taken[:3]) in facts.transitions
        for refusal in step.refused:
            assert PossibleRefusal(refusal.state, refusal.event) in facts.refusals


def wander(definition: Definition, events: list[str], examples: int) -> None:
    facts, chart = machine_facts(definition), build(definition)
    deed = st.one_of(
        st.tuples(st.sampled_from(events), st.integers(0, 3)), st.sampled_from([0.7, 2.9, 65.0])
    )

    @settings(max_examples=examples, derandomize=True, deadline=None, database=None)
    @given(st.lists(deed, max_size=40))
    def foreseen(story: list[Any]) -> None:
        play = Play(chart)
        for part in story:
            if isinstance(part, float):
                play.wait(part)
                continue
            name, number = part
            data = {"n": number, "latency": float(number), "pending": number, "retry_after": 0.0}
            play.feed(Event(name, data))
        assert_foreseen(facts, play)

    foreseen()


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_does_nothing_that_was_not_foreseen(name: str) -> None:
    """Transitions and refusals of random runs, by the names that records give them."""
    definition = chart_file(name)
    wander(definition, sorted(definition.model.events), 60)


def test_the_shipped_machine_does_nothing_that_was_not_foreseen() -> None:
    """With every answer that its effects have."""
    definition = load_machine(MACHINE, VOCABULARY)
    reasons = [f"{effect}.failed.{reason}" for effect in VOCABULARY.effects for reason in REASONS]
    names = ["ping.ok", "send_tickets.ok", "send_tickets.rejected", *reasons, *VOCABULARY.events]
    wander(definition, names, 200)


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(machines(), st.lists(st.sampled_from(["e1", "e2", "e3"]), max_size=20))
def test_random_charts_do_nothing_that_was_not_foreseen(
    machine: dict[str, Any], story: list[str]
) -> None:
    """Compound and parallel states of every shape."""
    definition = define(json.dumps(machine))
    play = Play(build(definition))
    for name in story:
        play.send(name)
    assert_foreseen(machine_facts(definition), play)


SMALL = """
machine: small
events: {go: {}, back: {}, x: {}}
initial: a
on: {x: {guard: n > 1, target: c}}
context: {n: {initial: 0, max: 3}}
states:
  a: {code: 1, on: {go: p, back: {guard: n > 0}}}
  p:
    parallel: true
    on: {back: a}
    states:
      q: {states: {q1: {on: {go: q2}}, q2: {}}}
      r: {states: {r1: {}}}
  c:
    after: {5s: was}
    always: [{guard: n > 2, target: d}]
    every: {1s: {log: beat}}
    states:
      was: {history: shallow}
      d: {}
"""


def test_a_small_machine_is_counted_out_in_full() -> None:
    """Sources by the innermost state, or by the file's word where several can be left."""
    facts = machine_facts(define(SMALL))
    assert facts.name == "small"
    assert len(facts.hash) == 64
    assert facts.states[:3] == (
        StateFacts("a", 1, 0),
        StateFacts("p", None, 0),
        StateFacts("q", None, 1),
    )
    assert "was" not in {state.id for state in facts.states}
    leaves = ("a", "q1", "q2", "r1", "d")
    assert set(facts.transitions) == {
        *(PossibleTransition("x", source, "d") for source in ("small", *leaves)),
        PossibleTransition("go", "a", "p"),
        *(PossibleTransition("back", source, "a") for source in ("p", "q1", "q2", "r1")),
        PossibleTransition("go", "q1", "q2"),
        PossibleTransition("after 5s", "d", "d"),
        PossibleTransition("always", "d", "d"),
    }
    assert set(facts.refusals) == {
        PossibleRefusal("small", "x"),
        PossibleRefusal("a", "back"),
        PossibleRefusal("c", "always"),
    }
    assert {"go", "ask.failed.timeout", "done.p", "sign"} <= set(facts.events)


def test_states_tell_whether_a_till_in_them_is_offline_and_held() -> None:
    """By what the file says of them, whatever they are called: held is what is released."""
    facts = machine_facts(
        define(
            """
machine: mine
about: States with names of somebody's own.
initial: verbunden
states:
  verbunden:
    on: {offline.hold: von-hand, ping.failed: weg}
  weg:
    offline: true
    on: {ping.ok: verbunden, offline.release: {}}
  von-hand:
    offline: true
    on: {offline.release: verbunden}
"""
        )
    )

    assert [(state.id, state.offline, state.held) for state in facts.states] == [
        ("verbunden", False, False),
        ("weg", True, False),
        ("von-hand", True, True),
    ]
