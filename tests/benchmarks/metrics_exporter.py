"""What the exporter costs: a scrape, a step, a till's memory."""

import gc
import time
import tracemalloc
from typing import Any

from engine.core.facts import MachineFacts, PossibleRefusal, PossibleTransition, StateFacts
from engine.core.records import Event, Refusal, Step, Taken
from metrics.exporter import Exporter
from metrics.listening import Guarded

STATES = ("reachable", "online", "syncing", "loading", "degraded", "offline-cooldown")
EVENTS = tuple(f"effect.failed.reason{number}" for number in range(40))


def machine() -> MachineFacts:
    """As large as the connection machine: 60 transitions, 30 guards, 40 events."""
    pairs = [(source, target) for source in STATES[1:] for target in STATES[1:]]
    return MachineFacts(
        "connection",
        "0" * 64,
        tuple(StateFacts(state, code, int(0 < code < 5)) for code, state in enumerate(STATES)),
        tuple(PossibleTransition(EVENTS[n % 4], *pairs[n % 25]) for n in range(60)),
        tuple(PossibleRefusal(STATES[n % 6], EVENTS[n % 5]) for n in range(30)),
        EVENTS,
    )


def steps(till: str) -> list[Step]:
    """A dull ping, a refused guard, a change of state and back."""
    online, degraded = ("reachable", "online"), ("reachable", "degraded")
    ping = Event("effect.failed.reason0")
    return [
        Step(till, ping, 0.0, [Taken(EVENTS[0], "online", "online", True)], configuration=online),
        Step(
            till,
            ping,
            1.0,
            [Taken(EVENTS[1], "online", "degraded")],
            [Refusal("online", EVENTS[0], "failures > 3")],
            ["online"],
            ["degraded"],
            configuration=degraded,
            handled=True,
        ),
        Step(
            till,
            ping,
            2.0,
            [Taken(EVENTS[2], "degraded", "online")],
            [],
            ["degraded"],
            ["online"],
            configuration=online,
            handled=True,
        ),
    ]


def exporter(tills: int) -> Exporter:
    """An exporter whose tills have all seen some steps and have a backlog."""
    made = Exporter("0", machine(), time.time)
    for number in range(tills):
        till = f"{number:05}"
        for step in steps(till):
            made.observe(step, 1_790_000_000.0 + step.at)
        made.backlog(till, 300, 400 + number, 1, 1_790_000_000.0 + number)
    return made


def scrape(tills: int, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of the best whole scrape, of its longest chunk, and the size in MB."""
    made = exporter(tills)
    whole, longest, size = [], [], 0
    for _ in range(rounds):
        begun = time.perf_counter()
        size = len(made.render()[0])
        whole.append(time.perf_counter() - begun)
        chunks, pieces = made.chunks()[0], []
        begun = time.perf_counter()
        for _piece in chunks:
            pieces.append(time.perf_counter() - begun)
            begun = time.perf_counter()
        longest.append(max(pieces))
    return min(whole) * 1e3, min(longest) * 1e3, size / 1e6


def observing(tills: int, rounds: int) -> float:
    """Microseconds of one step through the guard, the best of some rounds over all tills."""
    guarded = Guarded(Exporter("0", machine(), time.time), time.monotonic)
    many = [step for number in range(tills) for step in steps(f"{number:05}")]
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        for step in many:
            guarded.observe(step, 1_790_000_000.0)
        best = min(best, (time.perf_counter() - begun) / len(many))
    return best * 1e6


def memory(tills: int) -> float:
    """Bytes of one till."""
    exporter(1)  # what is made once and for all is not the tills'
    gc.collect()
    tracemalloc.start()
    made = exporter(tills)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del made
    return taken / tills


def run() -> list[dict[str, Any]]:
    """The figures, each with what it must be."""
    one, _, _ = scrape(1, 20)
    thousand, chunk, size = scrape(1000, 5)
    return [
        {"name": "metrics: scrape of 1 till", "value": one, "unit": "ms", "must": "< 20"},
        {
            "name": "metrics: scrape of 1,000 tills",
            "value": thousand,
            "unit": "ms",
            "must": "< 500",
        },
        {"name": "metrics: longest chunk of that", "value": chunk, "unit": "ms", "must": "< 50"},
        {"name": "metrics: size of that", "value": size, "unit": "MB", "must": ""},
        {"name": "metrics: one step", "value": observing(500, 5), "unit": "us", "must": "< 10"},
        {"name": "metrics: one till", "value": memory(2000), "unit": "bytes", "must": "< 1024"},
    ]


if __name__ == "__main__":
    for figure in run():
        print(f"{figure['name']:40} {figure['value']:10.3f} {figure['unit']:6} {figure['must']}")
