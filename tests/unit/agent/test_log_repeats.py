"""A failure that comes back every few seconds stands there once in ten minutes, with a count."""

import logging
from typing import Any

import pytest

from engine.agent import log_repeats
from engine.agent.log_repeats import WITHIN, Repeats

FAILED = {
    "ts": "2026-11-24T20:00:00.000Z",
    "event": "ping.failed.unauthorized",
    "till": "01",
    "states": ["reachable", "degraded"],
    "data": {"reason": "unauthorized", "message": "refused after 12 ms"},
}
NAMED = {"ts": "2026-11-24T20:00:00.000Z", "event": "store.failed", "message": "the disk is full"}
FAULT = {"event": "watch.failed", "error": "KeyError: 'x'", "traceback": "..."}


def told(repeats: Repeats, now: float | None) -> list[dict[str, Any]]:
    return [record.fields | {"level": record.levelno} for record in repeats.over(now)]  # type: ignore[attr-defined]


def test_a_night_of_one_failure_is_a_few_lines() -> None:
    """Each 30 seconds for ten hours: 1,200 times, 60 lines and 60 that count the rest."""
    repeats, written, counted = Repeats(), 0, 0
    for number in range(1_200):
        now = 30.0 * number
        counted += sum(line["times"] for line in told(repeats, now))
        written += not repeats.leaves_out(logging.WARNING, FAILED, now)
    counted += sum(line["times"] for line in told(repeats, None))
    assert written == 60
    assert written + counted == 1_200


def test_the_count_says_what_it_is_about() -> None:
    """The line's name, its till, since when, how often, and as bad as it was."""
    repeats = Repeats()
    for now in (0.0, 1.0, 2.0):
        repeats.leaves_out(logging.WARNING, FAILED, now)
    assert told(repeats, WITHIN - 0.1) == []
    (line,) = told(repeats, WITHIN)
    assert line == {
        "level": logging.WARNING,
        "of": "ping.failed.unauthorized",
        "till": "01",
        "times": 2,
        "since": "2026-11-24T20:00:00.000Z",
    }
    assert told(repeats, None) == []


def test_what_came_once_is_not_told_again() -> None:
    """Nothing was left out."""
    repeats = Repeats()
    repeats.leaves_out(logging.WARNING, NAMED, 0.0)
    assert told(repeats, WITHIN) == []


@pytest.mark.parametrize(
    "other",
    [
        {"till": "02"},
        {"event": "ping.failed.timeout"},
        {"states": ["offline-cooldown"]},
        {"data": {"reason": "timeout"}},
    ],
)
def test_another_failure_is_another_line(other: dict[str, Any]) -> None:
    """Of another till, another call, in another state, or for another reason."""
    repeats = Repeats()
    assert not repeats.leaves_out(logging.WARNING, FAILED, 0.0)
    assert not repeats.leaves_out(logging.WARNING, FAILED | other, 1.0)


@pytest.mark.parametrize(
    ("level", "line"),
    [
        (logging.DEBUG, FAILED),
        (logging.WARNING, FAILED | {"from": "degraded", "to": "offline-cooldown"}),
        (logging.INFO, {"event": "agent.started"}),
        (logging.WARNING, {"event": "config.refused", "message": "line 3"}),
        (logging.WARNING, {"event": "log.dropped", "lines": 3}),
    ],
)
def test_what_somebody_waits_for_is_never_left_out(level: int, line: dict[str, Any]) -> None:
    """Changes of state, what was asked for in full, and what a person did just now."""
    repeats = Repeats()
    assert [repeats.leaves_out(level, line, 0.0) for _ in range(3)] == [False] * 3


def test_numbers_make_no_other_failure() -> None:
    """How many bytes or milliseconds it was this time."""
    repeats = Repeats()
    for message, left_out in (("4096 bytes left", False), ("17 bytes left", True)):
        line = NAMED | {"message": message}
        assert repeats.leaves_out(logging.WARNING, line, 0.0) == left_out


def test_memory_is_bounded_and_nothing_is_forgotten_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With too many kinds the oldest one is told of before its time."""
    monkeypatch.setattr(log_repeats, "MOST", 100)
    repeats = Repeats()
    for number in range(1_000):
        repeats.leaves_out(logging.WARNING, FAILED | {"till": str(number)}, 0.0)
        repeats.leaves_out(logging.WARNING, FAILED | {"till": str(number)}, 0.0)
    early = told(repeats, 0.0)
    assert len(early) == 900
    assert len(told(repeats, None)) == 100


def test_a_fault_of_our_own_is_one_for_all_tills() -> None:
    """A listener that breaks at each step of 10,000 tills writes one traceback."""
    repeats = Repeats()
    lines = [FAULT | {"till": str(number)} for number in range(100)]
    assert sum(not repeats.leaves_out(logging.ERROR, line, 0.0) for line in lines) == 1
