"""A till as text and back: the same after a restart, and sensible in a file that has changed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.build import build
from engine.core.records import Timer
from engine.core.restore import RESTORED, pack, unpack
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from tests.unit.core.driving import CHARTS, Play, act, chart_file, chart_of
from tests.unit.core.restarting import WALL, again, left
from tests.unit.machines.virtual_till import MACHINE

NAMES = sorted(path.stem for path in CHARTS.glob("*.yaml"))


DEEDS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 30), st.integers(0, 3)), st.sampled_from([0.1, 0.7, 1.3, 2.9])
    ),
    max_size=25,
)


@pytest.mark.parametrize("name", NAMES)
def test_a_till_that_was_restarted_goes_on_like_one_that_was_not(name: str) -> None:
    """In every state that random events lead to, and from there on: the same steps, each timer
    with the time that it had left (one that had run out, in a state that lasts, starts again)."""
    definition = chart_file(name)
    chart, events = build(definition), sorted(definition.model.events)

    @settings(max_examples=40, derandomize=True, deadline=None, database=None)
    @given(DEEDS, DEEDS)
    def goes_on(before: list[Any], after: list[Any]) -> None:
        play = Play(chart)
        act(play, before, events)
        other = again(play)
        assert other.last.handled
        assert other.last.event.name == RESTORED
        assert other.last.configuration == play.till.configuration
        assert other.last.entered == []
        assert same_till(other, play)
        act(play, after, events)
        act(other, after, events)
        assert same_till(other, play)

    goes_on()


def same_till(one: Play, two: Play) -> bool:
    """Everything but the scale of the time."""
    assert one.till.configuration == two.till.configuration
    assert one.till.context == two.till.context
    assert one.till.remembered == two.till.remembered
    assert (one.till.runs, one.till.draws) == (two.till.runs, two.till.draws)
    assert left(one) == pytest.approx(left(two), abs=1e-4)
    since = {name: one.now - at for name, at in one.till.entered.items()}
    assert since == pytest.approx(
        {name: two.now - at for name, at in two.till.entered.items()}, abs=1e-4
    )
    return True


TIMED = """
machine: timed
events: {go: {}, back: {}}
parameters: {pace: {default: 10s, about: x}, most: {default: 40s, about: x}}
context: {n: {initial: 2, max: 9}}
states:
  a:
    after:
      - {delay: pace, target: b}
      - {delay: 20s, target: b, on_restart: restart}
      - {delay: 30s, target: b, on_restart: expire}
      - {delay: {base: pace, factor: 2, max: most, jitter: 0.5, attempt: n}, target: b}
    every:
      - {delay: 7s, actions: [{log: seven}]}
    on: {go: b}
  b: {on: {back: a}}
"""


def test_on_restart_says_what_happens_to_the_time_that_has_passed() -> None:
    """resume goes on, also through the time away; restart begins anew; expire ends it."""
    play = Play(chart_of(TIMED))
    grown = play.till.timers["a.after.3"].length
    play.now = 4.0
    assert left(again(play, away=1.0)) == pytest.approx(
        {
            "a.after.0": 5.0,
            "a.after.1": 20.0,
            "a.after.2": 0.0,
            "a.after.3": grown - 5.0,
            "a.every.0": 2.0,
        }
    )


def test_what_would_have_ended_while_the_process_was_away_ends_at_once() -> None:
    """A repetition that was missed many times is done once."""
    play = again(Play(chart_of(TIMED.replace("target: b", "actions: []"))), away=3600.0)
    assert left(play)["a.after.0"] == 0.0
    play.fire()
    beats = [step for step in play.steps if step.logged]
    assert len(beats) == 1
    assert left(play)["a.every.0"] == 7.0


@pytest.mark.parametrize("jump", [-10.0, -86400.0, -1e12])
def test_a_clock_that_was_set_back_gives_each_delay_its_full_length_again(jump: float) -> None:
    """Never more than the file says, however far it went back."""
    play = again(Play(chart_of(TIMED)), jump=jump)
    assert left(play)["a.after.0"] == 10.0
    assert left(play)["a.every.0"] == 7.0
    assert left(play)["a.after.3"] <= 60.0
    assert play.till.entered["a"] == play.now


def test_a_clock_that_was_set_forward_ends_every_delay_at_once() -> None:
    """It cannot be told from a process that was away."""
    play = again(Play(chart_of(TIMED)), jump=1e9)
    assert {key for key, rest in left(play).items() if rest == 0.0} >= {"a.after.0", "a.every.0"}


def test_delays_take_the_length_that_the_file_now_gives_them() -> None:
    """A backoff keeps the length that it had grown to, but not beyond what it may now be."""
    play = Play(chart_of(TIMED))
    play.now = 1.0
    shorter = again(play, chart_of(TIMED, pace="3s", most="4s"))
    assert left(shorter)["a.after.0"] == 2.0
    assert shorter.till.timers["a.after.3"].length <= 6.0
    longer = again(play, chart_of(TIMED, pace="30s"))
    assert left(longer)["a.after.0"] == 29.0


CALLS = """
machine: calls
events: {go: {}, more: {}}
context: {n: {initial: 1, max: 9}}
states:
  a: {on: {go: b, more: {actions: [{start: tell}, {start: ask, with: {what: n}}]}}}
  b:
    invoke: {effect: ask, with: {what: n}}
    on: {ask.failed: {}, more: {actions: [{assign: {n: n + 1}}, {start: ask, with: {what: n}}]}}
"""


def test_calls_that_had_not_answered_are_made_again() -> None:
    """Under new numbers: a late answer of the old process can never be taken for one."""
    play = Play(chart_of(CALLS))
    play.send("more")
    other = again(play)
    made = [(run.number, run.effect, run.arguments, run.state) for run in other.last.started]
    assert made == [(3, "tell", {}, None), (4, "ask", {"what": 1}, None)]
    assert list(other.till.running) == [3, 4]


def test_what_an_active_state_invokes_runs_after_every_restart() -> None:
    """Whether it was under way or had answered, once, with the arguments of now."""
    play = Play(chart_of(CALLS))
    play.send("go")
    play.send("more")
    other = again(play)
    made = [(run.effect, run.arguments, run.state) for run in other.last.started]
    assert made == [("ask", {"what": 2}, None)]
    assert other.last.joined == ["ask"]
    single = Play(chart_of(CALLS))
    single.send("go")
    single.answer("ask.failed.timeout")
    assert single.till.running == {}
    (run,) = again(single).last.started
    assert (run.effect, run.state) == ("ask", "b")


def test_an_effect_that_the_product_no_longer_has_is_not_started() -> None:
    """A snapshot may be older than the program."""
    play = Play(chart_of(CALLS))
    play.send("more")
    text = pack(play.till, 0.0, WALL).replace('"tell"', '"fax"')
    _, step = unpack(play.chart, "01", text, 0.0, WALL)
    assert [run.effect for run in step.started] == ["ask"]


_TIMED = chart_of(TIMED)
GOOD = json.loads(pack(Play(_TIMED).till, 0.0, WALL))

DAMAGES: list[dict[str, Any]] = [
    {"configuration": "a"},
    {"configuration": [1]},
    {"configuration": [["a"]]},
    {"context": {"n": None}},
    {"context": {"n": [1]}},
    {"timers": {"a.after.0": 3}},
    {"timers": {"a.after.0": ["x", 1.0]}},
    {"timers": {"a.after.0": [1.0]}},
    {"timers": {"a.after.0": [float("nan"), 1.0]}},
    {"timers": {"a.after.0": [1.0, float("inf")]}},
    {"running": [["ask"]]},
    {"running": [[1, {}, None]]},
    {"running": [["ask", [], None]]},
    {"entered": {"a": "noon"}},
    {"entered": ["a"]},
    {"remembered": {"h": "a"}},
    {"runs": -1},
    {"runs": "1"},
    {"draws": True},
]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "{",
        "[" * 100_000,
        "\ud800",
        json.dumps(GOOD)[:-1],
        *(json.dumps({key: part for key, part in GOOD.items() if key != gone}) for gone in GOOD),
        *(json.dumps(GOOD | change) for change in DAMAGES),
    ],
)
def test_a_text_that_is_no_till_is_refused(text: str) -> None:
    """With a ValueError and nothing else, whatever is wrong with it."""
    with pytest.raises(ValueError, match=r"not a till|surrogates"):
        unpack(chart_of(TIMED), "01", text, 0.0, WALL)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*GOOD, "a", "b", "n", "a.after.0", "a.every.0"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(sorted(GOOD)),
)
def test_no_damage_makes_a_till_that_cannot_be(part: Any, key: str) -> None:
    """It is refused, or it is a till in states that can be, with delays no longer than the
    file's."""
    chart = _TIMED
    try:
        till, _ = unpack(chart, "01", json.dumps(GOOD | {key: part}), 0.0, WALL)
    except ValueError:
        return
    assert till.configuration in (("a",), ("b",))
    assert set(till.context) == {"n"}
    assert all(timer.due <= 60.0 for timer in till.timers.values())
    assert Play.resumed(chart, till, Play(chart).last, 0.0).send("nothing").late is False


def test_no_till_anywhere_begins_anew_with_no_states() -> None:
    """A till saved before it was anywhere begins like a new one."""
    text = json.dumps(GOOD | {"configuration": []})
    till, step = unpack(_TIMED, "01", text, 0.0, WALL)
    assert step.event.name == "begin"
    assert till.timers["a.after.0"] == Timer("a.after.0", 10.0, 0.0, 10.0)


def test_the_shipped_machine_fits_in_a_small_text() -> None:
    """It is written after every move, for thousands of tills."""
    chart = build(load_machine(MACHINE, VOCABULARY))
    assert len(pack(Play(chart).till, 0.0, WALL)) < 600
