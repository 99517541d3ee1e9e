"""``tillwire diff``: two files, a page of sentences, an exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.shipped import shipped_machine

MACHINE = """\
machine: link
parameters:
  patience: {default: 5s, about: How long.}
states:
  up:
    every: {30s: {start: ping, with: {timeout: patience}}}
    on: {ping.failed: down}
  down:
    every: {30s: {start: ping, with: {timeout: patience}}}
    on: {ping.ok: up}
"""
TILL = """\
shop: '1'
till: '1'
machine: a.yaml
server: {protocol: soap, url: 'http://server.example'}
parameters: {patience: 8s}
"""
Tillwire = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called, with two machines that differ in one delay."""
    (tmp_path / "a.yaml").write_text(MACHINE, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(
        MACHINE.replace("every: {30s", "every: {1min", 1), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_difference_has_its_group_its_sentence_and_its_places(tillwire: Tillwire) -> None:
    """On a page of their own, and exit code 1."""
    result = tillwire("diff", "a.yaml", "b.yaml")
    assert result.code == 1
    assert result.out == (
        "From a.yaml to b.yaml: 1 difference.\n"
        "\n"
        "Delays\n"
        "  ~ up, every 1min: the delay is 1min, was 30s.\n"
        "      a.yaml:6:13 -> b.yaml:6:13\n"
    )


@pytest.mark.usefixtures("folder")
def test_two_machines_that_mean_the_same_give_exit_code_0(tillwire: Tillwire) -> None:
    """And one sentence."""
    result = tillwire("diff", "a.yaml", "a.yaml")
    assert (result.code, result.out) == (0, "a.yaml and a.yaml mean the same.\n")


@pytest.mark.usefixtures("folder")
def test_programs_get_the_same_as_data(tillwire: Tillwire) -> None:
    """Both values, both places, and the sentence."""
    told = json.loads(tillwire("diff", "a.yaml", "b.yaml", "--json").out)
    assert told == {
        "files": ["a.yaml", "b.yaml"],
        "same": False,
        "differences": [
            {
                "group": "delays",
                "kind": "changed",
                "subject": "up, every 1min",
                "aspect": "delay",
                "before": "30s",
                "after": "1min",
                "message": "up, every 1min: the delay is 1min, was 30s.",
                "places": ["a.yaml:6:13", "b.yaml:6:13"],
            }
        ],
    }


def test_of_a_till_yaml_the_values_are_compared(tillwire: Tillwire, folder: Path) -> None:
    """With the place that gives them; its machine is the one that it names."""
    (folder / "till.yaml").write_text(TILL, encoding="utf-8")
    result = tillwire("diff", "a.yaml", "till.yaml")
    assert result.code == 1
    assert "~ Parameter patience: the value is 8s, was 5s.\n" in result.out
    assert "a.yaml:3:23 -> till.yaml:5:24\n" in result.out


def test_what_cannot_be_compared_is_said_of_both(tillwire: Tillwire, folder: Path) -> None:
    """Exit code 2, each with its place, and nothing on standard output."""
    (folder / "b.yaml").write_text(MACHINE.replace("ping.ok: up", "ping.ok: upp"))
    result = tillwire("diff", "none.yaml", "b.yaml")
    assert (result.code, result.out) == (2, "")
    assert "none.yaml: error: The file cannot be read: no such file or directory." in result.err
    assert "b.yaml:10:19: error: No state 'upp' exists." in result.err


@pytest.mark.usefixtures("folder")
def test_colours_are_for_terminals(tillwire: Tillwire, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not where NO_COLOR asks for none; signs tell the same without."""
    monkeypatch.setattr("engine.tools.diff.in_colour", lambda: True)
    coloured = tillwire("diff", "a.yaml", "b.yaml").out
    assert "  \x1b[33m~ up, every 1min: the delay is 1min, was 30s.\x1b[0m\n" in coloured


def test_the_shipped_machine_is_compared_at_once(tillwire: Tillwire) -> None:
    """It means the same as itself."""
    assert tillwire("diff", shipped_machine(), shipped_machine()).code == 0
