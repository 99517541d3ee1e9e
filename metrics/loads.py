"""What is counted of the catalogue's loads, and what the catalogue holds.

Everything is there from the start, at 0, but for the datasets: one that was never loaded has no
version.
"""

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from engine.definition.vocabulary import REASONS
from metrics import families
from metrics.durations import Durations
from metrics.families import Family

KINDS = ("full", "changes")
OUTCOMES = ("ok", "gap", "rejected", "cancelled", *(f"failed.{reason}" for reason in REASONS))
"""What can come of a load: the label ``outcome``."""

BOUNDS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
"""Upper bounds of the buckets, in seconds: from a few changes to a night's load."""


class Loads:
    """Counts loads."""

    def __init__(self) -> None:
        self._ends = {(kind, outcome): 0 for kind in KINDS for outcome in OUTCOMES}
        self._seconds = {kind: Durations(BOUNDS) for kind in KINDS}
        self._rows = dict.fromkeys(KINDS, 0)
        self._bytes = dict.fromkeys(KINDS, 0)
        self.in_progress = False
        self.held: Mapping[str, tuple[int, float, int]] = {}
        """By dataset: version, Unix time of its load, rows."""

    def ended(self, kind: str, outcome: str, seconds: float, rows: int, size: int) -> None:
        """Count a load. ValueError for a kind or an outcome that there is not."""
        if (kind, outcome) not in self._ends:
            raise ValueError(f"no load is of kind {kind!r} and ends in {outcome!r}")
        self._ends[kind, outcome] += 1
        self._rows[kind] += rows
        self._bytes[kind] += size
        if outcome != "rejected":
            self._seconds[kind].observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """The families, in the order in which they are documented."""
        ends = CounterMetricFamily(*_heading(families.LOADS), labels=families.LOADS.labels)
        for labels, count in self._ends.items():
            ends.add_metric(labels, count)
        yield ends
        family = families.LOAD_DURATION
        durations = HistogramMetricFamily(*_heading(family), labels=family.labels)
        for kind, runs in self._seconds.items():
            durations.add_metric((kind,), runs.cumulative(), runs.seconds)
        yield durations
        counted = ((families.LOAD_ROWS, self._rows), (families.LOAD_BYTES, self._bytes))
        for family, counts in counted:
            counter = CounterMetricFamily(*_heading(family), labels=family.labels)
            for kind, count in counts.items():
                counter.add_metric((kind,), count)
            yield counter
        yield GaugeMetricFamily(*_heading(families.LOAD_IN_PROGRESS), int(self.in_progress))
        yield from self._datasets()

    def _datasets(self) -> Iterator[Metric]:
        version, rows, loaded = (
            GaugeMetricFamily(*_heading(family), labels=family.labels)
            for family in (families.DATASET_VERSION, families.DATASET_ROWS, families.DATASET_LOADED)
        )
        for name, (number, at, count) in self.held.items():
            version.add_metric((name,), number)
            rows.add_metric((name,), count)
            loaded.add_metric((name,), at)
        yield from (version, rows, loaded)


def _heading(family: Family) -> tuple[str, str]:
    return family.name, family.about
