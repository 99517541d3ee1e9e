"""What the process has once: effects, loads, workers, versions, the clock.

There are few of these, so prometheus_client writes them. No ``_created`` series: a family that
a collector yields has them only when it is given a time of creation.
"""

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from engine.core.facts import MachineFacts
from engine.definition.vocabulary import REASONS
from metrics import families
from metrics.durations import BOUNDS, Durations
from metrics.families import Family
from metrics.loads import Loads

OUTCOMES = ("ok", "rejected", *(f"failed.{reason}" for reason in REASONS))
"""What can come of an effect."""

ENDS = ("ok", "rejected", "failed")
"""The label ``outcome``. Reasons are counted for all effects together: eight outcomes of each
would be two thirds of what a till's process has to tell."""

PING = "ping"
"""The effect with buckets. It is asked for all the time and is as long as the way to the server;
how long the others take depends on how much there is to send or to get."""

LOAD = "load"
"""The effect that has metrics of its own."""

ANSWERS = ("fresh", "cached", "none")
"""What whoever asks for offers can get: the label ``answer``."""


class ProcessWide(Collector):
    """Collects what has no till."""

    def __init__(self, version: str, machine: MachineFacts, wall: Callable[[], float]) -> None:
        self._build = (version, platform.python_version())
        self.machine(machine)
        self._config_read = True, wall()
        self._wall = wall
        self._ends: dict[tuple[str, str], int] = {}
        self._failures = dict.fromkeys(REASONS, 0)
        self._seconds: dict[str, Durations] = {}
        self._offers = dict.fromkeys(ANSWERS, 0)
        self.loads = Loads()
        self._source: tuple[int, bool] | None = None
        self.workers_abandoned = 0
        self.listener_failures = 0

    def machine(self, machine: MachineFacts) -> None:
        """Show which machine runs."""
        self._config = (machine.name, machine.hash)

    def config(self, successful: bool, at: float | None) -> None:
        """Show whether the files that were read last are in force, and since when."""
        self._config_read = successful, self._config_read[1] if at is None else at

    def effect(self, effect: str, outcome: str, seconds: float) -> None:
        """Count a run. The first run of an effect makes all its outcomes visible, at 0."""
        if outcome not in OUTCOMES:
            raise ValueError(f"an effect ends in one of {', '.join(OUTCOMES)}; found {outcome!r}")
        end, _, reason = outcome.partition(".")
        if reason:
            self._failures[reason] += 1
        if effect == LOAD:
            return
        if effect not in self._seconds:
            self._seconds[effect] = Durations(BOUNDS if effect == PING else ())
            self._ends.update(((effect, each), 0) for each in ENDS)
        self._ends[effect, end] += 1
        self._seconds[effect].observe(seconds)

    def offers(self, answered: str) -> None:
        """Count an answer to who asked for offers."""
        if answered not in self._offers:
            raise ValueError(f"the answer is one of {', '.join(ANSWERS)}; found {answered!r}")
        self._offers[answered] += 1

    def source(self, conflicts: int, failing: bool) -> None:
        """Show how the last look at the till program's table went."""
        self._source = conflicts, failing

    def collect(self) -> Iterator[Metric]:
        """The families, in the order in which they are documented."""
        yield _labelled(families.EFFECTS, self._ends.items())
        failures = [((reason,), count) for reason, count in self._failures.items()]
        yield _labelled(families.EFFECT_FAILURES, failures)
        yield self._durations()
        answers = [((answer,), count) for answer, count in self._offers.items()]
        yield _labelled(families.OFFERS, answers)
        yield from self.loads.collect()
        yield from self._looks()
        yield _counter(families.WORKERS_ABANDONED, self.workers_abandoned)
        yield _counter(families.LISTENER_FAILURES, self.listener_failures)
        yield _info(families.BUILD_INFO, self._build)
        yield _info(families.CONFIG_INFO, self._config)
        read = zip(
            (families.RELOAD_SUCCESSFUL, families.RELOAD_TIME), self._config_read, strict=True
        )
        for family, value in read:
            yield GaugeMetricFamily(family.name, family.about, float(value))
        yield GaugeMetricFamily(families.TIME.name, families.TIME.about, self._wall())

    def _looks(self) -> Iterator[Metric]:
        """Two gauges without a sample where no table is looked at."""
        conflicts, up = (families.SOURCE_CONFLICTS, families.SOURCE_UP)
        values = (None, None) if self._source is None else (self._source[0], not self._source[1])
        for family, value in zip((conflicts, up), values, strict=True):
            yield GaugeMetricFamily(family.name, family.about, value)

    def _durations(self) -> Metric:
        family = families.EFFECT_DURATION
        metric = HistogramMetricFamily(family.name, family.about, labels=family.labels)
        for effect, runs in self._seconds.items():
            metric.add_metric((effect,), runs.cumulative(), runs.seconds)
        return metric


def _labelled(family: Family, counts: Iterable[tuple[tuple[str, ...], int]]) -> Metric:
    metric = CounterMetricFamily(family.name, family.about, labels=family.labels)
    for labels, count in counts:
        metric.add_metric(labels, count)
    return metric


def _counter(family: Family, value: int) -> Metric:
    return CounterMetricFamily(family.name, family.about, value)


def _info(family: Family, labels: Sequence[str]) -> Metric:
    texts = dict(zip(family.labels, labels, strict=True))
    return InfoMetricFamily(family.name.removesuffix("_info"), family.about, texts)
