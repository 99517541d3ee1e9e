"""The metrics of a live agent: clean for Prometheus, and of one mind with the till's history."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.lab import LabThread
from tests.acceptance.agent_process import PATIENCE, AgentProcess

SAMPLE = re.compile(r"(?P<name>\w+)(\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="([^"]*)"')

Samples = list[tuple[str, dict[str, str], float]]


def scrape(agent: AgentProcess) -> bytes:
    status, body = agent.ask("GET", "/metrics")
    assert status == 200
    return body


def samples(text: bytes) -> Samples:
    """Every sample: its name, its labels, its value."""
    found = []
    for line in text.decode().splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.fullmatch(line)
        assert match is not None, line
        labels = dict(LABEL.findall(match["labels"] or ""))
        found.append((match["name"], labels, float(match["value"])))
    return found


def value(of: Samples, name: str, **labels: str) -> float:
    """The one sample of this name whose labels hold these."""
    (only,) = [v for n, told, v in of if n == name and labels.items() <= told.items()]
    return only


def live_through_an_outage(agent: AgentProcess, lab: LabThread) -> None:
    """Online, a ticket, offline, a ticket, online again, and one that is refused."""
    agent.wait_for_state("online")
    assert agent.post_ticket(1, b"before")[0] == 201
    agent.wait_until_drained()
    lab.turn("html_200")
    agent.wait_for_state("offline-cooldown")
    assert agent.post_ticket(2, b"during")[0] == 201
    lab.clear()
    agent.wait_until_drained()
    lab.lab.refuse_tickets(3)
    assert agent.post_ticket(3, b"refused")[0] == 201
    agent.wait_until_drained()
    agent.wait_for_state("online")


def quiet(agent: AgentProcess) -> tuple[Samples, list[dict[str, Any]]]:
    """A scrape and a history between which the till did nothing."""
    while True:
        before = agent.history()
        text = scrape(agent)
        if agent.history() == before:
            return samples(text), before


def test_promtool_finds_nothing_to_say_against_a_live_agent(
    make_agent: Callable[..., AgentProcess], lab: LabThread
) -> None:
    """After an outage, so that every family has something to show."""
    agent = make_agent()
    agent.start()
    live_through_an_outage(agent, lab)
    text = scrape(agent)
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert b"_created" not in text


def test_states_counters_and_tickets_agree_with_history_and_database(
    make_agent: Callable[..., AgentProcess], lab: LabThread
) -> None:
    """Every change of state in the history is counted, and no other."""
    agent = make_agent()
    agent.start()
    live_through_an_outage(agent, lab)
    found, steps = quiet(agent)
    assert steps[0]["event"] == "begin", "the history still has its beginning"
    taken = Counter(
        (t["target"], t["event"].split(".failed")[0], ".failed" in t["event"])
        for s in steps
        for t in s["taken"]
        if t["source"] != t["target"]
    )
    counted = {
        (told["to"], told["event"].split(".failed")[0], told["event"].endswith(".failed")): v
        for name, told, v in found
        if name == "tillwire_transitions_total"
    }
    assert {key: v for key, v in counted.items() if v} == taken
    assert len(counted) > 2 * len(taken)  # the others are there too, at 0
    refused = sum(len(step["detail"].get("refused", ())) for step in steps)
    guards = sum(v for name, _, v in found if name == "tillwire_guard_rejections_total")
    assert guards == refused
    states = {told["state"]: v for n, told, v in found if n == "tillwire_state"}
    assert {state for state, v in states.items() if v} == set(steps[-1]["states"])
    entered = next(s for s in reversed(steps) if any(not t["stays"] for t in s["taken"]))
    since = value(found, "tillwire_state_entered_timestamp_seconds", till="01")
    assert abs(since - datetime.fromisoformat(entered["at"]).timestamp()) < 0.01
    assert value(found, "tillwire_tickets_pending", till="01") == 0
    assert value(found, "tillwire_tickets_sent_total", till="01") == 2
    assert value(found, "tillwire_tickets_refused_total", till="01") == 1
    assert value(found, "tillwire_workers_abandoned_total") == 0
