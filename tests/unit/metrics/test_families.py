"""The table that people read says what the exporter does."""

import re
import subprocess
from pathlib import Path

import pytest

from metrics.families import FAMILIES, Family

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def rows() -> dict[str, list[str]]:
    """The page's table by name of metric: type, labels, meaning, example."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `tillwire_"):
            found[cells[0].strip("`")] = cells[1:]
    return found


def test_the_page_lists_every_metric_and_no_other() -> None:
    """In the order in which they are exported, too."""
    assert list(rows()) == [family.name for family in FAMILIES]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_page_tells_type_labels_and_meaning(family: Family) -> None:
    """What the page says of a metric is what its HELP, TYPE and labels say."""
    kind, labels, meaning, _ = rows()[family.name]

    assert kind == family.kind
    assert tuple(re.findall(r"`(\w+)`", labels)) == family.labels
    assert meaning == family.about


def test_every_example_is_promql(tmp_path: Path) -> None:
    """promtool reads each query of the page as the expression of a rule."""
    examples = [re.findall(r"`([^`]+)`", row[3])[0] for row in rows().values()]
    blocks = re.findall(r"```promql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    rules = tmp_path / "rules.yaml"
    lines = ["groups:", "- name: page", "  rules:"]
    for number, query in enumerate([*examples, *blocks]):
        lines += [f"  - record: page:{number}:q", f"    expr: {' '.join(query.split())!r}"]
    rules.write_text("\n".join(lines), encoding="utf-8")
    checked = subprocess.run(
        ["promtool", "check", "rules", str(rules)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    assert f"{len(FAMILIES) + len(blocks)} rules found" in checked.stdout
