"""Agents and labs for a test; each ends with it, and is looked over before it is let go."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.lab import Lab, LabThread
from engine.store import Store
from tests.acceptance.agent_process import AgentProcess, log_faults, server_lines


@pytest.fixture
def open_lab() -> Iterator[Callable[..., LabThread]]:
    """Start a lab; it stops with the test."""
    with ExitStack() as stack:
        yield lambda **given: stack.enter_context(LabThread(Lab(**given)))


@pytest.fixture
def lab(open_lab: Callable[..., LabThread]) -> LabThread:
    """A lab that deduplicates and tells what it has."""
    return open_lab()


@pytest.fixture
def make_agent(tmp_path: Path, lab: LabThread) -> Iterator[Callable[..., AgentProcess]]:
    """Prepare an agent; what it has written down by the end of the test has to hold together."""
    made: list[AgentProcess] = []

    def make(name: str = "agent", protocol: str = "soap", **given: Any) -> AgentProcess:
        lines = given.pop("server", None) or server_lines(lab, protocol, "500ms")
        agent = AgentProcess(tmp_path / name, lines, **given)
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.end()
    for agent in made:
        assert log_faults(agent) == []
        if agent.database.exists():
            with Store.open(agent.database, create=False) as store:
                report = store.journal.verify()
            assert report.broken_at is None, report.why
