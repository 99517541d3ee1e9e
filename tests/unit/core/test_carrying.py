"""A till carried into an edited machine between two steps: what is under way goes on."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.build import build
from engine.core.carrying import RELOADED, Carrying, Stranded
from engine.core.feed import StepFailed
from tests.unit.core.driving import CHARTS, Play, act, chart_file, chart_of

NAMES = sorted(path.stem for path in CHARTS.glob("*.yaml"))
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 30), st.integers(0, 3)), st.sampled_from([0.1, 0.7, 1.3, 2.9])
    ),
    max_size=20,
)

LINK = """
machine: link
events: {go: {}, back: {}}
parameters:
  pace: {default: 10s, about: x}
  wait: {default: 40s, about: x}
  most: {default: 5, about: x}
context:
  count: {initial: 0, max: 9}
  mode: {initial: slow, values: [slow, fast]}
initial: up
states:
  up:
    every:
      pace: [{assign: {count: count + 1}}]
    on: {go: asking, back: {actions: [{start: ask, with: {timeout: wait}}]}}
    always:
      - guard: count >= most
        target: down
  asking:
    invoke: {effect: ask, with: {timeout: pace}}
    after: {wait: up}
    on: {ask.ok: up, ask.failed: down}
  down:
    after:
      - delay: {base: pace, factor: 2, max: wait, jitter: 0.5, attempt: count}
        target: up
    on: {back: up}
"""


def link(*edits: tuple[str, str], **overrides: Any) -> Any:
    """The chart of the machine above, edited."""
    text = LINK
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return chart_of(text, **overrides)


def carried(play: Play, chart: Any, **more: Any) -> Play:
    """The till in another chart, at the same moment; the one of before is as it was."""
    before = repr(play.till)
    till, step = Carrying(play.chart, chart, **more).carry(play.till, play.now)
    assert repr(play.till) == before
    assert step.handled
    assert step.event.name == RELOADED
    assert step.configuration == till.configuration
    return Play.resumed(chart, till, step, play.now)


def playing(*events: str, seconds: float = 0.0) -> Play:
    play = Play(link())
    for event in events:
        play.send(event)
    play.wait(seconds)
    return play


@pytest.mark.parametrize("name", NAMES)
def test_a_till_carried_into_the_same_machine_goes_on_as_if_nothing_had_been(name: str) -> None:
    """In every state that random events lead to, and from there on: the same tills."""
    definition = chart_file(name)
    chart, other, events = build(definition), build(definition), sorted(definition.model.events)

    @settings(max_examples=30, derandomize=True, deadline=None, database=None)
    @given(DEEDS, DEEDS)
    def goes_on(before: list[Any], after: list[Any]) -> None:
        plays = [Play(chart), Play(chart)]
        for play in plays:
            act(play, before, events)
        plays[1] = carried(plays[1], other)
        assert not plays[1].last.entered
        assert not plays[1].last.timers_started
        for play in plays:
            act(play, after, events)
        assert plays[0].till == plays[1].till

    goes_on()


def test_what_does_not_change_is_not_even_copied() -> None:
    """Ten thousand tills cost next to nothing: a till that has the same names, delays and
    context is the same object, once it is known that nothing follows there."""
    play, chart = playing(seconds=3), link(("machine: link", "machine: other"))
    carrying = Carrying(play.chart, chart)
    first, _ = carrying.carry(play.till, play.now)
    assert first is not play.till
    again, step = carrying.carry(play.till, play.now)
    assert again is play.till
    assert step.configuration == ("up",)
    assert step.handled


def test_a_timer_keeps_its_start_and_takes_the_new_length_at_once() -> None:
    play = carried(playing(seconds=3), link(pace="30s"))
    (timer,) = play.till.timers.values()
    assert (timer.start, timer.length, timer.due) == (0.0, 30.0, 30.0)
    assert play.last.timers_started == [timer]
    play.wait(60)
    assert [step.at for step in play.steps[1:]] == [30.0, 60.0]


def test_a_timer_that_is_overdue_by_the_new_length_runs_out_at_once() -> None:
    play = carried(playing(seconds=7), link(pace="5s"))
    assert play.next_due() == 7.0
    play.wait(6)
    assert [step.at for step in play.steps[1:]] == [7.0, 12.0]


def test_a_backoff_keeps_the_length_that_it_drew_unless_the_file_changes_it() -> None:
    play = playing("go")
    play.answer("ask.failed.timeout")
    (drawn,) = play.till.timers.values()
    kept = carried(play, link(("max: 9", "max: 8")))
    assert list(kept.till.timers.values()) == [drawn]
    assert kept.till.draws == 1
    longer = carried(play, link(pace="20s"))
    (timer,) = longer.till.timers.values()
    assert timer.start == drawn.start
    assert 20 <= timer.length <= 30
    fixed = carried(
        play, link(("{base: pace, factor: 2, max: wait, jitter: 0.5, attempt: count}", "1min"))
    )
    assert [timer.length for timer in fixed.till.timers.values()] == [60.0]


def test_a_delay_is_found_by_what_it_says_else_by_its_place() -> None:
    """One that was put before it in the file does not take its start, one that was only made
    longer does; of one that is gone no timer is left."""
    play = playing("go", seconds=3)
    before = "    after: {wait: up}\n"
    two = carried(play, link((before, "    after: {1s: down, wait: up}\n")))
    assert {timer.start for timer in two.till.timers.values() if timer.length == 40} == {0.0}
    assert {timer.start for timer in two.till.timers.values() if timer.length == 1} == {3.0}
    other = carried(play, link((before, "    after: {50s: up}\n")))
    assert [(t.start, t.length) for t in other.till.timers.values()] == [(0.0, 50.0)]
    none = carried(play, link((before, "")))
    assert none.till.timers == {}
    assert none.last.timers_stopped == ["asking.after.0"]


def test_a_delay_that_has_run_out_does_not_begin_again() -> None:
    """Its guard refused when it ran out: the state has had its chance."""
    edit = ("after: {wait: up}", "after: {wait: {target: up, guard: count > 3}}")
    play = Play(link(edit))
    play.send("go")
    play.wait(50)
    assert play.till.timers == {}
    assert carried(play, link(edit, wait="1min")).till.timers == {}


def test_an_effect_in_flight_answers_to_the_new_machine() -> None:
    """With its number, so that the answer is none that comes too late."""
    play = carried(playing("go"), link(("ask.ok: up", "ask.ok: down")))
    assert play.last.started == []
    assert play.answer("ask.ok").configuration == ("down",)


def test_an_effect_that_nothing_listens_to_any_more_is_dropped_and_told() -> None:
    play = carried(
        playing("go"),
        link(
            ("    invoke: {effect: ask, with: {timeout: pace}}\n", ""),
            ("ask.ok: up, ask.failed: down", "back: up"),
        ),
    )
    assert play.till.running == {}
    assert [run.effect for run in play.last.cancelled] == ["ask"]


def test_a_call_of_a_state_that_no_longer_invokes_it_is_nobodys() -> None:
    """It goes on to its answer; and one that was started goes on as it was."""
    play = playing("back", "go")
    other = carried(play, link(("    invoke: {effect: ask, with: {timeout: pace}}\n", "")))
    assert [run.state for run in other.till.running.values()] == [None, None]
    same = carried(play, link())
    assert [run.state for run in same.till.running.values()] == [None, "asking"]


def test_what_a_state_has_been_given_begins() -> None:
    """A call that it invokes, without whose answer the till might stay there for ever, and a
    delay; neither is begun anew that was there before."""
    play = playing(seconds=2)
    edit = ("  up:\n", "  up:\n    invoke: {effect: tell}\n    after: {1min: down}\n")
    other = carried(play, link(edit))
    assert [(run.effect, run.state) for run in other.last.started] == [("tell", "up")]
    assert [timer.start for timer in other.last.timers_started] == [2.0]


def test_states_that_have_come_around_and_inside_are_entered() -> None:
    play = playing(seconds=3)
    text = LINK.replace("  down:\n", "  down:\n    initial: deep\n    states: {deep: {}}\n")
    text = text.replace("initial: up", "initial: around").replace(
        "states:\n  up:\n", "states:\n  around:\n    initial: up\n    states: {up: {}}\n", 1
    )
    head, _, tail = text.partition("states: {up: {}}\n")
    rest = tail[tail.index("  asking:") :]
    own = tail[: tail.index("  asking:")]
    nested = "states:\n      up:\n" + "".join(f"    {line}\n" for line in own.splitlines())
    other = carried(play, chart_of(head + nested + rest))
    assert other.till.configuration == ("around", "up")
    assert other.last.entered == ["around"]
    assert other.till.entered == {"around": 3.0, "up": 0.0}


def test_a_state_that_was_renamed_is_the_same_state() -> None:
    """With its timer, its call and the moment at which it was entered."""
    play = playing("go", seconds=3)
    text = LINK.replace("asking", "calling") + "renames: {asking: calling}\n"
    chart = chart_of(text)
    other = carried(play, chart)
    assert other.till.configuration == ("calling",)
    assert other.till.entered == {"calling": 0.0}
    (timer,) = other.till.timers.values()
    assert (timer.key, timer.start, timer.due) == ("calling.after.0", 0.0, 40.0)
    assert [run.state for run in other.till.running.values()] == ["calling"]
    back = carried(other, link(), renames={"calling": "asking"})
    assert back.till.configuration == ("asking",)
    assert back.till == play.till


def test_a_state_that_is_gone_strands_the_till() -> None:
    """One till of each configuration is named, with the states that are missing."""
    tills = [playing().till, playing("go").till, playing("go").till]
    chart = chart_of(LINK.replace("asking", "calling"))
    carrying = Carrying(link(), chart)
    (stranded,) = carrying.stranded(tills)
    assert (stranded.configuration, stranded.gone) == (("asking",), ("asking",))
    with pytest.raises(Stranded, match="till 01 cannot stay in asking"):
        carrying.carry(tills[1], 0.0)


def test_the_context_keeps_what_is_still_known() -> None:
    """Within its new bounds; what is new begins as the file says."""
    play = playing(seconds=45)
    assert play.till.context == {"count": 4, "mode": "slow"}
    edits = (("count: {initial: 0, max: 9}", "count: {initial: 0, max: 3}"), ("mode:", "kind:"))
    other = carried(play, link(*edits))
    assert other.till.context == {"count": 3, "kind": "slow"}


def test_what_holds_by_now_is_taken_at_once() -> None:
    """A guard without event that reads a parameter; of tills in the same situation each."""
    play, other = playing(seconds=35), playing(seconds=35)
    carrying = Carrying(play.chart, link(most=3))
    for one in (play, other):
        till, step = carrying.carry(one.till, one.now)
        assert till.configuration == ("down",)
        assert [taken.event for taken in step.taken] == ["always"]


def test_a_history_goes_back_to_states_by_their_new_names() -> None:
    """And forgets what is gone."""
    text = """
machine: deep
events: {go: {}, back: {}}
initial: work
states:
  work:
    initial: one
    on: {go: pause}
    states:
      one: {on: {go: two}}
      two: {}
      last: {history: shallow}
  pause: {on: {back: last}}
"""
    play = Play(chart_of(text))
    play.send("go")
    play.send("go")
    assert play.leaf == "pause"
    renamed = carried(play, chart_of(text.replace("two", "second") + "renames: {two: second}\n"))
    renamed.send("back")
    assert renamed.leaf == "second"
    gone = carried(play, chart_of(text.replace("two", "second")))
    gone.send("back")
    assert gone.leaf == "one"


def test_a_machine_that_cannot_go_on_there_leaves_the_till_alone() -> None:
    loop = (
        "    on: {back: up}\n",
        "    on: {back: up}\n    always: [{guard: most > 6, target: up}]\n",
    )
    play = playing(seconds=99)
    play.send("back")
    chart = link(loop, ("count >= most", "count < most"), most=7)
    with pytest.raises(StepFailed, match="transitions in one step"):
        carried(playing(), chart)
