"""How many series a till costs whoever stores them."""

import re
import time

from engine.core.facts import machine_facts
from engine.definition.machine import load_machine
from engine.effects.table import EFFECTS, VOCABULARY
from engine.shipped import shipped_machine
from metrics.exporter import Exporter

MOST = 150
"""Series of a process that looks after one till, all told."""

DATASETS = re.findall(
    r"(?m)^  (\w+):$",
    shipped_machine("datasets").read_text(encoding="utf-8").partition("\ndatasets:")[2],
)


def series(text: str) -> list[str]:
    """Name and labels of each sample."""
    return [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]


def one_till() -> Exporter:
    """A till with the shipped machine and catalogue that has everything there is to tell."""
    exporter = Exporter("1", machine_facts(load_machine(shipped_machine(), VOCABULARY)), time.time)
    exporter.add_till("01", ("reachable", "online"))
    for effect in EFFECTS:
        exporter.effect(effect, "ok", 0.1)
    exporter.backlog("01", 1, 1, 1, 1.0)
    exporter.messages("01", 1, 1)
    exporter.source(0, False)
    exporter.load_succeeded(1.0)
    exporter.wellbeing(ready=True, lag=0.0)
    exporter.disk(1)
    exporter.journal(broken=False, whole_at=1.0)
    exporter.datasets(dict.fromkeys(DATASETS, (1, 1.0, 1)))
    return exporter


def test_a_till_costs_at_most_150_series() -> None:
    """All that can ever come of the shipped machine is there from the start, at 0."""
    found = series(one_till().render()[0].decode())

    assert len(DATASETS) == 7
    assert len(set(found)) == len(found) <= MOST


def test_each_more_till_of_a_process_costs_a_third_of_that() -> None:
    exporter = one_till()
    before = len(series(exporter.render()[0].decode()))
    exporter.add_till("02", ("reachable", "online"))
    exporter.backlog("02", 1, 1, 1, 1.0)
    exporter.messages("02", 1, 1)

    assert len(series(exporter.render()[0].decode())) - before <= MOST / 3
