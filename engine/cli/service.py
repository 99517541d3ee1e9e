"""Verbs about the agent as a service of the operating system."""

from typing import Annotated

import typer

from engine.cli.agent import TILL_YAML
from engine.cli.application import Config, Json, app

LONGEST = 31
"""Letters of an account's name."""

service_app = typer.Typer(help="Run the agent as a service, from boot on.", no_args_is_help=True)
app.add_typer(service_app, name="service")


def _name(text: str) -> str:
    """What a unit and an account may be called."""
    plain = text.replace("-", "a").replace("_", "a")
    fits = plain.isascii() and plain.isalnum() and text == text.lower() and text[0].isalpha()
    if not fits or len(text) > LONGEST:
        raise typer.BadParameter(
            f"'{text}' is no such name: a letter, then letters a to z, digits, '-' and '_', "
            f"{LONGEST} at most."
        )
    return text


Name = Annotated[
    str, typer.Option("--name", metavar="NAME", parser=_name, help="Of several services, which.")
]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@service_app.command(short_help="Have the system run a till.yaml's agent.")
def install(
    config: Config = TILL_YAML,
    name: Name = "tillwire",
    user: Annotated[
        str | None,
        typer.Option(metavar="NAME", parser=_name, help="Its account; else the service's name."),
    ] = None,
    show: Annotated[bool, typer.Option("--print", help="Print the unit, and do nothing.")] = False,
    dry_run: Dry = False,
) -> None:
    """Have the system run the agent of a till.yaml from boot on, with an account of its own.

    Writes a systemd unit, lets that account read and write the files that till.yaml names, and
    says each thing that it does. As root, on Linux. Again: writes it anew.

    Example: sudo tillwire service install -c /etc/tillwire/till.yaml
    """
    from engine.tools.service import command

    wanted = command.Wanted(config, name, user or name, show, dry_run)
    raise typer.Exit(command.install(wanted))


@service_app.command(short_help="Undo install; files stay.")
def uninstall(name: Name = "tillwire", dry_run: Dry = False) -> None:
    """Stop the service and take it away. Database, settings and account stay.

    Example: sudo tillwire service uninstall
    """
    from engine.tools.service import command

    raise typer.Exit(command.uninstall(name, dry_run))


@service_app.command(short_help="What the system says of it.")
def status(name: Name = "tillwire", json: Json = False) -> None:
    """Say whether the service runs, since when, and what its tills do.

    Exit code 0: it runs and is ready; 1: it does not; 2: no systemd here.

    Example: tillwire service status
    """
    from engine.tools.service import command

    raise typer.Exit(command.status(name, json))


@service_app.command(short_help="Start it and wait until it is ready.")
def start(name: Name = "tillwire") -> None:
    """Start the service and wait until it is ready.

    Example: sudo tillwire service start
    """
    from engine.tools.service import command

    raise typer.Exit(command.start(name))


@service_app.command(short_help="Stop it.")
def stop(name: Name = "tillwire") -> None:
    """Stop the service and wait for its end; no ticket is lost.

    Example: sudo tillwire service stop
    """
    from engine.tools.service import command

    raise typer.Exit(command.stop(name))
