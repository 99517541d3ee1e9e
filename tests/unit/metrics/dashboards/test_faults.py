"""The committed dashboards have none of the faults that Grafana's dashboard linter looks for."""

import re
from collections import Counter
from typing import Any

from metrics.dashboards.queries import Query, panels, queries
from metrics.families import FAMILIES

UNITS = {"short", "none", "s", "bytes", "Bps", "cpm", "percentunit"}
"""Those of Grafana's units that are used; a name that it does not know is shown as text."""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
SELECTOR = re.compile(r"\b((?:tillwire|process)_\w+|up)\b(\{[^}]*\})?")
RANGE = re.compile(r"\b(\w+)\((\w+)\{[^}]*\}\[([^\]]+)\]\)")
COUNTERS = {family.name for family in FAMILIES if family.kind == "counter"}


def _asked(dashboard: dict[str, Any]) -> list[Query]:
    found = [query for query in queries(dashboard) if query.kind != "variable"]
    assert len(found) > 40
    return found


def _selectors(query: Query) -> list[tuple[str, str]]:
    found = SELECTOR.findall(query.expr)
    assert found, query
    return found


def test_no_datasource_is_fixed(dashboard: dict[str, Any]) -> None:
    """The person who looks chooses it, for panels, queries, variables and annotations alike."""
    first, *others = dashboard["templating"]["list"]
    asking = [
        *panels(dashboard),
        *(target for panel in panels(dashboard) for target in panel["targets"]),
        *others,
        *dashboard["annotations"]["list"],
    ]
    assert (first["type"], first["name"], first["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    assert [each["datasource"] for each in asking] == [DATASOURCE] * len(asking)


def test_job_and_instance_can_be_chosen_and_several_at_once(dashboard: dict[str, Any]) -> None:
    """As can the shop; a shop that no target names hides nothing. Who looks at one till begins
    with one agent, not with the processes of all."""
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    one = "connection-till" in dashboard["uid"]
    for name, everything, begins in (
        ("job", ".+", True),
        ("instance", ".+", not one),
        ("shop", ".*", True),
    ):
        variable = variables[name]
        assert (variable["multi"], variable["includeAll"]) == (True, begins)
        assert variable["allValue"] == everything
    assert list(variables) == ["datasource", "job", "shop", "instance", "till"]


def test_variables_are_asked_for_anew_when_the_time_changes(dashboard: dict[str, Any]) -> None:
    """A till that is gone is offered as long as it was there in the time that is shown."""
    asked = [each for each in dashboard["templating"]["list"] if each["type"] == "query"]
    assert [each["refresh"] for each in asked] == [2] * 4


def test_every_panel_says_what_it_shows(dashboard: dict[str, Any]) -> None:
    """A title of its own in its row, a description, a unit that Grafana knows, a query."""
    for panel in panels(dashboard):
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["targets"], panel["title"]


def test_every_panel_and_query_has_a_name_of_its_own(dashboard: dict[str, Any]) -> None:
    """Numbers of panels and rows, and the names of a panel's queries."""
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert numbers == list(range(1, len(numbers) + 1))
    for panel in panels(dashboard):
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names)


def test_every_selector_asks_for_what_was_chosen(dashboard: dict[str, Any]) -> None:
    """Job, instance and shop everywhere; the till where the metric tells it."""
    tills = {family.name for family in FAMILIES if "till" in family.labels}
    one = "connection-till" in dashboard["uid"]
    for query in _asked(dashboard):
        for name, matchers in _selectors(query):
            for label in ("job", "instance", "shop"):
                assert f'{label}=~"${label}"' in matchers, (query.title, name)
            if name in tills and query.title not in ("Tickets in a batch", "Tickets par lot"):
                assert ('till="$till"' if one else 'till=~"$till"') in matchers, query


def test_counters_are_asked_for_what_they_grew_by(dashboard: dict[str, Any]) -> None:
    """By rate() over $__rate_interval, or by increase(), also over the time that is shown."""
    for query in _asked(dashboard):
        counted = [name for name, _ in _selectors(query) if name in COUNTERS]
        counted += re.findall(r"\w+_(?:bucket|sum|count|seconds_total)(?=\{)", query.expr)
        ranges = RANGE.findall(query.expr)
        grown = Counter(name for function, name, _ in ranges if function in ("rate", "increase"))
        assert Counter(counted) == grown, query
        for function, _, length in ranges:
            longer = {"rate": set(), "increase": {"$__range"}}
            others = {"$__range:$__interval"}
            assert length in {"$__rate_interval", *longer.get(function, others)}, query


def test_nobody_edits_them_by_hand(dashboard: dict[str, Any]) -> None:
    """They are made from the machine's file; uid and tags stay, so that links hold."""
    assert dashboard["editable"] is False
    assert re.fullmatch(r"tillwire-connection-(fleet|till)(-fr)?", dashboard["uid"])
    assert dashboard["tags"] == ["tillwire", "connection"]


def test_panels_neither_overlap_nor_leave_holes(dashboard: dict[str, Any]) -> None:
    """Every place of the grid, 24 wide, is taken once."""
    taken = Counter(
        (x, y)
        for panel in dashboard["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    )
    height = max(y for _, y in taken) + 1
    assert set(taken.values()) == {1}
    assert set(taken) == {(x, y) for x in range(24) for y in range(height)}
