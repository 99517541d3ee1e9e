"""``tillwire check`` plays what a machine can get into: limits, parameters, what is printed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.core import exploration

TILL = "shop: '1'\ntill: '1'\nserver: {protocol: soap, url: 'http://server.example'}\n"
MACHINE = """\
machine: lamp
parameters:
  most: {default: 2, min: 1, max: 9, about: After so many signs it is on.}
context:
  signs: {initial: 0, max: 9}
states:
  off:
    on:
      sync.now:
        - {guard: signs + 1 >= most, target: lit}
        - actions: {assign: {signs: signs + 1}}
  lit:
    entry: {assign: {signs: 0}}
    on: {sync.now: off}
invariants:
  - about: Four signs are enough.
    never: {guard: signs > 3}
"""
MANY = "parameters: {most: 9}\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine whose invariant holds, as long as its parameter stays below 5."""
    path = tmp_path / "lamp.yaml"
    path.write_text(MACHINE, encoding="utf-8")
    return path


def till_yaml(folder: Path, name: str, text: str) -> Path:
    """A till.yaml that names the machine beside it."""
    path = folder / name
    path.write_text(f"{TILL}machine: lamp.yaml\n{text}", encoding="utf-8")
    return path


def test_the_situations_of_a_machine_are_counted(tillwire: Any, machine: Path) -> None:
    """Only those that were explored; without exploring none."""
    explored = tillwire("check", machine).out
    assert explored == f"{machine}: good (2 states, 3 transitions, 1 parameter, 3 situations)\n"
    unexplored = tillwire("check", "--no-explore", machine).out
    assert unexplored == f"{machine}: good (2 states, 3 transitions, 1 parameter)\n"


def test_a_machine_is_explored_with_the_parameters_of_the_till(
    tillwire: Any, machine: Path
) -> None:
    """What is good in the file may be broken by a value in till.yaml."""
    good = till_yaml(machine.parent, "good.yaml", "")
    many = till_yaml(machine.parent, "many.yaml", MANY)
    assert tillwire("check", machine, good).code == 0
    result = tillwire("check", many)
    assert result.code == 1
    assert result.out == (
        f"{machine}:16:12: error: This can be broken: Four signs are enough. [never-broken]\n"
        "      - about: Four signs are enough.\n"
        "               ^\n"
        '    - case: "Four signs are enough."\n'
        "      timeline:\n"
        "        # 0s: begins in off\n"
        "        - event: sync.now  # 0s: signs = 1\n"
        "        - event: sync.now  # 0s: signs = 2\n"
        "        - event: sync.now  # 0s: signs = 3\n"
        "        - event: sync.now  # 0s: signs = 4\n"
        '      never: {guard: "signs > 3"}\n'
    )
    assert tillwire("check", "--no-explore", many).code == 0


def test_a_broken_invariant_is_data_too(tillwire: Any, machine: Path) -> None:
    """With what leads to it, as lines of YAML."""
    many = till_yaml(machine.parent, "many.yaml", MANY)
    (problem,) = json.loads(tillwire("check", "--json", many).out)
    assert (problem["code"], problem["line"]) == ("never-broken", 16)
    assert problem["trace"].startswith('- case: "Four signs are enough."\n  timeline:\n')


def test_a_limit_that_is_reached_is_a_warning(tillwire: Any, machine: Path) -> None:
    """The machine is good as far as it was explored."""
    result = tillwire("check", "--explore-limit", 2, machine)
    assert result.code == 0
    assert result.out == (
        f"{machine}:1:10: warning: 2 situations were explored, and there are more. "
        "[explored-in-part]\n"
        "    machine: lamp\n"
        "             ^\n"
        "    What was not reached is not known. A longer limit goes further; counters with a "
        "smaller max have fewer situations.\n"
        f"{machine}: good, with 1 warning (2 states, 3 transitions, 1 parameter, 2 situations)\n"
    )


def test_exploring_ends_in_time_unless_a_limit_is_given(
    tillwire: Any, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five seconds of a processor; --explore-limit alone says how far else."""
    clock = iter(range(0, 600, 6))
    monkeypatch.setattr("engine.tools.exploring.time.process_time", lambda: next(clock))
    assert "[explored-in-part]" in tillwire("check", machine).out
    assert "[explored-in-part]" not in tillwire("check", "--explore-limit", 9, machine).out


def test_a_machine_that_several_files_name_is_explored_once(
    tillwire: Any, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each set of parameters."""
    explored = []
    explore = exploration.explore

    def counting(*arguments: Any) -> exploration.Exploration:
        explored.append(arguments)
        return explore(*arguments)

    monkeypatch.setattr(exploration, "explore", counting)
    others = [till_yaml(machine.parent, f"{n}.yaml", "") for n in range(3)]
    assert tillwire("check", machine, *others).code == 0
    assert len(explored) == 1
    tillwire("check", machine, till_yaml(machine.parent, "many.yaml", MANY))
    assert len(explored) == 3


def test_without_exploring_the_core_is_not_even_loaded(machine: Path) -> None:
    """It takes as long as the rest of the check."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from engine.tools.check import check\n"
        "from engine.tools.exploring import NOT_AT_ALL\n"
        f"machine = Path({str(machine)!r})\n"
        "assert check([machine], json=False, strict=False, limit=NOT_AT_ALL) == 0\n"
        "sys.exit(any(name.startswith('engine.core') for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
