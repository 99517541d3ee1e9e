"""What one event does: order, naming, refusals, failures, and who is not disturbed by it."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.build import build
from engine.core.feed import begin, feed
from engine.core.records import Event, Refusal, Taken
from tests.unit.core.driving import Play, chart_file, chart_of

BOX = """
machine: box
initial: out
events: {in: {}, deep: {}, self: {}, anew: {}, stay: {}, leave: {}}
states:
  out:
    exit: [{log: -out}]
    on:
      in: {target: box, actions: [{log: way}]}
      deep: {target: b2}
  box:
    entry: [{log: +box}]
    exit: [{log: -box}]
    on:
      self: box
      stay: {actions: [{log: stay}]}
      anew: {target: b, reenter: true}
      leave: out
    states:
      a: {entry: [{log: +a}], exit: [{log: -a}], on: {deep: b2}}
      b:
        entry: [{log: +b}]
        exit: [{log: -b}]
        states:
          b1: {entry: [{log: +b1}], exit: [{log: -b1}]}
          b2: {entry: [{log: +b2}], exit: [{log: -b2}]}
"""


def logged(play: Play, event: str) -> str:
    return " ".join(play.send(event).logged)


def test_states_are_left_from_the_inside_out_and_entered_from_the_outside_in() -> None:
    """Exits, then the transition's own actions, then entries."""
    play = Play(chart_of(BOX))
    assert logged(play, "in") == "-out way +box +a"
    assert logged(play, "deep") == "-a +b +b2"
    assert logged(play, "leave") == "-b2 -b -box"
    assert play.last.exited == ["b2", "b", "box"]
    assert play.last.entered == ["out"]


def test_a_target_inside_does_not_leave_the_declaring_state_unless_it_reenters() -> None:
    """Going to oneself starts again inside; reenter goes all the way out."""
    play = Play(chart_of(BOX))
    play.send("deep")
    assert logged(play, "self") == "-b2 -b +a"
    assert logged(play, "anew") == "-a -box +box +b +b1"


def test_transitions_are_named_by_the_innermost_states_left_and_entered() -> None:
    """Where the file names a compound state, the record names where the till was and came to."""
    play = Play(chart_of(BOX))
    assert play.send("in").taken == [Taken("in", "out", "a")]
    assert play.send("stay").taken == [Taken("stay", "a", "a", stays=True)]
    assert play.send("anew").taken == [Taken("anew", "a", "b1")]
    assert play.send("leave").taken == [Taken("leave", "b1", "out")]


REGIONS = """
machine: regions
initial: both
events: {go: {}, all: {}, stay: {}, leave: {}}
states:
  both:
    parallel: true
    on:
      leave: alone
      stay: {actions: [{log: both}]}
    states:
      r:
        on: {all: {actions: [{log: r}]}}
        states:
          r1: {on: {go: r2}}
          r2: {on: {go: r1}}
      s:
        states:
          s1: {on: {go: s2, all: s2}}
          s2: {on: {go: s1, all: s1}}
  alone: {on: {all: both}}
"""
REMEMBERING = """
machine: remembering
initial: room
events: {go: {}, out: {}, back: {}, deeply: {}}
states:
  room:
    on: {out: street}
    states:
      was: {history: shallow}
      whole: {history: deep, target: inner}
      one: {on: {go: inner}}
      two:
        states:
          first: {}
          inner: {}
  street: {on: {back: was, deeply: whole}}
"""


def test_transitions_of_regions_are_named_each_by_its_own() -> None:
    """One event moves two regions; the states that several are left from are named as written."""
    play = Play(chart_of(REGIONS))
    assert play.send("go").taken == [Taken("go", "r1", "r2"), Taken("go", "s1", "s2")]
    assert play.send("leave").taken == [Taken("leave", "both", "alone")]
    assert play.send("all").taken == [Taken("all", "alone", "both")]
    assert play.send("stay").taken == [Taken("stay", "both", "both", stays=True)]


def test_a_region_that_stays_is_named_beside_one_that_moves() -> None:
    """The one that stays has left nothing: it is named by where it is."""
    play = Play(chart_of(REGIONS))
    taken = play.send("all").taken
    assert taken == [Taken("all", "r1", "r1", stays=True), Taken("all", "s1", "s2")]


def test_a_history_is_named_by_where_it_led() -> None:
    """Its default when nothing is remembered, at any depth, else what was left."""
    play = Play(chart_of(REMEMBERING))
    play.send("go")
    play.send("out")
    assert play.send("back").taken == [Taken("back", "street", "first")]
    play.send("out")
    assert play.send("deeply").taken == [Taken("deeply", "street", "first")]
    fresh = Play(chart_of(REMEMBERING.replace("initial: room", "initial: street")))
    assert fresh.send("deeply").taken == [Taken("deeply", "street", "inner")]
    assert fresh.till.configuration == ("room", "two", "inner")


def test_what_regions_do_comes_in_the_order_of_the_file_whatever_was_before() -> None:
    """Nor does a till that was played in between change the order."""
    chart = chart_of(
        """
machine: ordered
parallel: true
events: {ping: {}, one: {}, tell: {}}
states:
  r:
    states:
      r1: {on: {one: r2, tell: {actions: [{log: r}]}}, entry: [{log: +r1}]}
      r2: {on: {one: r1}}
  s:
    states:
      s1: {on: {ping: s1, tell: {actions: [{log: s}]}}, entry: [{log: +s1}]}
"""
    )
    till, other = Play(chart, "01"), Play(chart, "02")
    assert till.last.logged == ["+r1", "+s1"]
    for _ in range(2):
        till.send("one")
    assert till.send("tell").logged == ["r", "s"]
    for _ in range(2):
        till.send("one")
    other.send("tell")
    assert till.send("tell").logged == ["r", "s"]


GUARDED = """
machine: guarded
events: {go: {data: {n: integer}}, other: {}, more: {}}
context: {level: {initial: 0, max: 9}}
states:
  a:
    on:
      go:
        - {guard: event.n > 5, target: b}
        - {guard: event.n > 3, target: b}
      more: {actions: [{assign: {level: level + 1}}]}
    always: [{guard: level > 1, target: b}]
  b: {on: {other: a}}
"""


def test_guards_that_refuse_are_told() -> None:
    """Each with its state, the event and the guard, in the order in which they were asked."""
    step = Play(chart_of(GUARDED)).send("go", n=1)
    asked = [refusal for refusal in step.refused if refusal.event == "go"]
    saw = (("event.n", 1),)
    assert asked == [Refusal("a", "go", "event.n > 5", saw), Refusal("a", "go", "event.n > 3", saw)]
    assert step.handled
    assert not step.taken


def test_an_event_that_nothing_asks_for_is_not_handled() -> None:
    """Neither one that another state would hear, nor one that the machine does not know, though
    a transition without event is asked beside it."""
    play = Play(chart_of(GUARDED))
    step = play.send("other")
    assert [refusal.event for refusal in step.refused] == ["always"]
    assert not step.handled
    assert not play.send("nobody.knows").handled
    assert play.send("more").handled


def test_beginning_and_entering_are_handled() -> None:
    """The step that begins a till asks for nothing and is no unhandled event."""
    _, step = begin(chart_of(GUARDED), "01", 5.0)
    assert step.handled
    assert step.event.name == "begin"
    assert step.entered == ["a"]
    assert not Play(chart_of(GUARDED)).send("begin").handled


def test_the_context_is_told_with_what_it_was_before_the_step() -> None:
    """The first value and the last one; a value that comes back has not changed."""
    play = Play(
        chart_of(
            """
machine: changes
events: {up: {}, back: {}, swap: {}, far: {}, word: {}}
context: {a: {initial: 1, max: 5}, b: {initial: 3, min: -2, max: 5}}
states:
  s:
    on:
      up: {actions: [{assign: {a: a + 1}}, {assign: {a: a + 1}}]}
      back: {actions: [{assign: {a: a - 1}}, {assign: {a: a + 1}}]}
      swap: {actions: [{assign: {a: b, b: a}}]}
      far: {actions: [{assign: {a: a + 99, b: b - 99}}]}
"""
        )
    )
    assert play.send("up").changed == {"a": (1, 3)}
    assert play.send("back").changed == {}
    assert play.send("up").changed == {"a": (3, 5)}
    assert play.send("swap").changed == {"a": (5, 3), "b": (3, 5)}
    assert play.send("far").changed == {"a": (3, 5), "b": (5, -2)}
    assert play.till.context == {"a": 5, "b": -2}


MANY = ["compound", "parallel_compounds", "deep_history", "guards", "done", "every"]


@pytest.mark.parametrize("name", MANY)
def test_tills_of_one_chart_do_not_disturb_each_other(name: str) -> None:
    """Any interleaving of three tills' events gives each the steps that it would have alone."""
    definition = chart_file(name)
    shared, alone = build(definition), build(definition)
    events = st.sampled_from(sorted(definition.model.events))
    deeds = st.lists(st.tuples(st.integers(0, 2), events, st.integers(0, 3)), max_size=40)

    @settings(max_examples=60, derandomize=True, deadline=None, database=None)
    @given(deeds)
    def same(story: list[tuple[int, str, int]]) -> None:
        together = [Play(shared, str(till)) for till in range(3)]
        for till, event, number in story:
            together[till].feed(Event(event, {"n": number}))
        for till, play in enumerate(together):
            single = Play(alone, str(till))
            for owner, event, number in story:
                if owner == till:
                    single.feed(Event(event, {"n": number}))
            assert play.steps == single.steps
            assert play.till == single.till

    same()


def test_a_callback_of_no_turn_does_nothing() -> None:
    """Whoever moves the library's machine past us changes no till."""
    chart = chart_of(GUARDED)
    till, _ = begin(chart, "01", 0.0)
    before = deepcopy(till)
    chart.machine.send(chart.id_of("more"))
    chart.machine.send(chart.id_of("go"))
    assert till == before
    assert feed(chart, till, Event("more"), 0.0).changed == {"level": (0, 1)}
