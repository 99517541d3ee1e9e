"""For how long a reload holds up the loop of a process of 10,000 tills.

The shipped machine is swapped for one with another text about it, for one with another parameter
that no timer reads, and for one in which every ping has another pace. Best of some rounds.
"""

import gc
from pathlib import Path
from time import perf_counter
from typing import Any

from engine.agent.clock import VirtualClock
from engine.agent.tills import Tills
from engine.core.build import Chart, build
from engine.core.carrying import Carrying
from engine.core.records import Run
from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY

MACHINE = Path(__file__).parents[2] / "machines" / "connection.yaml"
TILLS, ROUNDS = 10_000, 5


class _Nobody:
    """Runs nothing."""

    def start(self, till: str, run: Run) -> None:
        """Nothing."""

    def cancel(self, till: str, run: Run) -> None:
        """Nothing."""


def _chart(more: str = "", **parameters: Any) -> Chart:
    text = MACHINE.read_text(encoding="utf-8") + more
    return build(load_machine(read(text, "connection.yaml"), VOCABULARY, parameters))


def _swapped(tills: Tills, charts: tuple[Chart, Chart]) -> float:
    best = float("inf")
    for number in range(2 * ROUNDS):
        carrying = Carrying(tills.chart, charts[number % 2])
        began = perf_counter()
        tills.swap(carrying)
        best = min(best, perf_counter() - began)
        while tills.tell(TILLS):
            pass
    return best * 1000


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    tills = Tills(_chart(), VirtualClock(), _Nobody())
    for number in range(TILLS):
        tills.add(str(number))
    gc.collect()
    gc.freeze()
    kinds = {
        "another text": (_chart("# one\n"), _chart("# two\n")),
        "a parameter": (_chart(webservice_timeout="30s"), _chart(webservice_timeout="40s")),
        "every timer": (
            _chart(degraded_ping_interval="5s", degraded_sync_interval="1min"),
            _chart(degraded_ping_interval="6s", degraded_sync_interval="90s"),
        ),
    }
    musts = {"another text": "< 150", "a parameter": "< 150", "every timer": "< 500"}
    rows = [
        {
            "name": f"{TILLS} tills swapped: {name}",
            "value": _swapped(tills, charts),
            "unit": "ms",
            "must": musts[name],
        }
        for name, charts in kinds.items()
    ]
    gc.unfreeze()
    return rows
