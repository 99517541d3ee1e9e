"""``tillwire config show``: values and where they come from."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.shipped import shipped_machine

TEXT = """\
shop: '1'
till: '1'
parameters:
  slow_ping: 90s
  ping_timeout:
server: {protocol: soap, url: 'http://server.example'}
api: {token: '${env:TILL_TOKEN}'}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A till.yaml with an override, an empty one and a secret."""
    monkeypatch.setenv("TILL_TOKEN", "hunter2")
    file = tmp_path / "till.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return file


def _values(result: Any) -> dict[str, tuple[str, str]]:
    return {item["key"]: (item["value"], item["where"]) for item in json.loads(result.out)}


def test_parameters_come_from_the_file_or_the_machine(tillwire: Any, path: Path) -> None:
    """An override has its line in till.yaml, a default its line in the machine's file."""
    values = _values(tillwire("config", "show", "-c", path, "--json"))
    machine = shipped_machine()
    line = machine.read_text("utf-8").splitlines().index("    default: webservice_timeout") + 1
    assert values["parameters.slow_ping"] == ("1min30s", f"{path}:4")
    assert values["parameters.ping_timeout"] == ("1min", f"default ({machine}:{line})")
    assert values["shop"] == ("1", f"{path}:1")
    assert values["workers"] == ("4", "default")


def test_every_parameter_is_shown_once_where_the_file_has_them(tillwire: Any, path: Path) -> None:
    """All the machine's parameters, between 'machine' and 'server'."""
    keys = list(_values(tillwire("config", "show", "-c", path, "--json")))
    shown = [key for key in keys if key.startswith("parameters.")]
    assert len(shown) == len(set(shown)) > 4
    assert keys[keys.index(shown[0]) - 1] == "machine"
    assert keys[keys.index(shown[-1]) + 1] == "server.protocol"


def test_all_parameters_are_shown_when_the_file_has_none(tillwire: Any, path: Path) -> None:
    """No overrides: every parameter is a default."""
    path.write_text(
        TEXT.replace("  slow_ping: 90s\n  ping_timeout:\n", "").replace("parameters:\n", ""),
        encoding="utf-8",
    )
    values = _values(tillwire("config", "show", "-c", path, "--json"))
    assert values["parameters.slow_ping"][0] == "2s"
    assert values["parameters.slow_ping"][1].startswith("default (")
    assert "parameters" not in values


def test_people_get_columns(tillwire: Any, path: Path) -> None:
    """Key, value and origin on one line each."""
    result = tillwire("config", "show", "-c", path)
    assert (result.code, result.err) == (0, "")
    rows = [line.split() for line in result.out.splitlines()]
    assert ["api.port", "8344", "default"] in rows
    assert ["parameters.slow_ping", "1min30s", f"{path}:4"] in rows


def test_a_secret_is_shown_as_its_reference(tillwire: Any, path: Path) -> None:
    """Not even when it could be read."""
    for arguments in ((), ("--json",)):
        result = tillwire("config", "show", "-c", path, *arguments)
        assert "${env:TILL_TOKEN}" in result.out
        assert "hunter2" not in result.out


def test_a_bad_file_is_refused(tillwire: Any, path: Path) -> None:
    """The report, and exit code 1."""
    path.write_text(f"{TEXT}workerz: 1\n", encoding="utf-8")
    result = tillwire("config", "show", "-c", path)
    assert (result.code, result.out) == (1, "")
    assert f"{path}:8:1: error: Unknown key 'workerz'. [unknown-key]" in result.err


def test_a_missing_file_is_a_sentence(tillwire: Any, tmp_path: Path) -> None:
    """The file is named, with the reason."""
    result = tillwire("config", "show", "-c", tmp_path / "none.yaml")
    assert result.code == 1
    assert f"{tmp_path / 'none.yaml'}: error: The file cannot be read" in result.err
