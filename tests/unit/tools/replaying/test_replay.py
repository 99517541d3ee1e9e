"""``tillwire replay``: a database and a machine, a page and an exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.store import Store
from tests.unit.tools.replaying.lives import NOW, TEXT, Life, chart_of, long

Tillwire = Callable[..., Any]
TILL = """\
shop: '1'
tills: ['01', '02']
machine: machine.yaml
server: {protocol: soap, url: 'http://server.example'}
database: {path: till.db}
parameters: {ping_interval: 20s}
"""


def _keep(folder: Path, life: Life) -> None:
    with Store.open(folder / "till.db") as store:
        store.history.record(life.kept.rows)
        store.snapshots.save([("01", "{}", NOW)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called: what a till lived with the shipped machine, and an edit."""
    _keep(tmp_path, long(11))
    (tmp_path / "machine.yaml").write_text(TEXT, encoding="utf-8")
    edited = TEXT.replace(
        "  message_retry_wait:\n    default: 1min", "  message_retry_wait:\n    default: 5s"
    )
    (tmp_path / "edited.yaml").write_text(edited, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_the_machine_that_lived_it_gives_the_same_steps(tillwire: Tillwire) -> None:
    """From a database file alone."""
    result = tillwire("replay", "machine.yaml", "--database", "till.db")
    assert result.code == 0
    assert "This machine lived it: " in result.out
    assert " steps played again, all the same.\n" in result.out
    data = json.loads(tillwire("replay", "machine.yaml", "--database", "till.db", "--json").out)
    assert data["tills"][0]["unlike"] is None
    assert data["tills"][0]["from"] == NOW


@pytest.mark.usefixtures("folder")
def test_an_edited_machine_is_set_beside_what_was_lived(tillwire: Tillwire) -> None:
    """Figures of both, what was assumed, and when the till would have been elsewhere."""
    result = tillwire("replay", "edited.yaml", "--database", "till.db", "--till", "01")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("Till 01, 20")
    assert any(line.split()[:1] == ["offline"] and len(line.split()) == 3 for line in lines)
    assert any(line.strip().startswith("ping calls") for line in lines)
    assert any(" calls are assumed" in line for line in lines)
    assert any("in offline-cooldown, was in" in line or "was in offline" in line for line in lines)
    told = json.loads(tillwire("replay", "edited.yaml", "--database", "till.db", "--json").out)
    till = told["tills"][0]
    assert till["same_machine"] is False
    assert till["played"]["calls"]["ping"] > till["lived"]["calls"]["ping"]
    assert till["played"]["offline_seconds"] <= till["lived"]["offline_seconds"]


def test_the_values_of_a_till_yaml_are_its_machines(tillwire: Tillwire, folder: Path) -> None:
    """Of a till without a history nothing is told but that."""
    (folder / "till.yaml").write_text(TILL, encoding="utf-8")
    (folder / "till.db").unlink()
    _keep(folder, Life(3, chart_of(TEXT, ping_interval="20s")))
    result = tillwire("replay", "machine.yaml", "--config", "till.yaml", "--since", "2h")
    assert result.code == 0
    assert "This machine lived it" in result.out
    assert "Till 02: nothing that can be played again was recorded.\n" in result.out


def test_a_step_that_is_not_the_same_is_told(tillwire: Tillwire, tmp_path: Path) -> None:
    """With exit code 1: a history that another hand changed, or a fault of tillwire."""
    life = long(12)
    index = next(i for i, row in enumerate(life.kept.rows) if i > 5 and not row.dull)
    life.kept.rows[index] = life.kept.rows[index]._replace(states=("held",))
    _keep(tmp_path, life)
    (tmp_path / "machine.yaml").write_text(TEXT, encoding="utf-8")
    result = tillwire("replay", tmp_path / "machine.yaml", "--database", tmp_path / "till.db")
    assert result.code == 1
    assert "gives another one. States: was ('held',), is ('reachable', " in result.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("machine.yaml",), 2, "Name a till.yaml with --config, or a database with --database.\n"),
        (("machine.yaml", "--database", "none.db"), 2, "There is no database "),
        (("none.yaml", "--database", "till.db"), 2, "none.yaml: error: The file cannot be read: "),
        (("machine.yaml", "--database", "till.db", "--till", "9"), 2, "There is no till '9'."),
        (("bad.yaml", "--database", "till.db"), 1, "bad.yaml:1:1: error: "),
    ],
)
def test_what_cannot_be_played_is_said(
    tillwire: Tillwire, folder: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """In a sentence, and never with a traceback."""
    (folder / "bad.yaml").write_text("machine: bad\n", encoding="utf-8")
    result = tillwire("replay", *words)
    assert result.code == code
    assert said in result.err
    assert result.out == ""
