"""``tillwire test``: finds test files, plays their cases, says what was not so."""

import json as encoding
import sys
import time
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from engine.core.build import Chart
from engine.definition.reader import read_file
from engine.definition.report import report
from engine.effects.table import VOCABULARY
from engine.problems import Problem, Refused, did_you_mean
from engine.tools.testing.coverage import Coverage
from engine.tools.testing.playing import Player
from engine.tools.testing.reading import SUFFIX, Tests, load_tests
from engine.tools.testing.results import Watching
from engine.tools.testing.telling import Played, as_data, as_junit, as_text

GOOD, FAILED, UNREADABLE = 0, 1, 2


def play_tests(
    paths: Sequence[Path],
    case: str | None = None,
    json: bool = False,
    detail: bool = False,
    junit: Path | None = None,
    watching: Watching | None = None,
) -> int:
    """Play the cases and print what became of them; returns the exit code of the command.

    ``case``: those alone whose name holds this text, or fits it with ``*``. ``watching`` makes
    what counts the steps for the ``metrics`` that a case expects.
    """
    files, missing = _files(paths)
    for path, why in missing:
        sys.stderr.write(f"{path}: {why}\n")
    if missing:
        return UNREADABLE
    read, problems = _read(files)
    if problems:
        if json:
            data = {"problems": [problem.as_data() for problem in problems]}
            sys.stdout.write(encoding.dumps(data, indent=2, ensure_ascii=False) + "\n")
        else:
            sys.stdout.write(report(problems) + "\n")
        return FAILED
    chosen = {id(tests): _chosen(tests, case) for tests in read}
    if case is not None and not any(chosen.values()):
        names = [each.case for tests in read for each in tests.suite.cases]
        sys.stderr.write(f"No case's name holds '{case}'. {did_you_mean(case, names)}\n")
        return UNREADABLE
    played, covered = _play(read, chosen, watching)
    if junit is not None:
        try:
            junit.write_bytes(as_junit(played, covered))
        except OSError as error:
            sys.stderr.write(f"{junit}: cannot be written: {error.strerror or error}\n")
            return UNREADABLE
    if json:
        data = as_data(played, covered)
        sys.stdout.write(encoding.dumps(data, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(as_text(played, covered, detail))
    return FAILED if any(each.failed for each in played) else GOOD


def _files(paths: Iterable[Path]) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The test files that are meant, and what cannot be read: a folder means all in it, a
    machine the file beside it."""
    files: list[Path] = []
    missing = []
    for path in paths:
        if path.is_dir():
            found = sorted(path.rglob("*" + SUFFIX))
            why = f"There is no test file here. Their names end in {SUFFIX}."
        else:
            beside = path.with_name(path.name.removesuffix(".yaml") + SUFFIX)
            meant = path if path.name.endswith(SUFFIX) or _has_cases(path) else beside
            found = [meant] if path.is_file() and meant.is_file() else []
            why = f"There is no test file '{beside.name}' beside it."
            if not path.is_file():
                why = "There is no such file."
        files += [file for file in found if file not in files]
        if not found:
            missing.append((path, why))
    return files, missing


def _has_cases(path: Path) -> bool:
    """Whether a file is a test file, whatever its name."""
    try:
        data = read_file(path, patient=True).data
    except Refused:
        return False
    return isinstance(data, dict) and "cases" in data and "states" not in data


def _read(files: Iterable[Path]) -> tuple[list[Tests], list[Problem]]:
    read = []
    problems: list[Problem] = []
    for file in files:
        try:
            read.append(load_tests(file, VOCABULARY))
        except Refused as refused:
            problems += [each for each in refused.problems if each not in problems]
    return read, problems


def _chosen(tests: Tests, wanted: str | None) -> list[int]:
    names = [each.case for each in tests.suite.cases]
    if wanted is None:
        return [*range(len(names))]
    sought = wanted.lower()
    return [
        index
        for index, name in enumerate(names)
        if sought in name.lower() or fnmatchcase(name.lower(), sought)
    ]


def _play(
    read: Sequence[Tests], chosen: dict[int, list[int]], watching: Watching | None
) -> tuple[list[Played], list[Coverage]]:
    covered: dict[Path, Coverage] = {}
    charts: dict[tuple[Path, str], Chart] = {}
    played = []
    for tests in read:
        machine = tests.machine.resolve()
        coverage = covered.setdefault(machine, Coverage(tests.machine, tests.definitions[0]))
        results, began = [], time.perf_counter()
        for index in chosen[id(tests)]:
            definition = tests.definitions[index]
            key = machine, definition.hash
            if key not in charts:
                charts[key] = coverage.chart(definition)
            results.append(Player(tests, index, charts[key], coverage, watching).play())
        seconds = time.perf_counter() - began
        played.append(Played(tests.document.file, tuple(results), seconds))
    return played, [*covered.values()]
