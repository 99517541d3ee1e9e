"""What was acknowledged to the till program is at the server, whatever happens in between.

The storm of tests/faults/delivery.py in a small dose; ``make soak`` runs the whole one.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from engine.lab.faults import FAULTS
from tests.acceptance.agent_process import ROOT

DOSE = ["--kills", "12", "--lost-answers", "10", "--downs", "5", "--faults", "1", "--seed", "7"]
KINDS = {
    "dedup": ["--server", "dedup", "--protocol", "rest"],
    "status": ["--server", "status", "--protocol", "soap"],
    "plain": ["--server", "plain", "--protocol", "soap"],
}
LONGEST = 250.0


@pytest.fixture(scope="module")
def storms() -> Iterator[dict[str, "subprocess.Popen[str]"]]:
    """The three storms at once: most of their time is waiting."""
    running = {
        kind: subprocess.Popen(
            [sys.executable, "-m", "tests.faults.delivery", *words, *DOSE],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind, words in KINDS.items()
    }
    try:
        yield running
    finally:
        for process in running.values():
            process.terminate()  # it ends its own agent; nothing happens to one that has ended
        for process in running.values():
            process.communicate(timeout=LONGEST)


def verdict(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What a storm says at its end; it has to have done all that it was asked to."""
    printed, errors = process.communicate(timeout=LONGEST)
    assert printed, errors
    told: dict[str, Any] = json.loads(printed)
    assert errors == ""
    assert (told["kills"], told["lost_answers"]) == (12, 10)
    assert told["struck"].keys() == FAULTS.keys()
    assert min(told["struck"].values()) >= 1
    assert told["acknowledged"] > 100
    return told


@pytest.mark.parametrize("kind", ["dedup", "status"])
def test_every_acknowledged_ticket_is_at_the_server_once_with_its_bytes_and_in_order(
    storms: dict[str, "subprocess.Popen[str]"], kind: str
) -> None:
    """A server that recognises keys, and one that only tells what it has."""
    told = verdict(storms[kind])
    wrong = ("lost", "twice", "different_bytes", "out_of_order", "strangers")
    assert {name: told[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert told["at_server"] == told["acknowledged"]
    assert told["faults"] == []
    assert told["status_calls"] > 0 or kind == "dedup"


def test_a_server_that_knows_nothing_gets_a_ticket_twice_rather_than_never(
    storms: dict[str, "subprocess.Popen[str]"],
) -> None:
    """Without keys and without a status there is no better choice: sent again, nothing lost."""
    told = verdict(storms["plain"])
    wrong = ("lost", "different_bytes", "out_of_order", "strangers")
    assert {name: told[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert told["twice"] >= told["lost_answers"] // 2
    assert told["status_calls"] == 0
    assert told["faults"] == []
