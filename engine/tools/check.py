"""``tillwire check``: what is wrong with a file, whichever of the kinds it is."""

import json as encoding
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

from engine.definition.machine import Definition, load_machine
from engine.definition.model import Machine, State
from engine.definition.reader import Document, read_file
from engine.definition.report import report
from engine.effects.table import VOCABULARY
from engine.problems import Problem, Refused
from engine.settings import Settings, load_till, unreadable_secrets
from engine.tools.exploring import USUAL, Explorer, Limit

GOOD, ERRORS, UNREADABLE, WARNINGS = 0, 1, 2, 3


@dataclass(slots=True)
class Findings:
    """What the check of several files found."""

    problems: list[Problem] = field(default_factory=list)
    good: list[str] = field(default_factory=list)
    unreadable: list[Problem] = field(default_factory=list)
    amiss: list[Problem] = field(default_factory=list)
    probed: int = 0

    def code(self, strict: bool) -> int:
        """The exit code; a file that cannot be read outweighs what is in the others."""
        if self.unreadable:
            return UNREADABLE
        if self.amiss or any(problem.severity == "error" for problem in self.problems):
            return ERRORS
        return WARNINGS if self.problems and strict else GOOD

    def add(self, problems: Sequence[Problem]) -> None:
        """Keep the problems that are new: two till.yaml files may share a machine."""
        self.problems.extend(problem for problem in problems if problem not in self.problems)


def check(
    files: Sequence[Path],
    json: bool,
    strict: bool,
    probing: bool = False,
    limit: Limit = USUAL,
) -> int:
    """Check the files and print what was found; returns the exit code of the command.

    ``probing``: try the database and the servers of each till.yaml that is good. ``limit``: how
    far machines are explored.
    """
    findings, explorer = Findings(), Explorer(limit)
    for file in files:
        _check_file(file, findings, explorer, probing)
    if probing and not findings.probed and findings.code(strict=False) == GOOD:
        sys.stderr.write("Nothing was probed: none of these files is a till.yaml.\n")
        return UNREADABLE
    for problem in findings.unreadable:
        sys.stderr.write(f"{problem.file}: cannot be read: {problem.message}\n")
    if json:
        found = (*findings.unreadable, *findings.problems, *findings.amiss)
        data = [problem.as_data() for problem in found]
        sys.stdout.write(encoding.dumps(data, indent=2, ensure_ascii=False) + "\n")
    else:
        if findings.problems:
            sys.stdout.write(report(findings.problems) + "\n")
        sys.stdout.write("".join(f"{line}\n" for line in findings.good))
    return findings.code(strict)


def _check_file(file: Path, findings: Findings, explorer: Explorer, probing: bool) -> None:
    why = _unreadable(file)
    if why:
        findings.unreadable.append(Problem(str(file), 0, 0, "unreadable", why))
        return
    try:
        summary, warnings, till = _check_kind(file, explorer)
    except Refused as refused:
        findings.add(refused.problems)
        return
    findings.add(warnings)
    count = len(warnings)
    remark = f", with {count} warning{'s' if count > 1 else ''}" if count else ""
    findings.good.append(f"{file}: good{remark} ({summary})")
    if probing and till is not None:
        _probe(*till, findings)


def _probe(settings: Settings, definition: Definition, findings: Findings) -> None:
    from engine.tools.probe import probe

    findings.probed += 1
    for probed in probe(settings, definition):
        findings.good.append(probed.line)
        if not probed.good and settings.document is not None:
            message = f"{probed.sentence[:1].upper()}{probed.sentence[1:]}"
            code = f"probe-{probed.name}"
            problem = settings.document.problem(code, probed.way, message, key=True)
            findings.amiss.append(problem)


def _unreadable(file: Path) -> str:
    """Why a file cannot be read, empty when it can. Only a regular file is opened: a pipe may
    wait for ever, and a device may never end."""
    try:
        mode = file.stat().st_mode
        if not S_ISREG(mode):
            return "Is a directory" if S_ISDIR(mode) else "Is no regular file"
        with file.open("rb"):
            return ""
    except OSError as error:
        return error.strerror or str(error)


MACHINE_KEYS = frozenset({"states"})
DATASETS_KEYS = frozenset({"datasets"})
SCENARIO_KEYS = frozenset({"scenario"})
FLEET_KEYS = frozenset({"shops"})
TEST_KEYS = frozenset({"cases"})
TILL_KEYS = frozenset({"shop", "till", "tills", "server", "database", "api", "log", "workers"})


_Till = tuple[Settings, Definition]


def _check_kind(file: Path, explorer: Explorer) -> tuple[str, Sequence[Problem], _Till | None]:
    """Tell the kinds of files by their top keys; its summary and warnings, and the till."""
    document = read_file(file, patient=True)
    if document.data is None:
        raise Refused([*document.problems, document.problem("empty", (), "The file is empty.")])
    keys: set[Any] = set(document.data) if isinstance(document.data, Mapping) else set()
    if keys & SCENARIO_KEYS and not keys & MACHINE_KEYS:
        return _scenario_summary(document), (), None
    if keys & TEST_KEYS and not keys & MACHINE_KEYS:
        return _tests_summary(document), (), None
    if keys & TILL_KEYS and not keys & MACHINE_KEYS:
        settings, definition, warnings = check_till(document, explorer)
        return _till_summary(settings, definition), warnings, (settings, definition)
    if keys & DATASETS_KEYS and not keys & MACHINE_KEYS:
        return _datasets_summary(document), (), None
    if keys & FLEET_KEYS and not keys & MACHINE_KEYS:
        return _fleet_summary(document), (), None
    if keys & MACHINE_KEYS or "machine" in keys:
        definition = load_machine(document, VOCABULARY)
        count, found = explorer.explore(definition)
        explored = f", {_count(count, 'situation')}" if count else ""
        summary = _machine_summary(definition.model) + explored
        return summary, (*definition.problems, *found), None
    raise Refused(
        [
            document.problem(
                "unknown-kind",
                (),
                "This is none of the files that tillwire knows.",
                "A machine file has 'machine' and 'states', a test file 'cases', a till.yaml "
                "'shop' and 'server', a datasets file 'datasets', a scenario 'scenario', a list of "
                "tills 'shops'.",
            )
        ]
    )


def check_till(
    document: Document, explorer: Explorer | None = None
) -> tuple[Settings, Definition, Sequence[Problem]]:
    """A till.yaml with its machine, and what is to be warned of. Raises :class:`Refused`."""
    settings, definition = load_till(document, VOCABULARY)
    _, found = (explorer or Explorer()).explore(definition)
    return settings, definition, (*unreadable_secrets(settings), *definition.problems, *found)


def _till_summary(settings: Settings, definition: Definition) -> str:
    given = sum(value not in (None, "") for value in settings.parameters.values())
    return (
        f"{_count(len(settings.tills), 'till')}, machine {definition.model.machine}, "
        f"{_count(given, 'parameter')} set"
    )


def _machine_summary(machine: Machine) -> str:
    states = list(_states(machine.states))
    transitions = sum(len(many) for many in machine.on.values()) + sum(
        sum(len(many) for many in state.on.values()) + len(state.after) + len(state.always)
        for state in states
    )
    return (
        f"{_count(sum(state.history is None for state in states), 'state')}, "
        f"{_count(transitions, 'transition')}, "
        f"{_count(len(machine.parameters), 'parameter')}"
    )


def _datasets_summary(document: Document) -> str:
    from engine.catalogue.datasets import load_datasets

    tables = load_datasets(document)
    columns = sum(len(table.columns) for table in tables)
    return f"{_count(len(tables), 'dataset')}, {_count(columns, 'column')}"


def _fleet_summary(document: Document) -> str:
    from engine.tools.fleet import load_fleet

    shops = load_fleet(document).shops
    agents = sum(len(shop.agents) for shop in shops.values())
    return f"{_count(len(shops), 'shop')}, {_count(agents, 'agent')}"


def _scenario_summary(document: Document) -> str:
    from engine.definition.values import format_duration
    from engine.tools.simulation.reading import load_played, load_scenario

    scenario, _ = load_scenario(document)
    load_played(scenario, document)
    length = format_duration(scenario.length)
    return f"scenario {scenario.scenario}, {_count(scenario.tills, 'till')}, {length}"


def _tests_summary(document: Document) -> str:
    from engine.tools.testing.reading import load_tests

    tests = load_tests(document, VOCABULARY)
    return f"{_count(len(tests.suite.cases), 'case')} of {tests.machine}"


def _states(states: Mapping[str, State]) -> Iterator[State]:
    for state in states.values():
        yield state
        yield from _states(state.states)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
