"""What the till's own tickets feel while the catalogue loads 1,000,000 articles on its disk.

Tickets of 1.7 KB are accepted one after the other, each durable (``synchronous=FULL``), with a
pause of PAUSE between them: from another thread of the process that loads, as in the agent, and
from another process. Meanwhile the articles are loaded over the ones that are there, swapped in,
and the old ones swept with a pause after each step. Idle is the same with no load.
"""

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, sleep, time
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.catalogue.export import chunks  # noqa: E402
from engine.catalogue.manifest import Export  # noqa: E402
from engine.store.catalogue_sqlite import SqliteCatalogue  # noqa: E402
from engine.store.store import Store  # noqa: E402
from tests.benchmarks.load import ARTICLES, ROWS, ours, write_export  # noqa: E402

PAUSE = 0.005
SWEEP_PAUSE = 0.05
LOADS = 3
IDLE = 5.0

Accepted = tuple[float, float]
"""When a ticket was handed over, and how many seconds it took."""


def accept(path: Path, stopped: Callable[[], bool]) -> list[Accepted]:
    """Hands tickets over until it is stopped."""
    found: list[Accepted] = []
    payload = Random(1).randbytes(1700)
    with Store.open(path) as store:
        number = 0
        while not stopped():
            number += 1
            started = perf_counter()
            store.tickets.accept("0001", "01", number, payload, time())
            found.append((started, perf_counter() - started))
            sleep(PAUSE)
    return found


@contextmanager
def thread(path: Path) -> Any:
    """Tickets from a thread of this process; gives the list that is full in the end."""
    found: list[Accepted] = []
    stop = threading.Event()
    worker = threading.Thread(target=lambda: found.extend(accept(path, stop.is_set)))
    worker.start()
    try:
        yield found
    finally:
        stop.set()
        worker.join()


@contextmanager
def process(path: Path) -> Any:
    """Tickets from another process; gives the list that is full in the end."""
    found: list[Accepted] = []
    child = subprocess.Popen(
        [sys.executable, __file__, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield found
        found += pickle.loads(child.communicate(timeout=60)[0])  # noqa: S301 - our own child
    finally:
        child.kill()
        child.wait()


def child(path: Path) -> None:
    """The other process: until its input is closed."""
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    sys.stdout.buffer.write(pickle.dumps(accept(path, stop.is_set)))


class Phases(NamedTuple):
    """When the loads and the changes, with their swaps, and the sweeps were going on."""

    loads: list[tuple[float, float]]
    changes: list[tuple[float, float]]
    sweeps: list[tuple[float, float]]


def changed(path: Path, export: Export) -> Iterator[list[tuple[Any, ...]]]:
    """Every tenth article with another name."""
    for rows in chunks(path, export, ARTICLES):
        yield [("upsert", code, f"{name}!", *rest) for code, name, *rest in rows[::10]]


def load_often(folder: Path, path: Path, export: Export) -> Phases:
    """Loads and sweeps, LOADS times over articles that are there already, then the changes."""
    phases = Phases([], [], [])

    def swept() -> None:
        started = perf_counter()
        while not catalogue.sweep():
            sleep(SWEEP_PAUSE)
        phases.sweeps.append((started, perf_counter()))

    with SqliteCatalogue.open(folder / "catalogue.db", [ARTICLES]) as catalogue:
        for _ in range(LOADS):
            started = perf_counter()
            ours(path, catalogue, export)
            phases.loads.append((started, perf_counter()))
            swept()
        started = perf_counter()
        with catalogue.load(2.0) as load:
            load.changes(ARTICLES, 1, 2, changed(path, export), lambda _: None)
            load.swap()
        phases.changes.append((started, perf_counter()))
        swept()
    return phases


def figures(
    name: str, found: list[Accepted], windows: list[tuple[float, float]], asked: bool
) -> list[dict[str, object]]:
    """p99 and maximum of the tickets that were handed over in the windows, milliseconds."""
    waits = sorted(
        1000 * took
        for at, took in found
        if any(start - took <= at <= end for start, end in windows)
    )
    return [
        {
            "name": f"tickets: {name}, p99 of {len(waits)}",
            "value": waits[int(len(waits) * 0.99)],
            "unit": "ms",
            "must": "<= 30" if asked else "",
        },
        {
            "name": f"tickets: {name}, maximum",
            "value": waits[-1],
            "unit": "ms",
            "must": "<= 150" if asked else "",
        },
    ]


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    rows: list[dict[str, object]] = []
    ways: dict[str, Callable[[Path], AbstractContextManager[list[Accepted]]]] = {
        "thread": thread,
        "process": process,
    }
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "articles.zip"
        export = write_export(path, ROWS)
        with SqliteCatalogue.open(folder / "catalogue.db", [ARTICLES]) as catalogue:
            ours(path, catalogue, export)
        with thread(folder / "idle.db") as found:
            started = perf_counter()
            sleep(IDLE)
        rows += figures("idle", found, [(started, perf_counter())], asked=False)
        for name, way in ways.items():
            with way(folder / f"{name}.db") as found:
                phases = load_often(folder, path, export)
            rows += figures(f"load, {name}", found, phases.loads, asked=True)
            rows += figures(f"changes, {name}", found, phases.changes, asked=True)
            rows += figures(f"sweep, {name}", found, phases.sweeps, asked=True)
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(Path(sys.argv[1]))
    else:
        for row in run():
            print(row)
