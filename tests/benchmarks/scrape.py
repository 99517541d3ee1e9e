"""What a scrape of a real agent costs: by HTTP, from a process of its own, as Prometheus asks.

With one till and with 1,000 in one process, each of which has been offline and online; the
longest time that anything else in the agent waited meanwhile is measured by another caller, who
asks all the time whether it is ready.
"""

import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.lab import LabThread  # noqa: E402
from tests.acceptance.agent_process import AgentProcess, server_lines, wait_until  # noqa: E402

ROUNDS = 15
PAUSE = 0.1
LIMIT = 120.0
ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
"""As Prometheus asks."""


def scrape(agent: AgentProcess) -> tuple[float, int]:
    """Seconds and bytes of one scrape, on a connection that is kept."""
    connection = HTTPConnection("127.0.0.1", agent.port, timeout=LIMIT)
    connection.connect()
    begun = perf_counter()
    connection.request("GET", "/metrics", headers={"Accept": ACCEPT})
    answer = connection.getresponse()
    size = len(answer.read())
    took = perf_counter() - begun
    connection.close()
    return took, size


@contextmanager
def asking(agent: AgentProcess) -> Iterator[list[float]]:
    """Ask all the time whether the agent lives; how long each answer took."""
    waits: list[float] = []
    over = threading.Event()

    def ask() -> None:
        connection = HTTPConnection("127.0.0.1", agent.port, timeout=LIMIT)
        while not over.is_set():
            begun = perf_counter()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            waits.append(perf_counter() - begun)
        connection.close()

    caller = threading.Thread(target=ask)
    caller.start()
    try:
        yield waits
    finally:
        over.set()
        caller.join()


def everywhere(agent: AgentProcess, state: str) -> bool:
    """Whether all tills are in a state, by the metrics."""
    lines = agent.ask("GET", "/metrics")[1].decode().splitlines()
    there = [line for line in lines if line.startswith("tillwire_state{")]
    return sum(line.endswith(" 1") and f'"{state}"' in line for line in there) == len(agent.tills)


def measured(tills: int) -> tuple[float, float, int]:
    """Milliseconds of a scrape, the median; of the longest wait beside one; bytes of a scrape."""
    with TemporaryDirectory() as temporary, LabThread() as lab:
        agent = AgentProcess(
            Path(temporary),
            server_lines(lab, "soap", "500ms"),
            tills=tuple(f"{number:04}" for number in range(1, tills + 1)),
            parameters={"message_retry_wait": "2s", "failures_to_offline": "1"},
            quick=False,
        )
        try:
            lab.turn("down")
            agent.start()
            wait_until(lambda: everywhere(agent, "offline-cooldown"), "all are offline", LIMIT)
            lab.clear()
            wait_until(lambda: everywhere(agent, "reachable"), "all are back", LIMIT)
            found = []
            for _ in range(ROUNDS):
                found.append(scrape(agent))
                sleep(PAUSE)
            with asking(agent) as waits:
                for _ in range(ROUNDS):
                    scrape(agent)
        finally:
            agent.end()
    return (
        statistics.median(took for took, _ in found) * 1e3,
        max(waits) * 1e3,
        max(size for _, size in found),
    )


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    rows: list[dict[str, object]] = []
    for tills, must in ((1, "< 20"), (1000, "< 500")):
        took, waited, size = measured(tills)
        name = f"scrape by HTTP: {tills:,} till{'s' * (tills > 1)}"
        rows += [
            {"name": name, "value": took, "unit": "ms", "must": must},
            {"name": f"{name}, size", "value": size / 1e3, "unit": "kB", "must": ""},
        ]
    wait = {"name": f"{name}, another caller's wait", "value": waited, "unit": "ms", "must": ""}
    return [*rows, wait]


if __name__ == "__main__":
    for row in run():
        print(row)
