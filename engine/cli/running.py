"""Verbs about what runs: the agent, the demo, the lab, and what is asked of them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from engine.cli.agent import TILL_YAML, run_agent
from engine.cli.application import (
    AgentConfig,
    AgentUrl,
    Config,
    Json,
    api_url,
    app,
    one_of,
    seconds,
)

LOOPBACK = "127.0.0.1"


@app.command(short_help="Look after the tills of a till.yaml.")
def run(config: Config = TILL_YAML) -> None:
    """Look after the tills of a till.yaml until stopped by Ctrl-C or the system.

    The file and its machine are watched: what is saved there is live within a second, or refused.
    A file that is refused at the start gives way to the last one that was good, if there is one.

    Example: tillwire run -c /etc/tillwire/till.yaml
    """
    raise typer.Exit(run_agent(config))


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
