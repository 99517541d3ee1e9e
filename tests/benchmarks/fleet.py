"""10,000 tills in one process against the lab's stub transport: memory, start, punctuality.

Runs in a process of its own, so that memory is counted from a clean start. The agent is the
real one with its real clock, threads, database and metrics; only the network is missing. A
ping is punctual when the server sees it soon after its timer was due: the lateness of each is
the time from the timer's due time to the call.
"""

import asyncio
import json
import subprocess
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import monotonic
from typing import Any

ROOT = Path(__file__).parents[2]
TILLS = 10_000
INTERVAL = 60.0
LATENCY = 0.02
WORKERS = 64


def resident() -> int:
    """Bytes of this process in memory."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def percentile(values: list[float], part: float) -> float:
    """The value below which ``part`` of the sorted values lie."""
    return values[min(len(values) - 1, int(part * len(values)))]


class Punctuality:
    """Compares when pings are called with when their timers were due.

    Everything it needs is there before the first till is, so that none of it is counted as a
    till's memory.
    """

    def __init__(self, names: list[str], all_called: Callable[[], object]) -> None:
        self.all_called = all_called
        self.numbers = {name: number for number, name in enumerate(names)}
        self.due = array("d", [0.0] * len(names))
        self.late = array("d", [0.0] * len(names) * 10)
        self.lock = Lock()
        self.pings = 0
        self.called = array("b", [0] * len(names))
        self.calls = 0
        self.last = 0.0

    def expect(self, till: str, due: float) -> None:
        """A ping of this till is due."""
        self.due[self.numbers[till]] = due

    def strike(self, action: str, till: str) -> None:
        """The server is called, in a worker's thread."""
        now = monotonic()
        number = self.numbers[till]
        due, self.due[number] = self.due[number], 0.0
        with self.lock:
            if action == "PING" and due:
                self.late[self.pings] = now - due
                self.pings += 1
            if not self.called[number]:
                self.called[number] = 1
                self.calls += 1
                self.last = now
                if self.calls == TILLS:
                    self.all_called()


async def _live(folder: Path) -> dict[str, float]:
    from engine.agent.clock import SystemClock
    from engine.agent.service import Agent
    from engine.agent.storing import StoreThread
    from engine.core.build import build
    from engine.core.facts import machine_facts
    from engine.definition.machine import load_machine
    from engine.effects.table import VOCABULARY
    from engine.lab.stub import StubServer
    from engine.store.store import Store
    from metrics.exporter import Exporter
    from metrics.listening import Guarded

    overrides = {"ping_interval": f"{INTERVAL:.0f}s", "ticket_sync_interval": "10min"}
    definition = load_machine(ROOT / "machines" / "connection.yaml", VOCABULARY, overrides)
    clock = SystemClock()
    exporter = Exporter("benchmark", machine_facts(definition), clock.wall)
    loop = asyncio.get_running_loop()
    all_called = asyncio.Event()
    names = [f"{number:05}" for number in range(TILLS)]
    punctuality = Punctuality(names, lambda: loop.call_soon_threadsafe(all_called.set))
    server = StubServer(latency=LATENCY, strike=punctuality.strike)
    chart = build(definition)
    books = StoreThread(lambda: Store.open(folder / "tillwire.db"), loop)
    before = resident()
    agent = Agent(
        chart,
        "0001",
        names,
        server=server,
        books=books,
        workers=WORKERS,
        clock=clock,
        watch=Guarded(exporter, clock.monotonic),
    )
    _listen(agent, punctuality.expect)
    started = monotonic()
    await agent.start()
    await all_called.wait()
    start = punctuality.last - started
    await asyncio.sleep(2 * INTERVAL + 10)
    used = resident() - before
    await agent.stop()
    late = sorted(punctuality.late[: punctuality.pings]) or [0.0]
    return {
        "memory": used / TILLS,
        "start": start,
        "pings": len(late),
        "late_p50": percentile(late, 0.5) * 1000,
        "late_p99": percentile(late, 0.99) * 1000,
        "late_max": late[-1] * 1000,
    }


def _listen(agent: Any, expect: Callable[[str, float], None]) -> None:
    """Note the due time of each timer that runs out, before its step is played."""
    tills = agent._tills
    pop = tills._timers.pop_due

    def popping(*arguments: Any) -> Any:
        due = pop(*arguments)
        for till, timer in due:
            if timer.key == "online.every.0":
                expect(till, timer.due)
        return due

    tills._timers = _Popping(tills._timers, popping)


class _Popping:
    """The agent's timer heap with its ``pop_due`` watched."""

    def __init__(self, heap: Any, popping: Callable[..., Any]) -> None:
        self._heap = heap
        self.pop_due = popping

    def __getattr__(self, name: str) -> Any:
        return getattr(self._heap, name)


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), "--measure"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    musts = {
        "memory": ("memory of a till", "bytes", "<= 4096"),
        "start": ("start: every till has called the server", "s", "< 10"),
        "pings": ("pings counted", "", ">= 19000"),
        "late_p50": ("lateness of a ping, median", "ms", ""),
        "late_p99": ("lateness of a ping, p99", "ms", "< 250"),
        "late_max": ("lateness of a ping, most", "ms", ""),
    }
    return [
        {"name": f"{TILLS} tills: {name}", "value": seen[key], "unit": unit, "must": must}
        for key, (name, unit, must) in musts.items()
    ]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if "--measure" in sys.argv:
        with TemporaryDirectory() as temporary:
            print(json.dumps(asyncio.run(_live(Path(temporary)))))
    else:
        for row in run():
            print(row)
