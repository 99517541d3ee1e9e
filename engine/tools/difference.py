"""What changes between two texts of a till.yaml, as a unified diff that shows no secret."""

import difflib
import os
import sys
from collections.abc import Iterator, Sequence

from engine.definition.secrecy import veil

CONTEXT = 3
RED, GREEN, CYAN, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[0m"


def unified(before: Sequence[str], after: Sequence[str], names: tuple[str, str]) -> list[str]:
    """The lines of the diff, nothing where both are the same.

    Lines are compared as they are and shown without their secrets: one that differs in a secret
    alone is shown as changed, and looks the same.
    """
    groups = difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(
        CONTEXT
    )
    lines = []
    for group in groups:
        first, last = group[0], group[-1]
        old, new = _range(first[1], last[2]), _range(first[3], last[4])
        lines.append(f"@@ -{old} +{new} @@")
        lines += _group(before, after, group)
    return [f"--- {names[0]}", f"+++ {names[1]}", *lines] if lines else []


def _group(
    before: Sequence[str], after: Sequence[str], group: Sequence[tuple[str, int, int, int, int]]
) -> Iterator[str]:
    old, new = veil(tuple(before)), veil(tuple(after))
    for kind, i1, i2, j1, j2 in group:
        if kind == "equal":
            yield from (f" {new.line(number + 1)}" for number in range(j1, j2))
            continue
        yield from (f"-{old.line(number + 1)}" for number in range(i1, i2))
        yield from (f"+{new.line(number + 1)}" for number in range(j1, j2))


def _range(begin: int, end: int) -> str:
    length = end - begin
    if length == 1:
        return str(begin + 1)
    return f"{begin + 1 if length else begin},{length}"


def in_colour() -> bool:
    """Whether standard output is for somebody who sees colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def coloured(lines: Sequence[str]) -> list[str]:
    """The same for a terminal; the signs at the beginning tell it without colour too."""
    colours = {"-": RED, "+": GREEN, "@": CYAN}
    return [f"{colours[line[0]]}{line}{PLAIN}" if line[:1] in colours else line for line in lines]
