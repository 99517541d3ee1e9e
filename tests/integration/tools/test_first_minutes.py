"""What a newcomer does first: a lab, a new till.yaml, an agent, a look at it."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LIMIT = 20.0
"""Seconds for anything that is waited for."""
COMMAND = [sys.executable, "-m", "engine.cli"]


@contextmanager
def _started(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A verb that runs until it is stopped; it does not outlive its test."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT)


def _call(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([*COMMAND, *arguments], check=False, capture_output=True, timeout=LIMIT)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _status(path: Path, wanted: int) -> "subprocess.CompletedProcess[bytes]":
    """Ask until the exit code is the wanted one or time is up."""
    end = time.monotonic() + LIMIT
    while True:
        result = _call("status", "-c", str(path))
        if result.returncode == wanted or time.monotonic() > end:
            return result


@pytest.fixture
def till_yaml(tmp_path: Path) -> Path:
    """The file that init writes by itself, with a port of its own."""
    path = tmp_path / "till.yaml"
    assert _call("init", "--defaults", str(path)).returncode == 0
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("port: 8344", f"port: {_free_port()}"), encoding="utf-8")
    return path


def test_a_new_till_comes_online_and_says_so(till_yaml: Path) -> None:
    """init, lab, run and status fit together with nothing but the lab's port changed."""
    with _started("lab", "--port", "0", "--control-port", "0") as lab:
        assert lab.stdout is not None
        found = re.search(rb"http://127\.0\.0\.1:\d+", lab.stdout.readline())
        assert found
        text = till_yaml.read_text(encoding="utf-8")
        text = text.replace("http://127.0.0.1:8080", found[0].decode())
        till_yaml.write_text(text, encoding="utf-8")
        with _started("run", "-c", str(till_yaml)) as agent:
            result = _status(till_yaml, 0)
            assert result.returncode == 0, result.stderr
            header, row = result.stdout.decode().splitlines()
            assert header.split()[:3] == ["till", "state", "since"]
            assert row.startswith("01 ")
            assert "(online)" in row or "(syncing)" in row
            if sys.platform != "win32":
                agent.send_signal(signal.SIGTERM)
                assert agent.wait(LIMIT) == 0
                assert _status(till_yaml, 2).returncode == 2


def test_a_till_whose_server_is_not_there_is_1(till_yaml: Path) -> None:
    """The agent runs and says that its till is not online."""
    text = till_yaml.read_text(encoding="utf-8")
    text = text.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{_free_port()}")
    till_yaml.write_text(text, encoding="utf-8")
    with _started("run", "-c", str(till_yaml)):
        result = _status(till_yaml, 1)
        assert result.returncode == 1, result.stderr
        assert "online" not in result.stdout.decode()
