"""The recording rules add up what they say, and the page tells of each."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
RULES = ROOT / "metrics" / "rules"
FILES = sorted(RULES.glob("*.yaml"))
TESTS = sorted((RULES / "tests").glob("*.yaml"))


def loaded(path: Path) -> Any:
    """A file of Prometheus's own."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def records() -> list[str]:
    """The names of all that is recorded."""
    groups = [group for path in FILES for group in loaded(path)["groups"]]
    return [rule["record"] for group in groups for rule in group["rules"]]


def promtool(*words: str | Path) -> str:
    """What it has to complain about; empty when it has nothing."""
    command = ["promtool", *map(str, words)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def test_prometheus_takes_the_rules() -> None:
    assert promtool("check", "rules", *FILES) == ""


def test_the_rules_do_what_their_tests_say() -> None:
    """For a process of one till, and for one of several."""
    assert promtool("test", "rules", *TESTS) == ""


def test_every_rule_has_a_test() -> None:
    """Which asks for what it records."""
    cases = [case for path in TESTS for case in loaded(path)["tests"]]
    asked = [test["expr"] for case in cases for test in case["promql_expr_test"]]
    assert len(records()) == len(set(records())) > 15
    assert [name for name in records() if not any(name in expr for expr in asked)] == []


def test_the_page_tells_of_every_rule_and_of_no_other() -> None:
    page = (ROOT / "docs" / "fleet.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| `(\w+:\w+:\w+)`", page) == records()
