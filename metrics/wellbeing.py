"""How the agent itself does: what alerts about a process look at."""

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from metrics import families
from metrics.families import Family


class Wellbeing(Collector):
    """What was told last; None: nothing was, and there is no sample. Times are Unix times."""

    def __init__(self) -> None:
        self.ready: bool | None = None
        self.lag: float | None = None
        self.last_exchange: float | None = None
        self.free: int | None = None
        self.broken: bool | None = None
        self.whole_at: float | None = None

    def collect(self) -> Iterator[Metric]:
        """The families, in the order in which they are documented."""
        shown: tuple[tuple[Family, float | None], ...] = (
            (families.READY, self.ready),
            (families.LOOP_LAG, self.lag),
            (families.LAST_EXCHANGE, self.last_exchange),
            (families.DISK_FREE, self.free),
            (families.JOURNAL_BROKEN, self.broken),
            (families.JOURNAL_VERIFIED, self.whole_at),
        )
        for family, value in shown:
            yield GaugeMetricFamily(family.name, family.about, value)
