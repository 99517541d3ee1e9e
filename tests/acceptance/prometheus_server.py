"""A real Prometheus in a process of its own, and questions to it."""

import json
import ssl
import subprocess
from base64 import b64encode
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from tests.acceptance.agent_process import PATIENCE, free_port, wait_until


class Series(NamedTuple):
    """One series of an answer: its labels and its samples, (Unix time, value)."""

    labels: dict[str, str]
    samples: list[tuple[float, float]]


class Prometheus:
    """Prometheus with a data folder of its own, from ``with`` to the end of its block.

    ``options`` are further ones of its command line; ``agent`` is Prometheus in agent mode,
    which stores nothing and is not asked. ``guarded`` is one that is called by TLS: whom it has
    to be, and user and password.
    """

    def __init__(
        self,
        folder: Path,
        config: str,
        *options: str,
        agent: bool = False,
        guarded: tuple[ssl.SSLContext, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self._agent = agent
        self._guarded = guarded
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "prometheus.log"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yaml").write_text(config, encoding="utf-8")

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        data = f"--storage.{'agent' if self._agent else 'tsdb'}.path=data"
        mode = ["--enable-feature=agent"] if self._agent else []
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    "--config.file=prometheus.yaml",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=warn",
                    data,
                    *mode,
                    *self._options,
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._ready, "Prometheus is ready")

    def stop(self) -> None:
        """End it, if it still runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def __enter__(self) -> Self:
        """Start it."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _ready(self) -> bool:
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"Prometheus ended with {code}: {self.log()}"
        try:
            return self.ask("/-/ready")[0] == 200
        except (OSError, HTTPException):
            return False

    def log(self) -> str:
        """What it had to say."""
        return self._log.read_text(encoding="utf-8")

    def ask(self, path: str, **given: object) -> tuple[int, bytes]:
        """One request: status and body."""
        connection, headers = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE), {}
        if self._guarded is not None:
            context, login = self._guarded
            connection = HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)
            headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        try:
            connection.request(
                "GET", f"{path}?{urlencode(given)}" if given else path, headers=headers
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _data(self, path: str, **given: object) -> Any:
        status, body = self.ask(path, **given)
        answer = json.loads(body)
        assert status == 200, f"{given}: {answer.get('error', body)}"
        return answer["data"]

    def query(self, expression: str, at: float | None = None) -> list[Series]:
        """The series of an expression, now or at a Unix time. AssertionError for no PromQL."""
        given = {"query": expression} if at is None else {"query": expression, "time": at}
        return _series(self._data("/api/v1/query", **given))

    def over(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """The series of an expression between two Unix times."""
        data = self._data("/api/v1/query_range", query=expression, start=start, end=end, step=step)
        return _series(data)

    def value(self, expression: str) -> float | None:
        """The value of an expression that has one series at most."""
        found = self.query(expression)
        assert len(found) <= 1, f"{expression} has {len(found)} series"
        return found[0].samples[-1][1] if found else None

    def wait_for(self, expression: str) -> None:
        """Until the expression returns something."""
        wait_until(lambda: bool(self.query(expression)), f"Prometheus has {expression}")

    def targets(self) -> list[dict[str, Any]]:
        """What is scraped: labels, health, the last error."""
        found: list[dict[str, Any]] = self._data("/api/v1/targets", state="active")["activeTargets"]
        return found


def _series(data: dict[str, Any]) -> list[Series]:
    if data["resultType"] == "scalar":
        at, value = data["result"]
        return [Series({}, [(float(at), float(value))])]
    found = []
    for one in data["result"]:
        samples = one["values"] if "values" in one else [one["value"]]
        found.append(Series(one["metric"], [(float(at), float(value)) for at, value in samples]))
    return found
