"""A simulated outage and the same outage lived by a real agent: the same transitions.

The simulation says when tickets are sold and when the server goes and comes back; a real agent,
with the same machine, parameters and till, then lives that against a lab. Its jitter is its
till's own, so that both wait equally long.
"""

import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import pytest

from engine.core.build import build
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.lab import LabThread
from engine.tools.simulation.play import play
from engine.tools.simulation.record import TillRecord
from engine.tools.simulation.scenario import Scenario
from tests.acceptance.agent_process import (
    PATIENCE,
    AgentProcess,
    Outcome,
    server_lines,
    wait_until,
)
from tests.acceptance.till_program import payload_of

PARAMETERS = {
    "ping_interval": "1s",
    "ping_timeout": "500ms",
    "webservice_timeout": "600ms",
    "degraded_ping_interval": "1s",
    "ticket_sync_interval": "10min",
    "degraded_sync_interval": "10min",
    "message_retry_wait": "1s",
    "message_retry_wait_max": "2s",
    "slow_ping": "400ms",
}
GONE, BACK, LENGTH = 4.5, 9.5, 14.0
MARGIN = 0.2
"""Seconds between two things that happen, at least: a busy machine must not change their order."""
TOGETHER = 0.05
"""Seconds within which an answer follows what was asked."""

ATTEMPTS = 3

DEATHS = {"refused": "down", "silent": "hang"}
"""How the simulated server is down, and the lab's fault that is the same."""

Transition = tuple[str, str, str]


class Day(NamedTuple):
    """A simulated day: when tickets are sold, when the till came online, its transitions."""

    seed: int
    sold: list[float]
    online: float
    moves: list[Transition]


def simulated(agent: AgentProcess, death: str) -> Day:
    """The first seed whose day leaves room between all that happens."""
    definition = load_machine(agent.folder / "connection.yaml", VOCABULARY, PARAMETERS)
    chart = build(definition)
    for seed in range(1, 1000):
        scenario = Scenario.model_validate(
            {
                "scenario": "twin",
                "length": f"{LENGTH:.0f}s",
                "seed": seed,
                "network": {"latency": "8ms"},
                "server": {
                    "costs": {name: {"work": "1ms"} for name in ("ping", "send_tickets")},
                    "windows": [{"at": GONE, "lasts": f"{BACK - GONE:.0f}s", "down": death}],
                },
                "tickets": {"per_hour": 900, "takes": "0s", "customers": 0},
                "cashier": {"spread": "0s"},
            }
        )
        till = play(scenario, definition, True, chart).record.tills["01"]
        if _is_clear(till):
            online = next(at for at, state in till.states if state == "online")
            return Day(seed, list(till.closed), online, [move[1:] for move in till.moves])
    raise AssertionError("no seed leaves room")


def _is_clear(till: TillRecord) -> bool:
    """Whether no two things come close without belonging together, and no ticket is sold between
    the server's end and the till's noticing, when several calls would fail in any order."""
    moments = sorted({GONE, BACK, *till.closed, *(move.at for move in till.moves)})
    gaps = [after - before for before, after in pairwise(moments)]
    ends = [*(at for at, _ in till.states[1:]), LENGTH]
    pings = [
        at + n
        for (at, state), end in zip(till.states, ends, strict=True)
        for n in range(1, int(end - at + MARGIN) + 1)
        if state == "online"
    ]
    near = [abs(at - ping) for at in (GONE, BACK, *till.closed) for ping in pings]
    noticed = till.offline[0][0] if till.offline else LENGTH
    return (
        len(till.offline) == 1
        and till.offline[0][1] is not None
        and till.offline[0][1] < LENGTH - 1
        and all(gap <= TOGETHER or gap >= MARGIN for gap in gaps)
        and min(near, default=MARGIN) >= MARGIN
        and any(noticed < at < BACK for at in till.closed)
        and not any(GONE - MARGIN < at < noticed + MARGIN for at in till.closed)
        and 1 < min(till.closed) < GONE
        and max(till.closed) < LENGTH - 1
    )


def lived(agent: AgentProcess, lab: LabThread, day: Day, fault: str) -> list[Transition]:
    """The same day in real time; the transitions that the till's own history tells."""
    agent.start()
    wait_until(lambda: agent.state() == "online", "the till is online")
    began = time.monotonic() - day.online - _age_of_online(agent)
    deeds: list[tuple[float, Callable[[], object]]] = [
        (GONE, lambda: lab.turn(fault)),
        (BACK, lab.clear),
    ]
    for number, at in enumerate(day.sold, 1):
        deeds.append((at, lambda number=number: _sell(agent, number)))  # type: ignore[misc] # bound now
    for at, deed in sorted(deeds, key=lambda each: each[0]):
        time.sleep(max(0.0, began + at - time.monotonic()))
        deed()
    time.sleep(max(0.0, began + LENGTH - time.monotonic()))
    return [
        (taken["event"], taken["source"], taken["target"])
        for step in agent.history()
        for taken in step["taken"]
        if not taken["stays"]
    ]


def _age_of_online(agent: AgentProcess) -> float:
    """Seconds since the till came online for the first time, by its own history."""
    came = next(step["at"] for step in agent.history() if "online" in step["states"])
    return time.time() - datetime.fromisoformat(came).timestamp()


def _sell(agent: AgentProcess, number: int) -> None:
    agent.post_event("ticket.started")
    assert agent.post_ticket(number, payload_of("01", number))[0] == 201


class Twin:
    """One death lived twice; again for real where others keep the machine busy."""

    def __init__(self, make: Callable[[str], AgentProcess], lab: LabThread, death: str) -> None:
        self.name = death
        self._lab = lab
        self._agents = [make(f"{death}-{attempt}") for attempt in range(ATTEMPTS)]
        self._day = simulated(self._agents[0], death)
        self.expected = self._day.moves
        self.found: list[Transition] = []

    def run(self) -> None:
        for agent in self._agents:
            self.found = lived(agent, self._lab, self._day, DEATHS[self.name])
            agent.stop()
            if self.found == self.expected:
                return


@pytest.mark.alone
def test_a_simulated_outage_and_the_same_one_lived_take_the_same_transitions(
    make_agent: Callable[..., AgentProcess], open_lab: Callable[..., LabThread]
) -> None:
    """A server that refuses and one that is silent, both at once, each with a till of its own:
    into the cooldown, from probe to probe, and back, with tickets sold all the while."""
    twins = []
    for death in DEATHS:
        lab = open_lab()

        def make(name: str, lab: LabThread = lab) -> AgentProcess:
            lines = server_lines(lab, "soap", "500ms")
            return make_agent(name, server=lines, parameters=PARAMETERS)

        twins.append(Twin(make, lab, death))
    lives = [Outcome(twin.name, twin.run) for twin in twins]
    for life in lives:
        life.start()
    for life in lives:
        life.finish(4 * PATIENCE)
    for twin in twins:
        assert twin.found == twin.expected
        cooldowns = [move for move in twin.expected if move[2] == "offline-cooldown"]
        assert len(cooldowns) >= 2, "the outage is too short to tell anything"
