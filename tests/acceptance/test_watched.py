"""A real Prometheus that scrapes real agents through an outage: what it has is what was lived."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime

import pytest
import yaml
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from engine.core.facts import machine_facts
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.lab import Lab, LabThread
from engine.lab.ftp import FtpLab
from engine.shipped import shipped_machine
from metrics.dashboards.build import dashboards
from metrics.dashboards.queries import Query, committed, queries, substitute
from metrics.families import FAMILIES
from tests.acceptance.agent_process import PATIENCE, ROOT, log_faults, wait_until
from tests.acceptance.prometheus_server import Series
from tests.acceptance.watched import LOOKOUT, RULES, Watched, live, prepare, scrape

SELECTOR = re.compile(r"(?:\w+:)?(?:tillwire_|process_)[\w:]+(?:\{[^}]*\})?|\bup\b(?:\{[^}]*\})?")
"""A metric of an agent in an expression, with its labels."""

CLOCK = 0.005
"""Seconds by which two clocks of one machine, and what they round, may lie apart."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A day that was lived once, for all tests; everything still runs."""
    folder = tmp_path_factory.mktemp("watched")
    exports = folder / "exports"
    exports.mkdir()
    with LabThread(Lab()) as lab, FtpLab(exports) as files:
        day = prepare(folder, lab, files)
        try:
            for agent in day.agents:
                agent.start(ready=False)
            with day.prometheus:  # it looks for targets once in five seconds
                for agent in day.agents:
                    wait_until(agent.ready, "the agent is ready")
                live(day, lab, files)
                yield day
        finally:
            for agent in day.agents:
                agent.end()
        assert [log_faults(agent) for agent in day.agents] == [[], [], []]


def examples() -> list[str]:
    """Every query of docs/metrics.md."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    cells = re.findall(r"(?m)^\| `tillwire_.* \| `([^`]+)`[^|]*\|$", page)
    assert len(cells) == len(FAMILIES)
    return [*cells, *re.findall(r"(?s)```promql\n(.*?)```", page)]


def selectors(expression: str) -> list[str]:
    """The metrics that an expression asks for, each as a query of its own."""
    without_words = re.sub(r'"[^"]*"', lambda word: word[0].replace("}", "."), expression)
    return SELECTOR.findall(without_words)


@pytest.mark.parametrize("query", examples())
def test_every_example_of_the_page_has_data(day: Watched, query: str) -> None:
    """Whole, or where it asks for what was well all day, in each metric that it asks for."""
    if "scalar(" in query:  # these look at one process, as the page says
        query = re.sub(r"(tillwire_\w+)", rf'\1{{instance="{day.instance(day.till)}"}}', query)
    assert day.ever(query) or all(day.ever(part) for part in selectors(query)), query


ASKED = [
    pytest.param(name, query, id=f"{name}-{query.title}-{query.ref or query.kind}")
    for name in ("fleet", "till")
    for query in queries(committed(name))
]


@pytest.mark.parametrize(("name", "query"), ASKED)
def test_every_query_of_a_dashboard_has_data(day: Watched, name: str, query: Query) -> None:
    """The panel, variable or annotation itself, and each metric in it: where nothing would be
    shown as 0, too. For all that there is, and for the one till."""
    chosen = {"till": "01", "instance": day.instance(day.till), "shop": "0042", "job": "tillwire"}
    alone = name == "till"
    expr = substitute(query.expr, chosen if alone else None, rate_interval="2s", range_="1m")
    assert not re.search(r"\$\D", expr), "only groups of a pattern are left to Prometheus"
    assert any(value == value for one in day.ever(expr) for _, value in one.samples), expr
    assert all(day.ever(part) for part in selectors(expr)), expr


def test_a_fleet_s_dashboard_that_reads_the_rules_has_data(day: Watched) -> None:
    """Where it adds up tills, it asks for what was added up by shop, and for no till's counters."""
    machine = load_machine(shipped_machine(), VOCABULARY)
    text = dashboards(machine, recorded=True)["fleet.json"]
    asked = [substitute(query.expr, None, "2s", "1m") for query in queries(json.loads(text))]
    by_rules = [expr for expr in asked if "shop:" in expr]
    assert len(by_rules) > 15
    assert [expr for expr in by_rules if not all(map(day.ever, (expr, *selectors(expr))))] == []
    buckets = "sum by (le) (increase("
    assert not any(buckets in expr or "sum by (event) (rate(" in expr for expr in asked)


RULED = [
    pytest.param(
        rule,
        id=f"{rule.get('alert') or rule['record']}-{rule['labels']['severity']}"
        if "labels" in rule
        else rule["record"],
    )
    for path in RULES
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]


@pytest.mark.parametrize("rule", RULED)
def test_every_rule_has_data(day: Watched, rule: dict[str, str]) -> None:
    """What is recorded; of an alert, which is silent when all is well, each metric that it looks
    at."""
    if "record" in rule:
        assert day.ever(rule["record"])
    asked = selectors(rule["expr"])
    assert asked
    assert [part for part in asked if not day.ever(part)] == []


FIRED = {
    "ShopOffline": {"0042", "0043"},
    "TillHeld": {"0042"},
    "TillFlapping": {"0042"},
    "TillTicketsNotLeaving": {"0042"},
    "TillTicketsRefused": {"0042"},
    "TillTicketNumbersMissing": {"0042"},
    "TillConfigRefused": {"0042"},
    "TillCatalogueStale": {"0042"},
    "TillLoadStuck": {"0042"},
    "TillAgentDown": {"0042"},
}
"""What a day like this rings, were it a thousand times as long: the alert, and of which shops."""

SILENT = {
    "ManyShopsOffline",
    "ShopAgentsDown",
    "TillAgentGone",
    "TillAgentNotReady",
    "TillAgentRestarting",
    "TillClockOff",
    "TillJournalBroken",
    "TillJournalUnverified",
    "TillListenerFailures",
    "TillServerSilent",
    "TillStepsFailed",
    "TillTicketSourceConflicts",
    "TillTicketSourceDown",
    "TillWorkersAbandoned",
}


def test_the_outage_rings_the_alerts_that_it_should_and_no_others(day: Watched) -> None:
    """Evaluated by Prometheus itself, with times that fit the day."""
    fired: dict[str, set[str]] = {}
    for one in day.ever('ALERTS{alertstate="firing"}'):
        fired.setdefault(one.labels["alertname"], set()).add(one.labels.get("shop", ""))
    assert {name: fired.get(name) for name in FIRED} == FIRED
    assert SILENT & set(fired) == set()


def code_by_state() -> dict[str, int]:
    facts = machine_facts(load_machine(shipped_machine(), VOCABULARY))
    return {state.id: state.code for state in facts.states if state.code is not None}


def moves(day: Watched) -> list[tuple[float, int]]:
    """From the till's history: when it came to which code, oldest first."""
    codes = code_by_state()
    found: list[tuple[float, int]] = []
    for step in day.till.history():
        (code,) = (codes[state] for state in step["states"] if state in codes)
        if not found or found[-1][1] != code:
            found.append((datetime.fromisoformat(step["at"]).timestamp(), code))
    return found


def raw(day: Watched, selector: str) -> list[tuple[float, float]]:
    """The samples of one series as they were scraped, each at the time of its scrape."""
    span = int(day.end - day.start) + 30
    found: list[Series] = day.prometheus.query(f"{selector}[{span}s]", day.end)
    (one,) = found
    return one.samples


def test_the_state_timeline_is_the_till_s_own_history(day: Watched) -> None:
    """At each scrape the code is the one that the history has at that moment, or one that it
    came to while the scrape went on."""
    begin = day.till.history()[0]
    assert begin["event"] == "begin", "the history still has its beginning"
    instance = day.instance(day.till)
    took = dict(raw(day, f'scrape_duration_seconds{{instance="{instance}"}}'))
    lived = moves(day)
    samples = raw(day, 'tillwire_state_code{till="01"}')
    for at, value in samples:
        before = [code for since, code in lived if since <= at + CLOCK]
        meanwhile = [code for since, code in lived if at - CLOCK <= since <= at + took[at] + CLOCK]
        assert value in {*before[-1:], *meanwhile}, (at, value, lived)
    assert len(samples) > 20
    codes = code_by_state()
    assert {codes[state] for state in day.seen} <= {int(value) for _, value in samples}


def test_every_state_of_the_day_was_seen(day: Watched) -> None:
    wanted = {"online", "loading", "degraded", "offline-cooldown", "held"}
    assert wanted <= set(day.seen)


def test_a_machine_of_one_s_own_is_watched_without_a_line_of_python(day: Watched) -> None:
    """Its states and codes, its transitions by cause, and the code of the region that has one."""
    ours = 'machine="lookout"'
    states = {one.labels["state"] for one in day.ever(f"tillwire_state{{{ours}}} == 1")}
    assert {"watching", "counter-open", "near", "far"} <= states
    assert {
        value for one in day.ever(f"tillwire_state_code{{{ours}}}") for _, value in one.samples
    } <= {21, 22}
    (lost,) = day.ever(f'tillwire_transitions_total{{{ours},to="far",event="ping.failed"}} > 0')
    assert lost.labels["till"] == "21"


def test_its_dashboards_show_it(day: Watched) -> None:
    """Every query about its states and transitions; it has no guard, and is the only one."""
    made = dashboards(load_machine(LOOKOUT, VOCABULARY), "en")
    asked = [query for text in made.values() for query in queries(json.loads(text))]
    ours = [query for query in asked if 'machine="lookout"' in query.expr]
    exprs = [substitute(query.expr, {"till": "21"}, "2s", "1m") for query in ours]
    empty = {query.title for query, expr in zip(ours, exprs, strict=True) if not day.ever(expr)}
    assert empty == {"Refused by a guard", "Another configuration than most"}
    assert len(ours) > 20


def test_its_page_shows_it(day: Watched) -> None:
    """The states in the words of its file, and the machine drawn."""
    view = json.loads(day.shown["/v1/tills/21"])
    assert view["label"] == {"en": "Server near", "fr": "Serveur proche"}
    ids = {state["id"] for state in json.loads(day.shown["/v1/machine"])["states"]}
    assert {"counter-shut", "far"} <= ids
    assert "Server far" in day.shown["/v1/machine/diagram.svg"]
    assert "<svg" in day.shown["/v1/tills/21/icon.svg"]


def test_its_trace_tells_of_it(day: Watched) -> None:
    """From its database: what led to the states of its file, and what came back."""
    told = subprocess.run(
        [*day.lookout.command()[:-3], "trace", "-c", "till.yaml", "--json"],
        cwd=day.lookout.folder,
        env=day.lookout.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    ).stdout
    assert all(word in told for word in ("counter-open", "far", "near", "ping.failed"))


def test_a_scrape_of_a_lived_in_till_has_at_most_150_series(day: Watched) -> None:
    """All told, and Prometheus itself counted no more; nothing came that was not there at the
    start but what the page says is absent until then."""
    lines = [line for line in day.last_scrape.decode().splitlines() if not line.startswith("#")]
    assert len(lines) <= 150
    instance = day.instance(day.till)
    count = day.prometheus.value(f'scrape_samples_scraped{{instance="{instance}"}}')
    assert count is not None
    assert count <= 150


class Parsed(Collector):
    """Families that were read from a text, given back as they are."""

    def __init__(self, text: str) -> None:
        self._families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]

    def collect(self) -> list[Metric]:
        return self._families


def in_text(openmetrics: bytes) -> bytes:
    """Read by the strict parser and written as promtool wants it: it reads the text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Parsed(openmetrics.decode()))
    return generate_latest(registry)


@pytest.mark.parametrize("openmetrics", [False, True])
def test_promtool_has_nothing_to_say_against_a_scrape(day: Watched, openmetrics: bool) -> None:
    body = scrape(day.till, "application/openmetrics-text;version=1.0.0" if openmetrics else "")
    assert body.endswith(b"# EOF\n") == openmetrics
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=in_text(body) if openmetrics else body,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
