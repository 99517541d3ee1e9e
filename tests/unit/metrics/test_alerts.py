"""The alerts are good rules, do what their tests say, and each has such a test."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.core.facts import machine_facts
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from metrics.families import FAMILIES

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "metrics" / "alerts"
RUNBOOKS = ROOT / "docs" / "runbooks"
FILES = sorted(FOLDER.glob("*.yaml"))
TESTS = sorted((FOLDER / "tests").glob("*.yaml"))


def loaded(path: Path) -> Any:
    """A file of Prometheus' own."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


ALERTS: list[dict[str, Any]] = [
    rule
    for path in FILES
    for group in loaded(path)["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
NAMES = sorted({rule["alert"] for rule in ALERTS})


def promtool(*words: str | Path) -> str:
    """What it has to complain about; empty when it has nothing."""
    ran = subprocess.run(
        ["promtool", *map(str, words)], capture_output=True, text=True, check=False
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def test_prometheus_takes_the_rules() -> None:
    """Expressions and the templates of their sentences."""
    assert promtool("check", "rules", *FILES) == ""


def test_the_alerts_do_what_their_tests_say() -> None:
    """Played by promtool, which evaluates as Prometheus does."""
    assert promtool("test", "rules", *TESTS) == ""


def looks(name: str) -> Iterator[list[bool]]:
    """For each case that looks for an alert: whether it fires at each of the looks, in time."""
    for path in TESTS:
        for case in loaded(path)["tests"]:
            found = [
                bool(look["exp_samples"])
                for look in case.get("promql_expr_test", [])
                if f'alertname="{name}"' in look["expr"]
            ]
            if found:
                yield found


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_is_seen_silent_firing_and_over(name: str) -> None:
    """In one case at least, in this order."""
    order = re.compile("-.*!.*-")
    cases = ["".join("!" if fires else "-" for fires in found) for found in looks(name)]
    assert any(order.search(case) for case in cases), cases


def ids(rule: dict[str, Any]) -> str:
    return f"{rule['alert']}-{rule['labels']['severity']}"


@pytest.mark.parametrize("rule", ALERTS, ids=ids)
def test_each_alert_says_all_that_a_person_needs(rule: dict[str, Any]) -> None:
    """How bad, what and why in both languages, naming the same things, and where to read on."""
    sentences = rule["annotations"]

    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["labels"]) <= {"severity", "hours"}
    assert rule["labels"].get("hours", "shop") == "shop"
    assert sentences.keys() == {
        *(f"{part}{language}" for part in ("summary", "description") for language in ("", "_fr")),
        "runbook",
    }
    assert all(text.endswith(".") for name, text in sentences.items() if name != "runbook")
    for part in ("summary", "description"):
        english, french = sentences[part], sentences[f"{part}_fr"]
        assert english != french
        assert _holes(english) == _holes(french)
    assert sentences["runbook"] == f"docs/runbooks/{rule['alert']}.md"


def _holes(text: str) -> list[str]:
    """What Prometheus puts in, whatever stands around it."""
    return sorted(set(re.findall(r"\{\{.*?\}\}", text)))


def test_alerts_and_runbooks_are_one_to_one() -> None:
    """None is without the other."""
    assert sorted(path.stem for path in RUNBOOKS.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_answers_five_questions(name: str) -> None:
    """Under the same headings in each, and none is left empty."""
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    title, *parts = re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]

    assert title.strip() == name
    headings = [part.partition("\n")[0] for part in parts]
    assert headings == ["What it means", "Who suffers", "Look", "Do", "When to worry"]
    assert all(len(part.partition("\n")[2].split()) > 2 for part in parts)


def test_the_page_lists_the_alerts_as_they_are() -> None:
    """Severity, for how long, and whether it can wait until the shop opens."""
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    row = re.compile(r"^\| \[(\w+)\]\((.*?)\) \| (.*?) \| .*? \| (.*?) \| (.*?) \|$", re.MULTILINE)
    told = {name: tuple(cells) for name, *cells in row.findall(page)}
    found = {}
    for name in NAMES:
        rules = [rule for rule in ALERTS if rule["alert"] == name]
        found[name] = (
            f"runbooks/{name}.md",
            ", ".join(rule["labels"]["severity"] for rule in rules),
            ", ".join(rule.get("for", "at once") for rule in rules),
            "opening hours" if "hours" in rules[0]["labels"] else "always",
        )

    assert told == found


@pytest.mark.parametrize("rule", ALERTS, ids=ids)
def test_no_alert_names_a_state_or_an_unknown_metric(rule: dict[str, Any]) -> None:
    """So that a user's own machine is watched without an edit."""
    shipped = machine_facts(load_machine(shipped_machine(), VOCABULARY)).states
    words = set(re.findall(r"[\w-]+", rule["expr"]))

    assert words.isdisjoint(state.id for state in shipped)
    used = {word for word in words if word.startswith("tillwire_")}
    assert used <= {family.name for family in FAMILIES}
    assert used or "up" in words
