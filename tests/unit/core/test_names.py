"""Which names an event is heard by, and that every name may be used for everything."""

import pytest

from engine.core.records import Taken
from tests.unit.core.driving import Play, chart_of


def test_the_longest_descriptor_wins_and_a_beginning_catches_the_rest() -> None:
    """Up to a dot; in one state only: an inner state's shorter one comes before an outer one's."""
    chart = chart_of(
        """
machine: descriptors
events: {a.b.c: {}, a.b.d: {}, a.x: {}, ab: {}}
states:
  outer:
    on: {a.b.c: {actions: [{log: outer a.b.c}]}, a: {actions: [{log: outer a}]}}
    states:
      inner:
        on:
          a.b: {actions: [{log: inner a.b}]}
          a.b.c: {guard: event.name == "a.b.c", actions: [{log: exact}]}
      plain: {}
"""
    )
    play = Play(chart)
    assert play.send("a.b.c").logged == ["exact"]
    assert play.send("a.b.c").taken == [Taken("a.b.c", "inner", "inner", stays=True)]
    assert play.send("a.b.d").logged == ["inner a.b"]
    assert play.send("a.b.c.unknown").logged == ["inner a.b"]
    assert play.send("a.x").logged == ["outer a"]
    assert play.send("ab").logged == []


def test_names_come_from_outside_without_end_and_are_not_kept() -> None:
    """A till program that posts ever new names does not fill the memory."""
    chart = chart_of("{machine: m, events: {go: {}}, states: {a: {on: {go: a}}}}")
    play = Play(chart)
    for number in range(5000):
        play.send(f"name{number}")
    assert len(chart._known) < 4200


AWKWARD = ["send", "states", "model", "configuration", "event", "target", "source", "machine"]


@pytest.mark.parametrize("name", [*AWKWARD, "s-t-a-t-e", "name", "state", "data", "c0", "e0", "t0"])
def test_any_name_may_be_a_state_an_event_and_a_variable(name: str) -> None:
    """Those that mean something to the library underneath too."""
    variable = {"event": "event_", "s-t-a-t-e": "s_t"}.get(name, name)
    chart = chart_of(
        f"""
machine: {name}
events: {{{name}: {{data: {{{variable if variable != "name" else "called"}: integer}}}}}}
parameters: {{p_{variable}: {{default: 2, about: how many}}}}
context: {{{variable}: {{initial: 0, max: 9}}}}
states:
  {name}:
    on:
      {name}:
        target: other
        actions: [{{assign: {{{variable}: {variable} + p_{variable}}}}}]
  other: {{on: {{{name}: {name}}}}}
"""
    )
    play = Play(chart)
    assert play.send(name).entered == ["other"]
    assert play.till.context == {variable: 2}
    assert play.send(name).entered == [name]
    assert chart.name == name
