"""Verbs that write, show and import the configuration of a till."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.agent import TILL_YAML
from engine.cli.application import Config, Json, app, config_app


@app.command(short_help="Write a commented till.yaml.")
def init(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The file to write, or its folder.")
    ] = TILL_YAML,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the file; a token that is there stays.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Do not ask for KEY. As often as needed."),
    ] = None,
) -> None:
    """Write a commented till.yaml, asking for what it needs.

    Example: tillwire init --defaults --set shop=0042 --set database.kind=sqlserver till.yaml
    """
    from engine.tools.init import init as run_init

    raise typer.Exit(run_init(path, defaults, force, settings or ()))


@app.command("import-config", short_help="Import the till's configuration from the server.")
def import_config(
    config: Config = TILL_YAML,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="WAY", help="webservice or ftp; without it, the one that is set up."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it and change nothing.")] = False,
) -> None:
    """Import the till's configuration from the server: checked, shown, agreed to, swapped in.

    What is this till's own (ids, database, api, log, log-ins, secrets) stays as it is here. Exit
    code 0: done, or nothing to do; 1: not done, and why.

    Example: tillwire import-config -c till.yaml --dry-run
    """
    from engine.tools.bringing import Way
    from engine.tools.import_config import import_config as run_import

    if source is not None and source not in [*Way]:
        raise typer.BadParameter(f"'{source}' is neither webservice nor ftp.", param_hint="--from")
    way = None if source is None else Way(source)
    raise typer.Exit(run_import(config, way, yes, dry_run))


@config_app.command("show", short_help="Show every value and where it comes from.")
def config_show(config: Config = TILL_YAML, json: Json = False) -> None:
    """Show every value in force and where it comes from: the default, or a file and line.

    Example: tillwire config show -c till.yaml
    """
    from engine.tools.config import show

    raise typer.Exit(show(config, json))
