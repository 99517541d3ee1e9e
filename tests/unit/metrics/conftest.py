"""A small machine, an exporter of it, and a reader of what it exports."""

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.core.facts import MachineFacts, PossibleRefusal, PossibleTransition, StateFacts
from metrics.exporter import Exporter

NOW = 1_790_000_000.5

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
Read = Callable[..., float | None]


def machine() -> MachineFacts:
    """online and degraded inside reachable, and offline beside it."""
    return MachineFacts(
        name="connection",
        hash="c0ffee",
        states=(
            StateFacts("reachable", None, 0),
            StateFacts("online", 1, 1),
            StateFacts("degraded", 4, 1),
            StateFacts("offline", 5, 0),
        ),
        transitions=(
            PossibleTransition("ping.ok", "online", "online"),
            PossibleTransition("ping.failed", "online", "degraded"),
            PossibleTransition("ping.failed", "degraded", "offline"),
        ),
        refusals=(PossibleRefusal("online", "ping.failed"),),
        events=("ping.ok", "ping.failed.timeout", "sync.now"),
    )


@pytest.fixture
def facts() -> MachineFacts:
    return machine()


@pytest.fixture
def exporter(facts: MachineFacts) -> Exporter:
    return Exporter("1.2.3", facts, lambda: NOW)


def samples(exporter: Exporter) -> Samples:
    """Every sample of a scrape in Prometheus text, by name and labels."""
    body, _ = exporter.render()
    found: Samples = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} is exported twice"
            found[key] = sample.value
    return found


@pytest.fixture
def read(exporter: Exporter) -> Read:
    """Reads one sample of the exporter; None when it is absent."""

    def value(name: str, **labels: str) -> float | None:
        wanted = {label.removesuffix("_"): text for label, text in labels.items()}
        return samples(exporter).get((name, tuple(sorted(wanted.items()))))

    return value
