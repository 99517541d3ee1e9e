"""What is counted of the catalogue's loads, and what the catalogue holds.

Everything is there from the start, at 0, but for the datasets: one that was never loaded has no
version.
"""

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from engine.definition.vocabulary import REASONS
from metrics import families
from metrics.families import Family

OUTCOMES = ("ok", "gap", "rejected", "cancelled", *(f"failed.{reason}" for reason in REASONS))
"""What can come of a load."""

ENDS = {
    "full": ("ok", "rejected", "cancelled", "failed"),
    "changes": ("ok", "gap", "rejected", "cancelled", "failed"),
}
"""The label ``outcome``, by kind. Reasons are counted with those of the other effects."""


class Loads:
    """Counts loads."""

    def __init__(self) -> None:
        self._ends = {(kind, end): 0 for kind, ends in ENDS.items() for end in ends}
        self._taken = dict.fromkeys(ENDS, (0, 0.0))
        self._rows = 0
        self._bytes = 0
        self.in_progress = False
        self.succeeded_at: float | None = None
        self.held: Mapping[str, tuple[int, float, int]] = {}
        """By dataset: version, Unix time of its load, rows."""

    def ended(self, kind: str, outcome: str, seconds: float, rows: int, size: int) -> None:
        """Count a load. ValueError for a kind or an outcome that there is not."""
        end = (kind, outcome.partition(".")[0])
        if end not in self._ends or outcome not in OUTCOMES:
            raise ValueError(f"no load is of kind {kind!r} and ends in {outcome!r}")
        self._ends[end] += 1
        self._rows += rows
        self._bytes += size
        if outcome != "rejected":
            count, taken = self._taken[kind]
            self._taken[kind] = (count + 1, taken + seconds)

    def collect(self) -> Iterator[Metric]:
        """The families, in the order in which they are documented."""
        ends = CounterMetricFamily(*_heading(families.LOADS), labels=families.LOADS.labels)
        for labels, count in self._ends.items():
            ends.add_metric(labels, count)
        yield ends
        family = families.LOAD_DURATION
        durations = SummaryMetricFamily(*_heading(family), labels=family.labels)
        for kind, (count, seconds) in self._taken.items():
            durations.add_metric((kind,), count, seconds)
        yield durations
        yield CounterMetricFamily(*_heading(families.LOAD_ROWS), self._rows)
        yield CounterMetricFamily(*_heading(families.LOAD_BYTES), self._bytes)
        yield GaugeMetricFamily(*_heading(families.LOAD_IN_PROGRESS), int(self.in_progress))
        yield GaugeMetricFamily(*_heading(families.LOAD_SUCCESS), self.succeeded_at)
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
