"""One bad file, one exact report; one good file for each concept."""

import ast
import re
from pathlib import Path

import pytest

from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.definition.report import report
from engine.definition.vocabulary import Vocabulary
from engine.problems import Problem, Refused

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
GOOD = sorted((HERE / "good").glob("*.yaml"))
SOURCE = HERE.parents[2] / "engine" / "definition"
CODES = {
    "say": 0,
    "problem": 0,
    "report": 0,
    "_fault": 0,
    "problem_at": 1,
    "_refuse": 1,
    "_bad": 1,
    "_note": 1,
    "Problem": 3,
}
"""The functions that make a problem, and which of their arguments is its code."""


def problems_of(path: Path, vocabulary: Vocabulary) -> tuple[Problem, ...]:
    """All that is found in a file, errors or warnings, under its bare name."""
    try:
        text = path.read_bytes().decode("utf-8")
        return load_machine(read(text, path.name, patient=True), vocabulary).problems
    except Refused as refused:
        return refused.problems


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_gets_exactly_its_report(path: Path, vocabulary: Vocabulary) -> None:
    """Place, severity, message, code, line, mark and hint are those beside the file."""
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")

    assert report(problems_of(path, vocabulary)) + "\n" == expected


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_has_no_problem(path: Path, vocabulary: Vocabulary) -> None:
    """Not even a warning."""
    assert report(problems_of(path, vocabulary)) == ""


def codes_of(source: str) -> set[str]:
    """The codes that a module gives to its problems."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            arguments = node.args[CODES[name] :][:1] if name in CODES else []
            found |= {part.value for part in arguments if isinstance(part, ast.Constant)}
    return {str(code) for code in found}


def test_every_code_of_the_source_has_a_bad_file() -> None:
    """A problem that the definition can report is shown by a file; few have their own test."""
    reports = "".join(path.read_text(encoding="utf-8") for path in (HERE / "bad").glob("*.txt"))
    shown = set(re.findall(r"\[([a-z-]+)\]$", reports, re.MULTILINE))
    paths = SOURCE.rglob("*.py")
    written = set().union(*(codes_of(path.read_text(encoding="utf-8")) for path in paths))

    assert len(written) > 40
    elsewhere = {"unreadable", "not-utf-8", "too-large", "unknown-parameter"}
    assert written - shown == elsewhere
