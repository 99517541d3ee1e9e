"""The alerts are good rules, do what their tests say, and each has such a test."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "metrics" / "alerts"
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
                for look in case["promql_expr_test"]
                if f'alertname="{name}"' in look["expr"]
            ]
            if found:
                yield found


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_is_seen_silent_firing_and_over(name: str) -> None:
    """In one case at least, in this order; one that needs no till at all begins with none."""
    order = re.compile("-.*!.*-")
    cases = ["".join("!" if fires else "-" for fires in found) for found in looks(name)]
    assert any(order.search(case) for case in cases), cases
