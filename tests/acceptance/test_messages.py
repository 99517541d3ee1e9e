"""Messages and offers with a server that hangs and an agent that is killed.

The programs of tests/faults in a small dose; ``make soak`` runs the whole ones.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from engine.lab import LabThread
from tests.acceptance.agent_process import ROOT, AgentProcess, wait_until

Make = Callable[..., AgentProcess]
LONGEST = 200.0
TRIALS = 3
"""How often a measurement may be made on a machine that others use too."""


def run(program: str, *words: str) -> dict[str, Any]:
    """The verdict of a program of tests/faults."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"tests.faults.{program}", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert done.stdout, done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


@pytest.mark.alone
def test_nobody_waits_for_a_server_that_hangs() -> None:
    """From the first call that fails on: offers and events are answered within 10 ms, 99 in 100,
    with what was kept, and the server sees no call for either until the wait is over; then one
    ping, and one call for messages."""
    for _ in range(TRIALS):
        verdict = run("asking", "--calls", "1000", "--wait", "12")
        assert verdict["right"], verdict
        if verdict["quick"]:
            break
    assert verdict["quick"], verdict


def test_no_message_is_lost_to_kills_and_none_is_unread_again_once_it_was_read() -> None:
    """Ten kills while messages are asked for and acknowledged, some with lost answers."""
    verdict = run("messages", "--kills", "10", "--seed", "3")
    assert verdict["good"], verdict
    assert sum(verdict["hits"].values()) >= 8


def test_a_till_that_is_held_stays_offline_over_a_kill_until_it_is_released(
    make_agent: Make, lab: LabThread
) -> None:
    """The server is there all the time and hears nothing; what was sold meanwhile goes then."""
    agent: AgentProcess = make_agent()
    agent.start()
    agent.wait_for_state("online")
    agent.post_event("offline.hold")
    assert agent.state() == "held"
    assert agent.post_ticket(1, b"a ticket")[0] == 201
    wait_until(lambda: "held" in agent.history()[-1]["states"], "it is on the disk")
    agent.kill()
    calls = lab.lab.calls
    agent.start()
    assert agent.state() == "held"
    closing = agent.post_event("till.day_closed")["closing"]
    assert (closing["pending"], closing["complete"]) == (1, False)
    assert lab.lab.calls == calls
    agent.post_event("offline.release")
    agent.wait_until_drained()
    agent.wait_for_state("online")
    assert lab.wait(lambda lab: lab.calls["MESSAGES"] > calls["MESSAGES"], 10.0)
    closing = agent.post_event("till.day_closed")["closing"]
    assert closing == {"pending": 0, "refused": 0, "complete": True, "reasons": []}
