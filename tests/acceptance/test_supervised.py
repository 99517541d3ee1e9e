"""A real agent under a supervisor that speaks systemd's side of the protocol of sd_notify(3)."""

import contextlib
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from engine.lab import LabThread
from tests.acceptance.agent_process import PATIENCE, AgentProcess, wait_until

if sys.platform == "win32":
    pytest.skip("systemd is Linux's alone", allow_module_level=True)

WATCHDOG = 1.2
"""Seconds without a word after which the supervisor acts."""

HANGS_ON_SIGUSR1 = (
    "import signal, time\n"
    "signal.signal(signal.SIGUSR1, lambda *_: time.sleep(3600))\n"
    "from engine.cli import main\n"
    "main(['run', '-c', 'till.yaml'])\n"
)
"""An agent whose loop can be held up, as by a call that does not come back."""


class Watched(AgentProcess):
    """An agent with a NOTIFY_SOCKET."""

    notify = ""

    def command(self) -> list[str]:
        """With a signal that has the loop hang."""
        return [sys.executable, "-W", "error", "-c", HANGS_ON_SIGUSR1]

    def environment(self) -> dict[str, str]:
        """As systemd sets it."""
        watch = {"NOTIFY_SOCKET": self.notify, "WATCHDOG_USEC": str(int(WATCHDOG * 1e6))}
        return {**super().environment(), **watch}


class Systemd:
    """As much of systemd as a Type=notify service with WatchdogSec and Restart meets."""

    def __init__(self, agent: Watched) -> None:
        self.agent = agent
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        agent.notify = str(agent.folder / "notify")
        self._socket.bind(agent.notify)

    def hear(self, seconds: float = PATIENCE) -> list[str]:
        """The words of the next message. TimeoutError when none comes."""
        self._socket.settimeout(seconds)
        words = self._socket.recv(65536).decode().split("\n")
        self.heard += words
        return words

    def start(self) -> None:
        """Start the agent; it counts as started with READY, as for systemd."""
        self.agent.start(ready=False)
        wait_until(self._ready, "READY=1")

    def _ready(self) -> bool:
        process = self.agent.process
        assert process is not None
        assert process.poll() is None, self.agent.errors()
        with contextlib.suppress(TimeoutError):
            return "READY=1" in self.hear(0.5)
        return False

    def watch(self, seconds: float) -> list[str]:
        """All words of some time."""
        words, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            words += self.hear()
        return words

    def wait_for_hunger(self) -> None:
        """Until nothing is heard for as long as the watchdog allows."""
        end = time.monotonic() + PATIENCE
        with contextlib.suppress(TimeoutError):
            while time.monotonic() < end:
                self.hear(WATCHDOG)
            raise AssertionError("it is fed on and on")

    def abort(self) -> int:
        """What the watchdog does: SIGABRT, SIGCONT. Gives how the process ended."""
        process = self.agent.process
        assert process is not None
        process.send_signal(signal.SIGABRT)
        process.send_signal(signal.SIGCONT)
        code = process.wait(PATIENCE)
        self.agent.process = None
        return code

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


@pytest.fixture
def systemd(make_agent: Callable[..., AgentProcess]) -> Iterator[Systemd]:
    """The supervisor of an agent that does not run yet."""
    made = make_agent()
    made.__class__ = Watched
    assert isinstance(made, Watched)
    supervisor = Systemd(made)
    yield supervisor
    supervisor.close()


def test_systemd_hears_ready_when_it_is_food_while_it_idles_and_how_it_stops(
    systemd: Systemd, lab: LabThread
) -> None:
    """READY is no promise: at that moment /readyz says so too. A reload and the end are told."""
    systemd.start()
    agent = systemd.agent
    assert agent.ask("GET", "/readyz")[0] == 200
    agent.wait_for_state("online")
    words = systemd.watch(2 * WATCHDOG)
    assert words.count("WATCHDOG=1") >= 4
    assert "STATUS=Till 01: online." in systemd.heard
    assert "READY=1" not in words
    assert agent.ask("POST", "/-/reload", b"{}")[0] == 200
    words = systemd.watch(WATCHDOG / 2)
    reloading = words.index("RELOADING=1")
    assert words[reloading + 1].startswith("MONOTONIC_USEC=")
    assert "READY=1" in words[reloading:]
    code, took = agent.stop()
    assert (code, took < 5.0) == (0, True)
    words = []
    while "STOPPING=1" not in words:
        words += systemd.hear()
    assert words[-1] == "STATUS=Stopping (SIGTERM)."


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGUSR1], ids=["stopped", "loop-hangs"])
def test_a_watchdog_that_starves_ends_in_a_new_start_with_all_tickets(
    systemd: Systemd, lab: LabThread, how: signal.Signals
) -> None:
    """Whether the process was stopped or its loop alone hangs while its threads live on; what
    it did then is in what it wrote."""
    systemd.start()
    agent = systemd.agent
    agent.wait_for_state("online")
    lab.turn("down")
    agent.wait_for_state("offline-cooldown")
    tickets = [b"one", b"two", b"three"]
    for number, payload in enumerate(tickets, 1):
        assert agent.post_ticket(number, payload)[0] == 201
    assert agent.process is not None
    agent.process.send_signal(how)
    systemd.wait_for_hunger()
    assert systemd.abort() == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in agent.errors()
    if how == signal.SIGUSR1:
        assert 'File "<string>", line 2 in <lambda>' in agent.errors()
    lab.clear()
    systemd.start()
    agent.post_event("sync.now")
    agent.wait_until_drained()
    assert [row.payload for row in lab.lab.tickets()] == tickets
    assert agent.stop()[0] == 0
