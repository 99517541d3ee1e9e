"""An outage lived by real agents whose metrics are off, on, broken, or besieged by scrapers."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

from engine.lab import LabThread
from tests.acceptance.agent_process import (
    PATIENCE,
    AgentProcess,
    books_faults,
    server_lines,
    wait_until,
)
from tests.acceptance.till_program import payload_of

BREAKING = """\
import inspect, sys
import {module} as module
def fail(*_, **__):
    raise MemoryError("no room for metrics")
for name, _ in inspect.getmembers(module.{owner}, inspect.isfunction):
    if name[0] != "_" and name not in ("render", "chunks", "listener_failed"):
        setattr(module.{owner}, name, fail)
from engine.cli import main
main(sys.argv[1:])
"""
"""Runs the command with metrics whose every call raises."""

TICKETS = 6
SLOW_READERS, SCRAPERS = 20, 4


class Till(AgentProcess):
    """An agent whose metrics are ``plain``, ``off``, or broken in a module."""

    def __init__(self, folder: Path, server: list[str], till: str, metrics: str) -> None:
        super().__init__(folder, server, tills=(till,))
        self.metrics = metrics
        if metrics == "off":
            text = self.settings.read_text(encoding="utf-8")
            self.settings.write_text(text.replace("api: {", "api: {metrics: false, "), "utf-8")

    def command(self) -> list[str]:
        module, _, owner = self.metrics.partition(":")
        if not owner:
            return super().command()
        code = BREAKING.format(module=module, owner=owner)
        return [sys.executable, "-c", code, "run", "-c", "till.yaml"]

    def failures(self) -> float:
        """``tillwire_listener_failures_total``."""
        lines = self.ask("GET", "/metrics")[1].decode().splitlines()
        (line,) = [each for each in lines if each.startswith("tillwire_listener_failures_total ")]
        return float(line.split()[1])


@contextmanager
def besieged(agent: AgentProcess) -> Iterator[list[int]]:
    """Scrapers that ask without a pause, some that never read, some that never finish asking.

    Gives the statuses that the first kind got."""
    over, statuses = threading.Event(), []

    def scrape() -> None:
        while not over.is_set():
            with suppress(OSError, HTTPException):
                statuses.append(agent.ask("GET", "/metrics", seconds=5.0)[0])

    with ExitStack() as stack:
        for number in range(SLOW_READERS):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", agent.port), 5.0))
            request = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            peer.sendall(request if number % 2 else request + b"\r\n")
        threads = [threading.Thread(target=scrape, daemon=True) for _ in range(SCRAPERS)]
        for thread in threads:
            thread.start()
        try:
            yield statuses
        finally:
            over.set()
            for thread in threads:
                thread.join(PATIENCE)


def sell(agent: AgentProcess, first: int) -> None:
    """Some tickets, each acknowledged."""
    (till,) = agent.tills
    for number in range(first, first + TICKETS // 2):
        assert agent.post_ticket(number, payload_of(till, number))[0] == 201


def states_of(agent: AgentProcess) -> list[str]:
    """The states that the till came to, without what a busy machine makes of the moments."""
    entered = [step["states"][-1] for step in agent.history() if any_moved(step)]
    return [state for state in entered if state in ("online", "offline-cooldown")]


def any_moved(step: dict[str, Any]) -> bool:
    """Whether a step left a state."""
    return any(not taken["stays"] for taken in step["taken"])


def test_metrics_in_trouble_change_no_outage(tmp_path: Path, lab: LabThread) -> None:
    """All agents lose the server, cool down and come back; each of their tickets is at the server
    once; what failed is counted."""
    kinds = {
        "01": "plain",
        "02": "off",
        "03": "metrics.exporter:Exporter",
        "04": "metrics.listening:Guarded",
    }
    server = server_lines(lab, "soap", "500ms")
    agents = {till: Till(tmp_path / till, server, till, kind) for till, kind in kinds.items()}
    try:
        for agent in agents.values():
            agent.start(ready=False)
        for agent in agents.values():
            wait_until(agent.ready, "the agent is ready")
        with besieged(agents["01"]) as statuses:
            for agent in agents.values():
                agent.wait_for_state("online", "syncing")
                sell(agent, 1)
            lab.turn("down")
            for agent in agents.values():
                agent.wait_for_state("offline-cooldown")
                sell(agent, 1 + TICKETS // 2)
            lab.clear()
            for agent in agents.values():
                agent.wait_until_drained()
                agent.wait_for_state("online")
        assert statuses.count(200) > 0
        assert agents["01"].failures() == 0
        assert agents["02"].ask("GET", "/metrics")[0] == 404
        assert agents["03"].failures() > 10
        assert agents["04"].errors().count('"watch.failed"') > 0
        for till, agent in agents.items():
            lived = states_of(agent)
            assert "offline-cooldown" in lived, till
            assert lived[-1] == "online", till
            agent.stop()
            assert books_faults(agent, {till: TICKETS}) == []
            stored = lab.lab.tickets(till)
            assert [ticket.number for ticket in stored] == list(range(1, TICKETS + 1))
            assert all(each.payload == payload_of(till, each.number) for each in stored)
        assert lab.lab.twice() == {}
    finally:
        for agent in agents.values():
            agent.end()
