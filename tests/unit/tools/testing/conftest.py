"""A small machine, and cases that are played on it."""

from collections.abc import Callable
from pathlib import Path
from shutil import copy
from textwrap import dedent, indent

import pytest

from engine.effects.table import VOCABULARY
from engine.tools.testing.coverage import Coverage
from engine.tools.testing.playing import Player
from engine.tools.testing.reading import load_tests
from engine.tools.testing.results import Result, Watching

SMALL = Path(__file__).with_name("small.yaml")
Play = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small machine."""
    copy(SMALL, tmp_path / "small.yaml")
    return tmp_path


@pytest.fixture
def play(folder: Path) -> Play:
    """Plays what is written under a case, and gives what became of it."""

    def played(body: str, watching: Watching | None = None) -> Result:
        file = folder / "small.test.yaml"
        text = "cases:\n  - case: it\n" + indent(dedent(body).strip(), "    ") + "\n"
        file.write_text(text, encoding="utf-8")
        tests = load_tests(file, VOCABULARY)
        coverage = Coverage(tests.machine, tests.definitions[0])
        chart = coverage.chart(tests.definitions[0])
        return Player(tests, 0, chart, coverage, watching).play()

    return played


@pytest.fixture
def told(play: Play) -> Callable[[str], list[str]]:
    """What is said of the failures of a case: the line, when, expected, got."""

    def say(body: str) -> list[str]:
        return [
            f"{f.line} after {f.at:g} s: expected {f.expected}; got {f.got}"
            for f in play(body).failures
        ]

    return say
