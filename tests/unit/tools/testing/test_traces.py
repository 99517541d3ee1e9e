"""What the check prints as the way to a fault is a test, which fails for that fault alone."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.core.build import build
from engine.core.exploration import explore
from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from engine.tools.testing.coverage import Coverage
from engine.tools.testing.playing import Player
from engine.tools.testing.reading import load_tests
from engine.tools.testing.results import Result

PLANTED = Path(__file__).parents[1] / "planted"


class Mend(NamedTuple):
    """What is wrong in a planted machine, and what it should be."""

    wrong: str
    right: str


MENDS = {
    "call-in-cooldown": Mend(
        "    every:\n      2min: {start: send_tickets, with: {timeout: patience}}\n    on:\n",
        "    on:\n",
    ),
    "cooldown-bypassed-by-a-button": Mend(
        "on:\n  sync.now: sending\nstates:\n  online:\n",
        "states:\n  online:\n    after: {5min: sending}\n",
    ),
    "forgotten-failure-answer": Mend(
        "      ping.ok: online\n      ticket",
        "      ping.ok: online\n      ping.failed: {target: cooldown, reenter: true}\n      ticket",
    ),
    "lost-wake-up-after-restart": Mend("{cancel: ping}", "{log: begun}"),
    "stuck-state": Mend("ticket.closed: {guard: waiting, target", "ticket.closed: {target"),
    "timer-that-re-arms-for-ever": Mend(
        "      30s: {target: cooldown, reenter: true", "      1h: {target: cooldown, reenter: true"
    ),
    "two-regions-that-fight": Mend("{target: busy, reenter: true}", "{actions: {log: again}}"),
    "unbounded-counter": Mend(
        "  offline:\n    after: {1min: probing}",
        "  offline:\n    after: {1min: {target: probing, actions: {assign: {failures: 0}}}}",
    ),
}
SHOWS = {
    "call-in-cooldown": [(120, "never: active cooldown and starts send_tickets")],
    "cooldown-bypassed-by-a-button": [(30, "never: running send_tickets and cooling")],
    "forgotten-failure-answer": [(86_490, "eventually: active online")],
    "lost-wake-up-after-restart": [(90, "leaves: probing"), (86_490, "eventually: active online")],
    "stuck-state": [(0, "leaves: paused")],
    "timer-that-re-arms-for-ever": [
        (30, "leaves: cooldown"),
        (86_430, "eventually: active online"),
    ],
    "two-regions-that-fight": [(0, "the timeline goes on")],
    "unbounded-counter": [(86_520, "eventually: active online")],
}
"""By planted fault: when each of its ways fails, and at what."""


def _ways(name: str) -> list[str]:
    """What is told under the faults of a machine, line by line as it would be pasted."""
    text = (PLANTED / f"{name}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^    - case:.*\n(?:    .*\n)*", text, re.MULTILINE)
    return [re.sub(r"^    ", "", way, flags=re.MULTILINE) for way in found]


def _played(folder: Path, machine: str, ways: list[str]) -> list[Result]:
    """Each way, pasted under ``cases`` of a test file beside a machine."""
    (folder / "planted.yaml").write_text(machine, encoding="utf-8")
    file = folder / "planted.test.yaml"
    file.write_text("cases:\n" + "".join(ways), encoding="utf-8")
    tests = load_tests(file, VOCABULARY)
    coverage = Coverage(tests.machine, tests.definitions[0])
    chart = coverage.chart(tests.definitions[0])
    return [Player(tests, index, chart, coverage, None).play() for index in range(len(ways))]


def test_every_planted_machine_with_a_way_is_looked_at() -> None:
    """The others are refused before anything is played, or told without a way."""
    names = [path.stem for path in sorted(PLANTED.glob("*.yaml"))]
    assert [name for name in names if _ways(name)] == sorted(SHOWS)


@pytest.mark.parametrize("name", SHOWS)
def test_a_way_that_is_pasted_fails_where_the_fault_is(tmp_path: Path, name: str) -> None:
    """At its claim, at the virtual time at which it shows."""
    machine = (PLANTED / f"{name}.yaml").read_text(encoding="utf-8")
    results = _played(tmp_path, machine, _ways(name))
    failures = [result.failures for result in results]
    assert [(round(f.at), f.expected) for (f,) in failures] == SHOWS[name]


@pytest.mark.parametrize("name", SHOWS)
def test_on_the_mended_machine_it_passes(tmp_path: Path, name: str) -> None:
    """One edit that takes the fault away."""
    machine, mend = (PLANTED / f"{name}.yaml").read_text(encoding="utf-8"), MENDS[name]
    assert machine.count(mend.wrong) == 1
    results = _played(tmp_path, machine.replace(mend.wrong, mend.right), _ways(name))
    assert [result.failures for result in results] == [()] * len(results)


PLACES = ["{active: held, guard: load == 'owed'}", "{active: online, guard: missed}"]
"""Corners of the connection machine that a till can get into."""

GROWING = """
machine: growing
parameters:
  patience: {default: 30s, min: 1s, about: How long a call may take.}
context:
  probes: {initial: 0, max: 9, about: Probes that failed.}
states:
  resting:
    after:
      - delay: {base: 1min, max: 10min, jitter: 0.5, attempt: probes}
        actions: {start: ping, with: {timeout: patience}}
    on:
      ping.ok: {target: resting, reenter: true, actions: {assign: {probes: 0}}}
      ping.failed: {target: resting, reenter: true, actions: {assign: {probes: probes + 1}}}
invariants:
  - {about: It never fails four times., never: {guard: probes > 3}}
"""


def _ways_of(machine: str, most: float) -> list[str]:
    """What the check would print under each invariant of a machine that can be broken."""
    definition = load_machine(read(machine, "planted.yaml"), VOCABULARY)
    problems = explore(build(definition), most).problems
    return [f"{each.trace}\n" for each in problems if each.code == "never-broken"]


def test_ways_into_corners_of_the_connection_machine_can_be_played(tmp_path: Path) -> None:
    """Each ends where its claim says that no till comes."""
    claims = [f"  - {{about: Corner {n}., never: {place}}}" for n, place in enumerate(PLACES)]
    text = shipped_machine().read_text(encoding="utf-8").partition("\ninvariants:")[0]
    machine = "\n".join([text, "invariants:", *claims, ""])
    ways = _ways_of(machine, 600)
    assert len(ways) == len(PLACES)
    failures = [result.failures for result in _played(tmp_path, machine, ways)]
    assert [f.expected.split()[0] for (f,) in failures] == ["never:"] * len(ways)


def test_a_way_through_waits_of_chance_can_be_played(tmp_path: Path) -> None:
    """A test draws as the check did: each wait is as long as it is written."""
    ways = _ways_of(GROWING, 1000)
    assert [way.count("wait: ") for way in ways] == [4]
    (result,) = _played(tmp_path, GROWING, ways)
    assert [failure.expected for failure in result.failures] == ["never: probes > 3"]
