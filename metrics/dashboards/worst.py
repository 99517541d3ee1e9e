"""The tables of *Fleet*: which tills and agents need somebody first, each with a way to it."""

from collections.abc import Sequence

from grafana_foundation_sdk.models import dashboard as model

from metrics import families as f
from metrics.dashboards.frame import address
from metrics.dashboards.panels import Link, Looks, Panels, Steps
from metrics.dashboards.sheet import SAME_PROCESS, SAME_TILL, Sheet

WORST = 20
"""Rows of a table of the worst."""


def worst_tills(make: Panels) -> Sequence[model.Panel]:
    """Tills that somebody should look at."""
    sheet = make.sheet
    links = _to_till(sheet)
    return (
        make.table(
            Looks(
                "Offline longest",
                "Tills that are offline, and for how long they have been in that state.",
                "s",
                12,
                8,
            ),
            f"topk({WORST}, ({sheet.age(f.STATE_ENTERED)}) and on ({SAME_TILL}) ({sheet.offline}))",
            "Offline for",
            links=links,
            steps=Steps(300, 3600),
        ),
        make.table(
            Looks(
                "Oldest unsent ticket",
                "How long the oldest ticket that the server has not yet has been waiting.",
                "s",
                12,
                8,
            ),
            f"topk({WORST}, {sheet.age(f.OLDEST_PENDING)})",
            "Waiting for",
            links=links,
            steps=Steps(600, 3600),
        ),
        make.table(
            Looks(
                "Most tickets waiting",
                "Tills with the most tickets that the server has not yet.",
                "short",
                12,
                8,
            ),
            f"topk({WORST}, {sheet.of(f.PENDING)} > 0)",
            "Tickets",
            links=links,
        ),
        make.table(
            Looks(
                "Tickets refused by the server",
                "Tills of which the server has refused tickets in the time shown; the till's page "
                "and its log say why.",
                "short",
                12,
                8,
            ),
            f"topk({WORST}, {sheet.within(f.REFUSED)} > 0)",
            "Tickets",
            links=links,
            steps=Steps(wrong=0.5),
        ),
    )


def worst_agents(make: Panels) -> Sequence[model.Panel]:
    """Agents, with all their tills, that somebody should look at."""
    sheet = make.sheet
    links = _to_agent(sheet)
    clock = sheet.of(f.TIME)
    return (
        make.table(
            Looks(
                "Oldest catalogue",
                "Agents by the age of what was loaded last of each dataset.",
                "s",
                8,
                8,
            ),
            f"topk({WORST}, {sheet.age(f.DATASET_LOADED)})",
            "Age",
            columns={"dataset": "Dataset"},
            links=links,
            steps=Steps(86400, 3 * 86400),
        ),
        make.table(
            Looks(
                "Clocks that are off",
                "By how much the clock of an agent's machine differs from Prometheus's.",
                "s",
                8,
                8,
            ),
            f"topk({WORST}, abs({clock} - timestamp({clock})))",
            "Off by",
            links=links,
            steps=Steps(10, 60),
        ),
        make.table(
            Looks(
                "Agents that do not answer",
                "Agents that Prometheus could not read when it last tried.",
                "short",
                8,
                8,
            ),
            f"topk({WORST}, {sheet.other('up')} == 0)",
            "",
            links=links,
        ),
    )


def agents_behind(make: Panels) -> Sequence[model.Panel]:
    """Agents that do not run what the others run."""
    sheet = make.sheet
    links = _to_agent(sheet)
    in_force = f"({sheet.of(f.TIME)} - {sheet.of(f.RELOAD_TIME)})"
    config, version = sheet.of(f.CONFIG_INFO), sheet.of(f.BUILD_INFO)
    return (
        make.table(
            Looks(
                "Another configuration than most",
                "Agents that run another machine file, or other parameters, than most do, and for "
                "how long they have run it.",
                "s",
                8,
                8,
            ),
            f"topk({WORST}, {in_force} * on ({SAME_PROCESS}) group_right () "
            f"({config} unless on (machine, hash) topk(1, count by (machine, hash) ({config}))))",
            "In force for",
            columns={"hash": "Configuration"},
            links=links,
        ),
        make.table(
            Looks(
                "Another version than most",
                "Agents that run another version of tillwire than most do.",
                "short",
                8,
                8,
            ),
            f"topk({WORST}, {version} unless on (version) topk(1, count by (version) ({version})))",
            "",
            columns={"version": "Version", "python": "Python"},
            links=links,
        ),
        make.table(
            Looks(
                "Files refused",
                "Agents that refused the files that were saved last and run on with those of "
                "before; the page says what is wrong in which line.",
                "short",
                8,
                8,
            ),
            f"topk({WORST}, {sheet.of(f.RELOAD_SUCCESSFUL)} == 0)",
            "",
            links=links,
        ),
    )


def _to_till(sheet: Sheet) -> tuple[Link, ...]:
    """From a row to its till: its dashboard, and its own page where the agent serves it."""
    return (
        Link(
            "This till",
            f"{address(sheet, 'till')}?${{datasource:queryparam}}&${{job:queryparam}}"
            "&var-instance=${__data.fields.instance}&var-till=${__data.fields.till}"
            "&${__url_time_range}",
        ),
        page("${__data.fields.instance}", "${__data.fields.till}"),
    )


def _to_agent(sheet: Sheet) -> tuple[Link, ...]:
    """From a row about a process, which may have several tills."""
    return (
        Link(
            "Its tills",
            f"{address(sheet, 'till')}?${{datasource:queryparam}}&${{job:queryparam}}"
            "&var-instance=${__data.fields.instance}&${__url_time_range}",
        ),
        Link("Its own page", "http://${__data.fields.instance}/", new_window=True),
    )


def page(instance: str, till: str) -> Link:
    """The page that the agent serves where Prometheus reads its metrics."""
    return Link("The till's own page", f"http://{instance}/?till={till}", new_window=True)
