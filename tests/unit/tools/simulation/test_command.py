"""``tillwire simulate``: what it prints, and how it is misused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.shipped import shipped_machine

DAY = """\
scenario: noon
begins: 11:50
length: 1h
tills: 2
network:
  windows: [{at: 12:00, lasts: 10min, down: refused}]
tickets: {per_hour: 30}
"""


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """A scenario file."""
    path = tmp_path / "noon.yaml"
    path.write_text(DAY, encoding="utf-8")
    return path


def test_a_scenario_is_told_in_some_lines(tillwire: Any, day: Path) -> None:
    """What happened, what it cost, what the cashier felt."""
    result = tillwire("simulate", day)
    assert (result.code, result.err) == (0, "")
    first, *rest = result.out.splitlines()
    assert first == "noon: 2 tills, from 11:50 for 1 h, seed 1, machine connection"
    told = {line.split()[0] for line in rest if line.strip()}
    assert {"Outage", "Tickets", "Server", "Calls", "Cashier", "Offline"} <= told
    assert "12:00:00 for 10 min, network refused" in result.out


def test_data_for_programs_holds_every_figure(tillwire: Any, day: Path) -> None:
    """With the series by minute, and the states of each till."""
    data = json.loads(tillwire("simulate", day, "--json").out)
    assert data["sold"]["closed"] == data["sold"]["stored"] > 30
    assert len(data["minutes"]["sql"]) == 60
    assert sum(data["minutes"]["sql"]) == data["load"]["sql"]
    assert data["lives"]["01"][0][1] == "degraded"
    counted = [sum(row[minute] for row in data["minutes"]["states"].values()) for minute in (5, 59)]
    assert counted == [2, 2]


def test_two_machines_stand_side_by_side(tillwire: Any, day: Path, tmp_path: Path) -> None:
    """A column each; the other one has its own parameters."""
    other = tmp_path / "eager.yaml"
    text = shipped_machine().read_text(encoding="utf-8")
    wait = "  message_retry_wait:\n    default: 1min\n"
    assert wait in text
    other.write_text(text.replace(wait, wait.replace("1min", "5s")), encoding="utf-8")
    result = tillwire("simulate", day, "--compare", other)
    head = next(line for line in result.out.splitlines() if "eager.yaml" in line)
    assert head.split() == ["as", "it", "is", "eager.yaml"]
    data = json.loads(tillwire("simulate", day, "--compare", other, "--json").out)
    returned = [each["outages"][0]["returned"]["max"] for each in data.values()]
    assert returned[1] < returned[0]


def test_two_machines_of_one_name_are_told_apart(tillwire: Any, day: Path, tmp_path: Path) -> None:
    """By the folders that they lie in."""
    own, other = tmp_path / "a" / "m.yaml", tmp_path / "b" / "m.yaml"
    for path in (own, other):
        path.parent.mkdir()
        path.write_bytes(shipped_machine().read_bytes())
    result = tillwire("simulate", day, "--machine", own, "--compare", other, "--json")
    assert list(json.loads(result.out)) == [str(own), str(other)]


def test_a_sweep_shows_later_tickets_against_less_sql(tillwire: Any, day: Path) -> None:
    """The trade of the vendor's own text."""
    arguments = ("--set", "ticket_sync_on_close=false", "--sweep", "ticket_sync_interval=10s,5min")
    data = json.loads(tillwire("simulate", day, *arguments, "--json").out)
    quick, slow = data["10s"], data["5min"]
    assert quick["sold"]["delay"]["p50"] < slow["sold"]["delay"]["p50"]
    assert quick["load"]["sql"] > slow["load"]["sql"]


def test_a_sweep_of_what_nothing_depends_on_says_so(tillwire: Any, day: Path) -> None:
    """Nobody loads a catalogue here."""
    result = tillwire("simulate", day, "--sweep", "load_limit=1h,2h")
    assert "No difference: nothing that happens here depends on it." in result.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere.yaml",), "There is no scenario nowhere.yaml: neither a file nor one of those"),
        (("{day}", "--set", "ping_interval"), "--set takes NAME=VALUE; found 'ping_interval'."),
        (
            ("{day}", "--sweep", "ping_interval="),
            "--sweep takes NAME=V1,V2; found 'ping_interval='",
        ),
        (
            ("{day}", "--sweep", "ping_interval=1s,"),
            "--sweep takes NAME=V1,V2; a value is empty in 'ping_interval=1s,'",
        ),
        (
            ("{day}", "--sweep", "ping_interval=1s", "--compare", "{day}"),
            "Either --compare or --sweep, not both.",
        ),
        (("{folder}",), "The file cannot be read: it is a folder."),
        (("{day}", "--machine", "none.yaml"), "none.yaml: The file cannot be read"),
    ],
)
def test_a_command_that_makes_no_sense_is_answered_with_a_sentence(
    tillwire: Any, day: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    """Exit code 2, nothing on standard output."""
    given = [each.format(day=day, folder=day.parent) for each in arguments]
    result = tillwire("simulate", *given)
    assert (result.code, result.out) == (2, "")
    assert sentence in result.err


def test_values_that_do_not_fit_are_refused_with_all_that_is_wrong(
    tillwire: Any, day: Path
) -> None:
    """An unknown name and a value out of bounds, both at once."""
    result = tillwire("simulate", day, "--set", "ping_intervall=10s", "--set", "slow_ping=1h")
    assert result.code == 1
    assert "The machine has no parameter 'ping_intervall'." in result.err
    assert "slow_ping: 1h" in result.err


def test_a_scenario_is_checked_by_the_check(tillwire: Any, day: Path) -> None:
    """With its machine, and told by what it is."""
    result = tillwire("check", day)
    assert result.out == f"{day}: good (scenario noon, 2 tills, 1h)\n"
    day.write_text(DAY.replace("refused", "broken"), encoding="utf-8")
    result = tillwire("check", day)
    assert result.code == 1
    assert "Found the text 'broken'." in result.out


def _outputs(day: Path, hashing: str, *more: str) -> tuple[bytes, bytes]:
    """What a process of its own prints, and the report that it writes."""
    page = day.with_suffix(f".{hashing}.html")
    command = [sys.executable, "-m", "engine.cli", "simulate", str(day), "--report", str(page)]
    done = subprocess.run(
        [*command, *more],
        env={**os.environ, "PYTHONHASHSEED": hashing},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return done.stdout, page.read_bytes()


def test_the_same_seed_gives_the_same_bytes_in_any_process(tillwire: Any, day: Path) -> None:
    """Text, data and page depend neither on the order of a set nor on the clock nor on the
    process; another seed is another day."""
    text, page = _outputs(day, "1")
    data, same_page = _outputs(day, "2", "--json")
    assert page == same_page
    assert text.decode() == tillwire("simulate", day).out
    assert data.decode() == tillwire("simulate", day, "--json").out
    assert text.decode() != tillwire("simulate", day, "--seed", "2").out
