"""Delays in virtual time: armed, stopped, repeated without drift, grown, spread by chance."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.feed import feed, timer_event
from engine.core.records import Timer
from tests.unit.core.driving import Play, chart_of

WATCH = """
machine: watch
events: {go: {}, back: {}, anew: {}, noop: {}}
parameters: {pace: {default: 10s, about: the pace}}
context: {n: {initial: 0, max: 99}, armed: {initial: false}}
states:
  a:
    after: {pace: {guard: armed, target: b}}
    every: {3s: {assign: {n: n + 1}}}
    on:
      go: b
      anew: {target: a, reenter: true}
      noop: {actions: [{assign: {armed: true}}]}
  b:
    after: [{delay: 500ms, target: c}, {delay: 500ms, on_restart: restart, target: a}]
    on: {back: a}
  c: {on: {back: a}}
"""


def test_entering_a_state_arms_its_timers_and_leaving_it_stops_them() -> None:
    """Each with its key, its start and its length."""
    play = Play(chart_of(WATCH), now=100.0)
    armed = [Timer("a.after.0", 110.0, 100.0, 10.0), Timer("a.every.0", 103.0, 100.0, 3.0)]
    assert play.last.timers_started == armed
    assert list(play.till.timers.values()) == armed
    play.now = 101.0
    step = play.send("go")
    assert step.timers_stopped == ["a.after.0", "a.every.0"]
    assert set(play.till.timers) == {"b.after.0", "b.after.1"}


def test_branches_of_one_delay_share_a_timer_and_the_first_that_is_enabled_wins() -> None:
    """As with the branches of an event: a branch that stays keeps the next from being taken."""
    chart = chart_of("""
machine: choosing
context: {n: {initial: 0, max: 9}}
events: {unused: {}}
states:
  a:
    after:
      5s:
        - {guard: n > 5, target: b}
        - actions: [{assign: {n: n + 1}}]
    on: {unused: b}
  b: {on: {unused: a}}
""")
    play = Play(chart)
    play.now = 5.0
    step = feed(chart, play.till, timer_event(chart, "a.after.0"), 5.0)
    assert [refusal.guard for refusal in step.refused] == ["n > 5"]
    assert (play.till.configuration, play.till.context, play.till.timers) == (("a",), {"n": 1}, {})


def test_an_event_that_stays_leaves_timers_alone_and_reentering_starts_them_anew() -> None:
    """The one keeps its time, the other loses it."""
    play = Play(chart_of(WATCH))
    play.now = 2.0
    assert play.send("noop").timers_started == []
    assert play.till.timers["a.after.0"].due == 10.0
    play.send("anew")
    assert play.till.timers["a.after.0"].due == 12.0


def test_a_delay_is_named_by_what_the_file_says() -> None:
    """A parameter by its name: a bounded set for metrics."""
    play = Play(chart_of(WATCH, pace="20s"))
    assert timer_event(play.chart, "a.after.0").name == "after pace"
    assert timer_event(play.chart, "a.every.0").name == "every 3s"
    assert play.till.timers["a.after.0"].due == 20.0


def test_a_timer_that_was_stopped_or_is_not_due_changes_nothing() -> None:
    """Its event is late, and the till is as it was."""
    play = Play(chart_of(WATCH))
    play.send("noop")
    early = play.feed(timer_event(play.chart, "a.after.0"))
    assert early.late
    assert not early.handled
    assert "a.after.0" in play.till.timers
    play.now = 10.0
    play.send("go")
    stopped = play.feed(timer_event(play.chart, "a.after.0"))
    assert stopped.late
    assert stopped.configuration == ("b",)


def test_of_two_delays_that_end_together_the_first_in_the_file_wins() -> None:
    """The other one is late: leaving the state stopped it."""
    play = Play(chart_of(WATCH))
    play.send("go")
    play.wait(0.5)
    assert [step.late for step in play.steps[-2:]] == [False, True]
    assert play.leaf == "c"


def test_a_delay_whose_guard_refuses_is_spent() -> None:
    """It is asked once, at its end; the refusal is told."""
    play = Play(chart_of(WATCH))
    play.until(10.0)
    step = next(step for step in play.steps if step.event.name == "after pace")
    assert [refusal.guard for refusal in step.refused] == ["armed"]
    assert step.handled
    assert set(play.till.timers) == {"a.every.0"}


@settings(max_examples=50, derandomize=True, deadline=None, database=None)
@given(st.lists(st.floats(0, 2.9), min_size=1, max_size=20))
def test_a_repetition_does_not_drift(delays: list[float]) -> None:
    """However late each one is played (by less than its length), the next is due on the beat."""
    play = Play(chart_of(WATCH))
    for beat, delay in enumerate(delays, start=1):
        play.now = 3.0 * beat + delay
        play.feed(timer_event(play.chart, "a.every.0"))
        assert play.till.timers["a.every.0"].due == 3.0 * (beat + 1)
    assert play.till.context["n"] == len(delays)


def test_a_repetition_does_not_catch_up_after_a_long_sleep() -> None:
    """A till that slept for an hour does what it missed once, and goes on from there."""
    play = Play(chart_of(WATCH))
    play.now = 3600.0
    step = play.feed(timer_event(play.chart, "a.every.0"))
    assert step.changed == {"n": (0, 1)}
    assert play.till.timers["a.every.0"] == Timer("a.every.0", 3603.0, 3600.0, 3.0)


def backoff(base: str = "1s", factor: float = 2, most: str = "1min", jitter: float = 0) -> str:
    return f"""
machine: backoff
events: {{fail: {{}}, fine: {{}}}}
context: {{failed: {{initial: -2, min: -2, max: 5000}}}}
states:
  wait:
    after:
      - delay: {{base: {base}, factor: {factor}, max: {most}, jitter: {jitter}, attempt: failed}}
        target: idle
    on: {{fail: {{target: wait, reenter: true, actions: [{{assign: {{failed: failed + 1}}}}]}}}}
  idle: {{on: {{fine: wait}}}}
"""


def lengths(play: Play, count: int) -> list[float]:
    found = []
    for _ in range(count):
        found.append(play.till.timers["wait.after.0"].length)
        play.send("fail")
    return found


def test_a_backoff_grows_to_its_cap_and_never_begins_below_its_base() -> None:
    """An attempt below zero counts as none."""
    play = Play(chart_of(backoff()))
    assert lengths(play, 10) == [1, 1, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_backoff_survives_numbers_that_no_machine_holds() -> None:
    """2 to the power of 5,000 is more than a float is; the wait is the cap."""
    play = Play(chart_of(backoff()))
    play.till.context["failed"] = 4999
    play.send("fail")
    assert play.till.timers["wait.after.0"].length == 60.0


def test_the_wait_depends_on_what_the_entry_actions_assigned() -> None:
    """Entry actions come before timers, and timers before what is invoked."""
    play = Play(
        chart_of(
            """
machine: order
events: {go: {}}
context: {n: {initial: 0, max: 9}}
states:
  a: {on: {go: b}}
  b:
    entry: [{assign: {n: 3}}]
    after: [{delay: {base: 1s, factor: 2, max: 1min, attempt: n}, target: a}]
    invoke: {effect: ask, with: {what: n}}
    on: {ask: a}
"""
        )
    )
    step = play.send("go")
    assert [timer.length for timer in step.timers_started] == [8.0]
    assert [run.arguments for run in step.started] == [{"what": 3}]


@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(st.text(min_size=1, max_size=8), st.floats(0.01, 1))
def test_jitter_only_adds_and_is_the_same_for_the_same_till(till: str, jitter: float) -> None:
    """Between nothing and its part of the delay, also of the cap; a run can be repeated."""
    chart = chart_of(backoff(jitter=jitter))
    first, second = (lengths(Play(chart, till), 12) for _ in range(2))
    plain = [1, 1, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert first == second
    assert all(low <= got <= low * (1 + jitter) for low, got in zip(plain, first, strict=True))


def test_tills_are_spread_over_the_whole_of_the_jitter() -> None:
    """A thousand tills that lose their server together do not come back together."""
    chart = chart_of(backoff(base="10s", jitter=1))
    waits = sorted(Play(chart, f"{n:04}").till.timers["wait.after.0"].length for n in range(1000))
    assert len(set(waits)) == 1000
    for tenth in range(10):
        inside = [wait for wait in waits if 10 + tenth <= wait < 11 + tenth]
        assert 60 < len(inside) < 150


def test_a_timer_event_moves_only_when_it_is_due() -> None:
    """At its due time to the very moment, not before."""
    play = Play(chart_of(backoff()))
    event = timer_event(play.chart, "wait.after.0")
    assert feed(play.chart, play.till, event, 0.999).late
    assert feed(play.chart, play.till, event, 1.0).entered == ["idle"]


@pytest.mark.parametrize("pace", ["500ms", "2s"])
def test_a_repetition_takes_its_length_from_the_parameter(pace: str) -> None:
    """As till.yaml sets it."""
    text = "{machine: m, parameters: {p: {default: 1s, about: x}}, "
    text += "states: {a: {every: {p: {log: beat}}}}}"
    play = Play(chart_of(text, p=pace))
    play.until(10.0)
    beats = [step for step in play.steps if step.logged]
    assert len(beats) == (20 if pace == "500ms" else 5)
    assert beats[-1].taken == []  # it acts and is no transition
    assert beats[-1].handled
