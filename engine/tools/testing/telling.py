"""What became of test files, for people, for programs and as JUnit XML."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from engine.definition.values import format_duration
from engine.tools.testing.coverage import KINDS, Coverage
from engine.tools.testing.results import Failure, Result


@dataclass(frozen=True, slots=True)
class Played:
    """A test file, its results, and the seconds that they took."""

    file: str
    results: tuple[Result, ...]
    seconds: float

    @property
    def failed(self) -> int:
        """How many cases failed."""
        return sum(bool(result.failures) for result in self.results)

    @property
    def hours(self) -> float:
        """The virtual hours of all of them."""
        return sum(result.hours for result in self.results)


def as_text(played: Sequence[Played], covered: Sequence[Coverage], detail: bool) -> str:
    """Failures with all that belongs to them, a line for each file, a line for each machine."""
    lines: list[str] = []
    for each in played:
        for result in each.results:
            lines += _failures(each.file, result)
    lines += [_summary(each) for each in played]
    for coverage in covered:
        lines.append(f"{coverage.machine}: covered {_shares(coverage)}")
        if detail:
            lines += [f"{coverage.machine}:{m.line}: {m.sentence}" for m in coverage.missed()]
    return "\n".join(lines) + "\n"


def _failures(file: str, result: Result) -> Iterator[str]:
    for number, failure in enumerate(result.failures):
        yield f"{file}:{failure.line}: FAILED: {result.case}"
        yield from (f"    {line}" for line in _why(failure))
        if number == len(result.failures) - 1:
            yield "    What led there:"
            if failure.before:
                yield f"      ({_count(failure.before, 'thing')} before)"
            yield from (f"      {step}" for step in failure.steps)


def _why(failure: Failure) -> Iterator[str]:
    yield f"after    {format_duration(failure.at)}"
    yield f"expected {failure.expected}"
    yield f"got      {failure.got}"


def _summary(played: Played) -> str:
    cases = _count(len(played.results), "case")
    outcome = f"{played.failed} of {cases} failed" if played.failed else f"{cases} passed"
    return f"{played.file}: {outcome} ({played.hours:.1f} virtual hours in {played.seconds:.2f} s)"


def _shares(coverage: Coverage) -> str:
    parts = []
    for kind, (met, of) in coverage.counts().items():
        what = "outcomes of guards" if kind == "guards" else kind
        share = f" ({met / of:.0%})" if of else ""
        parts.append(f"{met} of {of} {what}{share}")
    return ", ".join(parts)


def as_data(played: Sequence[Played], covered: Sequence[Coverage]) -> dict[str, Any]:
    """All of it, for programs. Times are virtual seconds."""
    return {
        "files": [
            {
                "file": each.file,
                "virtual_hours": round(each.hours, 3),
                "seconds": round(each.seconds, 3),
                "cases": [_case(result) for result in each.results],
            }
            for each in played
        ],
        "coverage": [
            {
                "machine": str(coverage.machine),
                **{k: {"met": m, "of": of} for k, (m, of) in coverage.counts().items()},
                "missed": [
                    {"line": missed.line, "kind": missed.kind, "message": missed.sentence}
                    for missed in coverage.missed()
                ],
            }
            for coverage in covered
        ],
    }


def _case(result: Result) -> dict[str, Any]:
    return {
        "case": result.case,
        "line": result.line,
        "passed": not result.failures,
        "virtual_seconds": round(result.hours * 3600, 3),
        "steps": result.steps,
        "failures": [
            {
                "line": failure.line,
                "at": round(failure.at, 3),
                "expected": failure.expected,
                "got": failure.got,
                "steps": list(failure.steps),
            }
            for failure in result.failures
        ],
    }


def as_junit(played: Sequence[Played], covered: Sequence[Coverage]) -> bytes:
    """JUnit XML: a suite for each file; the shares covered are properties of the first."""
    root = ET.Element("testsuites", name="tillwire")
    for each in played:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=each.file,
            tests=str(len(each.results)),
            failures=str(each.failed),
            errors="0",
            skipped="0",
            time=f"{each.seconds:.3f}",
        )
        if each is played[0]:
            _properties(suite, covered)
        for result in each.results:
            case = ET.SubElement(
                suite, "testcase", name=result.case, classname=each.file, line=str(result.line)
            )
            for failure in result.failures[:1]:
                message = f"expected {failure.expected}, got {failure.got}"
                failed = ET.SubElement(case, "failure", message=message, type="expectation")
                failed.text = "\n".join(_failures(each.file, result))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _properties(suite: ET.Element, covered: Sequence[Coverage]) -> None:
    properties = ET.SubElement(suite, "properties")
    for coverage in covered:
        counts = coverage.counts()
        for kind in KINDS:
            met, of = counts[kind]
            name = f"coverage.{coverage.machine}.{kind}"
            ET.SubElement(properties, "property", name=name, value=f"{met}/{of}")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
