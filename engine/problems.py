"""What is wrong with a file, said so that whoever wrote it can mend it.

Everything that tillwire refuses, it refuses with a :class:`Problem`: where it is, what was
found, what is allowed, what to do. Nothing that a person typed ever ends in a traceback.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Severity = Literal["error", "warning"]
MOST_WORDS = 24
"""So many allowed words are named in one hint."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault at one place of one file.

    ``line`` and ``column`` count from 1; 0 means that the fault has no place in the text (a
    file that cannot be read, say). ``code`` is a short stable name such as ``unknown-key``.
    ``text`` is the line itself, without its end. ``trace`` are the lines, in YAML, of what
    leads to a fault that shows only when a machine runs.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    text: str = ""
    trace: str = ""

    @property
    def place(self) -> str:
        """``file:line:column``, or the file alone where there is no line."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def sentence(self) -> str:
        """Place, severity, message and hint on one line."""
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.place}: {self.severity}: {self.message}{hint} [{self.code}]"

    def as_data(self) -> dict[str, str | int]:
        """The fields that ``--json`` prints; ``trace`` only where there is one."""
        trace: dict[str, str | int] = {"trace": self.trace} if self.trace else {}
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            **trace,
        }


class Refused(Exception):  # noqa: N818 - it is what happened to the file, not a fault of ours
    """A file was refused. ``problems`` holds every reason found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.sentence() for problem in self.problems))


def did_you_mean(found: str, allowed: Iterable[str]) -> str:
    """A hint that names the nearest allowed word, else all of them, or the first of very many."""
    words = sorted({str(word) for word in allowed})
    near = get_close_matches(found, words, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    if not words:
        return "Nothing is allowed here."
    if len(words) <= 12:
        return f"Allowed: {', '.join(words)}."
    if len(words) <= MOST_WORDS:
        return f"Allowed, none of them near: {', '.join(words)}."
    first = ", ".join(words[:MOST_WORDS])
    return f"Allowed, none of them near: {first} and {len(words) - MOST_WORDS} more."
