"""Machines with one fault each: the check finds every one, with the shortest way to it.

Beside each machine lies what ``tillwire check --strict`` says of it.
"""

from pathlib import Path
from typing import Any

import pytest

from engine.definition.reader import read

PLANTED = Path(__file__).parent / "planted"
MACHINES = sorted(path.stem for path in PLANTED.glob("*.yaml"))
FAULTS = [
    "call-in-cooldown",
    "cooldown-bypassed-by-a-button",
    "eventless-loop",
    "forgotten-failure-answer",
    "guard-that-is-never-true",
    "history-to-nowhere",
    "lost-wake-up-after-restart",
    "stuck-state",
    "timer-that-re-arms-for-ever",
    "two-regions-that-fight",
    "unbounded-counter",
    "unreachable-state",
]


def test_there_is_a_machine_for_each_fault() -> None:
    """And none that is not looked at below."""
    assert MACHINES == FAULTS


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(
    tillwire: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Exactly what is expected is said; a warning counts."""
    monkeypatch.chdir(PLANTED)
    result = tillwire("check", "--strict", f"{name}.yaml")
    assert result.out == (PLANTED / f"{name}.txt").read_text(encoding="utf-8")
    assert result.code in (1, 3)


def _traces() -> list[str]:
    """Each way that is told, as it would be pasted."""
    found: list[str] = []
    for name in FAULTS:
        lines = (PLANTED / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if line.startswith("    - case:"):
                end = next(
                    (n for n, text in enumerate(lines[number:], number) if text[:4] != "    "),
                    len(lines),
                )
                found.append("\n".join(text[4:] for text in lines[number:end]))
    return found


def test_each_way_is_yaml_that_can_be_pasted() -> None:
    """A list of cases with a timeline of events, answers, waits and restarts."""
    read_back = [read(trace, "trace.yaml").data for trace in _traces()]
    entries = [entry for (case,) in read_back for entry in case["timeline"]]
    assert len(read_back) == 10
    assert {key for entry in entries for key in entry} == {
        "answer",
        "event",
        "restart",
        "wait",
        "with",
    }


def test_the_shipped_machine_has_none_of_them(tillwire: Any) -> None:
    """Not even a warning, with every situation followed up."""
    machine = Path(__file__).parents[3] / "machines" / "connection.yaml"
    result = tillwire("check", "--strict", "--explore-limit", 1_000_000, machine)
    assert result.code == 0
    assert result.out.count("\n") == 1
