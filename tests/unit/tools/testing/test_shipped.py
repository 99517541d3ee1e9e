"""The tests that come with the connection machine."""

import re
from pathlib import Path
from typing import Any

import pytest

from engine.shipped import shipped_machine

MACHINE = shipped_machine()
TESTS = MACHINE.with_name("connection.test.yaml")


def test_the_shipped_machine_passes_its_tests_and_is_covered_whole(tillwire: Any) -> None:
    """Every state, every transition, every guard both ways."""
    result = tillwire("test", MACHINE.parent)
    assert result.code == 0
    shares = re.findall(r"(\d+) of (\d+) (\w+)", result.out.splitlines()[-1])
    assert [(met, what) for met, _, what in shares] == [(of, what) for _, of, what in shares]
    assert [what for _, _, what in shares] == ["states", "transitions", "outcomes"]


@pytest.mark.parametrize(
    ("right", "wrong", "promise"),
    [
        ("      - cancel: poll_messages\n", "", "under way when the link is given up"),
        ("          factor: 2\n", "          factor: 1\n", "The wait doubles"),
        ("      link.lost: offline-cooldown\n", "      link.lost: degraded\n", "enough to be off"),
        ("            target: held\n", "            target: offline-cooldown\n", "gives up the"),
        ("          - guard: load == 'owed'\n", "          - guard: load == 'later'\n", "load"),
        ("guard: event.gap\n", "guard: not event.gap\n", "Changes that do not join on"),
    ],
)
def test_an_edit_that_breaks_a_promise_fails_a_case(
    tillwire: Any, tmp_path: Path, right: str, wrong: str, promise: str
) -> None:
    """The case that has it in its name among them."""
    text = MACHINE.read_text(encoding="utf-8")
    assert right in text
    (tmp_path / MACHINE.name).write_text(text.replace(right, wrong, 1), encoding="utf-8")
    (tmp_path / TESTS.name).write_text(TESTS.read_text(encoding="utf-8"), encoding="utf-8")
    result = tillwire("test", tmp_path)
    assert result.code == 1
    assert promise in result.out
