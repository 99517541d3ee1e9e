"""What an exploration finds: invariants broken, states without a way out, steps that fail."""

import pytest

from engine.core.build import build
from engine.core.exploration import Exploration, explore
from engine.core.feed import StepFailed
from engine.definition.machine import load_machine
from engine.definition.reader import read
from tests.unit.core.driving import WITH_AGENT, WORDS, chart_of, define

LINK = """
machine: link
context: {failures: {initial: 0, max: 5}}
events: {hold: {}, release: {}}
on: {hold: held}
states:
  online:
    every: {30s: {start: ask}}
    on:
      ask.ok: {actions: [{assign: {failures: 0}}]}
      ask.rejected: {}
      ask.failed:
        - {guard: failures + 1 >= 3, target: offline}
        - {actions: [{assign: {failures: failures + 1}}]}
  offline:
    after: {1min: {actions: [{start: ask}]}}
    on:
      ask.ok: {target: online, actions: [{assign: {failures: 0}}]}
      ask.rejected: {target: offline, reenter: true}
      ask.failed: {target: offline, reenter: true}
  held:
    on: {release: online}
"""


def exploring(text: str, most: float = 1000) -> Exploration:
    return explore(chart_of(text), most)


def codes(found: Exploration) -> list[str]:
    return [f"{problem.severity} {problem.code}" for problem in found.problems]


def invariant(text: str) -> str:
    """The link with an invariant."""
    return f"{LINK}invariants: [{{about: It holds., {text}}}]\n"


def trace(found: Exploration) -> list[str]:
    """The lines of the timeline of the only problem."""
    (problem,) = found.problems
    lines = problem.trace.splitlines()
    return [line.strip() for line in lines[2:]]


def test_a_good_machine_has_no_problem() -> None:
    """All that it can get into is counted."""
    found = exploring(LINK)
    assert found == Exploration((), 15, True)


HOLDING = [
    "never: {active: offline, starts: tell}",
    "never: {active: held, guard: failures > 2}",
    "never: {active: [online, offline]}",
    "never: {active: offline, running: tell}",
    "eventually: {active: online}, unless: {active: held}",
    "eventually: {starts: ask}, unless: {active: held}",
    "eventually: {running: ask}, unless: {active: held}",
]


@pytest.mark.parametrize("text", HOLDING)
def test_an_invariant_that_holds_says_nothing(text: str) -> None:
    assert codes(exploring(invariant(text))) == []


BROKEN = {
    "never: {active: online}": "never-broken",
    "never: {active: held, running: ask}": "never-broken",
    "never: {starts: [tell, ask]}": "never-broken",
    "never: {guard: failures == 2}": "never-broken",
    "eventually: {active: online}": "eventually-broken",
    "eventually: {active: held}": "eventually-broken",
    "eventually: {starts: tell}": "eventually-broken",
    "eventually: {active: online}, unless: {active: held, running: ask}": "eventually-broken",
}


@pytest.mark.parametrize("text", BROKEN)
def test_an_invariant_that_can_be_broken_is_an_error(text: str) -> None:
    assert codes(exploring(invariant(text))) == [f"error {BROKEN[text]}"]


def test_the_shortest_way_to_what_breaks_an_invariant_is_told() -> None:
    """With virtual times, what each step does, and the invariant in its own words."""
    found = exploring(invariant("never: {active: offline, starts: ask, guard: failures > 1}"))
    (problem,) = found.problems
    assert problem.trace.splitlines() == [
        '- case: "It holds."',
        "  timeline:",
        "    # 0s: begins in online",
        "    - wait: 30s  # 30s: every 30s, starts ask",
        "    - answer: ask.failed.timeout  # 30s: failures = 1",
        "    - wait: 30s  # 1min: every 30s, starts ask",
        "    - answer: ask.failed.timeout  # 1min: failures = 2",
        "    - wait: 30s  # 1min30s: every 30s, starts ask",
        "    - answer: ask.failed.timeout  # 1min30s: online -> offline",
        "    - wait: 1min  # 2min30s: after 1min, starts ask",
        '  never: {active: offline, starts: ask, guard: "failures > 1"}',
    ]


def test_what_the_beginning_breaks_needs_no_step() -> None:
    """The effects that it starts count."""
    found = exploring(
        """
machine: eager
states:
  a: {entry: {start: tell}, on: {sign: b}}
  b: {on: {sign: a}}
invariants: [{about: Quiet., never: {starts: [tell, ask], active: a}}]
"""
    )
    assert trace(found) == [
        "# 0s: begins in a, starts tell",
        "never: {active: a, starts: [tell, ask]}",
    ]


def test_a_state_that_guards_close_is_one_to_get_stuck_in() -> None:
    """Transitions lead out of it, and none can ever be taken again."""
    found = exploring(
        """
machine: closing
context: {open: {initial: true}}
states:
  shop: {on: {sign: {target: night, actions: [{assign: {open: false}}]}}}
  night: {on: {sign: {guard: open, target: shop}}}
"""
    )
    assert codes(found) == ["error stuck"]
    assert trace(found) == [
        "# 0s: begins in shop",
        "- {event: sign, with: {n: 1}}  # 0s: shop -> night, open = false",
        "leaves: night",
    ]


def test_an_end_and_a_region_that_lasts_are_not_stuck() -> None:
    """A final state is an end; a region without states inside lasts as long as it is."""
    assert codes(exploring("machine: m\nstates: {a: {on: {sign: b}}, b: {final: true}}\n")) == []
    assert codes(exploring("machine: m\nparallel: true\nstates: {a: {}, b: {}}\n")) == []
    assert codes(exploring("machine: m\nstates: {a: {}}\n")) == []


def test_a_state_that_only_begins_anew_is_one_to_get_stuck_in() -> None:
    """Going from it to itself does not lead out of it."""
    found = exploring(
        "machine: m\nstates:\n  a: {on: {sign: b}}\n"
        "  b: {after: {5s: {target: b, reenter: true}}}\n"
    )
    assert codes(found) == ["error stuck"]


def test_a_state_that_no_guard_ever_lets_in_is_warned_of() -> None:
    """Of states inside a state that is never entered nothing more is said."""
    found = exploring(
        """
machine: high
context: {n: {initial: 0, max: 9}}
states:
  low: {on: {sign: [{guard: n > 1, target: top}, {target: mid, actions: [{assign: {n: 1}}]}]}}
  mid: {on: {sign: low}}
  top: {states: {inner: {on: {sign: low}}}}
"""
    )
    assert [problem.message for problem in found.problems] == [
        "Nothing that can come leads to the state 'top'."
    ]
    assert codes(found) == ["warning never-entered"]


FIGHT = """
machine: fight
parallel: true
events: {one: {}, two: {}}
states:
  left: {on: {one: {actions: [{raise: two}]}}}
  right: {on: {two: {actions: [{raise: one}]}}}
"""


def test_a_step_that_never_ends_is_told_with_what_leads_to_it() -> None:
    """Nothing is said of what was not explored for its sake."""
    found = exploring(FIGHT)
    assert codes(found) == ["error step-fails"]
    assert found.problems[0].message == (
        "A step can fail here: more than 1000 transitions in one step."
    )
    assert trace(found) == ["# 0s: begins in left and right", "- event: one  # this step fails"]


def test_a_step_that_fails_only_in_a_forbidden_way_is_warned_of() -> None:
    """With the delays as they are something else comes before it."""
    found = exploring(
        """
machine: late
context: {n: {initial: 0, max: 3}}
states:
  a:
    every: {1s: {assign: {n: 1}}, 10s: {raise: late}}
    on: {late: {guard: n == 0, target: b}}
  b: {always: [{target: c}]}
  c: {always: [{target: b}]}
"""
    )
    assert codes(found)[0] == "warning step-fails-unproven"


def test_no_end_of_steps_that_fail_is_played() -> None:
    """Each takes as long as a thousand transitions."""
    many = "".join(f"  e{n}: {{actions: [{{raise: one}}]}}\n" for n in range(30))
    declared = ", ".join(f"e{n}: {{}}" for n in range(30))
    text = FIGHT.replace("events: {", f"events: {{{declared}, ") + "on:\n" + many
    text = text.replace("states:", "context: {n: {initial: 0, max: 9}}\nstates:")
    text += "  sign: {actions: [{assign: {n: n + 1}}]}\n"
    text += "invariants: [{about: x, never: {guard: n == 9}}]\n"
    found = exploring(text)
    assert "step-fails" in codes(found)[0]
    assert found.situations == 1


def test_a_machine_with_which_no_till_can_begin_is_not_explored() -> None:
    with pytest.raises(StepFailed):
        exploring("machine: m\nstates: {a: {always: [{target: b}]}, b: {always: [{target: a}]}}\n")


def test_a_limit_is_said_when_it_is_reached() -> None:
    """What is found until then counts; what was not followed up is given the benefit of the
    doubt."""
    found = exploring(invariant("eventually: {active: online}, unless: {active: held}"), most=4)
    assert (found.situations, found.complete) == (4, False)
    assert codes(found) == ["warning explored-in-part"]
    assert found.problems[0].message == "4 situations were explored, and there are more."


def test_time_is_a_limit_too() -> None:
    """What a place leads to is counted once all of it was looked at."""
    asked = iter([False, False, True])
    found = explore(chart_of(LINK), expired=lambda: next(asked))
    assert (found.situations, found.complete) == (3, False)
    assert codes(found) == ["warning explored-in-part"]


RESTARTING = """
machine: restarting
on: {agent.started: {guard: event.pending > 3, actions: [{cancel: ask}]}}
states:
  online: {after: {1min: probing}}
  probing:
    entry: {start: ask}
    on: {ask: online}
"""


def test_a_restart_and_what_the_agent_says_then_are_explored() -> None:
    """A call goes on after a restart, unless the machine itself drops it then; the agent's word
    comes at no other time."""
    found = explore(build(define(RESTARTING, words=WITH_AGENT)))
    assert codes(found) == ["error stuck"]
    assert trace(found) == [
        "# 0s: begins in online",
        "- {event: agent.started, with: {pending: 0}}",
        "- wait: 1min  # 1min: after 1min, online -> probing, starts ask",
        "- restart: {}  # 1min: starts ask",
        "- {event: agent.started, with: {pending: 4}}  # 1min: ends ask",
        "leaves: probing",
    ]


ORDERED = """
machine: ordered
context: {turns: {initial: 0, max: 9}}
states:
  a:
    after:
      - {delay: 10s, guard: turns > SHORT, target: b}
      - {delay: 20s, target: c, on_restart: LONG}
  b: {on: {sign: a}}
  c: {on: {sign: a}}
"""


def test_a_longer_wait_does_not_end_before_a_shorter_one() -> None:
    """Both begin with the state; the shorter one always leads away."""
    text = ORDERED.replace("turns > SHORT", "true").replace("LONG", "resume")
    assert codes(exploring(text)) == ["warning never-entered"]


def test_a_longer_wait_ends_where_the_shorter_one_led_nowhere() -> None:
    text = ORDERED.replace("turns > SHORT", "turns > 1").replace("LONG", "resume")
    assert [problem.message for problem in exploring(text).problems] == [
        "Nothing that can come leads to the state 'b'."
    ]


def test_a_longer_wait_may_end_first_when_a_restart_lets_it() -> None:
    """It is over with the restart, while the shorter one goes on."""
    text = ORDERED.replace("turns > SHORT", "true").replace("LONG", "expire")
    assert codes(exploring(text)) == []


def test_a_restart_sets_a_wait_that_had_ended_going_again_and_with_it_the_order() -> None:
    """The shorter one begins anew while the longer one goes on, and so may come later."""
    found = exploring(
        """
machine: anew
context: {off: {initial: true}}
states:
  a:
    after:
      - {delay: 10s, actions: [{assign: {off: not off}}]}
      - {delay: 15s, guard: off, target: c}
      - {delay: 15s, target: d}
  c: {on: {sign: a}}
  d: {on: {sign: a}}
"""
    )
    assert codes(found) == []


def test_a_way_that_the_delays_forbid_is_a_warning() -> None:
    """The exploration takes timers that repeat in any order; a till in virtual time does not."""
    found = exploring(
        """
machine: pacing
context: {n: {initial: 0, max: 3}}
states:
  a:
    every: {1s: {assign: {n: 1}}, 10s: {start: tell}}
    on: {sign: b, tell: {}}
  b: {on: {sign: a}, entry: {assign: {n: 0}}, exit: {cancel: tell}}
invariants: [{about: First things first., never: {active: a, starts: tell, guard: n == 0}}]
"""
    )
    assert codes(found) == ["warning never-broken-unproven"]
    assert found.problems[0].hint == (
        "With the delays as they are, the way below does not lead there; another one may."
    )
    assert trace(found)[:2] == [
        "# 0s: begins in a",
        "- wait: 10s  # 10s: every 10s, n = 1, starts tell",
    ]


def test_a_state_that_only_a_forbidden_way_leads_to_is_warned_of() -> None:
    """Several ways to it are tried."""
    found = exploring(
        """
machine: trap
context: {n: {initial: 0, max: 3}}
states:
  a:
    every: {1s: {assign: {n: 1}}, 10s: {raise: late}}
    on: {late: {guard: n == 0, target: b}, sign: c}
  b: {on: {sign: {actions: [{start: ask}]}, ask: {}}}
  c: {entry: {assign: {n: 0}}, on: {sign: a}}
"""
    )
    assert codes(found) == ["warning stuck-unproven"]


def test_a_dead_end_that_the_check_has_told_of_is_not_told_again() -> None:
    """It warns where no transition at all leads out of a state."""
    machine = read("machine: m\nstates: {a: {on: {sign: b}}, b: {}}\n", "m.yaml")
    definition = load_machine(machine, WORDS)
    assert [problem.code for problem in definition.problems] == ["dead-end"]
    assert explore(build(definition)).problems == ()
