"""What the process has once: effects, workers, versions, the clock.

There are few of these, so prometheus_client writes them. No ``_created`` series: a family that
a collector yields has them only when it is given a time of creation.
"""

import platform
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

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
from metrics.families import Family

OUTCOMES = ("ok", "rejected", *(f"failed.{reason}" for reason in REASONS))
"""What can come of an effect: the label ``outcome``."""

ANSWERS = ("fresh", "cached", "none")
"""What whoever asks for offers can get: the label ``answer``."""

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper bounds of the buckets, in seconds: from a ping in the shop to a webservice timeout."""


class Durations:
    """A histogram of one effect with one outcome."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count a run that took so many seconds."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Pairs of upper bound and runs that took no longer, as the text format has them."""
        bounds = (*(str(bound) for bound in BOUNDS), "+Inf")
        return [
            (bound, float(n)) for bound, n in zip(bounds, accumulate(self.buckets), strict=True)
        ]


class ProcessWide(Collector):
    """Collects what has no till."""

    def __init__(self, version: str, machine: MachineFacts, wall: Callable[[], float]) -> None:
        self._build = (version, platform.python_version())
        self._config = (machine.name, machine.hash)
        self._wall = wall
        self._effects: dict[str, dict[str, Durations]] = {}
        self._offers = dict.fromkeys(ANSWERS, 0)
        self.workers_abandoned = 0
        self.listener_failures = 0

    def effect(self, effect: str, outcome: str, seconds: float) -> None:
        """Count a run. The first run of an effect makes all its outcomes visible, at 0."""
        if outcome not in OUTCOMES:
            raise ValueError(f"an effect ends in one of {', '.join(OUTCOMES)}; found {outcome!r}")
        outcomes = self._effects.get(effect)
        if outcomes is None:
            outcomes = self._effects[effect] = {name: Durations() for name in OUTCOMES}
        outcomes[outcome].observe(seconds)

    def offers(self, answered: str) -> None:
        """Count an answer to who asked for offers."""
        if answered not in self._offers:
            raise ValueError(f"the answer is one of {', '.join(ANSWERS)}; found {answered!r}")
        self._offers[answered] += 1

    def collect(self) -> Iterator[Metric]:
        """The families, in the order in which they are documented."""
        yield self._durations()
        yield self._answers()
        yield _counter(families.WORKERS_ABANDONED, self.workers_abandoned)
        yield _counter(families.LISTENER_FAILURES, self.listener_failures)
        yield _info(families.BUILD_INFO, self._build)
        yield _info(families.CONFIG_INFO, self._config)
        yield GaugeMetricFamily(families.TIME.name, families.TIME.about, self._wall())

    def _answers(self) -> Metric:
        family = families.OFFERS
        metric = CounterMetricFamily(family.name, family.about, labels=family.labels)
        for answer, count in self._offers.items():
            metric.add_metric((answer,), count)
        return metric

    def _durations(self) -> Metric:
        family = families.EFFECT_DURATION
        metric = HistogramMetricFamily(family.name, family.about, labels=family.labels)
        for effect, outcomes in self._effects.items():
            for outcome, runs in outcomes.items():
                metric.add_metric((effect, outcome), runs.cumulative(), runs.seconds)
        return metric


def _counter(family: Family, value: int) -> Metric:
    return CounterMetricFamily(family.name, family.about, value)


def _info(family: Family, labels: Sequence[str]) -> Metric:
    texts = dict(zip(family.labels, labels, strict=True))
    return InfoMetricFamily(family.name.removesuffix("_info"), family.about, texts)
