"""Verbs for whoever edits a machine: see what an edit does before a till lives it."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.application import Json, app


@app.command(short_help="Find all that is wrong with YAML files.")
def check(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="A machine, a till.yaml or a datasets file."),
    ],
    json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings give exit code 3.")] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Try the database and the servers of a till.yaml too.")
    ] = False,
    explore: Annotated[bool, typer.Option("--explore/--no-explore", help="Play machines.")] = True,
    explore_limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="So many situations, not 5 s.")
    ] = None,
) -> None:
    """Find everything that is wrong with machine files, till.yaml and datasets files.

    Machines are explored: all that a till can get into is played, and held against what the
    file says under invariants.

    Exit code 0: good; 1: errors, or a probe that failed; 2: a file cannot be read; 3: warnings,
    with --strict.

    Example: tillwire check machines/connection.yaml till.yaml
    """
    from engine.tools.check import check as run_check
    from engine.tools.exploring import NOT_AT_ALL, USUAL, Limit

    limit = USUAL if explore_limit is None else Limit(explore_limit, float("inf"))
    raise typer.Exit(run_check(files, json, strict, probe, limit if explore else NOT_AT_ALL))
