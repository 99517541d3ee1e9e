"""Whatever a machine file says, it is loaded or refused: no check ever falls over."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.definition.vocabulary import Vocabulary
from engine.problems import Refused

GOOD = sorted((Path(__file__).parent / "good").glob("*.yaml"))
TEXTS = [path.read_text(encoding="utf-8") for path in GOOD]
PIECES = ["", "x", "a", ": ", "\n", "  ", "0s", "h", "- ", "5", "true", "initial: ", "failures"]

NAMES = st.sampled_from(["a", "b", "c", "h"])
EVENTS = st.sampled_from(
    ["sync.now", "ping", "ping.failed", "print.ok", "done.a", "done", "x", "y"]
)
GUARDS = st.sampled_from(
    [
        "n > 1",
        "m == 'u'",
        "n > limit",
        "flag",
        "event.number > n",
        "false",
        True,
        "wait > wait",
        "q",
    ]
)
ACTIONS = st.lists(
    st.one_of(
        st.builds(lambda n: {"assign": {n: "n + 1"}}, st.sampled_from(["n", "m", "flag", "q"])),
        st.sampled_from(
            [
                {"start": "ping", "with": {"timeout": "wait"}},
                {"start": "print", "with": {"paper": "m"}},
                {"cancel": "ping"},
                {"raise": "x", "with": {"a": 1}},
                {"raise": "y"},
                {"log": "x"},
            ]
        ),
    ),
    max_size=2,
)
TRANSITIONS = st.lists(
    st.fixed_dictionaries(
        {"actions": ACTIONS}, optional={"target": NAMES, "guard": GUARDS, "reenter": st.booleans()}
    ),
    max_size=2,
)
DELAYS = st.dictionaries(
    st.sampled_from(["1s", "wait", "0s", "limit", "q"]), TRANSITIONS, max_size=2
)


def states(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """States around other states, with any keys at all."""
    state = st.fixed_dictionaries(
        {},
        optional={
            "initial": NAMES,
            "parallel": st.booleans(),
            "final": st.sampled_from([False, False, True]),
            "history": st.sampled_from(["shallow", "deep"]),
            "target": NAMES,
            "code": st.integers(0, 1),
            "colour": st.sampled_from(["red", "sky"]),
            "entry": ACTIONS,
            "exit": ACTIONS,
            "on": st.dictionaries(EVENTS, TRANSITIONS, max_size=2),
            "after": DELAYS,
            "every": st.dictionaries(st.sampled_from(["1s", "wait"]), ACTIONS, max_size=1),
            "always": TRANSITIONS,
            "invoke": st.just([{"effect": "print", "with": {"paper": "thin"}}]),
            "states": inner,
        },
    )
    return st.dictionaries(NAMES, state, max_size=3)


MACHINES = st.fixed_dictionaries(
    {
        "machine": st.just("any"),
        "parameters": st.just(
            {
                "wait": {"default": "1s", "about": "x"},
                "limit": {"default": 3, "min": 1, "max": 4, "about": "x"},
            }
        ),
        "context": st.just(
            {
                "n": {"initial": 0, "max": 3},
                "m": {"initial": "u", "values": ["u", "v"]},
                "flag": {"initial": False},
            }
        ),
        "states": st.recursive(st.just({}), states, max_leaves=3),
    },
    optional={
        "initial": NAMES,
        "parallel": st.booleans(),
        "on": st.dictionaries(EVENTS, TRANSITIONS, max_size=1),
        "renames": st.dictionaries(NAMES, NAMES, max_size=1),
        "invariants": st.builds(
            lambda name, guard: [{"about": "x", "never": {"active": name, "guard": guard}}],
            NAMES,
            st.sampled_from(["n > 1", "q"]),
        ),
    },
)
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@RELAXED
@given(MACHINES)
def test_any_machine_is_loaded_or_refused(vocabulary: Vocabulary, machine: dict[str, Any]) -> None:
    """Random states, transitions, guards and actions, inside each other at will."""
    with suppress(Refused):
        definition = load_machine(read(json.dumps(machine), "f"), vocabulary)
        assert definition.tree.entered("")


@RELAXED
@given(
    st.sampled_from(TEXTS),
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 12), st.sampled_from(PIECES)), max_size=3
    ),
)
def test_a_damaged_machine_is_loaded_or_refused(
    vocabulary: Vocabulary, text: str, mutations: list[tuple[int, int, str]]
) -> None:
    """Characters lost, added and changed anywhere in a good file."""
    for at, lost, added in mutations:
        text = text[:at] + added + text[at + lost :]
    with suppress(Refused):
        definition = load_machine(read(text, "f"), vocabulary)
        assert definition.tree.entered("")
