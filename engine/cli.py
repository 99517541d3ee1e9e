"""The command ``tillwire``: its verbs, and the only place that wires the parts together.

Each verb imports what it needs when it runs, so that ``tillwire check`` does not pay for the
agent. Exit codes: 0 good, 1 refused or not as it should be, 2 wrong usage, 70 a fault of ours,
74 an output that cannot be written.
"""

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import __version__
from engine.problems import Refused
from engine.streams import OF_OUTPUT, cannot_write, fill_missing_streams, make_tolerant, say

if TYPE_CHECKING:
    from engine.agent.clock import Clock
    from engine.agent.watching import Watch
    from engine.definition.machine import Definition

FAULT = 70
"""The exit code of an exception that nobody expected (EX_SOFTWARE in sysexits.h)."""
DEBUG = "TILLWIRE_DEBUG"

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
TILL_YAML = Path("till.yaml")
LOOPBACK = "127.0.0.1"


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


def _seconds(text: str) -> float:
    """A duration of the command line, in seconds."""
    from engine.definition.values import NotOfType, parse_duration

    try:
        return parse_duration(text)
    except NotOfType as error:
        raise typer.BadParameter(f"{error} {error.hint}") from error


@app.command(short_help="Look after the tills of a till.yaml.")
def run(config: Config = TILL_YAML) -> None:
    """Look after the tills of a till.yaml until stopped by Ctrl-C or the system.

    Example: tillwire run -c /etc/tillwire/till.yaml
    """
    from engine.settings import load_settings

    settings = load_settings(config)
    from engine.agent.frugal import load_lazily

    load_lazily()
    from engine.agent.process import CannotRun
    from engine.agent.process import run as run_agent

    try:
        raise typer.Exit(run_agent(settings, _watching))
    except CannotRun as fault:
        say(f"tillwire cannot run: {fault}")
        raise typer.Exit(1) from fault


def _watching(definition: "Definition", clock: "Clock") -> "Watch":
    """The metrics of an agent, behind a guard: whatever happens to them stops no till."""
    from engine.core.facts import machine_facts
    from metrics.exporter import Exporter
    from metrics.listening import Guarded

    return Guarded(Exporter(__version__, machine_facts(definition), clock.wall), clock.monotonic)


@app.command(short_help="Watch a till lose its server and come back.")
def demo(
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="Stop by itself after so long (60s)."),
    ] = None,
    json: Json = False,
) -> None:
    """Watch a till sell tickets, lose its server, cool down, come back and deliver them all.

    Example: tillwire demo --for 60s
    """
    seconds = None if duration is None else _seconds(duration)
    from engine.tools.demo import demo as run_demo

    raise typer.Exit(run_demo(seconds, json))


@app.command(short_help="Run a central server to try tills against.")
def lab(
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="The address to listen on.")
    ] = LOOPBACK,
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="0: any free one.")
    ] = 8080,
    control_port: Annotated[
        int, typer.Option("--control-port", metavar="PORT", min=0, max=65535, help="Of the knobs.")
    ] = 8081,
    storage: Annotated[
        Path | None, typer.Option("--storage", metavar="DIR", help="Keep the tickets there.")
    ] = None,
    deduplicates: Annotated[
        bool,
        typer.Option(
            "--deduplicates/--stores-twice", help="What it does with a ticket that comes twice."
        ),
    ] = True,
    tells_status: Annotated[
        bool,
        typer.Option("--tells-status/--no-status", help="Whether it has the action TICKETSTATUS."),
    ] = True,
    ftp_folder: Annotated[
        Path | None, typer.Option("--ftp-folder", metavar="DIR", help="Serve its files by FTP too.")
    ] = None,
    ftp_port: Annotated[
        int, typer.Option("--ftp-port", metavar="PORT", min=0, max=65535, help="Of FTP.")
    ] = 2121,
) -> None:
    """Run a central server to try tills against, with faults at the turn of a knob.

    Example: tillwire lab --port 8080 --storage lab-data --ftp-folder exports
    """
    from engine.lab.serve import serve

    ftp = None if ftp_folder is None else (ftp_folder, ftp_port)
    raise typer.Exit(serve(host, port, control_port, storage, deduplicates, tells_status, ftp))


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


@app.command(short_help="Ask the agent here how its tills are.")
def status(
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The API of the agent.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="The till.yaml of the agent."),
    ] = None,
    json: Json = False,
) -> None:
    """Ask the agent on this machine how its tills are.

    Exit code 0: all online; 1: one is not; 2: no agent answers.

    Example: tillwire status --url http://127.0.0.1:8344
    """
    from engine.tools.status import status as run_status

    raise typer.Exit(run_status(url or _api_url(config), json))


@app.command(short_help="Prove that a day's tickets are all there.")
def proof(
    day: Annotated[
        str, typer.Option("--day", metavar="DAY", help="Of this machine: 2026-11-24, or today.")
    ],
    config: Config = TILL_YAML,
    till: Annotated[
        str | None, typer.Option("--till", metavar="TILL", help="One till; without it, all.")
    ] = None,
    ask_server: Annotated[
        bool,
        typer.Option(
            "--ask-server/--without-server", help="Whether the server is asked what it has."
        ),
    ] = True,
    json: Json = False,
) -> None:
    """Prove that a day's tickets are all there, on the till's side and on the server's.

    Works beside a running agent and without one. Exit code 0: complete; 1: something is missing
    or was changed; 2: it cannot be read.

    Example: tillwire proof --day 2026-11-24 -c till.yaml
    """
    from engine.tools.proof import proof as run_proof

    raise typer.Exit(run_proof(config, day, till, json, ask_server))


class LoadKind(StrEnum):
    """What `tillwire load` takes."""

    FULL = "full"
    CHANGES = "changes"


@app.command(short_help="Load the catalogue and show how far it gets.")
def load(
    kind: Annotated[LoadKind, typer.Argument(help="Everything, or what has changed since.")],
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The API of the agent.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="The till.yaml of the agent."),
    ] = None,
    till: Annotated[
        str | None,
        typer.Option("--till", metavar="TILL", help="Which till asks; needed if there are more."),
    ] = None,
) -> None:
    """Load the catalogue from the server through the agent on this machine.

    The token comes from till.yaml, or from the environment variable TILLWIRE_TOKEN. Exit code 0:
    loaded; 1: not loaded, with the reason; 2: no agent answers, or it does not let this account.

    Example: tillwire load changes -c till.yaml
    """
    from engine.tools.load import load as run_load
    from engine.tools.load import token_of

    file = config or (TILL_YAML if TILL_YAML.is_file() else None)
    raise typer.Exit(run_load(kind.value, url or _api_url(config), token_of(file), till))


def _api_url(config: Path | None) -> str:
    """Where the agent of a till.yaml, or of the one here, listens; the default port without."""
    if config is None and not TILL_YAML.is_file():
        return "http://127.0.0.1:8344"
    from engine.settings import load_settings

    return load_settings(config or TILL_YAML).api.url


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


def main(arguments: Sequence[str] | None = None) -> None:
    """The command itself. Always ends in :class:`SystemExit`, never in a traceback.

    ``arguments`` are those of the process when none are given. With ``TILLWIRE_DEBUG=1`` in
    the environment an unexpected exception shows its traceback.
    """
    fill_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        make_tolerant(stream)
    try:
        _run(arguments)
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            cannot_write(error)


def _run(arguments: Sequence[str] | None) -> None:
    """The command, and a sentence for whatever goes wrong but the writing of its output."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="tillwire")
    except Refused as refused:
        from engine.definition.report import report

        say(report(refused.problems))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_OUTPUT and error.filename is None:
            cannot_write(error)
        if os.environ.get(DEBUG) == "1":
            raise
        say(
            f"tillwire met a fault that it does not know: {type(error).__name__}: {error}. "
            f"Run the command again with {DEBUG}=1 for the details to report."
        )
        sys.exit(FAULT)


if __name__ == "__main__":
    main()
