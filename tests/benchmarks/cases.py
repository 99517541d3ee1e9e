"""How fast test cases are played: virtual hours a second, as ``tillwire test`` plays them.

A till whose server answers goes round, and what is the same again is counted. One without a
server does not, since chance makes each of its waits another one: all of it is played. A case
that expects metrics plays everything, too.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from engine import __version__
from engine.core.facts import MachineFacts
from engine.effects.table import VOCABULARY
from engine.tools.testing.coverage import Coverage
from engine.tools.testing.playing import Player
from engine.tools.testing.reading import load_tests
from metrics.exporter import Exporter

MACHINES = Path(__file__).parents[2] / "machines"
CASES = f"""
machine: {MACHINES / "connection.yaml"}
cases:
  - case: a till whose server answers
    answers: {{all: ok}}
    timeline: [{{wait: 30d}}]
  - case: a till without a server
    answers: {{all: failed.unreachable}}
    timeline: [{{wait: 30d}}]
  - case: a till whose pings are counted
    answers: {{all: ok}}
    timeline: [{{wait: 12h}}]
    expect: {{metrics: {{tillwire_state: 2}}}}
"""


def _exporter(facts: MachineFacts, wall: object) -> Exporter:
    return Exporter(__version__, facts, wall)  # type: ignore[arg-type] # whatever tells the time


def _played(file: Path) -> list[dict[str, object]]:
    tests = load_tests(file, VOCABULARY)
    coverage = Coverage(tests.machine, tests.definitions[0])
    rows: list[dict[str, object]] = []
    for index, case in enumerate(tests.suite.cases):
        chart = coverage.chart(tests.definitions[index])
        started = perf_counter()
        result = Player(tests, index, chart, coverage, _exporter).play()
        took = perf_counter() - started
        assert not result.failures, result.failures
        name = f"test: {case.case}"
        rows.append({"name": name, "value": result.hours / took, "unit": "h/s", "must": ""})
    return rows


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "speed.test.yaml"
        file.write_text(CASES, encoding="utf-8")
        rows = _played(file)
    for row in rows[:2]:
        row["must"] = "> 200"
    started = perf_counter()
    tests = load_tests(MACHINES / "connection.test.yaml", VOCABULARY)
    rows.append(
        {"name": "test: shipped cases", "value": len(tests.suite.cases), "unit": "", "must": ""}
    )
    rows.append(
        {"name": "test: reading them", "value": perf_counter() - started, "unit": "s", "must": ""}
    )
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
