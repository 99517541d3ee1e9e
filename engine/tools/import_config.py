"""``tillwire import-config``: the till's configuration from the central server.

Nothing is changed before the file came whole, was joined with the local part, found good with the
machine that it names, shown, and agreed to. Then the file of before is kept beside it and the new
one takes its name at once: whoever reads till.yaml, at any moment, reads one or the other.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from engine.definition.reader import Document, read, read_bytes, read_file
from engine.definition.report import report
from engine.problems import Problem
from engine.server.port import Configuration
from engine.settings import load_settings
from engine.swapping import PREVIOUS, replace
from engine.tools.bringing import NotBrought, Way, bring
from engine.tools.check import check_till
from engine.tools.difference import coloured, in_colour, unified
from engine.tools.local_part import Joined, join

DONE, NOT_DONE = 0, 1


def import_config(config: Path, way: Way | None, yes: bool, dry_run: bool) -> int:
    """Bring, check, show and, when agreed to, write; returns 0, or 1 with a sentence.

    Raises :class:`engine.problems.Refused` for a till.yaml, here or from the server, that is at
    fault; nothing was changed then.
    """
    path = Path(os.path.realpath(config))
    before = read_file(config)
    settings = load_settings(before)
    try:
        found = bring(settings, way)
    except NotBrought as fault:
        return _not_done(str(fault))
    joined, after, warnings = _prepared(found, before)
    names = (str(config), f"{config} (imported)")
    difference = unified(_written(before), _written(after), names)
    if not difference:
        typer.echo(f"{config} is already as the server has it: nothing to do.")
        return DONE
    _show(difference, joined, warnings)
    if dry_run:
        typer.echo("Nothing was changed: --dry-run.")
        return DONE
    if not yes and not _agreed(config):
        return NOT_DONE
    try:
        if read_file(config).text != before.text:
            return _not_done(f"{config} was changed by somebody else meanwhile: nothing was done.")
        replace(path, joined.text)
    except OSError as error:
        where, why = error.filename2 or error.filename or path, error.strerror or error
        return _not_done(f"{where} cannot be written: {why}. {config} is as it was.")
    typer.echo(f"Wrote {config}; the one of before is {config}{PREVIOUS}.")
    typer.echo("It takes effect when the agent is started again.")
    return DONE


def _prepared(found: Configuration, before: Document) -> tuple[Joined, Document, list[Problem]]:
    """The new file, checked in the place of the old one. Raises Refused."""
    imported = read_bytes(found.raw, f"{found.name} (from the server)")
    joined = join(imported, before)
    # Its places are those of the new file, its folder is that of the old one.
    after = read(joined.text, f"{before.file} (imported)")
    _, _, warnings = check_till(after)
    return joined, after, list(warnings)


def _written(document: Document) -> Sequence[str]:
    """Its lines without blank ones at the end."""
    lines = document.lines
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def _show(difference: Sequence[str], joined: Joined, warnings: Sequence[Problem]) -> None:
    lines = coloured(difference) if in_colour() else list(difference)
    typer.echo("\n".join(lines))
    if warnings:
        typer.echo(report(warnings))
    if joined.kept:
        typer.echo(f"Kept as it is here: {', '.join(joined.kept)}.")
    if not joined.comments:
        typer.echo(
            "The comments of the imported file are not kept: its keys do not stand on lines of "
            "their own."
        )


def _agreed(config: Path) -> bool:
    if not sys.stdin.isatty():
        typer.echo("Nothing was changed: nobody can be asked here. Use --yes.", err=True)
        return False
    try:
        if typer.confirm(f"Change {config}?", default=False):
            return True
    except typer.Abort:
        pass
    typer.echo("Nothing was changed.", err=True)
    return False


def _not_done(sentence: str) -> int:
    typer.echo(sentence, err=True)
    return NOT_DONE
