"""Verbs for whoever edits a machine: see what an edit does before a till lives it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import __version__
from engine.cli.agent import TILL_YAML
from engine.cli.application import AgentConfig, AgentUrl, Json, api_url, app

if TYPE_CHECKING:
    from engine.core.facts import MachineFacts
    from engine.tools.testing.results import Exporting


@app.command(short_help="Find all that is wrong with YAML files.")
def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="A machine, its tests, a till.yaml, a datasets file, a scenario."
        ),
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
    """Find everything wrong with machine, test, till.yaml, datasets and scenario files.

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


@app.command("test", short_help="Play the test cases of a machine in virtual time.")
def play_tests(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="A test file, its machine, or a folder of them."),
    ],
    case: Annotated[
        str | None, typer.Option("--case", metavar="NAME", help="Only cases with this in the name.")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Name every line that no case has met.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML there too.")
    ] = None,
    json: Json = False,
) -> None:
    """Play the test cases beside a machine in virtual time and say what is not as expected.

    Exit code 0: all passed; 1: a case failed, or a file has faults; 2: a file cannot be read, or
    no case has that name.

    Example: tillwire test machines/ --coverage
    """
    from engine.tools.testing.command import play_tests as run_tests

    raise typer.Exit(run_tests(paths, case, json, coverage, junit, _counting))


@app.command(short_help="Live a scenario in virtual time.")
def simulate(
    scenario: Annotated[
        str,
        typer.Argument(metavar="SCENARIO", help="A file, or a shipped one's name."),
    ],
    machine: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Another machine than the scenario's.")
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter's value. May be repeated."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", min=0, help="Another chance.")] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A second machine beside it.")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="NAME=V1,V2,...", help="One parameter, value by value.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with pictures.")
    ] = None,
    json: Json = False,
) -> None:
    """Live a scenario in virtual time and tell what came of it.

    How soon outages are noticed, how late tickets are, what the server has to bear, how long the
    cashier waits. The same seed gives the same outcome.

    Exit code 0: played; 1: a file or a value is refused; 2: wrong usage, or no such file.

    Example: tillwire simulate fibre-cut-at-noon --sweep ticket_sync_interval=10s,30s,2min,10min
    """
    from engine.tools.simulate import Wanted
    from engine.tools.simulate import simulate as run_simulation

    wanted = Wanted(scenario, machine, tuple(given or ()), seed, compare, sweep, report, json)
    raise typer.Exit(run_simulation(wanted))


@app.command(short_help="What is different between two machines.")
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="A machine, or a till.yaml.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The other one.")],
    json: Json = False,
) -> None:
    """Tell what is different between two machines, by what they mean.

    Order, comments and spelling make no difference. Of a till.yaml it is the machine with the
    values that the file gives the parameters.

    Exit code 0: they mean the same; 1: they do not; 2: one cannot be read or is refused.

    Example: tillwire diff machines/connection.yaml edited.yaml
    """
    from engine.tools.diff import diff as run_diff

    raise typer.Exit(run_diff(before, after, json))


def _counting(machine: "MachineFacts", wall: "Callable[[], float]") -> "Exporting":
    """What a case expects of metrics is counted by the agent's own exporter."""
    from metrics.exporter import Exporter

    return Exporter(__version__, machine, wall)


@app.command(short_help="Have the agent here read its files again.")
def reload(
    url: AgentUrl = None,
    config: AgentConfig = None,
    json: Json = False,
) -> None:
    """Have the agent on this machine read till.yaml and its machine again, and say what it found.

    The files are watched, so that saving them is enough; this explores the machine to the end
    and prints all that is wrong. A till.yaml that is itself at fault is refused without asking.
    The token comes from till.yaml, or from the environment variable
    TILLWIRE_TOKEN. Exit code 0: in force; 1: refused; 2: no agent answers, or it does not let
    this account.

    Example: tillwire reload -c till.yaml
    """
    from engine.tools.load import token_of
    from engine.tools.reload import reload as run_reload

    file = config or (TILL_YAML if TILL_YAML.is_file() else None)
    raise typer.Exit(run_reload(url or api_url(config), token_of(file), json))


@app.command(short_help="Play a till's history again with an edited machine.")
def replay(
    machine: Annotated[Path, typer.Argument(metavar="MACHINE", help="The machine file.")],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="The till.yaml: database and values."),
    ] = None,
    database: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A database file, a copy say.")
    ] = None,
    till: Annotated[str | None, typer.Option(metavar="ID", help="One till. Default: all.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="LENGTH", help="So far back, as in 2h. Default: all.")
    ] = None,
    json: Json = False,
) -> None:
    """Play again what a till lived, with an edited machine: what would have been different.

    Offline time, calls, how late tickets were, and when the till would have been elsewhere. With
    the machine that lived it every step is held against what was recorded.

    Exit code 0: played; 1: a file is refused, or the same machine gives other steps; 2: a file
    cannot be read, or there is nothing to play.

    Example: tillwire replay machines/edited.yaml --config till.yaml --since 2h
    """
    from engine.cli.application import seconds
    from engine.tools.replay import replay as run_replay

    after = None if since is None else seconds(since)
    raise typer.Exit(run_replay(machine, config, database, till, after, json))
