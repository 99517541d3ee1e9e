"""Ends and beginnings: kills, clean stops, full disks, and what an agent refuses to start on."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from engine.lab import LabThread
from tests.acceptance.agent_process import (
    PATIENCE,
    QUICK,
    AgentProcess,
    books_faults,
    server_lines,
    wait_until,
)

Make = Callable[..., AgentProcess]


def next_try(agent: AgentProcess) -> float:
    """When the till tries again, in epoch seconds."""
    return datetime.fromisoformat(agent.till()["next_try"]).timestamp()


def test_a_till_killed_in_cooldown_waits_for_the_rest_of_its_time(
    make_agent: Make, lab: LabThread
) -> None:
    """It comes back in cooldown, its probe is due when it was, and nothing is asked before."""
    slow = {**QUICK, "message_retry_wait": "8s", "message_retry_wait_max": "8s"}
    agent = make_agent(parameters=slow)
    agent.start()
    agent.wait_for_state("online")
    lab.turn("http_500")
    agent.wait_for_state("offline-cooldown")
    assert "offline-cooldown" in agent.history()[-1]["states"]  # and so it is on the disk
    due = next_try(agent)
    agent.kill()
    lab.clear()
    pings = lab.lab.calls["PING"]
    agent.start()
    assert agent.state() == "offline-cooldown"
    assert abs(next_try(agent) - due) < 0.5
    assert lab.lab.calls["PING"] == pings
    assert lab.wait(lambda lab: lab.calls["PING"] > pings, PATIENCE)
    assert -0.5 < time.time() - due < 5.0
    agent.wait_for_state("online")


def test_a_till_killed_while_it_sends_sends_on(make_agent: Make, lab: LabThread) -> None:
    """Nothing but the state that it was in would send: no interval is short, no ticket closes."""
    never = {"ticket_sync_interval": "1d", "degraded_sync_interval": "1d"}
    agent = make_agent(parameters={**QUICK, **never, "webservice_timeout": "10min"})
    agent.start()
    agent.wait_for_state("online")
    lab.turn("hang", action="TICKETS")
    calls = lab.lab.calls["TICKETS"]
    assert agent.post_ticket(1, b"a ticket")[0] == 201
    assert lab.wait(lambda lab: lab.calls["TICKETS"] > calls, PATIENCE)
    assert "syncing" in agent.history()[-1]["states"]
    agent.kill()
    lab.clear()
    agent.start()
    agent.wait_until_drained()
    assert [row.payload for row in lab.lab.tickets()] == [b"a ticket"]
    agent.wait_for_state("online")


def test_a_ticket_that_was_taken_is_known_again_after_a_kill(
    make_agent: Make, lab: LabThread
) -> None:
    """201 at first, 200 for the same bytes, 409 for others, before a kill and after it."""
    agent = make_agent()
    agent.start()
    answers = [agent.post_ticket(7, content)[0] for content in (b"one", b"one", b"other")]
    agent.kill()
    agent.start()
    answers += [agent.post_ticket(7, content)[0] for content in (b"one", b"other")]
    assert answers == [201, 200, 409, 200, 409]
    agent.wait_until_drained()
    assert [row.payload for row in lab.lab.tickets()] == [b"one"]


def idle(agent: AgentProcess, _lab: LabThread) -> None:
    """Nothing is going on."""
    agent.wait_for_state("online")


def sending(agent: AgentProcess, lab: LabThread) -> None:
    """A call hangs that sends a ticket."""
    agent.wait_for_state("online")
    lab.turn("hang", action="TICKETS")
    calls = lab.lab.calls["TICKETS"]
    assert agent.post_ticket(1, b"a ticket")[0] == 201
    assert lab.wait(lambda lab: lab.calls["TICKETS"] > calls, PATIENCE)


def offline(agent: AgentProcess, lab: LabThread) -> None:
    """The server is not there, and a ticket waits."""
    lab.turn("down")
    agent.wait_for_state("offline-cooldown")
    assert agent.post_ticket(1, b"a ticket")[0] == 201


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("situation", [idle, sending, offline])
def test_an_agent_that_is_asked_to_stop_does_so_in_2_s_and_loses_nothing(
    make_agent: Make,
    lab: LabThread,
    situation: Callable[[AgentProcess, LabThread], None],
    number: signal.Signals,
) -> None:
    """Exit code 0, also while a call hangs; the next start delivers what waited."""
    patient = {**QUICK, "webservice_timeout": "1min"}
    agent = make_agent(parameters=patient if situation is sending else QUICK)
    agent.start()
    situation(agent, lab)
    code, took = agent.stop(number)
    print(f"stopped in {took:.2f} s")
    assert code == 0
    assert took < 2.0
    assert agent.log_lines()[-1]["event"] == "agent.stopped"
    lab.clear()
    agent.start()
    agent.wait_until_drained()
    waited = 0 if situation is idle else 1
    assert len(lab.lab.tickets()) == waited
    assert agent.stop()[0] == 0
    assert books_faults(agent, {"01": waited}) == []


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's alone")
def test_a_full_disk_refuses_tickets_with_a_sentence_and_takes_them_once_there_is_room(
    make_agent: Make, lab: LabThread
) -> None:
    """A limit on the size of its files stands in for the disk; what was taken stays taken."""
    import resource

    agent = make_agent()
    agent.start()
    agent.wait_for_state("online")
    assert agent.process is not None
    pid = agent.process.pid
    _soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (400_000, hard))
    taken = 0
    while True:
        status, body = agent.post_ticket(taken + 1, bytes([taken % 251]) * 3000)
        if status != 201:
            break
        taken += 1
        assert taken < 1000, "the disk never got full"
    assert (status, taken > 0) == (503, True)
    assert b"no room left" in body
    assert agent.ask("GET", "/healthz")[0] == 200
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    wait_until(lambda: agent.post_ticket(taken + 1, b"there is room")[0] == 201, "room is found")
    agent.wait_until_drained()
    assert len(lab.lab.tickets()) == taken + 1
    assert agent.stop()[0] == 0
    assert books_faults(agent, {"01": taken + 1}) == []


def refusal(agent: AgentProcess) -> str:
    """Start an agent that cannot run; gives what it says, which is no traceback."""
    result = subprocess.run(
        agent.command(),
        cwd=agent.folder,
        env=agent.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 1, result
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert "Warning" not in result.stderr
    return result.stderr


def said(errors: str) -> str:
    """The line for a person among the log's."""
    return next(line for line in errors.splitlines() if not line.startswith("{"))


def test_a_second_agent_on_one_database_is_refused(make_agent: Make) -> None:
    """The sentence names the process that has it; that one goes on undisturbed."""
    first, second = make_agent("first"), make_agent("second")
    second.settings.write_text(
        second.settings.read_text(encoding="utf-8")
        + f"database: {{path: {first.database.as_posix()}}}\n",
        encoding="utf-8",
    )
    first.start()
    assert first.process is not None
    sentence = said(refusal(second))
    assert sentence.startswith("tillwire cannot run: ")
    assert f"in use by another tillwire (process {first.process.pid})" in sentence
    assert first.post_ticket(1, b"undisturbed")[0] == 201
    first.wait_until_drained()


def test_a_port_that_is_taken_is_a_sentence(make_agent: Make) -> None:
    """And the database is let go: the agent that has the port can be ended and this one begin."""
    first, second = make_agent("first"), make_agent("second")
    second.settings.write_text(
        second.settings.read_text(encoding="utf-8").replace(str(second.port), str(first.port)),
        encoding="utf-8",
    )
    first.start()
    sentence = said(refusal(second))
    assert sentence.startswith("tillwire cannot run: ")
    assert str(first.port) in sentence
    assert first.stop()[0] == 0
    second.port = first.port
    second.start()
    assert second.stop()[0] == 0


BAD = {
    "an unknown key": ("api: {prt: 1}", "Did you mean"),
    "a wrong type": ("workers: many", "workers"),
    "a duration without a unit": ("parameters: {ping_interval: 30}", "ping_interval"),
    "a value below the minimum": ("parameters: {ping_interval: 1ms}", "ping_interval"),
    "a secret in plain": ("api: {token: swordfish}", "${env:NAME}"),
    "a machine that is not there": ("machine: nowhere.yaml", "nowhere.yaml"),
    "a variable that is not set": ("api: {token: '${env:NOT_SET}'}", "NOT_SET"),
    "no YAML at all": ("a: b: c", "till.yaml"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_till_yaml_is_told_with_its_place(
    tmp_path: Path, lab: LabThread, make_agent: Make, case: str
) -> None:
    """File, line and what to do about it; nothing is made, no secret shown."""
    line, hint = BAD[case]
    agent = make_agent()
    lines = ["shop: '0042'", "till: '01'", *server_lines(lab, "soap", "1s"), line]
    agent.settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    errors = refusal(agent)
    assert f"till.yaml:{len(lines)}:" in errors
    assert hint in errors
    assert "swordfish" not in errors
    assert not agent.database.exists()


def test_a_till_yaml_that_is_not_there_is_a_sentence(make_agent: Make) -> None:
    """As when the command is given in the wrong folder."""
    agent = make_agent()
    agent.settings.unlink()
    assert "till.yaml" in refusal(agent)
