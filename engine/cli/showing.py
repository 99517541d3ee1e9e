"""Verbs that show what a file can say, and what a machine is."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.application import app


@app.command(short_help="Print the JSON Schema of a kind of file, for editors.")
def schema(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="KIND", help="machine, till, datasets or scenario."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--write", metavar="FOLDER", help="Write all of them there.")
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Print the reference page of all keys instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of a kind of file, so that editors complete, explain and check it.

    Example: tillwire schema machine
    """
    from engine.tools import schema as schemas

    if (kind is not None) + (folder is not None) + reference != 1:
        kinds = ", ".join(schemas.KINDS)
        raise typer.BadParameter(f"Say one of {kinds}; or --write FOLDER for all of them.")
    if folder is not None:
        raise typer.Exit(schemas.schemas(folder))
    if kind is None:
        from engine.tools.reference import reference as print_reference

        raise typer.Exit(print_reference())
    if kind not in schemas.KINDS:
        from engine.problems import did_you_mean

        hint = did_you_mean(kind, schemas.KINDS)
        raise typer.BadParameter(f"'{kind}' is no kind of file. {hint}", param_hint="KIND")
    raise typer.Exit(schemas.schema(kind))
