"""The command line's own parts: the application, and the options that verbs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import __version__
from engine.cli.agent import TILL_YAML

app = typer.Typer(
    name="tillwire",
    help="Looks after a shop till's link to its central server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Look at what is in force.", no_args_is_help=True)
app.add_typer(config_app, name="config")

Config = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The till.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="Print data for programs.")]
AgentUrl = Annotated[str | None, typer.Option("--url", metavar="URL", help="The API of the agent.")]
AgentConfig = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="The till.yaml of the agent."),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tillwire {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Looks after a shop till's link to its central server."""


def one_of(*words: str) -> Callable[[str], Any]:
    """Takes one of these words from the command line; for any other it says what is meant."""

    def word(text: str) -> str:
        if text in words:
            return text
        from engine.problems import did_you_mean

        raise typer.BadParameter(f"'{text}' is not one of them. {did_you_mean(text, words)}")

    return word


def seconds(text: str) -> float:
    """A duration of the command line, in seconds."""
    from engine.definition.values import NotOfType, parse_duration

    try:
        return parse_duration(text)
    except NotOfType as error:
        raise typer.BadParameter(f"{error} {error.hint}") from error


def host_and_port(text: str) -> tuple[str, int]:
    """An address of the command line, to listen on."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise typer.BadParameter(f"'{text}' is no host and port, as in 127.0.0.1:8346.")
    return host, int(port)


def api_url(config: Path | None) -> str:
    """Where the agent of a till.yaml, or of the one here, listens; the default port without."""
    if config is None and not TILL_YAML.is_file():
        return "http://127.0.0.1:8344"
    from engine.settings import load_settings

    return load_settings(config or TILL_YAML).api.url


def moment(text: str, now: float, option: str) -> float:
    """A moment of the command line in epoch seconds: so long before ``now``, the last time that a
    clock showed ``14:30``, or a date with a time (``2026-03-14T14:30``)."""
    from datetime import datetime, time, timedelta

    from engine.definition.values import NotOfType, parse_duration

    try:
        return now - parse_duration(text)
    except NotOfType:
        here = datetime.fromtimestamp(now).astimezone()
    try:
        if "-" in text:
            return datetime.fromisoformat(text).timestamp()
        at = datetime.combine(here.date(), time.fromisoformat(text))
        return (at if at.timestamp() <= now else at - timedelta(days=1)).timestamp()
    except ValueError:
        message = (
            f"'{text}' is no time. Write how long ago, as in 2h or 1h30, "
            "or when, as in 14:30 or 2026-03-14T14:30."
        )
        raise typer.BadParameter(message, param_hint=option) from None
