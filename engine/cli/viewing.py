"""Verbs that show what a file can say, and what a machine is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from engine.cli.agent import TILL_YAML
from engine.cli.application import (
    AgentConfig,
    AgentUrl,
    Config,
    Json,
    app,
    host_and_port,
    one_of,
    seconds,
)

if TYPE_CHECKING:
    from engine.definition.machine import Definition


@app.command(short_help="Print the JSON Schema of a kind of file, for editors.")
def schema(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="KIND", help="machine, test, scenario, till, datasets or tills."),
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


@app.command(short_help="Pack what a help desk needs into one zip.")
def support(
    config: Config = TILL_YAML,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The zip, or the folder for it.")
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="LENGTH", help="History from so far back, as in 2h.")
    ] = "24h",
    url: AgentUrl = None,
    json: Json = False,
) -> None:
    """Pack settings, history, metrics, log, versions and what check and status say into one zip.

    Works beside a running agent and without one, with a till.yaml that is broken too. No ticket,
    customer's code, message or secret goes in.

    Exit code 0: packed, with what had to be left out; 1: the zip cannot be written; 2: there is
    no till.yaml.

    Example: tillwire support -c till.yaml --out help.zip
    """
    from engine.tools.support.command import support as run_support

    raise typer.Exit(run_support(config, out, seconds(since), url, json))


@app.command(short_help="Draw a machine.")
def diagram(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="A machine, or a till.yaml; the one that comes along without it."
        ),
    ] = None,
    form: Annotated[
        Literal["mermaid", "svg", "text"] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            parser=one_of("mermaid", "svg", "text"),
            help="mermaid, svg or text. Without it: text on a terminal, else mermaid.",
        ),
    ] = None,
    language: Annotated[
        Literal["en", "fr"],
        typer.Option("--language", metavar="LANGUAGE", parser=one_of("en", "fr"), help="en or fr."),
    ] = "en",
    detail: Annotated[
        bool, typer.Option("--detail", help="Every transition, with all that it does.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")
    ] = None,
) -> None:
    """Draw a machine as it runs, with the values that its parameters have.

    Transitions between two states are told together, those that lead nowhere are counted.

    Exit code 0: drawn; 1: the file is refused, or the drawing cannot be written; 2: the file
    cannot be read.

    Example: tillwire diagram machines/connection.yaml -o connection.svg
    """
    from engine.shipped import shipped_machine
    from engine.tools.diagram import diagram as run_diagram

    raise typer.Exit(run_diagram(file or shipped_machine(), form, language, detail, output))


@app.command(short_help="Make the Grafana dashboards of a machine.")
def dashboard(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="A machine, or a till.yaml; the one that comes along without it."
        ),
    ] = None,
    language: Annotated[
        Literal["en", "fr"],
        typer.Option("--language", metavar="LANGUAGE", parser=one_of("en", "fr"), help="en or fr."),
    ] = "en",
    folder: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Write them there.")
    ] = Path("dashboards"),
    recorded: Annotated[
        bool,
        typer.Option("--recorded", help="Read the recording rules: for thousands of tills."),
    ] = False,
) -> None:
    """Make the Grafana dashboards of a machine, with its states, labels, codes and colours.

    fleet.json shows all tills, the worst first; till.json shows one. Grafana imports both.

    Exit code 0: written; 1: the file is refused, or they cannot be written; 2: the file cannot
    be read.

    Example: tillwire dashboard machines/mine.yaml --language fr
    """
    from functools import partial

    from engine.shipped import shipped_machine
    from engine.tools.dashboard import dashboard as run_dashboard

    made = partial(_made, recorded=recorded)
    raise typer.Exit(run_dashboard(file or shipped_machine(), language, folder, made))


def _made(
    definition: "Definition", language: Literal["en", "fr"], recorded: bool
) -> tuple[Mapping[str, str], Sequence[str]]:
    from metrics.dashboards.build import dashboards, remarks

    return dashboards(definition, language, recorded), remarks(definition)


@app.command(short_help="Tell Prometheus which agents to scrape.")
def targets(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The list of tills.")],
    shop: Annotated[
        str | None, typer.Option("--shop", metavar="SHOP", help="Only the agents of this shop.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--write", metavar="FILE", help="Put them into this file, for file_sd."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--serve",
            metavar="HOST:PORT",
            help="Serve them there, for http_sd, until Ctrl-C.",
        ),
    ] = None,
) -> None:
    """Tell Prometheus which agents of a fleet to scrape, with the label shop.

    The list says where the agents of each shop listen. Without --write and --serve the targets
    are printed. What is served is read anew when the list has changed.

    Exit code 0: done; 1: the list is refused, or the file or the port cannot be had; 2: the list
    cannot be read, it has no such shop, wrong usage.

    Example: tillwire targets tills.yaml --serve 127.0.0.1:8346
    """
    from engine.tools import targets as telling

    if address is None:
        raise typer.Exit(telling.targets(file, shop, output))
    if output is not None:
        raise typer.BadParameter("Say either --write or --serve.")
    raise typer.Exit(telling.serve(file, shop, *host_and_port(address)))


@app.command(short_help="The story of a till: what happened, and why, or why not.")
def trace(
    till: Annotated[
        str | None, typer.Argument(metavar="TILL", help="Not needed where there is one.")
    ] = None,
    config: AgentConfig = None,
    database: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A database file, a copy say.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="So long ago, as 2h, or a time, as 14:30.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="The same, for the end.")
    ] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only what has to do with this state.")
    ] = None,
    why_not: Annotated[
        bool, typer.Option("--why-not", help="What holds the till where it is, way by way.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell what happened to a till, and why.

    Each step with its cause: what answered after how long, which guards refused with which values;
    and when the agent started, stopped or crashed. From the database, whether the agent runs or
    not; without --since the newest 200 entries.

    Exit code 0: told; 1: nothing happened in that time; 2: it cannot be told, or wrong usage.

    Example: tillwire trace 01 -c till.yaml --since 2h
    """
    import time

    from engine.cli.application import moment
    from engine.tools.trace import Wanted
    from engine.tools.trace import trace as run_trace

    if follow and (why_not or until is not None):
        raise typer.BadParameter("--follow goes on: leave out --until and --why-not.")
    now = time.time()
    after = None if since is None else moment(since, now, "--since")
    before = None if until is None else moment(until, now, "--until")
    if config is None and database is None and TILL_YAML.is_file():
        config = TILL_YAML
    wanted = Wanted(till, config, database, after, before, state, why_not, follow, json)
    raise typer.Exit(run_trace(wanted))
