"""The words that systemd is told, over a real socket; the loop's time is the test's."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from engine.agent.clock import VirtualClock
from engine.agent.supervisor import Nobody, Standing, supervisor

if sys.platform == "win32":
    pytest.skip("systemd is Linux's alone", allow_module_level=True)

from engine.agent import systemd
from engine.agent.systemd import Systemd, watchdog


class Later:
    """What was asked of the loop for later."""

    def __init__(self) -> None:
        self.after: float | None = None
        self._work: Callable[[], None] | None = None

    def call_later(self, seconds: float, work: Callable[[], None]) -> "Later":
        """As the loop's."""
        self.after, self._work = seconds, work
        return self

    def cancel(self) -> None:
        """As a handle's."""
        self.after = self._work = None

    def beat(self) -> None:
        """Let that time pass."""
        assert self._work is not None
        work, self._work = self._work, None
        work()


class Listener:
    """systemd's end of the socket."""

    def __init__(self, name: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self._socket.setblocking(False)

    def heard(self) -> list[list[str]]:
        """The words of each message since the last time."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(65536).decode().split("\n"))
            except BlockingIOError:
                return messages

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


@pytest.fixture
def name(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def listener(name: str) -> Iterator[Listener]:
    found = Listener(name)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _no_dumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest has its own use for it."""
    monkeypatch.setattr("faulthandler.enable", lambda **_: None)


def service(name: str, within: float | None = 30.0) -> tuple[Systemd, Later]:
    later = Later()
    loop = cast("asyncio.AbstractEventLoop", later)
    return Systemd(loop, VirtualClock(12.5), name, within), later


def test_ready_comes_when_the_agent_is_ready_and_then_the_watchdog_is_fed(
    name: str, listener: Listener
) -> None:
    """Until then it asks for patience, four times a second; afterwards it is fed in good time."""
    service_, later = service(name)
    now = Standing(False, "Till 01: online.\nThe database has not answered for 11 s.")
    service_.begin()
    later.beat()
    service_.serve(lambda: now)
    patience = "EXTEND_TIMEOUT_USEC=30000000"
    one_line = "STATUS=Till 01: online. The database has not answered for 11 s."
    assert listener.heard() == [[patience, "STATUS=Starting."], [patience], [patience, one_line]]
    assert later.after == 0.25
    now = Standing(True, "Till 01: online.")
    later.beat()
    assert listener.heard() == [["WATCHDOG=1", "READY=1", "STATUS=Till 01: online."]]
    assert later.after == 5.0
    later.beat()
    now = Standing(False, "Till 01: online.")  # the loop lives: that is all that is watched
    later.beat()
    assert listener.heard() == [["WATCHDOG=1"], ["WATCHDOG=1"]]
    service_.close()


def test_a_reload_is_told_with_the_time_that_systemd_253_wants(
    name: str, listener: Listener
) -> None:
    """Not while it starts or stops: READY would say too much then."""
    service_, later = service(name)
    service_.begin()
    service_.reread(True)
    service_.reread(False)
    service_.serve(lambda: Standing(True, "Till 01: online."))
    listener.heard()
    service_.reread(True)
    service_.reread(False)
    service_.stop("SIGTERM")
    assert later.after is None
    service_.reread(True)
    service_.reread(False)
    assert listener.heard() == [
        ["RELOADING=1", "MONOTONIC_USEC=12500000"],
        ["READY=1"],
        ["STOPPING=1", "WATCHDOG=1", "STATUS=Stopping (SIGTERM)."],
    ]
    service_.close()


def test_a_name_that_is_no_files_is_spoken_to_as_well() -> None:
    """Containers use those: they begin with @."""
    name = f"@tillwire-test-{os.getpid()}"
    listener = Listener(name)
    service_, _ = service(name)
    service_.begin()
    assert listener.heard() == [["EXTEND_TIMEOUT_USEC=30000000", "STATUS=Starting."]]
    service_.close()
    listener.close()


def test_a_short_watchdog_is_fed_three_times_within_its_time(name: str, listener: Listener) -> None:
    """One late feed is no hang."""
    service_, later = service(name, 0.9)
    service_.serve(lambda: Standing(True, "x" * 400))
    assert later.after == pytest.approx(0.3)
    (words,) = listener.heard()
    assert words[-1] == "STATUS=" + "x" * 299 + "…"
    service_.close()


def test_a_systemd_that_does_not_listen_is_said_once_and_stops_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one that has too much to read already."""
    said: list[Any] = []
    monkeypatch.setattr(systemd, "write", lambda *told, **fields: said.append((told[1], fields)))
    service_, later = service(name)
    service_.begin()
    later.beat()
    why = "systemd cannot be told how the agent does: No such file or directory"
    assert said == [("systemd.deaf", {"message": why})]
    full = Listener(name)
    for _ in range(2000):
        later.beat()
    assert len(said) == 1
    assert 0 < len(full.heard()) < 2000
    full.close()
    service_.close()


def test_what_names_a_supervisor_is_not_handed_on_to_other_processes(
    name: str, listener: Listener
) -> None:
    """A process that the agent starts must not speak for it."""
    loop = cast("asyncio.AbstractEventLoop", Later())
    mine = {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    environment = {"NOTIFY_SOCKET": name, **mine, "PATH": "/bin"}
    service_ = supervisor(loop, VirtualClock(), environment)
    assert isinstance(service_, Systemd)
    assert environment == {"PATH": "/bin"}
    service_.close()
    assert isinstance(supervisor(loop, VirtualClock(), environment), Nobody)


@pytest.mark.parametrize(
    ("environment", "within"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "1500000"}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_where_it_watches_this_process(
    environment: dict[str, str], within: float | None
) -> None:
    """WATCHDOG_PID may name another one."""
    assert watchdog(environment) == within
