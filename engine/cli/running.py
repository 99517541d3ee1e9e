"""Verbs about what runs: the agent, the demo, the lab, and what is asked of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from engine import __version__
from engine.cli.application import (
    TILL_YAML,
    AgentConfig,
    AgentUrl,
    Config,
    Json,
    api_url,
    app,
    one_of,
    seconds,
)
from engine.streams import say

if TYPE_CHECKING:
    from engine.agent.clock import Clock
    from engine.agent.last_good import LastGood
    from engine.agent.process import Watching
    from engine.agent.watching import Watch
    from engine.definition.machine import Definition
    from engine.problems import Refused
    from engine.settings import Settings

LOOPBACK = "127.0.0.1"


@app.command(short_help="Look after the tills of a till.yaml.")
def run(config: Config = TILL_YAML) -> None:
    """Look after the tills of a till.yaml until stopped by Ctrl-C or the system.

    The file and its machine are watched: what is saved there is live within a second, or refused.
    A file that is refused at the start gives way to the last one that was good, if there is one.

    Example: tillwire run -c /etc/tillwire/till.yaml
    """
    from engine.agent.files import patiently
    from engine.problems import Refused
    from engine.settings import load_settings

    last = None
    try:
        settings = patiently(lambda: load_settings(config))
    except Refused as refused:
        last = _last_good(config, refused)
        settings = last.settings
    from engine.agent.frugal import load_lazily

    load_lazily()
    from engine.agent.process import CannotRun
    from engine.agent.process import run as run_agent

    try:
        try:
            code = run_agent(settings, _watcher(settings), last)
        except Refused as refused:
            if last is not None:
                raise
            last = _last_good(config, refused)
            code = run_agent(last.settings, _watcher(last.settings), last)
        raise typer.Exit(code)
    except CannotRun as fault:
        say(f"tillwire cannot run: {fault}")
        raise typer.Exit(1) from fault


def _last_good(config: Path, refused: "Refused") -> "LastGood":
    """The files that run in place of those that were refused; raises that where there are none."""
    from engine.agent.last_good import find
    from engine.definition.report import report

    last = find(config, refused)
    if last is None:
        raise refused
    say(report(refused.problems))
    say("tillwire runs with the files that were last good.")
    return last


def _watcher(settings: "Settings") -> "Watching":
    """Who counts, if anybody does."""
    from engine.agent.watching import Unwatched

    return _watching if settings.api.metrics else lambda *_: Unwatched()


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
    length = None if duration is None else seconds(duration)
    from engine.tools.demo import demo as run_demo

    raise typer.Exit(run_demo(length, json))


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


@app.command(short_help="Ask the agent here how its tills are.")
def status(
    url: AgentUrl = None,
    config: AgentConfig = None,
    json: Json = False,
) -> None:
    """Ask the agent on this machine how its tills are.

    Exit code 0: all online; 1: one is not; 2: no agent answers.

    Example: tillwire status --url http://127.0.0.1:8344
    """
    from engine.tools.status import status as run_status

    raise typer.Exit(run_status(url or api_url(config), json))


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


@app.command(short_help="Load the catalogue and show how far it gets.")
def load(
    kind: Annotated[
        Literal["full", "changes"],
        typer.Argument(
            metavar="KIND",
            parser=one_of("full", "changes"),
            help="full: everything; changes: what has changed since.",
        ),
    ],
    url: AgentUrl = None,
    config: AgentConfig = None,
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
    raise typer.Exit(run_load(kind, url or api_url(config), token_of(file), till))
