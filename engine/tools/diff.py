"""``tillwire diff``: what is different between two machines, by what they mean."""

import json as encoding
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from engine.definition.machine import load_machine
from engine.definition.reader import read_file
from engine.definition.report import report
from engine.effects.table import VOCABULARY
from engine.problems import Problem, Refused
from engine.settings import load_till
from engine.tools.comparison.differences import Difference, Side, differences
from engine.tools.difference import CYAN, GREEN, PLAIN, RED, in_colour

SAME, DIFFERENT, UNREADABLE = 0, 1, 2
YELLOW = "\x1b[33m"

SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": "~"}
COLOURS = {"+": GREEN, "-": RED, "~": YELLOW}


def diff(before: Path, after: Path, json: bool) -> int:
    """Print what is different between two machine files. Either may be a till.yaml: its machine,
    with the values that it gives the parameters.

    Returns 0 when both mean the same, 1 when not, 2 when one cannot be read or is refused.
    """
    sides: list[Side] = []
    problems: list[Problem] = []
    for file in dict.fromkeys((before, after)):
        try:
            sides.append(load_side(file))
        except Refused as refused:
            problems += refused.problems
    if problems:
        sys.stderr.write(report(problems) + "\n")
        return UNREADABLE
    found = differences(sides[0], sides[-1])
    if json:
        sys.stdout.write(encoding.dumps(as_data(found, before, after), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(as_lines(found, before, after, in_colour())) + "\n")
    return DIFFERENT if found else SAME


def load_side(file: Path) -> Side:
    """A machine file, or the machine of a till.yaml. Raises :class:`Refused`."""
    document = read_file(file, patient=True)
    keys = set(document.data) if isinstance(document.data, Mapping) else set()
    if {"shop", "server"} & keys and "states" not in keys:
        settings, definition = load_till(document, VOCABULARY)
        return Side(definition, settings)
    return Side(load_machine(document, VOCABULARY))


def as_data(found: Sequence[Difference], before: Path, after: Path) -> dict[str, object]:
    """For programs: ``same``, and each difference with its group, kind, subject, aspect, both
    values, both places and its sentence."""
    return {
        "files": [str(before), str(after)],
        "same": not found,
        "differences": [asdict(difference) for difference in found],
    }


def as_lines(
    found: Sequence[Difference], before: Path, after: Path, colourful: bool
) -> Iterator[str]:
    """For people: by group, each difference with its places below it."""
    if not found:
        yield f"{before} and {after} mean the same."
        return
    count = "1 difference" if len(found) == 1 else f"{len(found)} differences"
    yield f"From {before} to {after}: {count}."
    for group, many in groupby(found, key=lambda difference: difference.group):
        yield ""
        yield _coloured(group.capitalize(), CYAN, colourful)
        for difference in many:
            sign = SIGNS[difference.kind]
            yield f"  {_coloured(f'{sign} {difference.message}', COLOURS[sign], colourful)}"
            yield f"      {' -> '.join(place for place in difference.places if place)}"


def _coloured(text: str, colour: str, colourful: bool) -> str:
    return f"{colour}{text}{PLAIN}" if colourful else text
