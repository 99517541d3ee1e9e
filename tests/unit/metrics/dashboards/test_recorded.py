"""For thousands of tills, what all of them did is asked of the recording rules."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from metrics.dashboards.build import dashboards
from metrics.dashboards.queries import committed, panels, queries

RULES = Path(__file__).parents[4] / "metrics" / "rules" / "fleet.yaml"
MACHINE = load_machine(shipped_machine(), VOCABULARY)


def _fleet() -> Any:
    return json.loads(dashboards(MACHINE, recorded=True)["fleet.json"])


def _rules() -> dict[str, str]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["record"]: rule["expr"] for group in groups for rule in group["rules"]}


def test_what_is_asked_of_a_rule_is_recorded_with_the_labels_that_are_asked_for() -> None:
    """By a rule of metrics/rules; in matchers and in what it is added up by."""
    rules = _rules()
    asked: set[str] = set()
    for query in queries(_fleet()):
        found = re.findall(r"(?:sum by \((\w+)\) \()?(shop:[\w:]+)\{([^}]*)\}", query.expr)
        for by, name, matchers in found:
            kept = {*re.findall(r"\w+", re.findall(r"by \(([^)]*)\)", rules[name])[0])}
            wanted = {*re.findall(r"(\w+)=", matchers), *filter(None, [by])}
            assert wanted <= kept, query
            asked.add(name)
    unasked = {"shop:tillwire_offline:sum", "shop:tillwire_tills:count"}
    assert asked == {name for name in rules if name.startswith("shop:")} - unasked


def test_the_panels_are_the_same_and_only_their_questions_differ() -> None:
    """So that one can take the place of the other; one till's dashboard is the same anyway."""
    plain, recorded = committed("fleet"), _fleet()
    changed = 0
    for one, other in zip(_asking(plain), _asking(recorded), strict=True):
        changed += one["expr"] != other["expr"]
        one["expr"] = other["expr"]
    assert plain == recorded
    assert changed > 20
    assert json.loads(dashboards(MACHINE, recorded=True)["till.json"]) == committed("till")


def _asking(dashboard: Any) -> list[Any]:
    targets = [target for panel in panels(dashboard) for target in panel["targets"]]
    return [*targets, *dashboard["annotations"]["list"]]
