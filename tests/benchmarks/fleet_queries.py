"""What the pictures of a fleet cost a real Prometheus: from each till's series, and by the rules.

A Prometheus gets an hour of AGENTS agents, five in each shop, and the recording rules played over
it. Then the same is asked in both ways, over that hour, as a dashboard does. Samples that are
read are exact; they grow with the tills in the one case and with the shops in the other.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.core.facts import machine_facts  # noqa: E402
from engine.definition.machine import load_machine  # noqa: E402
from engine.effects.table import VOCABULARY  # noqa: E402
from engine.shipped import shipped_machine  # noqa: E402
from metrics.durations import BOUNDS  # noqa: E402
from metrics.exporter import cause  # noqa: E402
from tests.acceptance.prometheus_server import Prometheus  # noqa: E402

AGENTS, A_SHOP = 500, 5
LENGTH, EVERY, STEP = 3600, 60, 60

PICTURES = {
    "tills by state": (
        "sum by (state) (tillwire_state)",
        "sum by (state) (shop:tillwire_state:sum)",
        "job:tillwire_state:sum",
    ),
    "transitions by cause": (
        "sum by (event) (rate(tillwire_transitions_total[5m]))",
        "sum by (event) (shop:tillwire_transitions:rate5m)",
        "sum by (event) (job:tillwire_transitions:rate5m)",
    ),
    "time of pings": (
        'sum by (le) (rate(tillwire_effect_duration_seconds_bucket{effect="ping"}[5m]))',
        'sum by (le) (shop:tillwire_effect_duration_seconds_bucket:rate5m{effect="ping"})',
        'job:tillwire_effect_duration_seconds_bucket:rate5m{effect="ping"}',
    ),
}
"""Each from the tills, by shop, and of all shops."""


class Cost(NamedTuple):
    """Samples read, and seconds taken."""

    samples: int
    seconds: float


def lines(start: float) -> Iterator[str]:
    """An hour of a fleet in OpenMetrics, family by family."""
    facts = machine_facts(load_machine(shipped_machine(), VOCABULARY))
    moves = sorted({(t.target, cause(t.event)) for t in facts.transitions if t.source != t.target})
    times = [start + offset for offset in range(0, LENGTH, EVERY)]
    agents = [f'job="tillwire",shop="{n // A_SHOP:04}",instance="t{n}:8344"' for n in range(AGENTS)]

    def samples(name: str, more: str, grows: bool) -> Iterator[str]:
        for agent in agents:
            for count, at in enumerate(times):
                yield f"{name}{{{agent},{more}}} {count if grows else 1} {at:.0f}\n"

    till = 'till="01"'
    yield "# TYPE tillwire_state gauge\n"
    for state in facts.states:
        labels = f'{till},machine="connection",state="{state.id}"'
        yield from samples("tillwire_state", labels, False)
    yield "# TYPE tillwire_transitions counter\n"
    for to, event in moves:
        labels = f'{till},machine="connection",to="{to}",event="{event}"'
        yield from samples("tillwire_transitions_total", labels, True)
    yield "# TYPE tillwire_effect_duration_seconds unknown\n"
    for le in (*map(str, BOUNDS), "+Inf"):
        name = "tillwire_effect_duration_seconds_bucket"
        yield from samples(name, f'effect="ping",le="{le}"', True)
    yield "# EOF\n"


def filled(folder: Path, start: float) -> Prometheus:
    """A Prometheus that has the hour, and what the rules make of it."""
    text = folder / "hour.txt"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(lines(start))
    prometheus = Prometheus(folder / "prometheus", "global: {}\n")
    data = str(prometheus.folder / "data")
    _promtool("create-blocks-from", "openmetrics", str(text), data)
    rules = [str(path) for path in (ROOT / "metrics" / "rules").glob("*.yaml")]
    # What is added up of what was added up needs the first to be there.
    for _ in range(2):
        with prometheus:
            url = f"http://127.0.0.1:{prometheus.port}"
            ends = [f"--start={start:.0f}", f"--end={start + LENGTH:.0f}", "--eval-interval=1m"]
            _promtool(
                "create-blocks-from", "rules", f"--url={url}", *ends, f"--output-dir={data}", *rules
            )
    return prometheus


def _promtool(*words: str) -> None:
    subprocess.run(["promtool", "tsdb", *words], check=True, capture_output=True)


def cost(prometheus: Prometheus, expression: str, start: float) -> Cost:
    """Of a picture over the hour, the quickest of three."""
    given = {"query": expression, "start": start, "end": start + LENGTH, "step": STEP}
    times = []
    for _ in range(3):
        begun = perf_counter()
        status, body = prometheus.ask("/api/v1/query_range", **given, stats="all")
        times.append(perf_counter() - begun)
        answer = json.loads(body)
        assert status == 200, answer
        assert answer["data"]["result"], expression
    return Cost(answer["data"]["stats"]["samples"]["totalQueryableSamples"], min(times))


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}: of 500 agents; 10,000 are twenty times as many."""
    rows: list[dict[str, object]] = []
    with TemporaryDirectory() as temporary:
        start = time.time() // 7200 * 7200 - 2 * 7200
        with filled(Path(temporary), start) as prometheus:
            for name, queries in PICTURES.items():
                tills, shops, fleet = (cost(prometheus, query, start) for query in queries)
                about = f"{name}, {AGENTS} agents"
                rows += [
                    {"name": f"{about}", "value": tills.samples, "unit": "samples", "must": ""},
                    {"name": f"{about}", "value": tills.seconds * 1e3, "unit": "ms", "must": ""},
                    {
                        "name": f"{about}: by shop",
                        "value": shops.samples / tills.samples,
                        "unit": "of that",
                        "must": "<= 0.3",
                    },
                    {
                        "name": f"{about}: of all",
                        "value": fleet.samples / tills.samples,
                        "unit": "of that",
                        "must": "<= 0.01",
                    },
                    {
                        "name": f"{about}: of all",
                        "value": fleet.seconds * 1e3,
                        "unit": "ms",
                        "must": "",
                    },
                ]
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
