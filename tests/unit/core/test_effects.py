"""Effects as the core sees them: started, joined, answered, cancelled, too late."""

from engine.core.records import Event
from tests.unit.core.driving import Play, chart_of

CALLS = """
machine: calls
events: {go: {}, back: {}, again: {}, other: {}, drop: {}, both: {}, flash: {}}
context: {what: {initial: 1, max: 9}}
states:
  idle:
    on:
      go: busy
      again: {actions: [{start: ask, with: {what: what}}]}
      other: {actions: [{assign: {what: what + 1}}, {start: ask, with: {what: what}}]}
      drop: {actions: [{cancel: ask}]}
      both: {actions: [{start: tell}, {cancel: tell}, {start: tell}]}
      flash: flash
      ask.ok: {actions: [{log: answered}]}
  busy:
    invoke: [{effect: ask, with: {what: 5}}, tell]
    on:
      back: idle
      ask.ok: idle
      again: {actions: [{start: ask, with: {what: 5}}]}
  flash:
    invoke: tell
    always: [{target: idle}]
"""


def test_the_same_call_is_not_started_twice_while_it_runs() -> None:
    """The same effect with the same arguments; other arguments are another call."""
    play = Play(chart_of(CALLS))
    assert [run.number for run in play.send("again").started] == [1]
    assert play.send("again").joined == ["ask"]
    assert play.last.started == []
    assert [run.arguments for run in play.send("other").started] == [{"what": 2}]
    play.answer("ask.ok", n=1)
    assert play.send("again").joined == ["ask"]
    play.answer("ask.ok", n=1)
    assert [run.number for run in play.send("again").started] == [3]


def test_an_answer_ends_its_run_and_comes_once() -> None:
    """A second one, or one of a run that was dropped, is late and changes nothing."""
    play = Play(chart_of(CALLS))
    play.send("again")
    assert play.feed(Event("ask.ok", {"n": 1}, run=1)).logged == ["answered"]
    assert play.till.running == {}
    assert play.feed(Event("ask.ok", {"n": 1}, run=1)).late
    play.send("again")
    assert [run.number for run in play.send("drop").cancelled] == [2]
    assert play.feed(Event("ask.ok", {"n": 1}, run=2)).late


def test_an_answer_that_nobody_hears_ends_its_run_all_the_same() -> None:
    """Else the next start would join a call that is over."""
    play = Play(chart_of(CALLS))
    play.send("both")
    step = play.answer("tell.ok")
    assert not step.handled
    assert not step.late
    assert play.till.running == {}


def test_leaving_a_state_cancels_what_it_invoked() -> None:
    """Everything that it invoked and nothing else."""
    play = Play(chart_of(CALLS))
    play.send("again")
    assert [run.effect for run in play.send("go").started] == ["ask", "tell"]
    step = play.send("back")
    assert [(run.effect, run.state) for run in step.cancelled] == [
        ("ask", "busy"),
        ("tell", "busy"),
    ]
    assert [run.state for run in play.till.running.values()] == [None]


def test_what_is_started_and_dropped_in_one_step_is_never_told() -> None:
    """Neither as started nor as cancelled: nobody need know."""
    play = Play(chart_of(CALLS))
    step = play.send("both")
    assert [run.number for run in step.started] == [2]
    assert step.cancelled == []
    step = play.send("flash")
    assert step.entered == ["flash", "idle"]
    assert step.started == []
    assert step.cancelled == []


def test_a_start_joins_what_a_state_invoked() -> None:
    """The call is under way; its answer comes to the state that it is for."""
    play = Play(chart_of(CALLS))
    play.send("go")
    assert play.send("again").joined == ["ask"]


def test_a_state_does_not_wait_for_a_call_that_ends_with_another_state() -> None:
    """Two regions invoke the same call: each has its own, so that the end of one state does
    not take the answer from the other."""
    play = Play(
        chart_of(
            """
machine: twice
events: {leave: {}, look: {}}
parallel: true
states:
  r:
    states:
      r1: {invoke: {effect: ask, with: {what: 1}}, on: {leave: r2}}
      r2: {on: {look: r1}}
  s:
    states:
      s1: {invoke: {effect: ask, with: {what: 1}}, on: {ask.ok: s2}}
      s2: {on: {look: s1}}
"""
        )
    )
    assert [run.state for run in play.last.started] == ["r1", "s1"]
    assert [run.state for run in play.send("leave").cancelled] == ["r1"]
    assert play.answer("ask.ok", n=0).entered == ["s2"]


def test_a_state_waits_for_a_call_that_nobody_owns() -> None:
    """It was started for itself: leaving the state does not drop it."""
    play = Play(
        chart_of(
            """
machine: joins
events: {go: {}, back: {}}
states:
  a: {entry: [{start: tell}], on: {go: b}}
  b: {invoke: tell, on: {back: a, tell.ok: a}}
"""
        )
    )
    assert play.send("go").joined == ["tell"]
    assert play.send("back").cancelled == []
    assert play.last.joined == ["tell"]
    play.send("go")
    assert play.answer("tell.ok").entered == ["a"]
