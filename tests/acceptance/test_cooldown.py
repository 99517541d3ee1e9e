"""The server dies: offline-cooldown comes as soon as the YAML implies, and then nothing is sent."""

import math
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

import pytest

from engine.definition.values import parse_duration
from engine.lab import LabThread
from tests.acceptance.agent_process import (
    PATIENCE,
    AgentProcess,
    Outcome,
    books_faults,
    server_lines,
    wait_until,
)
from tests.acceptance.till_program import payload_of

DEATHS: dict[str, dict[str, object]] = {
    "down": {},
    "hang": {},
    "drip": {"interval": 0.1},
    "http_500": {},
    "html_200": {},
}
SLOW_DEATHS = {"hang", "drip"}
"""Those that a call notices only when its time is over."""

GRACE = 0.1
"""Seconds that the issue allows on top of what the YAML implies."""

SHIPPED = {
    "ping_interval": "1s",
    "ping_timeout": "500ms",
    "webservice_timeout": "1s",
    "degraded_ping_interval": "1s",
    "degraded_sync_interval": "5s",
    "ticket_sync_interval": "30s",
    "message_retry_wait": "1s",
    "message_retry_wait_max": "1s",
    "failures_to_offline": "3",
}
"""The lowest values that the shipped machine allows."""


def implied(death: str, parameters: dict[str, str], *, ticket: bool) -> float:
    """Seconds from the death to offline-cooldown at the most, by the machine and its parameters.

    The first failure comes with the next ping, or with the sending of a ticket that was just
    closed. It leads to ``degraded``, which pings at once and then at every interval; a ping that
    is still under way is not started a second time.
    """
    seconds = {name: parse_duration(text) for name, text in parameters.items() if text[-1] == "s"}
    slow = death in SLOW_DEATHS
    ping = seconds["ping_timeout"] if slow else 0.0
    every = seconds["degraded_ping_interval"]
    if ticket:
        first = seconds["webservice_timeout"] if slow else 0.0
    else:
        first = seconds["ping_interval"] + ping
    started = 0.0  # of the ping in degraded that fails last, counted from entering it
    for _ in range(int(parameters["failures_to_offline"]) - 2):
        started = max(1, math.ceil((started + ping) / every)) * every
    return first + started + ping


def moment(step: dict[str, Any]) -> float:
    return datetime.fromisoformat(step["at"]).timestamp()


def entries(agent: AgentProcess) -> list[dict[str, Any]]:
    """The steps that led into offline-cooldown from elsewhere."""
    return [
        step
        for step in agent.history()
        if any(
            taken["target"] == "offline-cooldown" and taken["source"] != "offline-cooldown"
            for taken in step["taken"]
        )
    ]


def die(agent: AgentProcess, lab: LabThread, death: str) -> float:
    """Turn the lab right after it has answered a ping, so that nearly a whole interval is left;
    gives the moment, in epoch seconds."""
    pings = lab.lab.calls["PING"]
    last = agent.history(limit=1)[-1]["number"]
    assert lab.wait(lambda lab: lab.calls["PING"] > pings, PATIENCE)
    wait_until(
        lambda: any(
            step["event"] == "ping.ok" and step["number"] > last for step in agent.history(limit=5)
        ),
        "the ping is answered",
    )
    lab.turn(death, **DEATHS[death])
    return time.time()


def measure(agent: AgentProcess, lab: LabThread, death: str, *, ticket: bool) -> float:
    """Let the server die and give the seconds until the till's own history says cooldown."""
    wait_until(agent.ready, "the agent is ready")
    agent.wait_for_state("online")
    before = len(entries(agent))
    died = die(agent, lab, death)
    if ticket:
        died = time.time()
        assert agent.post_ticket(before + 1, b"sold while the server dies")[0] == 201
    wait_until(lambda: len(entries(agent)) > before, "offline-cooldown is entered")
    lab.clear()
    return moment(entries(agent)[-1]) - died


class Measured:
    """One death at one till: how soon offline-cooldown came, in up to three trials.

    A machine that others keep busy can hold an agent up by more than is allowed: what is late is
    measured a second and a third time, and has to be in time then.
    """

    def __init__(self, agent: AgentProcess, lab: LabThread, death: str, *, ticket: bool) -> None:
        self.name = f"{death}{' while selling' if ticket else ''}"
        self.most = implied(death, SHIPPED, ticket=ticket) + GRACE
        self.took: list[float] = []
        self._trial = partial(measure, agent, lab, death, ticket=ticket)

    def run(self) -> None:
        while len(self.took) < 3 and (not self.took or self.took[-1] > self.most):
            self.took.append(self._trial())


@pytest.mark.alone
def test_cooldown_is_entered_within_what_the_yaml_implies(
    make_agent: Callable[..., AgentProcess],
    open_lab: Callable[..., LabThread],
    record_property: Callable[[str, object], None],
) -> None:
    """Plus 100 ms, by the till's own history, with the shipped machine; every death at once, each
    at a till and a server of its own."""
    cases = [*((death, False) for death in DEATHS), ("down", True), ("hang", True)]
    measured = []
    for death, ticket in cases:
        lab = open_lab()
        agent = make_agent(
            f"{death}-{ticket}",
            server=server_lines(lab, "soap", "500ms"),
            quick=False,
            parameters=SHIPPED,
        )
        agent.start(ready=False)
        measured.append(Measured(agent, lab, death, ticket=ticket))
    trials = [Outcome(one.name, one.run) for one in measured]
    for trial in trials:
        trial.start()
    for trial in trials:
        trial.finish(3 * PATIENCE)
    for one in measured:
        print(f"{one.name}: {', '.join(f'{s:.3f}' for s in one.took)} s of {one.most:g} s")
        record_property(one.name, one.took)
    late = {one.name: one.took for one in measured if not 0 < one.took[-1] <= one.most}
    assert late == {}


def sell_in_cooldown(
    agent: AgentProcess, lab: LabThread, seconds: float
) -> tuple[list[float], int]:
    """Sell as fast as the till takes it; gives how long each ticket took, and how many ticket
    calls the lab counted between two looks at a till that both said offline-cooldown."""
    took: list[float] = []
    counted = 0
    end = time.monotonic() + seconds
    numbers = count(1)

    def calls() -> int:
        return lab.lab.calls["TICKETS"] + lab.lab.calls["TICKETSTATUS"]

    assert agent.state() == "offline-cooldown"
    before = calls()
    while time.monotonic() < end:
        number = next(numbers)
        content = payload_of("01", number)
        began = time.monotonic()
        assert agent.post_ticket(number, content)[0] == 201
        took.append(time.monotonic() - began)
        if number % 20 == 0:
            agent.post_event("sync.now")  # somebody is impatient: in vain
        # First what was counted, then the state: what comes after the look is of no concern.
        now = calls()
        assert agent.state() == "offline-cooldown"
        counted += now - before
        before = now
    return took, counted


@pytest.mark.parametrize("death", DEATHS)
def test_no_ticket_call_leaves_a_till_in_cooldown_and_it_goes_on_selling(
    make_agent: Callable[..., AgentProcess],
    lab: LabThread,
    death: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Over several probes; counted at the server, and by what the history says was started."""
    agent = make_agent()
    agent.start()
    agent.wait_for_state("online")
    lab.turn(death, **DEATHS[death])
    agent.wait_for_state("offline-cooldown")
    took, counted = sell_in_cooldown(agent, lab, 2.0)
    assert counted == 0
    offline = [s for s in agent.history() if "offline-cooldown" in s["states"]]
    assert sum(step["event"].startswith("ping.failed") for step in offline) >= 2
    assert not [s for s in offline if "send_tickets" in s["detail"].get("started", ())]
    p99 = sorted(took)[int(len(took) * 0.99)]
    record_property("p99", p99)
    print(f"{death}: {len(took)} tickets in cooldown, p99 {p99 * 1000:.1f} ms")
    assert p99 < 1.0
    lab.clear()
    agent.wait_until_drained()
    assert [row.number for row in lab.lab.tickets("01")] == list(range(1, len(took) + 1))
    assert agent.stop()[0] == 0
    assert books_faults(agent, {"01": len(took)}) == []
