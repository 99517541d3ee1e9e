"""Files that are in force, and what there is to say of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.agent.files import Files, read_files
from engine.agent.rules import Rules, rules_of
from engine.api.config import Explored
from engine.core.build import build
from engine.core.carrying import Stranded
from engine.definition.reader import Document
from engine.problems import Problem, Refused

HINT = "Say under renames which state takes its place, or keep it until no till is in it."


@dataclass(frozen=True, slots=True)
class InForce:
    """Good files, the rules made of them, and whether all of the machine was explored."""

    files: Files
    rules: Rules
    since: float
    explored: Explored
    warnings: tuple[Problem, ...] = ()


def prepare(config: Path, machine: Path) -> tuple[Files, Rules]:
    """In a thread: all of a reload that needs no till."""
    files = read_files(config, machine)
    return files, rules_of(build(files.definition.without_places()))


def raise_stranded(stranded: Sequence[Stranded], document: Document) -> None:
    """Raises Refused where tills would not know where they are."""
    if stranded:
        raise Refused(
            [
                document.problem("stranded", ("states",), _lost(one), HINT, key=True)
                for one in stranded
            ]
        )


def _lost(stranded: Stranded) -> str:
    if stranded.gone:
        gone = ", ".join(f"'{name}'" for name in stranded.gone)
        return f"Till {stranded.till} is in {gone}, which the machine no longer has."
    states = ", ".join(f"'{name}'" for name in stranded.configuration)
    return f"Till {stranded.till} is in {states}, which can no longer be active together."


def at_a_restart(keys: Sequence[str]) -> str:
    """What becomes of changes that a reload does not take in."""
    return f"till.yaml has changed in {', '.join(keys)}: that takes effect at a restart."


def first_of(problems: Sequence[Problem]) -> str:
    """The first error with its place, and how many more there are."""
    errors = [problem for problem in problems if problem.severity == "error"]
    told = errors or list(problems)
    more = f" And {len(told) - 1} more." if len(told) > 1 else ""
    return f"{told[0].place}: {told[0].message}{more}"
