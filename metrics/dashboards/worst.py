"""The tables of *Fleet*: which tills and agents need somebody first, each with a way to it."""

from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.models import dashboard as model

from metrics import families as f
from metrics.dashboards.frame import address
from metrics.dashboards.panels import NO_STEPS, Link, Looks, Panels, Steps
from metrics.dashboards.sheet import SAME_PROCESS, SAME_TILL, Sheet, short_hash

WORST = 20
"""Rows of a table of the worst."""


NOT_ANSWERING = "Agents that Prometheus could not read when it last tried."
FAULTS = (
    "Agents whose database does not take what is written, whose journal was changed by another "
    "hand, that refused the files that were saved last, or that cannot read the till program's "
    "table. The page says what is wrong."
)

Worst = tuple[Looks, str, str, Steps]
"""A table: its looks, the query that it shows the worst of, the heading of the values, and from
which value on one is remarkable."""


def worst_tills(make: Panels) -> Sequence[model.Panel]:
    """Tills that somebody should look at."""
    links = _to_till(make.sheet)
    return [
        make.table(looks, f"topk({WORST}, {expr})", value, steps=steps, links=links)
        for looks, expr, value, steps in (*_offline(make.sheet), *_tickets(make.sheet))
    ]


def _offline(sheet: Sheet) -> Iterator[Worst]:
    yield (
        Looks(
            "Offline longest",
            "Tills that are offline, and for how long, as far as the time shown goes back.",
            "s",
            8,
            8,
        ),
        sheet.offline_for,
        "Offline for",
        Steps(300, 3600),
    )
    lost = "|".join(face.id for face in sheet.faces.states if face.offline)
    entered = sheet.within(f.TRANSITIONS, f'to=~"{lost}"')
    yield (
        Looks(
            "Offline most often",
            "How often tills came into a state in which the server counts as not there, in the "
            "time shown.",
            "short",
            8,
            8,
        ),
        f"sum by ({SAME_TILL}) ({entered}) > 0.5",
        "Times",
        Steps(3, 10),
    )


def _tickets(sheet: Sheet) -> Iterator[Worst]:
    yield (
        Looks(
            "Oldest unsent ticket",
            "How long the oldest ticket that the server has not yet has been waiting.",
            "s",
            8,
            8,
        ),
        sheet.age(f.OLDEST_PENDING),
        "Waiting for",
        Steps(600, 3600),
    )
    yield (
        Looks(
            "Most tickets waiting",
            "Tills with the most tickets that the server has not yet.",
            "short",
            8,
            8,
        ),
        f"{sheet.of(f.PENDING)} > 0",
        "Tickets",
        NO_STEPS,
    )
    yield (
        Looks(
            "Tickets refused by the server",
            "Tills of which the server has refused tickets in the time shown; the till's page and "
            "its log say why.",
            "short",
            8,
            8,
        ),
        f"{sheet.within(f.REFUSED)} > 0",
        "Tickets",
        Steps(wrong=0.5),
    )
    yield (
        Looks(
            "Ticket numbers that never came",
            "Tills with gaps in the numbers of their tickets; `tillwire proof` names them.",
            "short",
            8,
            8,
        ),
        f"{sheet.of(f.MISSING)} > 0",
        "Numbers",
        Steps(wrong=1),
    )


def worst_agents(make: Panels) -> Sequence[model.Panel]:
    """Agents, with all their tills, that somebody should look at."""
    sheet = make.sheet
    links = _to_agent(sheet)
    return [
        make.table(
            Looks("Agents that do not answer", NOT_ANSWERING, "short", 8, 8),
            f"topk({WORST}, {sheet.not_answering})",
            "",
            links=links,
        ),
        make.table(
            Looks("Agents with a fault", FAULTS, "short", 8, 8),
            f"topk({WORST}, {_faults(sheet)})",
            "",
            columns={"fault": "Fault"},
            links=links,
        ),
        make.table(
            Looks("Least room", "Agents with the least room on their disk.", "bytes", 8, 8),
            f"bottomk({WORST}, {sheet.of(f.DISK_FREE)})",
            "Free",
            links=links,
            ascending=True,
        ),
        *(
            make.table(looks, f"topk({WORST}, {expr})", value, steps=steps, links=links)
            for looks, expr, value, steps in _late(sheet)
        ),
    ]


def _late(sheet: Sheet) -> Iterator[Worst]:
    clock = sheet.of(f.TIME)
    yield (
        Looks(
            "Clocks that are off",
            "By how much the clock of an agent's machine differs from Prometheus's.",
            "s",
            8,
            8,
        ),
        f"abs({clock} - timestamp({clock}))",
        "Off by",
        Steps(10, 60),
    )
    yield (
        Looks(
            "Server silent longest",
            "How long ago the server last took or refused a call of the agent.",
            "s",
            8,
            8,
        ),
        sheet.age(f.LAST_EXCHANGE),
        "Silent for",
        Steps(300, 3600),
    )
    yield (
        Looks(
            "Held up most",
            "By how much an agent was late at worst in the last minute: its machine is too slow, "
            "or something holds it up.",
            "s",
            8,
            8,
        ),
        sheet.of(f.LOOP_LAG),
        "Late by",
        Steps(1, 5),
    )


def _faults(sheet: Sheet) -> str:
    found = (
        (f"{sheet.of(f.READY)} == 0", "not ready"),
        (f"{sheet.of(f.JOURNAL_BROKEN)} == 1", "journal broken"),
        (f"{sheet.of(f.RELOAD_SUCCESSFUL)} == 0", "files refused"),
        (f"{sheet.of(f.SOURCE_UP)} == 0", "table not readable"),
    )
    return " or ".join(
        f'label_replace({expr}, "fault", "{sheet.say(fault)}", "", "")' for expr, fault in found
    )


def agents_behind(make: Panels) -> Sequence[model.Panel]:
    """Agents that do not run, or have not loaded, what the others have."""
    sheet = make.sheet
    links = _to_agent(sheet)
    in_force = f"({sheet.of(f.TIME)} - {sheet.of(f.RELOAD_TIME)})"
    config, version = sheet.of(f.CONFIG_INFO), sheet.of(f.BUILD_INFO)
    others = f"{config} unless on (hash) topk(1, count by (hash) ({config}))"
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
                "Another configuration than most",
                "Agents that run another machine file, or other parameters, than most do, and for "
                "how long they have run it.",
                "s",
                8,
                8,
            ),
            short_hash(
                f"topk({WORST}, {in_force} * on ({SAME_PROCESS}) group_right () ({others}))"
            ),
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
