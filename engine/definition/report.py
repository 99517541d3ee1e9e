"""Problems as text for people."""

from collections.abc import Sequence

from engine.definition.secrecy import STARS
from engine.problems import Problem


def report(problems: Sequence[Problem]) -> str:
    """Each problem with its place, its line, a caret under the column, and what to do."""
    return "\n".join(_paragraph(problem) for problem in problems)


def _paragraph(problem: Problem) -> str:
    lines = [f"{problem.place}: {problem.severity}: {problem.message} [{problem.code}]"]
    if problem.line and problem.text.strip():
        before = problem.text[: problem.column - 1]
        # A tab stays a tab, so that the caret stands under its column in any terminal.
        margin = "".join("\t" if character == "\t" else " " for character in before)
        lines.append(f"    {problem.text}")
        # Behind something hidden no column of the file is a column of what is shown.
        if STARS not in before and len(before) == problem.column - 1:
            lines.append(f"    {margin}^")
    if problem.hint:
        lines.append(f"    {problem.hint}")
    lines += [f"    {line}" for line in problem.trace.splitlines()]
    return "\n".join(lines)
