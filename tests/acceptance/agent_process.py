"""A real agent in a process of its own: its files, its port, its life and its end."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from engine.lab import LabThread
from engine.shipped import shipped_machine
from engine.store import Store
from tests.windows import console

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0 if sys.platform != "win32" else 120.0
"""Seconds that a condition may take on a machine that others use too; under wine a process takes
ten times as long to begin."""

LOOK = 0.02
"""Seconds between two looks at a condition that nobody tells us of."""

QUICK = {
    "ticket_sync_interval": "200ms",
    "webservice_timeout": "600ms",
    "ping_timeout": "500ms",
    "message_retry_wait": "150ms",
    "message_retry_wait_max": "400ms",
    "ping_interval": "200ms",
    "degraded_ping_interval": "100ms",
    "degraded_sync_interval": "150ms",
    "slow_ping": "400ms",
    "ticket_batch": "20",
}
"""Parameters with which an outage takes a fraction of a second."""

MINIMUM = re.compile(r"(?m)^(    min: )(1s|500ms)$")


class TooLateError(AssertionError):
    """A condition did not come to hold; says which, and what was there instead."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Look until ``condition`` holds; TooLateError after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TooLateError(f"not within {seconds:g} s: {what}")
        time.sleep(LOOK)


def free_port() -> int:
    """A port below those that the system gives to clients, so that none takes it meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def quick_machine() -> str:
    """The shipped connection machine, with minima that let an outage be short."""
    text, count = MINIMUM.subn(r"\g<1>10ms", shipped_machine().read_text(encoding="utf-8"))
    assert count > 5, "the shipped machine's minima are written in another way than they were"
    return text


def server_lines(lab: LabThread, protocol: str, settle: str) -> list[str]:
    """The ``server:`` mapping of a till.yaml for a lab, with what the lab can do."""
    lines = ["server:", f"  protocol: {protocol}", f"  settle: {settle}"]
    if protocol == "rest":
        lines += [
            f"  url: {lab.url_rest}",
            f"  auth: {{url: '{lab.url_auth}', body: {{login: till, password: '${{env:LAB}}'}}}}",
        ]
    else:
        lines += [f"  url: {lab.url_soap}", "  compression: gzip"]
    if not lab.lab.tells_ticket_status:
        lines.append("  actions: {ticket_status: }")
    elif not lab.lab.deduplicates:
        lines.append("  deduplicates: false")
    return lines


class AgentProcess:
    """An agent that looks after ``tills`` in ``folder``; it can be killed and started again.

    ``parameters`` are those of till.yaml, as they are written there. ``quick`` takes the machine
    with low minima, else the agent runs the shipped one. All that the agent ever wrote is in
    ``errors()``.
    """

    def __init__(
        self,
        folder: Path,
        server: list[str],
        *,
        tills: tuple[str, ...] = ("01",),
        parameters: Mapping[str, str] = QUICK,
        quick: bool = True,
    ) -> None:
        self.folder = folder
        self.tills = tills
        self.port = free_port()
        self.token = secrets.token_hex(16)
        self.process: subprocess.Popen[bytes] | None = None
        self.database = folder / "tillwire.db"
        self.settings = folder / "till.yaml"
        self.starts = 0
        self._log = folder / "errors.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._log.touch()
        machine = folder / "connection.yaml"
        if quick:
            machine.write_text(quick_machine(), encoding="utf-8")
        lines = ["shop: '0042'", "tills: [" + ", ".join(f"'{till}'" for till in tills) + "]"]
        if quick:
            lines.append("machine: connection.yaml")
        lines += ["parameters:", *(f"  {name}: {value}" for name, value in parameters.items())]
        lines += [*server, f"api: {{port: {self.port}, token: '${{env:TOKEN}}'}}"]
        self.settings.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def command(self) -> list[str]:
        """How the agent is started."""
        return [sys.executable, "-W", "error", "-m", "engine.cli", "run", "-c", "till.yaml"]

    def environment(self) -> dict[str, str]:
        """With the secrets that till.yaml names."""
        return {**os.environ, "PYTHONPATH": str(ROOT), "TOKEN": self.token, "LAB": "secret"}

    def start(self, *, ready: bool = True) -> None:
        """Start the agent; with ``ready``, wait until it says that it is."""
        assert self.process is None, "the agent runs already"
        with self._log.open("ab") as errors:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )
        self.starts += 1
        if ready:
            wait_until(self.ready, "the agent is ready")

    def ready(self) -> bool:
        """Whether the agent answers and says that it is ready. Fails when it has ended."""
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"the agent ended with {code}: {self.errors()[-2000:]}"
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except (OSError, HTTPException):
            return False

    def kill(self) -> None:
        """SIGKILL, or what Windows has for it. Fails when the agent ended by itself before."""
        assert self.process is not None
        self.process.kill()
        code = self.process.wait(PATIENCE)
        self.process = None
        if sys.platform != "win32":
            assert code == -signal.SIGKILL, f"ended by itself with {code}: {self.errors()[-2000:]}"

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Ask for a clean stop; gives the exit code and how many seconds it took.

        Windows knows no signal that another process could catch: there it is a Ctrl-Break.
        """
        assert self.process is not None
        began = time.monotonic()
        if sys.platform == "win32":
            console.raise_event(self.process, console.CTRL_BREAK)
        else:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code, time.monotonic() - began

    def end(self) -> None:
        """End it whatever it is doing, if it still runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None

    def errors(self) -> str:
        """Everything that the agent printed, over all its starts."""
        return self._log.read_text(encoding="utf-8")

    def log_lines(self) -> list[dict[str, Any]]:
        """The log as data; a line that a kill cut off is left out."""
        lines = []
        for line in self.errors().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
        return lines

    def ask(
        self, method: str, path: str, body: bytes | None = None, seconds: float = PATIENCE
    ) -> tuple[int, bytes]:
        """One call of the API: status and body. OSError or HTTPException when nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(
                method, path, body, {"Authorization": f"Bearer {self.token}"} if body else {}
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def till(self, till: str = "") -> dict[str, Any]:
        """GET /v1/tills/{till}."""
        status, body = self.ask("GET", f"/v1/tills/{till or self.tills[0]}")
        assert status == 200, body
        view: dict[str, Any] = json.loads(body)
        return view

    def state(self, till: str = "") -> str:
        """The state that the till is in."""
        return str(self.till(till)["state"])

    def history(self, till: str = "", limit: int = 1000) -> list[dict[str, Any]]:
        """The steps of the past, oldest first."""
        status, body = self.ask("GET", f"/v1/tills/{till or self.tills[0]}/history?limit={limit}")
        assert status == 200, body
        steps: list[dict[str, Any]] = json.loads(body)["steps"]
        return steps[::-1]

    def post_event(self, event: str, till: str = "", **data: object) -> dict[str, Any]:
        """Tell the till's machine something."""
        body = json.dumps({"event": event, "data": data}).encode()
        status, answer = self.ask("POST", f"/v1/tills/{till or self.tills[0]}/events", body)
        assert status == 200, answer
        step: dict[str, Any] = json.loads(answer)
        return step

    def post_ticket(self, number: int, payload: bytes, till: str = "") -> tuple[int, bytes]:
        """Hand a ticket over, once."""
        path = f"/v1/tills/{till or self.tills[0]}/tickets?number={number}"
        return self.ask("POST", path, payload)

    def wait_for_state(self, *states: str, till: str = "", seconds: float = PATIENCE) -> None:
        """Until the till is in one of these states."""
        wait_until(
            lambda: self.state(till) in states, f"the till is {' or '.join(states)}", seconds
        )

    def wait_until_drained(self, seconds: float = PATIENCE) -> None:
        """Until nothing waits, at any till."""

        def drained() -> bool:
            return all(self.till(till)["tickets"]["pending"] == 0 for till in self.tills)

        wait_until(drained, "every ticket is sent", seconds)


def books_faults(agent: AgentProcess, sent: Mapping[str, int]) -> list[str]:
    """What is wrong with a stopped agent's database: a broken journal, tickets that wait or were
    refused, another count of sent ones than ``sent`` has by till."""
    faults = []
    with Store.open(agent.database, create=False) as store:
        report = store.journal.verify()
        if report.broken_at is not None:
            faults.append(f"the journal is broken at {report.broken_at}: {report.why}")
        for till in agent.tills:
            backlog = store.tickets.backlog(till)
            found = (backlog.pending, backlog.refused, backlog.sent)
            if found != (0, 0, sent[till]):
                faults.append(f"till {till}: (pending, refused, sent) is {found}, not {sent[till]}")
    return faults


def log_faults(agent: AgentProcess) -> list[str]:
    """Lines that no agent may ever write: tracebacks, warnings of the interpreter, errors."""
    bad = ("traceback", "Traceback", "Warning:", '"level": "error"', '"level": "critical"')
    return [line for line in agent.errors().splitlines() if any(word in line for word in bad)]


class Outcome(threading.Thread):
    """A thread whose exception is not lost: ``finish`` raises it."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self.error: BaseException | None = None

    def run(self) -> None:
        """In the thread."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - raised again by finish
            self.error = error

    def finish(self, seconds: float) -> None:
        """Wait for the end; raises what the work raised, or TooLateError."""
        self.join(seconds)
        if self.error is not None:
            raise self.error
        if self.is_alive():
            raise TooLateError(f"{self.name} did not end within {seconds:g} s")
