"""The committed dashboards are those of the machine that comes along, and whole."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from metrics.dashboards.build import dashboards
from metrics.dashboards.faces import Language
from metrics.dashboards.french import FRENCH
from metrics.dashboards.queries import committed, queries, substitute

FOLDER = Path(__file__).parents[4] / "metrics" / "dashboards"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_committed_files_are_what_is_built(language: Language) -> None:
    """To the byte; `make dashboards` renews them."""
    definition = load_machine(shipped_machine(), VOCABULARY)
    folder = FOLDER / language
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert found == dashboards(definition, language)


def test_grafanas_own_models_read_them_whole(dashboard: dict[str, Any]) -> None:
    """Decoded by the library's models and encoded again, nothing is lost and nothing added but a
    menu for links and annotations that Grafana 10 has not."""
    again = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
    for hidden in (*again["links"], *again["annotations"]["list"]):
        assert hidden.pop("placement") == "inControlsMenu"
    assert again == dashboard


def test_every_text_is_said_in_french_and_none_that_nobody_says() -> None:
    """Each translation is on one of the French dashboards, none of which speaks English."""
    said = {
        text
        for name in ("fleet", "till")
        for text in _texts(committed(name, "fr"))
        for text in (text, *text.split(". "))
    }
    unsaid = [
        english
        for english, french in FRENCH.items()
        if not any(french.rstrip(".") in text for text in said)
    ]
    assert unsaid == []


def _texts(part: object) -> list[str]:
    if isinstance(part, dict):
        return [text for each in part.values() for text in _texts(each)]
    if isinstance(part, list):
        return [text for each in part for text in _texts(each)]
    return [part] if isinstance(part, str) else []


def test_promtool_takes_every_query(tmp_path: Path) -> None:
    """As Grafana would send it, as the expression of a rule."""
    asked = {
        substitute(query.expr, {"till": "01"})
        for name in ("fleet", "till")
        for query in queries(committed(name))
    }
    rules = [{"record": f"query:{n}", "expr": expr} for n, expr in enumerate(sorted(asked))]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}), "utf-8")
    told = subprocess.run(
        ["promtool", "check", "rules", file],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert f"{len(rules)} rules found" in told.stdout
    assert len(rules) > 80
