"""Machines held against each other by what they mean."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY
from engine.problems import Refused
from engine.shipped import shipped_machine
from engine.tools.comparison.differences import Difference, Side, differences

WHOLE = """\
machine: whole
about: Has something of everything.
parameters:
  patience: {default: 5s, min: 1s, max: 1min, about: How long., label: {en: Patience, fr: Délai}}
  wait: {default: patience, about: As long.}
context:
  failures: {initial: 1, min: 1, max: 9, about: In a row.}
  quality: {initial: good, values: [good, slow], about: Of the link.}
events:
  lost: {data: {n: integer}}
  scales.ready: {about: Now., data: {weight: integer, unit: text}}
initial: up
on:
  till.closed: down
states:
  up:
    label: {en: Up, fr: Là}
    code: 1
    about: There.
    entry:
      - assign: {failures: 1, quality: good}
      - log: up
    exit:
      - cancel: ping
    every:
      30s: {start: ping, with: {timeout: patience}}
    on:
      ping.ok:
        guard: event.latency > patience
        actions: {assign: {quality: slow}}
      ping.failed:
        - guard: failures + 1 >= 3
          target: down
        - guard: quality == 'slow'
          actions: {assign: {failures: failures + 1}}
        - actions: {raise: lost, with: {n: failures}}
      sync.now: busy
      scales.ready: {}
  busy:
    initial: sending
    invoke: {effect: send_tickets, with: {timeout: patience, batch: 5}}
    on:
      send_tickets: up
      load.full: {target: waiting, reenter: true}
    always:
      - guard: failures > 5
        target: down
    states:
      sending: {on: {load.changes: waiting}}
      waiting: {final: true}
  both:
    parallel: true
    states:
      left: {}
      right: {}
  down:
    offline: true
    after:
      - delay: {base: wait, factor: 3, max: 10min, jitter: 0.1, attempt: failures}
        target: up
        on_restart: restart
      - delay: 1h
        target: both
    on:
      till.opened: before
      load.full: first
      done.busy: up
      lost: {}
    states:
      before: {history: shallow, target: second}
      first: {}
      second: {}
invariants:
  - about: Nothing is sent when down.
    never: {active: down, starts: send_tickets, running: ping, guard: failures > 8}
  - about: It comes back.
    eventually: {active: up}
    unless: {active: both}
renames: {ancient: up}
"""


def _side(text: str, file: str = "b.yaml", **overrides: Any) -> Side:
    return Side(load_machine(read(text, file), VOCABULARY, overrides))


def _between(before: str, after: str) -> list[Difference]:
    return differences(_side(before, "a.yaml"), _side(after))


def _said(before: str, after: str) -> list[str]:
    return [difference.message for difference in _between(before, after)]


BACKOFF = "from wait (factor {}, max 10min, jitter 0.1, attempt failures)"
NEVER = "active down and starts send_tickets and running ping"
EDITS = [
    (
        "default: 5s",
        "default: 0.1min",
        [
            "Parameter patience: the default is 6s, was 5s.",
            "Parameter wait: the value is 6s, was 5s.",
        ],
    ),
    (
        "min: 1s, max: 1min",
        "min: 2s",
        [
            "Parameter patience: the smallest value is 2s, was 1s.",
            "Parameter patience: has no largest value any more, had 1min.",
            "Parameter wait: the smallest value is 2s, was 1s.",
            "Parameter wait: has no largest value any more, had 1min.",
        ],
    ),
    (
        "default: patience",
        "default: 5s",
        [
            "Parameter wait: the default is 5s, was patience.",
            "Parameter wait: has no smallest value any more, had 1s.",
            "Parameter wait: has no largest value any more, had 1min.",
        ],
    ),
    ("fr: Là", "fr: Ici", ["State up: the French label is 'Ici', was 'Là'."]),
    ("code: 1", "code: 7", ["State up: the code is 7, was 1."]),
    ("code: 1", "code: 1\n    colour: red", ["State up: has the colour red, had none."]),
    ("offline: true", "offline: false", ["State down: counts as offline no longer."]),
    ("      - log: up\n", "", ["State up: when entered, no longer does log 'up'."]),
    (
        "      - cancel: ping\n",
        "      - cancel: ping\n      - cancel: load\n",
        ["State up: when left, now does cancel load."],
    ),
    ("      30s: {start", "      45s: {start", ["up, every 45s: the delay is 45s, was 30s."]),
    (
        "guard: failures + 1 >= 3",
        "guard: failures + 1 >= 4",
        ["up, on ping.failed (1 of 3): the guard is `failures + 1 >= 4`, was `failures + 1 >= 3`."],
    ),
    (
        "        - guard: failures + 1 >= 3\n          target: down\n",
        "",
        ["up, on ping.failed (1 of 3) is gone: target down, guard `failures + 1 >= 3`."],
    ),
    (
        "      sync.now: busy\n",
        "      sync.now: busy\n      till.opened: down\n",
        ["up, on till.opened is new: target down."],
    ),
    (
        "  till.closed: down",
        "  till.closed: busy",
        ["In every state, on till.closed: the target is busy, was down."],
    ),
    (
        "        target: up\n        on_restart",
        "        on_restart",
        [
            "down, after a backoff from wait: has no target any more, had up.",
        ],
    ),
    (
        "factor: 3",
        "factor: 2",
        [
            (
                f"down, after a backoff from wait: the delay is a backoff {BACKOFF.format(2)}, "
                f"was a backoff {BACKOFF.format(3)}."
            ),
        ],
    ),
    ("batch: 5", "batch: 6", ["busy, its call send_tickets: the argument batch is 6, was 5."]),
    (
        "waiting, reenter: true",
        "waiting",
        ["busy, on load.full: leaves and enters the state anew no longer."],
    ),
    (
        "      first: {}\n      second: {}\n",
        "      second: {}\n      first: {}\n",
        ["State down: the initial state is second, was first."],
    ),
    (
        "weight: integer",
        "weight: number",
        ["Event scales.ready: the field weight is number, was integer."],
    ),
    (
        "values: [good, slow]",
        "values: [good, slow, bad]",
        ["Variable quality: the set of values is bad, good, slow, was good, slow."],
    ),
    (
        "guard: failures > 8",
        "guard: failures > 7",
        [
            (
                f"Invariant 'Nothing is sent when down.': the forbidden situation is {NEVER} and "
                f"`failures > 7`, was {NEVER} and `failures > 8`."
            ),
        ],
    ),
    (
        "    unless: {active: both}\n",
        "",
        ["Invariant 'It comes back.': has no exception any more, had active both."],
    ),
    (
        "{ancient: up}",
        "{ancient: down}",
        ["Former state ancient: the present name is down, was up."],
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), EDITS, ids=[edit[1] for edit in EDITS])
def test_an_edit_is_told_in_sentences(old: str, new: str, said: list[str]) -> None:
    """What it was and what it is, and nothing of what stayed."""
    assert WHOLE.count(old) == 1
    assert _said(WHOLE, WHOLE.replace(old, new)) == said


SPELLINGS = [
    ("default: 5s", "default: 5000ms"),
    ("sync.now: busy", "sync.now: [{target: busy}]"),
    ("guard: failures + 1 >= 3", "guard: (failures+1) >= 3"),
    ("quality == 'slow'", '(quality == "slow")'),
    ("sending: {on: {load.changes: waiting}}", "sending: {on: {load.changes: [waiting]}}"),
    ("      scales.ready: {}", "      scales.ready: {guard: true, target: up}"),
    ("quality: slow}", "quality: \"'slow'\"}"),
    ("initial: up\n", ""),
    ("fr: Là", "fr: 'Là'"),
    ("about: Has something of everything.", "about: Else # here"),
    ("active: down, starts: send_tickets", "starts: [send_tickets], active: [down]"),
    (
        "      30s: {start: ping, with: {timeout: patience}}",
        "      - {delay: 0.5min, actions: [{with: {timeout: patience}, start: ping}]}",
    ),
]


@pytest.mark.parametrize(("old", "new"), SPELLINGS, ids=[pair[1] for pair in SPELLINGS])
def test_another_spelling_is_no_difference(old: str, new: str) -> None:
    """Short and long forms, brackets, quotes, units, comments."""
    assert WHOLE.count(old) == 1
    assert _said(WHOLE, WHOLE.replace(old, new)) == []


def _shuffled(data: Any, chance: random.Random) -> Any:
    if isinstance(data, list):
        return [_shuffled(item, chance) for item in data]
    if not isinstance(data, dict):
        return data
    items = list(data.items())
    chance.shuffle(items)
    return {key: _shuffled(value, chance) for key, value in items}


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_is_no_difference(chance: random.Random) -> None:
    """Wherever it has no meaning: a state without an initial one begins in its first."""
    data = copy.deepcopy(read(WHOLE, "whole.yaml").data)
    data["states"]["down"]["initial"] = "first"
    before = yaml.safe_dump(data, sort_keys=False)
    after = yaml.safe_dump(_shuffled(data, chance), sort_keys=False)
    assert _said(before, after) == []


def _less(data: Any) -> Iterator[tuple[str, Any]]:
    """The same with one thing left out, in every way; with the name of what is missing."""
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in list(entries):
        rest = copy.deepcopy(data)
        del rest[key]
        yield str(key), rest
        if isinstance(value, dict | list):
            for name, smaller in _less(value):
                part = copy.deepcopy(data)
                part[key] = smaller
                yield f"{key}.{name}", part


def test_whatever_is_left_out_is_a_difference() -> None:
    """Of a machine that has something of everything; what only explains it is none."""
    data = copy.deepcopy(read(WHOLE, "whole.yaml").data)
    same, different = [], 0
    before = _side(yaml.safe_dump(data, sort_keys=False))
    for name, smaller in _less(data):
        try:
            after = _side(yaml.safe_dump(smaller, sort_keys=False))
        except Refused:
            continue
        if differences(before, after):
            different += 1
        else:
            same.append(name)
    assert different > 60
    # Each of these says what holds without it.
    assert [name for name in same if not name.endswith("about")] == [
        "initial",
        "states.busy.initial",
    ]


def test_a_renamed_state_is_one_difference() -> None:
    """Not one for each transition that leads to it; told by the file's renames, of either side."""
    after = WHOLE.replace("down", "away").replace("{ancient: up}", "{ancient: up, down: away}")
    assert _said(WHOLE, after) == ["State away: the name is away, was down."]
    assert _said(after, WHOLE) == ["State down: the name is down, was away."]
    unnamed = WHOLE.replace("down", "away")
    assert len(_said(WHOLE, unnamed)) > 10


def test_branches_that_change_places_are_told_as_such() -> None:
    """The first that may is taken, so their order is meaning; nothing else of them is told."""
    first = "        - guard: failures + 1 >= 3\n          target: down\n"
    guard = "        - guard: quality == 'slow'\n"
    second = guard + "          actions: {assign: {failures: failures + 1}}\n"
    after = WHOLE.replace(first + second, second + first)
    (difference,) = _between(WHOLE, after)
    assert difference.kind == "moved"
    assert difference.message.endswith("the first that may is taken.")


def test_actions_in_another_order_are_told_as_such() -> None:
    """They are done one after the other."""
    after = WHOLE.replace(
        "      - assign: {failures: 1, quality: good}\n      - log: up\n",
        "      - log: up\n      - assign: {failures: 1, quality: good}\n",
    )
    assert _said(WHOLE, after) == [
        (
            "State up: the entry actions come in another order: log 'up'; "
            "assign failures = 1, quality = 'good'."
        )
    ]


def test_each_difference_names_the_places_of_both_files() -> None:
    """Where one has nothing, the place of what it is missing from, or none."""
    old, new = "till.opened: before", "till.opened: before\n      sync.now: first"
    change, new_way = _between(WHOLE, WHOLE.replace("code: 1\n", "code: 2\n").replace(old, new))
    line = WHOLE.splitlines().index("    code: 1") + 1
    assert change.places == (f"a.yaml:{line}:11", f"b.yaml:{line}:11")
    assert new_way.places[0] is None
    (gone,) = _between(WHOLE, WHOLE.replace("      scales.ready: {}\n", ""))
    assert (gone.kind, gone.places[1]) == ("removed", None)


def test_a_value_that_may_be_secret_is_not_shown() -> None:
    """That it differs is."""
    one = WHOLE.replace(
        "  wait:", "  api_token: {default: hunter2, about: Shown to the server.}\n  wait:"
    )
    (found,) = _between(one, one.replace("hunter2", "swordfish"))
    assert "***" in found.message
    assert "hunter2" not in str(found)
    assert "swordfish" not in str(found)


def test_values_given_from_elsewhere_are_differences() -> None:
    """Of a parameter and of one that follows it, though both files are the same."""
    found = differences(_side(WHOLE), _side(WHOLE, patience="10s"))
    assert [each.message for each in found] == [
        "Parameter patience: the value is 10s, was 5s.",
        "Parameter wait: the value is 10s, was 5s.",
    ]


def test_the_shipped_machine_means_itself() -> None:
    """However it is written down."""
    text = shipped_machine().read_text(encoding="utf-8")
    data = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - texts alone
    assert data["machine"] == "connection"
    assert _said(text, "# A comment\n" + text.replace("  # Ours.\n", "")) == []
