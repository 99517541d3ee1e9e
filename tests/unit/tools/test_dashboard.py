"""`tillwire dashboard`: what it writes, and what it says when it cannot."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from metrics.dashboards.queries import committed, panels, queries

MINE = """\
machine: scales
initial: ready
states:
  ready: {label: {en: Ready, fr: Prête}, code: 1, on: {scales.lost: gone}}
  gone: {offline: true, on: {scales.found: ready}}
events:
  scales.lost: {}
  scales.found: {}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A machine of somebody's own, with a state that has no code."""
    file = tmp_path / "mine.yaml"
    file.write_text(MINE, encoding="utf-8")
    return file


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def test_without_a_file_it_is_the_machine_that_comes_along(tillwire: Any, tmp_path: Path) -> None:
    """In English unless told otherwise; the folder is made."""
    result = tillwire("dashboard", "--out", tmp_path / "new")
    assert (result.code, result.out) == (0, "")
    assert result.err == "".join(
        f"Wrote {tmp_path / 'new' / name}.\n" for name in ("fleet.json", "till.json")
    )
    assert _read(tmp_path / "new", "fleet") == committed("fleet")


def test_a_machine_of_ones_own_gets_its_dashboards(
    tillwire: Any, mine: Path, tmp_path: Path
) -> None:
    """Its states with their words, under addresses of their own; what has no code is told."""
    result = tillwire("dashboard", mine, "--language", "fr", "--out", tmp_path)
    assert result.code == 0
    assert result.err.endswith(
        "States without a code have a number of the dashboards' own: gone 2. "
        "Give each a `code`, so that its number stays when the file changes.\n"
    )
    till = _read(tmp_path, "till")
    assert (till["uid"], till["title"]) == ("tillwire-scales-till-fr", "tillwire: caisse (scales)")
    states = next(panel for panel in panels(till) if panel["type"] == "state-timeline")
    (mapping,) = states["fieldConfig"]["defaults"]["mappings"]
    assert {number: face["text"] for number, face in mapping["options"].items()} == {
        "1": "Prête",
        "2": "gone",
    }
    number = states["targets"][0]["expr"]
    assert number.startswith("tillwire_state_code{")
    assert number.endswith('machine="scales", state="gone"} == 1) * 2')
    assert not [query for query in queries(till) if "offline.hold" in query.expr]


def test_a_refused_machine_is_a_report_and_1(tillwire: Any, mine: Path, tmp_path: Path) -> None:
    """Nothing is written."""
    mine.write_text(MINE.replace("gone}}", "gome}}"), encoding="utf-8")
    result = tillwire("dashboard", mine, "--out", tmp_path / "new")
    assert (result.code, result.out) == (1, "")
    assert "Did you mean 'gone'?" in result.err
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_not_there_is_2(tillwire: Any, tmp_path: Path) -> None:
    """With its name."""
    result = tillwire("dashboard", tmp_path / "none.yaml")
    assert (result.code, result.out) == (2, "")
    assert "none.yaml" in result.err


def test_a_folder_that_cannot_be_written_is_said(tillwire: Any, mine: Path) -> None:
    """Here a file is in its place."""
    result = tillwire("dashboard", mine, "--out", mine)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"{mine / 'fleet.json'} cannot be written: File exists.\n"


def test_without_its_library_it_says_what_to_install(
    tillwire: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A till has no use for the library, so it does not come with tillwire."""
    for name in [*sys.modules]:
        if name.startswith("metrics.dashboards.build"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk.cog.encoder", None)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk", None)
    result = tillwire("dashboard", "--out", tmp_path / "new")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "The dashboards are made with a library that a till has no use for and that is not "
        "installed here.\nInstall it where you make them: pip install 'tillwire[dashboards]'\n"
    )
    assert not (tmp_path / "new").exists()
