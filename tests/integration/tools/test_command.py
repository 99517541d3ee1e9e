"""``tillwire`` as a process of its own: exit codes, streams, and what it loads."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine.shipped import shipped_machine

LIMIT = 30.0
"""Seconds after which a process that hangs fails its test."""


def _tillwire(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", *map(str, arguments)],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=LIMIT,
        env={**os.environ, **environment},
    )


def test_check_of_the_shipped_machine_is_good() -> None:
    """The exit code of the process is 0, and standard error stays empty."""
    result = _tillwire("check", shipped_machine())
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.parametrize(("option", "needed"), [("--no-explore", ""), ("", "statemachine asyncio")])
def test_check_loads_nothing_heavy(option: str, needed: str) -> None:
    """Neither rich nor requests nor the web framework is imported, and the library of the state
    machine only to play the machine."""
    code = (
        "import sys\nfrom engine.cli import main\n"
        f"try:\n    main(['check', *{option.split()!r}, sys.argv[1]])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "heavy = {'rich', 'requests', 'statemachine', 'fastapi', 'uvicorn', 'urllib3', 'pyodbc',"
        " 'asyncio', 'prometheus_client'}\n"
        f"sys.exit(', '.join(sorted(heavy & set(sys.modules) - set({needed.split()!r}))) or None)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(shipped_machine())],
        check=False,
        capture_output=True,
        timeout=LIMIT,
    )
    assert (result.returncode, result.stderr) == (0, b"")


def test_a_bad_file_is_1(tmp_path: Path) -> None:
    """The report goes to standard output."""
    path = tmp_path / "till.yaml"
    path.write_text("shop: 0042\n", encoding="utf-8")
    result = _tillwire("check", path)
    assert (result.returncode, result.stderr) == (1, b"")
    assert b"till.yaml:1:7: error: An id is a text" in result.stdout


def test_wrong_usage_is_2() -> None:
    """A sentence on standard error."""
    result = _tillwire("check", "--fast")
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"No such option: --fast" in result.stderr


def test_an_agent_that_is_not_there_is_2() -> None:
    """A port that nobody listens on: one sentence."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        result = _tillwire("status", "--url", url)
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().splitlines() == [
        f"No agent answers at {url}/v1/tills. Start it with: tillwire run -c till.yaml"
    ]


@pytest.mark.parametrize("arguments", [("--help",), ("init", "--help"), ("check", "--help")])
def test_help_can_be_printed_on_any_console(arguments: tuple[str, ...]) -> None:
    """The code page of a Western Windows console, and plain ASCII."""
    for encoding in ("cp1252", "ascii"):
        result = _tillwire(*arguments, PYTHONIOENCODING=encoding)
        assert (result.returncode, result.stderr) == (0, b"")


def test_values_can_be_shown_on_any_console(tmp_path: Path) -> None:
    """Letters that the console does not have become question marks."""
    path = tmp_path / "till.yaml"
    path.write_text(
        "shop: '1'\ntill: '1'\nserver: {protocol: soap, url: 'http://server.example'}\n"
        "database: {path: 'données-№1.db'}\n",
        encoding="utf-8",
    )
    result = _tillwire("config", "show", "-c", path, PYTHONIOENCODING="cp1252")
    assert (result.returncode, result.stderr) == (0, b"")
    assert "données-?1.db".encode("cp1252") in result.stdout


def test_init_without_a_terminal_writes_nothing(tmp_path: Path) -> None:
    """An input that is empty ends the questions."""
    result = _tillwire("init", tmp_path / "till.yaml")
    assert result.returncode == 1
    assert b"nothing was written" in result.stderr
    assert list(tmp_path.iterdir()) == []
