"""How tills begin: the first one is played, the others take after it."""

from engine.core.feed import begin, feed
from engine.core.records import Event
from tests.unit.core.driving import chart_of

MACHINE = """
machine: beginning
context: {n: {initial: 0, max: 9}}
events: {go: {}}
states:
  a:
    entry: [{assign: {n: n + 1}}, {start: ask, with: {what: n}}]
    after: {5s: b}
    always: [{guard: n > 0, target: b}]
  b:
    every: {3s: {assign: {n: n + 1}}}
    on: {go: {target: b, reenter: true, actions: [{assign: {n: 7}}]}}
"""
BY_CHANCE = """
machine: chance
events: {go: {}}
context: {n: {initial: 0, max: 9}}
states:
  a:
    after: [{delay: {base: 5s, max: 1min, jitter: 0.5, attempt: n}, target: b}]
    on: {go: b}
  b: {on: {go: a}}
"""


def test_a_later_till_begins_as_if_it_were_the_first() -> None:
    """Whatever became of the first one since, and at whatever time."""
    chart = chart_of(MACHINE)
    first, _ = begin(chart, "01", 1.0)
    feed(chart, first, Event("go"), 2.0)
    assert begin(chart, "02", 7.5) == begin(chart_of(MACHINE), "02", 7.5)


def test_tills_that_began_alike_share_nothing_that_changes() -> None:
    """An event of one leaves the other where it was."""
    chart = chart_of(MACHINE)
    begin(chart, "01", 1.0)
    second, _ = begin(chart, "02", 2.0)
    third, _ = begin(chart, "03", 2.0)
    feed(chart, second, Event("go"), 3.0)
    assert (third.context, third.timers["b.every.0"].due) == ({"n": 1}, 5.0)
    assert second.context == {"n": 7}


def test_a_timer_of_the_step_is_the_very_timer_of_the_till() -> None:
    """Whoever wakes the till compares them by identity."""
    chart = chart_of(MACHINE)
    for name in ("01", "02"):
        till, step = begin(chart, name, 4.0)
        assert any(timer is till.timers["b.every.0"] for timer in step.timers_started)


def test_a_beginning_that_draws_lots_is_played_for_each_till() -> None:
    """Else all tills of a shop would wait for the same time."""
    chart = chart_of(BY_CHANCE)
    lengths = {begin(chart, f"{n:02}", 0.0)[0].timers["a.after.0"].length for n in range(20)}
    assert len(lengths) == 20
