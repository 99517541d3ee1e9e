"""What a till feels while its agent loads 1,000,000 articles: tickets by the API, memory, time.

All is as in a shop, each in a process of its own: the agent with the shipped machine, the
central server (the lab), the FTP server (vsftpd), and here the till program, which hands over a
ticket of 1.7 KB every PAUSE seconds and waits for the answer that it is on the disk. Meanwhile
the agent sends them and loads the articles twice: the first time into an empty catalogue, the
second time over the live tables, whose old rows are swept away after it.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.acceptance.agent_process import AgentProcess, wait_until  # noqa: E402
from tests.benchmarks.drain import lab  # noqa: E402
from tests.benchmarks.load import ROWS  # noqa: E402
from tests.benchmarks.load_by_ftp import publish  # noqa: E402
from tests.benchmarks.load_tickets import Accepted, figures  # noqa: E402
from tests.integration.ftp.servers import Vsftpd  # noqa: E402

PAUSE = 0.05
QUIET, IDLE, SWEEP = 3.0, 10.0, 5.0
"""Seconds before the till sells, of selling with no load, and of selling after the last one."""
LIMIT = 300.0

DATASETS = """\
datasets:
  articles:
    columns:
      code: {type: text, length: 20}
      name: {type: text, length: 80, required: true}
      short_name: {type: text, length: 20}
      family: {type: text, length: 20, required: true}
      brand: {type: text, length: 40}
      unit: {type: text, length: 10, required: true}
      price: {type: decimal, digits: 10, decimals: 2, required: true}
      cost: {type: decimal, digits: 12, decimals: 4}
      tax: {type: integer, required: true}
      pack: integer
      active: {type: boolean, required: true}
      updated: {type: date, required: true}
    key: code
"""


class TillProgram:
    """Sells from ``with`` to the end of its block; ``sold`` is all that it has handed over."""

    def __init__(self, agent: AgentProcess) -> None:
        self.sold: list[Accepted] = []
        self._agent = agent
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sell)

    def __enter__(self) -> "TillProgram":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sell(self) -> None:
        payload = Random(1).randbytes(1700)
        headers = {"Authorization": f"Bearer {self._agent.token}"}
        connection = HTTPConnection("127.0.0.1", self._agent.port, timeout=30.0)
        number = 0
        while not self._stop.wait(PAUSE):
            number += 1
            started = perf_counter()
            connection.request("POST", f"/v1/tills/01/tickets?number={number}", payload, headers)
            answer = connection.getresponse()
            answer.read()
            self.sold.append((started, perf_counter() - started))
            if answer.status != 201:
                raise RuntimeError(f"ticket {number} was answered with {answer.status}")
        connection.close()


@contextmanager
def running(folder: Path, served: Path) -> Iterator[AgentProcess]:
    """An agent whose server and FTP server are there."""
    with lab() as url, Vsftpd(served) as files:
        server = [
            "server:",
            "  protocol: soap",
            f"  url: {url}",
            f"  ftp: {{host: 127.0.0.1, port: {files.port}, tls: none, folder: '{served}'}}",
            "catalogue: {datasets: datasets.yaml}",
        ]
        parameters = {"ping_interval": "2s", "load_limit": "10min"}
        agent = AgentProcess(folder, server, parameters=parameters, quick=False)
        (folder / "datasets.yaml").write_text(DATASETS, encoding="utf-8")
        agent.start()
        try:
            agent.wait_for_state("online")
            yield agent
        finally:
            agent.end()


def load(agent: AgentProcess, seen: Callable[[], None]) -> tuple[float, float]:
    """One load of everything; when it began and ended. ``seen`` is called all the while."""
    before = len(loads(agent)["last"])
    started = perf_counter()
    status, answer = agent.ask("POST", "/v1/tills/01/loads", b'{"kind": "full"}')
    if status != 202:
        raise RuntimeError(f"the load was answered with {status}: {answer!r}")

    def ended() -> bool:
        sleep(0.2)
        seen()
        return len(loads(agent)["last"]) > before

    wait_until(ended, "the load has ended", LIMIT)
    story = loads(agent)["last"][0]
    if (story["outcome"], story["rows"]) != ("ok", ROWS):
        raise RuntimeError(f"the load came to {story}")
    return started, perf_counter()


def loads(agent: AgentProcess) -> dict[str, Any]:
    """What the agent tells of its loads."""
    found: dict[str, Any] = json.loads(agent.ask("GET", "/v1/tills/01/loads")[1])
    return found


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    with TemporaryDirectory() as temporary:
        base = Path(temporary).resolve()
        publish(base / "served")
        with running(base / "till", base / "served") as agent:
            assert agent.process is not None
            process = psutil.Process(agent.process.pid)
            sleep(QUIET)
            with TillProgram(agent) as till:
                started = perf_counter()
                sleep(IDLE)
                windows = {"idle": (started, perf_counter())}
                idle = process.memory_info().rss
                memory = [idle]
                look = lambda: memory.append(process.memory_info().rss)  # noqa: E731
                windows["first load"] = load(agent, look)
                windows["load over live tables"] = load(agent, look)
                started = perf_counter()
                sleep(SWEEP)
                windows["sweep"] = (started, perf_counter())
    rows = [
        row
        for name, window in windows.items()
        for row in figures(f"an agent, {name}", till.sold, [window], asked=name != "idle")
    ]
    first, last = windows["first load"]
    grown = (max(memory) - idle) / 1e6
    name = "load by an agent"
    rows += [
        {"name": f"{name}: 1M rows while it sells", "value": last - first, "unit": "s", "must": ""},
        {"name": f"{name}: memory over idle", "value": grown, "unit": "MB", "must": "<= 60"},
    ]
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
