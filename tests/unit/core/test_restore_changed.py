"""Tills that are restored into a file that has been changed since."""

from collections.abc import Callable

import pytest

from engine.core.feed import StepFailed
from tests.unit.core.driving import Play, chart_of
from tests.unit.core.restarting import again, left

RENAMED = """
machine: renamed
events: {go: {}, out: {}, back: {}}
initial: house
renames: {home: house, old: new}
states:
  house:
    after: {50s: street}
    on: {out: street}
    states:
      was: {history: shallow}
      hall: {on: {go: new}}
      new: {after: {30s: hall}, on: {go: hall}}
  street: {on: {back: was}}
"""


def test_states_are_found_by_their_old_names() -> None:
    """With their timers, since when they have lasted, and what histories go back to."""
    old = chart_of(
        RENAMED.replace("renames: {home: house, old: new}\n", "")
        .replace("house", "home")
        .replace("new", "old")
    )
    play = Play(old)
    play.send("go")
    play.now = 10.0
    other = again(play, chart_of(RENAMED))
    assert other.till.configuration == ("house", "new")
    assert left(other) == pytest.approx({"house.after.0": 40.0, "new.after.0": 20.0})
    assert other.till.entered == pytest.approx({"house": -5.0, "new": -5.0})
    play.send("out")
    other = again(play, chart_of(RENAMED))
    assert other.send("back").configuration == ("house", "new")


def test_a_state_that_is_gone_begins_anew_with_what_is_known() -> None:
    """The context is there before the first state is entered: its guards and delays read it."""
    text = """
machine: gone
events: {go: {}}
context: {n: {initial: 0, max: 9}, lost: {initial: true}, word: {initial: a, values: [a, b]}}
states:
  a: {on: {go: {target: b, actions: [{assign: {n: 9, lost: false, word: '"b"'}}]}}}
  b: {on: {go: a}}
"""
    changed = """
machine: gone
events: {go: {}}
context: {n: {initial: 0, max: 5}, lost: {initial: 1, max: 3}, word: {initial: a, values: [a, c]}}
states:
  a: {always: [{guard: n > 3, target: c}], on: {go: c}}
  c: {on: {go: a}}
"""
    play = Play(chart_of(text))
    play.send("go")
    other = again(play, chart_of(changed))
    assert other.till.context == {"n": 5, "lost": 1, "word": "a"}
    assert other.last.event.name == "begin"
    assert other.last.entered == ["a", "c"]
    assert other.last.handled


def test_known_context_is_kept_within_its_bounds() -> None:
    """Of a till whose state is still there, too."""
    text = "machine: m\ncontext: {n: {initial: 3, max: 9}, f: {initial: false}}\nstates: {a: {}}"
    play = Play(chart_of(text))
    play.till.context |= {"n": 9, "f": True, "other": 1}
    smaller = chart_of(text.replace("max: 9", "min: 1, max: 4"))
    assert again(play, smaller).till.context == {"n": 4, "f": True}


PLAIN = "machine: m\nevents: {go: {}}\nstates:\n  p:\n    parallel: true\n    states:\n"
R = "      r: {states: {r1: {on: {go: r2}}, r2: {on: {go: r1}}}}\n"
S = "      s: {states: {s1: {on: {go: s2}}, s2: {on: {go: s1}}}}\n"
T = (
    "      t: {entry: [{log: +t}, {raise: hey}], states: {t1: {entry: [{start: tell}], "
    "invoke: ask, on: {hey: t2}}, t2: {entry: [{log: +t2}]}}}\n"
)


def test_a_region_that_the_file_has_been_given_since_is_entered() -> None:
    """With its entry actions, and what these raise; the others go on where they were."""
    play = Play(chart_of(PLAIN + R + S))
    play.send("go")
    other = again(play, chart_of(PLAIN + R + T + S))
    assert other.till.configuration == ("p", "r", "r2", "t", "t2", "s", "s2")
    assert other.last.logged == ["+t", "+t2"]
    assert other.last.entered == ["t", "t1", "t2"]
    assert [run.effect for run in other.last.started] == ["tell"]
    assert other.last.configuration == other.till.configuration


def test_a_region_that_is_gone_is_left_out() -> None:
    """Where what it held is not the innermost thing known, the rest goes on."""
    play = Play(chart_of(PLAIN + R + S))
    play.send("go")
    assert again(play, chart_of(PLAIN + S)).till.configuration == ("p", "s", "s2")
    assert again(play, chart_of(PLAIN + R)).last.event.name == "begin"


def test_a_state_gone_from_inside_a_region_begins_anew() -> None:
    """To go on in the region's first state would be to invent where it was."""
    play = Play(chart_of(PLAIN + R + S))
    play.send("go")
    other = again(play, chart_of(PLAIN + R.replace("r2", "r3") + S))
    assert other.last.event.name == "begin"
    assert other.till.configuration == ("p", "r", "r1", "s", "s1")


def test_a_state_that_has_become_compound_is_entered_inside() -> None:
    """And one that has been put into another one is found there."""
    flat = "machine: m\nevents: {go: {}}\nstates: {a: {on: {go: b}}, b: {on: {go: a}}}"
    deep = (
        "machine: m\nevents: {go: {}}\nstates: {a: {on: {go: w}}, "
        "w: {states: {x: {}, b: {states: {b1: {entry: [{log: in}]}}}}}}"
    )
    play = Play(chart_of(flat))
    play.send("go")
    other = again(play, chart_of(deep))
    assert other.till.configuration == ("w", "b", "b1")
    assert other.last.logged == ["in"]


def test_states_that_can_no_longer_be_active_together_begin_anew() -> None:
    """Regions that have become alternatives."""
    play = Play(chart_of(PLAIN + R + S))
    other = again(play, chart_of((PLAIN + R + S).replace("    parallel: true\n", "")))
    assert other.last.event.name == "begin"
    assert other.till.configuration == ("p", "r", "r1")


def test_what_holds_by_now_without_any_event_is_taken() -> None:
    """A parameter that was changed may open the way at once."""
    text = """
machine: m
parameters: {least: {default: 5, about: x}}
context: {n: {initial: 3, max: 9}}
states: {a: {always: [{guard: n >= least, target: b}]}, b: {}}
"""
    other = again(Play(chart_of(text)), chart_of(text, least=2))
    assert other.leaf == "b"
    assert other.last.taken[0].event == "always"


def test_a_machine_that_cannot_go_on_says_so() -> None:
    """Whoever restores the till then begins it anew."""
    good = "machine: m\nstates: {a: {}, b: {}}"
    bad = "machine: m\nstates: {a: {always: [{target: b}]}, b: {always: [{target: a}]}}"
    with pytest.raises(StepFailed, match="restored"):
        again(Play(chart_of(good)), chart_of(bad))


HISTORY = """
machine: h
events: {go: {}, out: {}, back: {}}
states:
  house:
    on: {out: street}
    states:
      was: {history: deep}
      hall: {on: {go: room}}
      room: {states: {door: {on: {go: window}}, window: {}}}
  street: {on: {back: was}}
"""


@pytest.mark.parametrize(
    ("change", "back"),
    [
        (lambda text: text, ("house", "room", "window")),
        (lambda text: text.replace("deep", "shallow"), ("house", "hall")),
        (lambda text: text.replace("window", "shutter"), ("house", "hall")),
        (lambda text: text.replace("was", "past"), ("house", "hall")),
        (
            lambda text: text.replace("window: {}", "window: {states: {open: {}}}"),
            ("house", "hall"),
        ),
        (
            lambda text: (
                text.replace(", window: {}", "").replace("go: window", "go: door")
                + "  window: {}\n"
            ),
            ("house", "hall"),
        ),
    ],
)
def test_a_history_goes_back_to_what_can_still_be(
    change: Callable[[str], str], back: tuple[str, ...]
) -> None:
    """Else to its default, as if nothing were remembered."""
    play = Play(chart_of(HISTORY))
    for event in ("go", "go", "out"):
        play.send(event)
    assert play.till.remembered
    other = again(play, chart_of(change(HISTORY)))
    assert other.send("back").configuration == back
