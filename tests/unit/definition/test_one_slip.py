"""One slip of the pen is one problem, whatever hangs on what is at fault."""

import pytest

from engine.definition.machine import load_machine
from engine.definition.model import Scalar
from engine.definition.reader import read
from engine.definition.vocabulary import Vocabulary
from engine.problems import Refused

GOOD = """\
machine: lamp
about: Every part of it hangs on another.
parameters:
  wait: {default: 3s, min: 1s, max: 9s, about: How long.}
  pause: {default: wait, about: The same.}
  tries: {default: 2, min: 1, max: 4, about: How often.}
context:
  n: {initial: 0, max: 9, about: How often it was.}
  shade: {initial: red, values: [red, blue], about: Its shade.}
events:
  lamp.off: {about: By hand., data: {hard: boolean}}
initial: dark
on:
  till.closed: dark
states:
  dark:
    label: {en: Dark, fr: Sombre}
    code: 1
    entry:
      - {assign: {n: n + 1}}
      - {assign: {shade: blue}}
    on:
      sync.now: [{target: lit, guard: n > tries}, {target: dim,
        actions: [{raise: fall}, {raise: lamp.off, with: {hard: true}}]}]
      fall: deep
    after:
      pause: {target: lit, guard: shade == 'red'}
      5s: dim
  lit:
    invoke: {effect: ping, with: {timeout: wait}}
    on:
      ping.ok: {guard: event.latency > wait, target: dim}
      ping.failed: {target: dark, actions: {start: print, with: {paper: thin}}}
      print.ok: dim
      print.failed: dark
      print.rejected: dark
    every:
      wait: [{log: still}, {cancel: print}]
  dim:
    initial: low
    states:
      low: {on: {lamp.off: {target: high, guard: event.hard}}}
      high: {on: {sync.now: low}}
      back: {history: deep, target: high}
    on: {ticket.closed: dark, till.opened: back}
  deep:
    parallel: true
    states: {left: {}, right: {}}
    after: {1s: dark}
invariants:
  - {about: Never both., never: {active: [lit, dark], guard: n > 3}}
renames: {old: dim}
"""


def codes_of(text: str, vocabulary: Vocabulary, **overrides: Scalar) -> list[str]:
    """The codes of all that is found in a machine, errors and warnings."""
    try:
        found = load_machine(read(text, "f", patient=True), vocabulary, overrides).problems
    except Refused as refused:
        found = refused.problems
    return [f"{problem.line} {problem.code}" for problem in found]


def test_the_machine_without_a_slip_is_good(vocabulary: Vocabulary) -> None:
    """Else the slips would not be alone."""
    assert codes_of(GOOD, vocabulary) == []


@pytest.mark.parametrize(
    ("good", "bad", "found"),
    [
        ("machine: lamp", "machin: lamp", "1 unknown-key"),
        ("machine: lamp", "machine: 5", "1 type"),
        ("about: Every", "abuot: Every", "2 unknown-key"),
        ("parameters:\n", "paramters:\n", "3 unknown-key"),
        ("parameters:\n", "colours:\n", "3 unknown-key"),
        ("{default: 3s, ", "{default: [3s], ", "4 type"),
        ("{default: 3s, ", "{default: 3 s, ", "4 parameter-type"),
        ("{default: 3s, ", "{defalt: 3s, ", "4 unknown-key"),
        ("{default: 3s, ", "{", "4 missing-key"),
        ("{default: 3s, ", "{default: !d 3s, ", "4 tag"),
        ("{default: 3s, ", "{default: &d 3s, ", "4 anchor"),
        ("{default: 3s, ", "{default: *d , ", "4 alias"),
        (", about: How often.}", "}", "6 missing-key"),
        ("{default: 2, min: 1", "{default: 2, min: []", "6 type"),
        ("context:\n", "context: &c\n", "7 anchor"),
        ("context:\n", "cntext:\n", "7 unknown-key"),
        ("context:\n", "variables:\n", "7 unknown-key"),
        ("n: {initial: 0, ", "n: {initial: 0.5, ", "8 type"),
        ("n: {initial: 0, ", "n: {", "8 missing-key"),
        ("max: 9, about", "max: 1e999, about", "8 number"),
        ("values: [red, blue]", "values: red", "9 type"),
        ("values: [red, blue]", "vals: [red, blue]", "9 unknown-key"),
        ("events:\n", "evnts:\n", "10 unknown-key"),
        ("hard: boolean", "hard: bool", "11 choice"),
        ("hard: boolean", "hard: 5", "11 choice"),
        ("{about: By hand., data: {hard: boolean}}", "5", "11 type"),
        ("initial: dark", "initial: 1", "12 type"),
        ("initial: dark", "initial: drak", "12 unknown-initial"),
        ("till.closed: dark\n", "till.closed: 5\n", "14 type"),
        ("states:\n  dark:", "stats:\n  dark:", "15 unknown-key"),
        ("  dark:\n", "  dark:\n    dark: {}\n", "17 unknown-key"),
        ("fr: Sombre", "fr: 5", "17 type"),
        ("code: 1", "code: one", "18 type"),
        ("    entry:\n", "    entri:\n", "19 unknown-key"),
        ("    entry:\n", "    first:\n", "19 unknown-key"),
        ("{assign: {n: n + 1}}", "{assign: [n]}", "20 type"),
        ("{assign: {n: n + 1}}", "{asign: {n: n + 1}}", "20 unknown-key"),
        ("{assign: {n: n + 1}}", "{count: {n: n + 1}}", "20 unknown-key"),
        ("{assign: {n: n + 1}}", "{assign: {n: []}}", "20 type"),
        ("    on:\n      sync", "    onn:\n      sync", "22 unknown-key"),
        ("    on:\n      sync", "    when:\n      sync", "22 unknown-key"),
        ("guard: n > tries", "guard: [n, tries]", "23 type"),
        ("guard: n > tries", "guard: min(n, tries) > 1", "23 unknown-key"),
        ("[{raise: fall}", "[{raise: 5}", "24 type"),
        ("[{raise: fall}", "[{rise: fall}", "24 unknown-key"),
        ("fall: deep", "fall: 5", "25 type"),
        ("fall: deep", "fall: {}\n      fall: deep", "26 duplicate-key"),
        ("fall: deep", "fall: [deep, null]", "25 type"),
        ("{target: lit, guard: shade == 'red'}", "[dim, [lit]]", "27 type"),
        ("5s: dim", "5s: {delay: 3s, target: dim}", "27 value"),
        ("invoke: {effect: ping, with: {timeout: wait}}", "invoke: 5", "30 type"),
        ("invoke: {effect: ping, ", "invoke: {efect: ping, ", "30 unknown-key"),
        ("invoke: {effect: ping, ", "invoke: {", "30 missing-key"),
        ("with: {timeout: wait}}", "wth: {timeout: wait}}", "30 unknown-key"),
        ("with: {timeout: wait}}", "with: {timeout: []}}", "30 type"),
        ("with: {timeout: wait}}", "with: *x }", "30 alias"),
        ("{start: print, with", "{start: 5, with", "33 type"),
        ("{start: print, with", "{begin: print, with", "33 unknown-key"),
        ("wait: [{log: still}, {cancel: print}]", "wait: 5", "38 type"),
        ("{log: still}", "{log: 5}", "38 type"),
        ("    initial: low", "    <<: *x", "40 merge-key 40 alias"),
        ("    initial: low", "    first: low", "40 unknown-key"),
        ("low: {on: {lamp.off", "low: {on: {sync.now: low}, on: {lamp.off", "42 duplicate-key"),
        ("history: deep", "history: dep", "44 choice"),
        ("history: deep", "hist: deep", "44 unknown-key"),
        ("parallel: true", "parallel: yes", "47 type"),
        ("parallel: true", "type: parallel", "47 unknown-key"),
        ("states: {left: {}, right: {}}", "states: [left, right]", "48 type"),
        ("states: {left: {}, right: {}}", "states: {left: , right: {}}", "48 type"),
        ("after: {1s: dark}", "after: {1s: [{target: [dark]}]}", "49 type"),
        ("after: {1s: dark}", "after: [{delay: {base: 1s}, target: dark}]",
         "49 missing-key 49 missing-key"),
        ("after: {1s: dark}", "aftr: {1s: dark}", "49 unknown-key"),
        ("  deep:\n", "  ? [deep]\n  :\n", "46 key"),
        ("  - {about: Never both., never", "  - {about: Never both., nver", "51 unknown-key"),
        ("active: [lit, dark]", "active: 5", "51 type"),
        ("guard: n > 3", "guard: 3", "51 type"),
        ("renames: {old: dim}", "renames: {old: 5}", "52 type"),
        ("renames: {old: dim}", "renames: []", "52 type"),
    ],
)  # fmt: skip
def test_one_slip_is_one_problem(vocabulary: Vocabulary, good: str, bad: str, found: str) -> None:
    """Nothing is said of what only follows from it."""
    assert good in GOOD
    assert " ".join(codes_of(GOOD.replace(good, bad, 1), vocabulary)) == found


def test_an_override_may_name_a_parameter_that_is_at_fault(vocabulary: Vocabulary) -> None:
    """And nothing more is said of it."""
    bad = GOOD.replace("{default: 3s, ", "{default: [3s], ", 1).replace(
        "default: wait", "default: 2s"
    )
    assert codes_of(bad, vocabulary, pause="wait") == ["4 type"]
