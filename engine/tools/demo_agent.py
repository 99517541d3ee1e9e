"""The demo's agent: its folder, its till.yaml, its process, and the till program beside it.

The agent is a real process that is reached by its API only, as a till program reaches it.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests

from engine.tools.init import write_token

SHOP, TILL = "0042", "01"
FOLDER = "demo"
FIRST_LINE = "# The till of `tillwire demo`."
"""By this line a folder is known as that of a demo, and may be emptied by the next one."""

OURS = ("till.yaml", "till.token", "tillwire.db", "agent.log")
"""What lies in the folder afterwards; the database also has files whose names begin like its."""

MOST_FOLDERS = 100
STARTING = 60.0 if os.name == "nt" else 20.0
"""Seconds within which an agent has to serve its API. On Windows a virus scanner looks at each of
some thousand files when they are read for the first time."""

CALL = 1.0
"""Seconds that the agent gets for one answer: it is on this machine and answers at once."""

ATTEMPTS = 3
"""A free port may be taken by somebody else before the agent gets it."""


class CannotShow(Exception):  # noqa: N818 - it is what there is to say
    """The demo cannot go on; the message is a sentence for a person."""


class Place(NamedTuple):
    """The demo's folder, and what there is to say about the choice."""

    folder: Path
    remark: str

    @property
    def name(self) -> str:
        """The folder as a person here would write it."""
        return _name(self.folder)


def find_place(here: Path) -> Place:
    """An empty folder: ``demo`` in ``here``, else one with a number, else a temporary one.

    What an earlier demo left in ``demo`` is removed, unless it runs still; a folder that holds
    anything else is left alone. Raises CannotShow.
    """
    remark = ""
    try:
        for number in range(1, MOST_FOLDERS):
            folder = here / (FOLDER if number == 1 else f"{FOLDER}-{number}")
            if not folder.exists():
                folder.mkdir()
                return Place(folder, remark)
            if _clear(folder):
                gone = f"What an earlier demo left in {_name(folder)} was removed."
                return Place(folder, remark or gone)
            remark = remark or f"{_name(folder)} is in use: this demo has a folder of its own."
    except OSError:
        remark = f"Nothing can be written in {here}: the demo's files are in a temporary folder."
    try:
        return Place(Path(tempfile.mkdtemp(prefix="tillwire-demo-")), remark)
    except OSError as error:
        raise CannotShow(f"The demo finds no folder to write in: {error.strerror}.") from error


def _name(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _clear(folder: Path) -> bool:
    """Remove what an earlier demo left; False when that is not all there is, or it runs."""
    try:
        files = list(folder.iterdir())
        text = (folder / "till.yaml").read_text(encoding="utf-8") if files else FIRST_LINE
    except (OSError, UnicodeDecodeError):
        return False
    if not text.startswith(FIRST_LINE) or not all(file.name.startswith(OURS) for file in files):
        return False
    if _in_use(text):
        return False
    try:
        # The file that the folder is known by goes last.
        for file in sorted(files, key=lambda file: file.name == "till.yaml"):
            file.unlink()
    except OSError:  # Windows removes no file that somebody has open
        return False
    return True


def _in_use(text: str) -> bool:
    """Whether something listens on the port that an earlier demo's till.yaml names."""
    ports = [line.split(":")[1] for line in text.splitlines() if line.startswith("  port:")]
    try:
        with socket.create_connection(("127.0.0.1", int(ports[0])), timeout=0.5):
            return True
    except (OSError, ValueError, IndexError, OverflowError):
        return False


def till_yaml(server: str, port: int, parameters: Mapping[str, str]) -> str:
    """The text of the demo's till.yaml: quick intervals, or nobody would watch to the end."""
    lines = [f"  {name}: {value}" for name, value in parameters.items()]
    return "\n".join(
        [
            f"{FIRST_LINE} `tillwire config show -c till.yaml` shows every value.",
            f"shop: '{SHOP}'",
            f"till: '{TILL}'",
            "",
            "# Much shorter than in a shop, so that an outage passes while somebody watches.",
            "parameters:",
            *lines,
            "",
            "server:",
            "  protocol: soap",
            f"  url: '{server}'",
            "",
            "api:",
            f"  port: {port}",
            "  token: '${file:till.token}'",
            "",
            "log:",
            "  format: text",
            "",
        ]
    )


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class AgentProcess:
    """``tillwire run`` as a child in a process group of its own: a Ctrl-C is for the demo, which
    then ends its agent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "agent.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.token = ""

    def start(self, server: str, parameters: Mapping[str, str]) -> None:
        """Write the folder's files and start; the agent is not ready yet. Raises CannotShow."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = self._folder / "till.yaml"
        try:
            write_token(self._folder / "till.token")
            self.token = (self._folder / "till.token").read_text(encoding="ascii").strip()
            settings.write_text(till_yaml(server, port, parameters), encoding="utf-8")
            with self._log.open("ab") as log:
                # -P: a folder here that happens to be called engine is not ours.
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "engine.cli", "run", "-c", str(settings)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=_environment(),
                    **_own_group(),
                )
        except OSError as error:
            raise CannotShow(
                f"The demo cannot start its agent in {self._folder}: {error.strerror or error}."
            ) from error

    @property
    def ended(self) -> int | None:
        """The exit code of an agent that has ended."""
        return None if self._process is None else self._process.poll()

    def last_line(self) -> str:
        """What the agent said last, as a part of a sentence."""
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            lines = []
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        log = _name(self._log)
        return f"its last words in {log}: {said}" if said else f"{log} is empty"

    def port_was_taken(self) -> bool:
        """Whether it ended because somebody else has its port."""
        return self.ended is not None and self.url.rpartition(":")[2] in self.last_line()

    def stop(self, patience: float) -> None:
        """Ask it to stop, and end it after ``patience`` seconds: its tickets are on disk."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        try:
            process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
            process.wait(patience)
        except (subprocess.TimeoutExpired, OSError):
            return
        finally:  # also when a second Ctrl-C interrupts the wait
            process.kill()
            process.wait(CALL)


def _environment() -> dict[str, str]:
    """The environment of the child, which finds this very package wherever it was started."""
    ours = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": ours + os.pathsep + known if known else ours}


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    else:  # noqa: RET505 - a type checker leaves out the branch of the other system
        return {"process_group": 0}


class TillProgram:
    """What a till program asks of the agent, by HTTP."""

    def __init__(self, url: str, token: str) -> None:
        self._till = f"{url}/v1/tills/{TILL}"
        self._ready = f"{url}/readyz"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and this machine
        self._token = {"Authorization": f"Bearer {token}"}

    def ready(self) -> bool:
        """Whether the agent can do its work."""
        try:
            return self._session.get(self._ready, timeout=CALL).ok
        except requests.RequestException:
            return False

    def hand_over(self, number: int, payload: bytes) -> bool:
        """Hand a ticket over; False: not now, try again with the same number and bytes.

        Raises CannotShow when the agent refuses it for good.
        """
        try:
            reply = self._session.post(
                f"{self._till}/tickets",
                params={"number": number},
                data=payload,
                headers={**self._token, "Content-Type": "text/plain; charset=utf-8"},
                timeout=CALL,
            )
        except requests.RequestException:
            return False
        if reply.status_code in (408, 500, 503):
            return False
        if reply.status_code not in (200, 201):
            raise CannotShow(
                f"The agent refused ticket {number} with HTTP status {reply.status_code}: "
                f"{reply.text[:200]}"
            )
        return True

    def view(self) -> dict[str, Any] | None:
        """Where the till is; None when the agent did not answer in time."""
        return self._get(self._till, {})

    def history(self) -> list[dict[str, Any]]:
        """The newest steps, newest first; none when the agent did not answer in time."""
        return list((self._get(f"{self._till}/history", {"limit": 60}) or {}).get("steps", ()))

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def _get(self, url: str, query: Mapping[str, int]) -> dict[str, Any] | None:
        try:
            reply = self._session.get(url, params=query, timeout=CALL)
            answer = reply.json() if reply.ok else None
        except (requests.RequestException, ValueError):
            return None
        return answer if isinstance(answer, dict) else None


def wait_until_ready(agent: AgentProcess, program: TillProgram, stopped: threading.Event) -> bool:
    """True once the agent serves; False when it ended or somebody wants to stop.

    Raises CannotShow when it takes too long.
    """
    end = time.monotonic() + STARTING
    while agent.ended is None and not stopped.is_set():
        if program.ready():
            return True
        if time.monotonic() > end:
            raise CannotShow(
                f"The agent did not serve its API within {STARTING:g} s; {agent.last_line()}"
            )
        stopped.wait(0.05)
    return False
