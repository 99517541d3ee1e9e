"""Reads a test file and holds every name in it against the machine that it tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.definition.machine import Definition, load_machine
from engine.definition.model import Scalar
from engine.definition.parameters import Overrides
from engine.definition.reader import Document, in_order, read_file
from engine.definition.salvage import salvage
from engine.definition.vocabulary import Vocabulary
from engine.problems import Problem, Refused
from engine.tools.testing.model import Case, Suite
from engine.tools.testing.naming import Naming

SUFFIX = ".test.yaml"


@dataclass(frozen=True, slots=True)
class Tests:
    """A test file that was read. ``definitions`` has, case by case, the machine with the case's
    parameters; cases with the same share one."""

    document: Document
    suite: Suite
    machine: Path
    definitions: tuple[Definition, ...]

    def line(self, index: int) -> int:
        """The line on which a case begins."""
        return self.document.place(("cases", index))[0]


def load_tests(source: Document | Path, vocabulary: Vocabulary) -> Tests:
    """Read a test file and its machine. Raises :class:`Refused` with all problems of both."""
    document = read_file(source, patient=True) if isinstance(source, Path) else source
    rest = salvage(document, Suite)
    if rest.model is None:
        raise Refused(rest.problems)
    suite, problems = rest.model, [*rest.problems]
    path = _machine(document, suite)
    definitions: dict[str, Definition] = {}
    whole = read_file(path, patient=True)
    given = Overrides(suite.parameters, rest.document, ("parameters",))
    plain = load_machine(whole, vocabulary)
    try:
        definitions[_key(suite.parameters)] = load_machine(whole, vocabulary, given)
    except Refused as refused:
        raise Refused(in_order([*problems, *refused.problems])) from None
    found = []
    naming = Naming(plain, rest.document)
    problems += naming.replies(suite.answers, ("answers",))
    if not suite.cases:
        problems.append(document.problem("value", ("cases",), "There is no case.", key=True))
    for index, case in enumerate(suite.cases):
        merged = {**suite.parameters, **case.parameters}
        if _key(merged) not in definitions:
            overrides = Overrides(merged, rest.document, ("cases", index, "parameters"))
            try:
                definitions[_key(merged)] = load_machine(whole, vocabulary, overrides)
            except Refused as refused:
                problems += refused.problems
        found.append(definitions.get(_key(merged), plain))
        problems += Naming(found[-1], rest.document).case(case, ("cases", index))
    problems += _twice(rest.document, suite.cases)
    if problems:
        raise Refused(in_order(problems))
    return Tests(document, suite, path, tuple(found))


def _key(parameters: Mapping[str, Scalar | None]) -> str:
    return repr(sorted(parameters.items(), key=lambda each: each[0]))


def _machine(document: Document, suite: Suite) -> Path:
    """The machine's file; raises :class:`Refused` when there is none."""
    file = Path(document.file)
    if suite.machine is not None:
        path, hint = file.parent / suite.machine, "'machine' names it from the test file's folder."
    else:
        path = file.with_name(file.name.removesuffix(SUFFIX).removesuffix(".yaml") + ".yaml")
        hint = "Name the machine that is tested: machine: connection.yaml, say."
    try:
        if path.is_file() and path.resolve() != file.resolve():
            return path
    except OSError:  # no name that a file could have
        hint = "It is a name, or a path, of a file."
    message = f"There is no machine file '{path}'."
    raise Refused([document.problem("machine", ("machine",), message, hint)])


def _twice(document: Document, cases: tuple[Case, ...]) -> list[Problem]:
    """Reports and --case go by the names of cases."""
    lines: dict[str, int] = {}
    problems = []
    for index, case in enumerate(cases):
        loc = ("cases", index, "case")
        line = document.place(loc)[0]
        if lines.setdefault(case.case, line) != line:
            message = f"There is a case with this name already, on line {lines[case.case]}."
            problems.append(document.problem("case-twice", loc, message, "Give it another name."))
    return problems
