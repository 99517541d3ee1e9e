"""A histogram of durations."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

BOUNDS = (0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Upper bounds of the buckets, in seconds: from a ping in the shop to the usual timeout."""


class Durations:
    """A histogram, of one effect say; without bounds it is a sum and a count."""

    __slots__ = ("_bounds", "buckets", "seconds")

    def __init__(self, bounds: Sequence[float] = BOUNDS) -> None:
        self._bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count a run that took so many seconds."""
        self.buckets[bisect_left(self._bounds, seconds)] += 1
        self.seconds += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Pairs of upper bound and runs that took no longer, as the text format has them."""
        bounds = (*(str(bound) for bound in self._bounds), "+Inf")
        return [
            (bound, float(n)) for bound, n in zip(bounds, accumulate(self.buckets), strict=True)
        ]
