"""Events that a step raises by itself, states that are done, and running in circles."""

from copy import deepcopy

import pytest

from engine.core.feed import MOST_TRANSITIONS, StepFailed
from tests.unit.core.driving import Play, chart_of

DONE = """
machine: done
initial: p
events: {go: {}, one: {}, again: {}}
states:
  p:
    parallel: true
    on:
      done:
        actions: [{log: some}]
      done.p: {actions: [{log: all}, {start: ask, with: {what: 1}}]}
      ask.ok: {}
      ask.rejected: {}
      ask.failed: {}
    states:
      r:
        states: {r1: {on: {go: r9, one: r9}}, r9: {final: true}}
      q:
        parallel: true
        states:
          s: {states: {s1: {on: {go: s9}}, s9: {final: true}}}
          t: {states: {t1: {on: {go: t9}}, t9: {final: true}}}
"""


def test_a_parallel_state_is_done_once_when_all_its_regions_are() -> None:
    """Also when they end at the same moment, and when a region is parallel itself."""
    play = Play(chart_of(DONE))
    step = play.send("go")
    assert step.raised == ["done.r", "done.s", "done.t", "done.q", "done.p"]
    assert step.logged == ["some"] * 4 + ["all"]
    apart = Play(chart_of(DONE))
    assert apart.send("one").raised == ["done.r"]
    assert apart.send("go").raised == ["done.s", "done.t", "done.q", "done.p"]


def test_a_final_state_at_the_top_is_a_state_to_be_in_and_stops_no_other_till() -> None:
    """Nothing leaves it; the chart goes on serving."""
    chart = chart_of(
        "{machine: m, events: {go: {}}, states: {a: {on: {go: z}}, z: {final: true}}}",
    )
    ended, other = Play(chart, "01"), Play(chart, "02")
    assert ended.send("go").configuration == ("z",)
    assert not ended.send("go").handled
    assert ended.last.raised == []
    assert other.send("go").entered == ["z"]


def test_done_is_raised_only_where_something_hears_it() -> None:
    """And its own name is what a guard reads."""
    play = Play(
        chart_of(
            """
machine: names
events: {go: {}}
states:
  a:
    on: {done.a: {guard: event.name == "done.a", target: b}}
    states: {a1: {on: {go: a9}}, a9: {final: true}}
  b:
    states: {b1: {on: {go: b9}}, b9: {final: true}}
"""
        )
    )
    assert play.send("go").configuration == ("b", "b1")
    assert play.send("go").raised == []


def test_raised_events_are_played_in_order_after_what_raised_them() -> None:
    """With the data that they were raised with; one that nobody hears is told all the same."""
    play = Play(
        chart_of(
            """
machine: raising
events: {go: {}, one: {data: {n: integer}}, two: {}, nothing: {}}
context: {n: {initial: 0, max: 9}}
states:
  a:
    on:
      go: {target: b, actions: [{raise: one, with: {n: 7}}, {raise: nothing}, {raise: two}]}
  b:
    entry: [{log: in b}]
    on:
      one: {actions: [{assign: {n: event.n}}, {log: one}, {raise: one.more}]}
      two: {actions: [{log: two}]}
      one.more: {actions: [{log: more}]}
"""
        )
    )
    step = play.send("go")
    assert step.raised == ["one", "nothing", "two", "one.more"]
    assert step.logged == ["in b", "one", "two", "more"]
    assert step.changed == {"n": (0, 7)}
    assert step.event.name == "go"


CIRCLES = """
machine: circles
events: {raise: {}, loop: {}, fine: {}}
context: {spin: {initial: false}, n: {initial: 0, max: 5000}}
states:
  a:
    entry: [{start: tell}]
    every: {1s: {assign: {n: n + 1}}}
    on:
      tell.ok: {}
      tell.failed: {}
      raise: {actions: [{raise: raise}, {raise: raise}]}
      loop: {target: b, actions: [{assign: {spin: true}}]}
      fine: {actions: [{assign: {n: n + 1}}, {cancel: tell}]}
  b:
    always: [{guard: spin, target: c}]
    on: {fine: a}
  c:
    always: [{guard: spin, target: b, actions: [{assign: {n: n + 1}}]}]
"""


@pytest.mark.parametrize(("event", "what"), [("raise", "events raised"), ("loop", "transitions")])
def test_running_in_circles_fails_and_leaves_the_till_as_it_was(event: str, what: str) -> None:
    """Every field of it; the chart then serves this till and the next as if nothing had been."""
    chart = chart_of(CIRCLES)
    play, other = Play(chart, "01"), Play(chart, "02")
    before = deepcopy(play.till)
    with pytest.raises(StepFailed, match=f"till 01, event {event}: more than 1000 {what}"):
        play.send(event)
    assert play.till == before
    assert other.send("fine").changed == {"n": (0, 1)}
    play.wait(1.0)
    assert play.last.changed == {"n": (0, 1)}
    assert play.till.configuration == ("a",)


def test_a_thousand_raised_events_are_no_circle() -> None:
    """The bound is where it is said to be."""
    play = Play(
        chart_of(
            """
machine: count
events: {go: {}, more: {}}
context: {n: {initial: 0, max: 1000}, most: {initial: 998, max: 1000}}
states:
  a:
    on:
      go: {actions: [{assign: {n: 0}}, {raise: more}]}
      more: {guard: n < most, actions: [{assign: {n: n + 1}}, {raise: more}]}
"""
        )
    )
    assert len(play.send("go").raised) == MOST_TRANSITIONS - 1
    play.till.context["most"] = 999
    assert len(play.send("go").raised) == MOST_TRANSITIONS
    play.till.context["most"] = 1000
    with pytest.raises(StepFailed):
        play.send("go")
