"""The text of a scrape, held against prometheus_client's parsers and promtool."""

import subprocess
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from engine.core.facts import MachineFacts, PossibleTransition, StateFacts
from engine.core.records import Event, Refusal, Step, Taken
from metrics.exporter import AT_ONCE, Exporter
from metrics.families import FAMILIES

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def busy(exporter: Exporter) -> Exporter:
    """Two tills with something in every family."""
    exporter.add_till("01")
    exporter.observe(
        Step(
            "02",
            Event("ping.failed.timeout"),
            1.0,
            taken=[Taken("ping.failed", "online", "degraded")],
            refused=[Refusal("online", "ping.failed", "failures > 3")],
            entered=["reachable", "degraded"],
            configuration=("reachable", "degraded"),
            handled=True,
        ),
        100.25,
    )
    exporter.observe(Step("02", Event("sync.now"), 2.0), 101.0)
    exporter.step_failed("02")
    exporter.effect("ping", "ok", 0.012)
    exporter.effect("ping", "failed.timeout", 2.0)
    exporter.backlog("02", 3, 100, 1, 1_789_999_000.5)
    exporter.messages("02", 2, 1)
    exporter.offers("cached")
    exporter.worker_abandoned()
    return exporter


class Parsed(Collector):
    """Families that were read from a text, given back as they are."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def values(families: Iterable[Metric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Samples by name and labels, without those of the process, which change by themselves."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("tillwire_")
    }


def test_the_text_is_what_prometheus_client_would_write(exporter: Exporter) -> None:
    """Read and written again by the library, it says the same, headings included."""
    body = busy(exporter).render()[0].decode()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Parsed(list(parse_text(body))))
    again = generate_latest(registry).decode()

    def headings(text: str) -> list[str]:
        return sorted(line for line in text.splitlines() if line.startswith("#"))

    lines = [line for line in body.splitlines() if line.startswith("tillwire_")]
    assert headings(again) == headings(body)
    assert values(parse_text(again)) == values(parse_text(body))
    assert len(values(parse_text(body))) == len(lines)


def test_openmetrics_is_accepted_by_the_strict_parser(exporter: Exporter) -> None:
    """The same values in OpenMetrics, which ends in EOF and names counters without _total."""
    body, content_type = busy(exporter).render(OPENMETRICS)
    strict = values(parse_openmetrics(body.decode()))  # type: ignore[no-untyped-call]

    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    assert strict == values(parse_text(exporter.render()[0].decode()))


@pytest.mark.parametrize("accept", [None, "", "*/*", "text/plain", "text/html, nonsense;;q=x"])
def test_whoever_does_not_ask_for_openmetrics_gets_prometheus_text(
    exporter: Exporter, accept: str | None
) -> None:
    """An Accept header that names nothing we know is no reason to fail."""
    body, content_type = exporter.render(accept)

    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"# EOF" not in body


@pytest.mark.parametrize("accept", [None, OPENMETRICS])
def test_every_family_is_declared_once_with_its_type_and_nothing_was_created(
    exporter: Exporter, accept: str | None
) -> None:
    """Each family stands in one piece, and there is no _created series."""
    body = busy(exporter).render(accept)[0].decode()
    typed = [line.split()[2:] for line in body.splitlines() if line.startswith("# TYPE tillwire")]
    names = [name for name, _ in typed]

    def exported(name: str, kind: str) -> tuple[str, str]:
        if accept is None:
            return name, "gauge" if kind == "info" else kind
        return name.removesuffix("_total").removesuffix("_info"), kind

    assert len(names) == len(set(names))
    assert {tuple(pair) for pair in typed} == {exported(f.name, f.kind) for f in FAMILIES}
    assert "_created" not in body


def test_promtool_finds_nothing_to_say(exporter: Exporter) -> None:
    """`promtool check metrics` lints names, types and help texts; it is silent when content."""
    body, _ = busy(exporter).render()
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=body, capture_output=True, timeout=60, check=False
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_promtool_would_say_something(exporter: Exporter) -> None:
    """The silence above means something: a counter without _total is found."""
    body = b"# HELP tillwire_pings Pings.\n# TYPE tillwire_pings counter\ntillwire_pings 1\n"
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=body, capture_output=True, timeout=60, check=False
    )

    assert checked.returncode == 3
    assert b"_total" in checked.stderr


@pytest.mark.parametrize(
    ("till", "seen"),
    [
        ('quo"te', 'quo"te'),
        ("back\\slash", "back\\slash"),
        ("new\nline", "new\nline"),
        ("100%d %s", "100%d %s"),
        ("été", "été"),
        ("{curly}", "{curly}"),
        ("half\ud800", "half?"),
        ("nul\0nul", "nul?nul"),
    ],
)
def test_any_till_id_survives_the_text(facts: MachineFacts, till: str, seen: str) -> None:
    """Ids come from a file that a person writes; no character breaks a scrape."""
    exporter = Exporter("1", facts, lambda: 0.0)
    exporter.observe(
        Step(till, Event("x"), 0.0, taken=[Taken("ping.ok", "online", "offline")], handled=True),
        1.0,
    )

    tills = {
        sample.labels["till"]
        for family in parse_text(exporter.render()[0].decode())
        for sample in family.samples
        if "till" in sample.labels
    }
    assert tills == {seen}


def test_names_of_a_machine_survive_the_text() -> None:
    """A percent sign in a name is not taken for a hole in the template."""
    facts = MachineFacts(
        'ma"chine%d',
        "h",
        (StateFacts("a%d", 1, 0), StateFacts('b"', 2, 0)),
        (PossibleTransition("after 5%", "a%d", 'b"'),),
        (),
        (),
    )
    exporter = Exporter("1", facts, lambda: 0.0)
    exporter.observe(
        Step(
            "01",
            Event("x"),
            0.0,
            taken=[Taken("after 5%", "a%d", 'b"')],
            entered=['b"'],
            configuration=('b"',),
            handled=True,
        ),
        1.0,
    )

    found = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in parse_text(exporter.render()[0].decode())
        for sample in family.samples
    }
    moved = ("01", 'ma"chine%d', 'b"', "after 5%")
    assert found["tillwire_transitions_total", moved] == 1
    assert found["tillwire_state", ("01", 'ma"chine%d', 'b"')] == 1
    assert found["tillwire_state_code", ("01", 'ma"chine%d')] == 2


def test_a_process_without_tills_is_scraped_too(exporter: Exporter) -> None:
    """Families of tills are declared, and the process tells about itself."""
    families = {family.name: family for family in parse_text(exporter.render()[0].decode())}

    assert families["tillwire_state"].samples == []
    assert len(families["tillwire_time_seconds"].samples) == 1


def test_chunks_are_the_body_in_pieces(exporter: Exporter) -> None:
    """Put together they are what render gives, and no piece holds more than some tills."""
    for number in range(AT_ONCE * 2 + 1):
        exporter.add_till(f"{number:04}")
    pieces = list(exporter.chunks()[0])
    most = max(piece.count(b"tillwire_state{") for piece in pieces)

    def ours(body: bytes) -> list[bytes]:
        return [line for line in body.splitlines() if b"tillwire_" in line]

    assert ours(b"".join(pieces)) == ours(exporter.render()[0])
    assert most == AT_ONCE * 4


def test_a_till_that_comes_while_chunks_are_written_waits_for_the_next_scrape(
    exporter: Exporter,
) -> None:
    """Between two pieces the loop goes on, and what it does breaks no scrape."""
    exporter.add_till("01")
    pieces, _ = exporter.chunks()
    first = next(pieces)
    exporter.add_till("02")
    body = b"".join([first, *pieces])

    assert b'till="02"' not in body
    assert b'till="02"' in exporter.render()[0]
