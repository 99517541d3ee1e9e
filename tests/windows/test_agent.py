"""A real agent on Windows: killed, its files saved and held by others, asked to stop."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import swapping
from engine.lab import LabThread
from tests.acceptance.agent_process import AgentProcess, books_faults, wait_until
from tests.acceptance.conftest import lab, make_agent, open_lab  # noqa: F401 - fixtures
from tests.faults.delivery import Dose, storm
from tests.windows import console

assert sys.platform == "win32"

import ctypes  # noqa: E402 - a type checker knows the rest on Windows only
from ctypes import wintypes  # noqa: E402

Make = Callable[..., AgentProcess]
KILLS = int(os.environ.get("TILLWIRE_KILLS", "50"))
HELD = 0.7
"""Seconds for which the scanner holds a file: longer than one try, shorter than all of them."""

ENDED_BY_THE_CONSOLE = 0xC000013A
"""The exit code that Windows gives a process whose window was closed."""


def test_a_till_that_is_killed_again_and_again_loses_nothing_and_sends_nothing_twice() -> None:
    """TerminateProcess at random moments, while two till programs sell."""
    told = storm(Dose(kills=KILLS, lost_answers=KILLS // 5, downs=KILLS // 10, faults=0))
    wrong = ("lost", "twice", "different_bytes", "out_of_order", "strangers")
    assert {name: told[name] for name in wrong} == dict.fromkeys(wrong, 0), told
    assert (told["faults"], told["kills"]) == ([], KILLS)
    assert told["at_server"] == told["acknowledged"] > KILLS
    print(json.dumps(told))


@contextmanager
def scanner(path: Path) -> Iterator[None]:
    """Another program that lets nobody open, replace or delete a file while it reads it."""
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel32.CreateFileW.restype = wintypes.HANDLE
    generic_read, nothing_shared, open_existing = 0x80000000, 0, 3
    handle = kernel32.CreateFileW(
        str(path), wintypes.DWORD(generic_read), nothing_shared, None, open_existing, 0, None
    )
    assert handle != wintypes.HANDLE(-1).value, ctypes.WinError(ctypes.get_last_error())
    try:
        with pytest.raises(PermissionError):
            path.read_bytes()
        yield
    finally:
        kernel32.CloseHandle(wintypes.HANDLE(handle))


def config(agent: AgentProcess) -> dict[str, Any]:
    status, body = agent.ask("GET", "/v1/config")
    assert status == 200, body
    told: dict[str, Any] = json.loads(body)
    return told


def test_a_saved_machine_is_live_a_bad_one_refused_and_a_held_one_read_later(
    make_agent: Make,  # noqa: F811
) -> None:
    """Nobody asks for it but the file; a scanner's hold is no reason to refuse what was saved."""
    agent = make_agent()
    agent.start()
    agent.wait_for_state("online")
    machine = agent.folder / "connection.yaml"
    good = machine.read_text(encoding="utf-8")
    machine.write_text(good.replace("en: Online", "en: Connected"), encoding="utf-8")
    wait_until(lambda: agent.till()["label"]["en"] == "Connected", "the saved machine is live")
    live = config(agent)["hash"]
    machine.write_text(good.replace("initial: reachable", "initial: reach"), encoding="utf-8")
    wait_until(lambda: not config(agent)["good"], "the bad machine is refused")
    assert config(agent)["hash"] == live
    assert "Did you mean 'reachable'?" in str(config(agent)["problems"])
    other = machine.with_name("other.yaml")
    other.write_text(good.replace("en: Online", "en: Verbunden"), encoding="utf-8")
    other.replace(machine)
    with scanner(machine):
        time.sleep(HELD)
    wait_until(lambda: agent.till()["label"]["en"] == "Verbunden", "the held file is live")
    assert agent.stop()[0] == 0


def test_a_file_is_replaced_though_a_scanner_holds_it_for_a_moment(tmp_path: Path) -> None:
    """The new text is there once the scanner lets go, and no half-written file beside it."""
    path = tmp_path / "till.yaml"
    path.write_text("old", encoding="utf-8")
    held, done = threading.Event(), threading.Event()

    def scan() -> None:
        with scanner(path):
            held.set()
            done.wait(HELD)

    thread = threading.Thread(target=scan)
    thread.start()
    assert held.wait(10)
    swapping.put(path, b"new", tmp_path)
    thread.join()
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["till.yaml"]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (console.CTRL_C, "SIGINT"),
        (console.CTRL_BREAK, "CTRL_BREAK"),
        (console.CTRL_CLOSE, "CTRL_CLOSE"),
        (console.CTRL_SHUTDOWN, "CTRL_SHUTDOWN"),
    ],
)
def test_an_agent_stops_cleanly_on_an_event_of_its_console(
    make_agent: Make,  # noqa: F811
    lab: LabThread,  # noqa: F811
    event: int,
    reason: str,
) -> None:
    """Also while a call hangs, and within the 5 s that Windows allows when a window is closed;
    the ticket that waited is sent by the next start."""
    agent = make_agent()
    agent.start()
    agent.wait_for_state("online")
    lab.turn("hang", action="TICKETS")
    calls = lab.lab.calls["TICKETS"]
    assert agent.post_ticket(1, b"a ticket")[0] == 201
    assert lab.wait(lambda lab: lab.calls["TICKETS"] > calls, 60)
    assert agent.process is not None
    began = time.monotonic()
    console.raise_event(agent.process, event)
    code = agent.process.wait(60)
    took = time.monotonic() - began
    agent.process = None
    assert code in (0, ENDED_BY_THE_CONSOLE)
    assert took < console.WINDOWS_WAITS
    lines = agent.log_lines()
    assert [line["reason"] for line in lines if line["event"] == "agent.stopping"] == [reason]
    assert lines[-1]["event"] == "agent.stopped"
    lab.clear()
    agent.start()
    agent.wait_until_drained()
    assert agent.stop()[0] == 0
    assert books_faults(agent, {"01": 1}) == []
