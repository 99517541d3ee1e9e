"""Chance that comes out the same each time: a generator for each thing that is left to it."""

from math import exp, log
from random import Random

from engine.tools.simulation.scenario import Latency

NORMAL_99 = 2.3263
"""Of a normal distribution, one value in a hundred lies so many deviations above the mean."""


def generator(seed: int, *names: str) -> Random:
    """The generator of that name. What one draws moves no other: two machines that make other
    calls sell the same tickets."""
    return Random("/".join((str(seed), *names)))  # noqa: S311 - it protects nothing


def draw(latency: Latency, chance: Random) -> float:
    """Seconds that a way takes, to the millisecond: log-normal, as round trips are."""
    median, p99 = latency.median, latency.p99
    if p99 is None or p99 <= median or median <= 0:
        return median
    deviation = log(p99 / median) / NORMAL_99
    return max(0.001, round(median * exp(deviation * chance.gauss(0.0, 1.0)), 3))
