"""``tillwire demo`` as a person or a program starts it: lab, agent and till for real."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.lab.thread import LabThread
from engine.store.store import Store
from engine.tools import demo_agent
from engine.tools.demo import start_agent
from engine.tools.demo_agent import AgentProcess, CannotShow
from engine.tools.demo_script import parameters

ROOT = Path(__file__).parents[3]
LIMIT = 60.0
"""Seconds after which a demo that hangs fails its test."""
CLEAN_END = 2.0
"""Seconds within which a demo ends after Ctrl-C."""

Result = subprocess.CompletedProcess[bytes]


def _command(*arguments: str) -> dict[str, Any]:
    return {
        "args": [sys.executable, "-m", "engine.cli", "demo", *arguments],
        "env": {**os.environ, "PYTHONPATH": str(ROOT)},
        "stdin": subprocess.DEVNULL,
    }


def _demo(folder: Path, *arguments: str) -> Result:
    return subprocess.run(
        **_command(*arguments), cwd=folder, check=False, capture_output=True, timeout=LIMIT
    )


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A demo of 15 s with --json, and the folder in which it ran."""
    folder = tmp_path_factory.mktemp("quick")
    return folder, _demo(folder, "--for", "15s", "--json")


def test_json_is_one_object_and_every_ticket_is_at_the_server_once(
    quick: tuple[Path, Result],
) -> None:
    """Nothing else is printed; nothing is lost or stored twice; both times are measured."""
    _, result = quick

    assert (result.returncode, result.stderr) == (0, b"")
    found = json.loads(result.stdout)
    assert list(found) == ["sold", "at_server", "lost", "twice", "notice_s", "drain_s"]
    assert found["sold"] == found["at_server"] > 10
    assert (found["lost"], found["twice"]) == (0, 0)
    assert 0 < found["notice_s"] < 6
    assert 0 < found["drain_s"] < 9


def test_what_it_leaves_can_be_looked_at(quick: tuple[Path, Result]) -> None:
    """till.yaml, the token, the log and a database in which every ticket is marked sent."""
    folder, result = quick
    left = folder / "demo"

    assert {"till.yaml", "till.token", "agent.log"} <= {file.name for file in left.iterdir()}
    with Store.open(left / "tillwire.db", create=False) as store:
        backlog = store.tickets.backlog("01")
    assert (backlog.pending, backlog.sent) == (0, json.loads(result.stdout)["sold"])


def test_a_pipe_gets_plain_lines_and_a_second_demo_starts_afresh(
    quick: tuple[Path, Result],
) -> None:
    """One line for each change, no control characters; what was left is removed and said so."""
    folder, _ = quick
    result = _demo(folder, "--for", "10s")

    assert (result.returncode, result.stderr) == (0, b"")
    text = result.stdout.decode()
    assert "\x1b" not in text
    first, *_ = text.splitlines()
    assert first == "What an earlier demo left in demo was removed."
    for act in ("The server has died", "never answers", "is back", "The shop has closed"):
        assert len(re.findall(f" sold .*{act}", text)) == 1
    assert re.search(r"\w (→|->) offline-cooldown, by \w+\.failed", text)
    assert re.search(
        r"^\d+ tickets sold, \d+ at the server, 0 lost, 0 there twice\.$", text, re.MULTILINE
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal for one process")
@pytest.mark.parametrize("seconds", [1.2, 6.0], ids=["starting", "in the outage"])
def test_ctrl_c_ends_it_within_two_seconds_and_leaves_no_process(
    tmp_path: Path, seconds: float
) -> None:
    """Tickets that wait are in the database and not lost."""
    process = subprocess.Popen(
        **_command("--json"), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        _wait_for(tmp_path / "demo" / "till.yaml")
        time.sleep(seconds)
        agents = psutil.Process(process.pid).children(recursive=True)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
        process.communicate()

    assert time.monotonic() - asked < CLEAN_END
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["lost"] == 0
    assert [agent for agent in agents if agent.is_running()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal for one process")
def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    """Neither a traceback nor a process stays."""
    process = subprocess.Popen(
        **_command(), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        _wait_for(tmp_path / "demo" / "tillwire.db")
        agents = psutil.Process(process.pid).children(recursive=True)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        _, err = process.communicate(timeout=CLEAN_END)
    finally:
        process.kill()
        process.communicate()

    assert process.returncode in (0, 130)
    assert err == b""
    assert agents
    assert [agent for agent in agents if agent.is_running()] == []


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    """As ``tillwire demo | head -1`` does."""
    process = subprocess.Popen(
        **_command("--for", "10s"), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().endswith(b"are in demo\n")
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(LIMIT) == 1
        process.stderr.close()
    finally:
        process.kill()
        process.wait(LIMIT)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("9s", "A demo takes at least 10s, or there is no time for an outage; found 9s."),
        ("soon", "'soon' is not a duration"),
        ("-5s", "'-5s' is negative; a duration is zero or longer."),
    ],
)
def test_a_bad_duration_is_a_sentence_and_2(tmp_path: Path, given: str, sentence: str) -> None:
    """Nothing is started and nothing is written."""
    result = _demo(tmp_path, f"--for={given}")

    assert (result.returncode, result.stdout) == (2, b"")
    # A frame around the message may break it into lines.
    assert sentence in " ".join(result.stderr.decode().split())
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def held_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_a_port_that_somebody_took_is_replaced_by_another(
    tmp_path: Path, held_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent is started again, on a port that is free."""
    ports = [demo_agent.free_port(), held_port]
    monkeypatch.setattr(demo_agent, "free_port", ports.pop)
    agent = AgentProcess(tmp_path)
    with LabThread() as lab:
        try:
            program = start_agent(agent, lab, parameters(60), threading.Event())
            assert program.ready()
            program.close()
        finally:
            agent.stop(LIMIT)

    assert ports == []


def test_an_agent_that_cannot_start_is_a_sentence_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_port: int
) -> None:
    """After some attempts it is given up."""
    monkeypatch.setattr(demo_agent, "free_port", lambda: held_port)
    agent = AgentProcess(tmp_path)
    with LabThread() as lab, pytest.raises(CannotShow) as caught:
        start_agent(agent, lab, parameters(60), threading.Event())

    assert re.match(
        rf"The agent did not start; its last words in .*agent\.log: .*{held_port}",
        str(caught.value),
    )


def _wait_for(path: Path) -> None:
    end = time.monotonic() + LIMIT
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.02)
