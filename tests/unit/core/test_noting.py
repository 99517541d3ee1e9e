"""A till noted as plain data goes on from exactly there."""

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.noting import noted, recalled
from engine.core.records import Event, Run, Till, Timer
from tests.unit.agent.scripted import chart_of
from tests.unit.core.wandering import Wanderer

CHART = chart_of()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_a_till_comes_back_from_json_as_it_was(seed: int) -> None:
    """Wherever it has wandered to: times to the last bit, calls with their numbers."""
    seen: list[Till] = []

    def look(till: Till, _started: bool) -> None:
        seen.append(recalled(till.id, json.loads(json.dumps(noted(till)))))
        assert seen[-1] == till

    wanderer = Wanderer(CHART, seed, look)
    for name in Random(seed).choices(["ticket.closed", "sync.now", "till.opened"], k=5):
        wanderer.now += 0.1
        wanderer.feed(wanderer_event(name))
    assert seen


def wanderer_event(name: str) -> Event:
    """An event without data."""
    return Event(name)


def test_everything_of_a_till_is_noted() -> None:
    """What a state remembers and who invoked a call too."""
    till = Till(
        "01",
        ("a", "b"),
        {"count": 3, "flag": True, "word": "x", "share": 0.1},
        {"a.after.0": Timer("a.after.0", 30.1, 10.1, 19.999)},
        {4: Run(4, "ping", {"timeout": 1.5}, "b"), 7: Run(7, "load", {}, None)},
        {"a": 1.1, "b": 2.2},
        {"back": ("a", "b")},
        runs=9,
        draws=2,
    )
    assert recalled("01", json.loads(json.dumps(noted(till)))) == till


@pytest.mark.parametrize("data", [None, [], {}, {"configuration": 3}, "text"])
def test_what_is_no_till_is_refused(data: object) -> None:
    """In a sentence."""
    with pytest.raises(ValueError, match="the data is not a till that was noted"):
        recalled("01", data)
