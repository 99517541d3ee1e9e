"""The dashboard *Till*: one till, what it did and why, and the process that looks after it."""

from collections.abc import Sequence

from grafana_foundation_sdk.models import dashboard as model

from metrics import families as f
from metrics.dashboards.frame import Section, framed, named
from metrics.dashboards.panels import GOOD, WRONG, Looks, Panels, Steps, Target
from metrics.dashboards.sheet import Sheet
from metrics.dashboards.traffic import calls, loads, messages, tickets
from metrics.dashboards.worst import page

NOT_ON_WINDOWS = "Windows does not tell it."


def till(sheet: Sheet) -> model.Dashboard:
    """One till of the machine, chosen by shop, instance and till."""
    make = Panels(sheet)
    title = f"tillwire: {sheet.say('till')}" + named(sheet)
    about = (
        "One till: the state of its link, why it changed, its tickets, what it asks of the server, "
        "and its process. Made from the machine's file; a change made here is lost with the next "
        "one."
    )
    sections = (
        Section("The link", [*_now(make), *_well(make), _states(make)]),
        Section("What it did, and why", _causes(make)),
        Section("Pings and calls", calls(make)),
        Section("Tickets", tickets(make)),
        Section("Messages and offers", messages(make)),
        Section("Loads of the catalogue", loads(make)),
        Section("Files and process", _process(make)),
    )
    return framed(sheet, "till", title, about, sections, other="fleet")


def _now(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    return (
        make.stat(
            Looks("State", "The state that the till is in now.", "short", 6, 4),
            *sheet.numbers().values(),
            mappings=make.states(),
        ),
        make.stat(
            Looks("In this state for", "How long it has been in this state.", "s", 4, 4),
            sheet.age(f.STATE_ENTERED),
        ),
        make.stat(
            Looks("Tickets waiting", "Tickets that the server has not yet.", "short", 4, 4),
            sheet.of(f.PENDING),
        ),
        make.stat(
            Looks(
                "Oldest waiting ticket",
                "How long the ticket that waits longest has been waiting.",
                "s",
                4,
                4,
            ),
            sheet.age(f.OLDEST_PENDING),
            steps=Steps(600, 3600),
            absent="none waits",
        ),
    )


def _well(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    clock = sheet.of(f.TIME)
    return (
        make.stat(
            Looks(
                "Clock off by",
                "By how much the clock of the till's machine differs from Prometheus's.",
                "s",
                3,
                4,
            ),
            f"abs({clock} - timestamp({clock}))",
            steps=Steps(10, 60),
        ),
        make.stat(
            Looks(
                "Files",
                "Whether the files that were saved last are in force, or were refused.",
                "short",
                3,
                4,
            ),
            sheet.of(f.RELOAD_SUCCESSFUL),
            mappings=[
                model.ValueMap(
                    {
                        "1": model.ValueMappingResult(sheet.say("in force"), GOOD, index=0),
                        "0": model.ValueMappingResult(sheet.say("refused"), WRONG, index=1),
                    }
                )
            ],
        ),
    )


def _states(make: Panels) -> model.Panel:
    here = (page("${__field.labels.instance}", "${__field.labels.till}"),)
    return make.timeline(
        Looks(
            "States",
            "In which state the till was when. A gap: Prometheus could not read it.",
            "short",
            24,
            6,
        ),
        *(
            Target(number, " · ".join(("{{till}}", "{{instance}}", *filter(None, (region,)))))
            for region, number in make.sheet.numbers().items()
        ),
        links=here,
    )


def _causes(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    refused, unhandled = sheet.within(f.REJECTIONS), sheet.within(f.UNHANDLED)
    return (
        make.graph(
            Looks(
                "Transitions by cause",
                "Changes of state per minute: where to, and by which event.",
                "cpm",
                24,
                8,
            ),
            Target(
                f"sum by (to, event) ({sheet.rate(f.TRANSITIONS)}) * 60 > 0", "→ {{to}}: {{event}}"
            ),
            bars=True,
        ),
        make.table(
            Looks(
                "Transitions in the time shown",
                "How often the till came to which state, and why.",
                "short",
                10,
                8,
            ),
            f"sum by (to, event) ({sheet.within(f.TRANSITIONS)}) > 0.5",
            "Times",
            columns={"to": "To", "event": "Cause"},
        ),
        make.table(
            Looks(
                "Refused by a guard",
                "How often a guard kept the till where it was, by the state that has the guard. "
                "Its page and `tillwire trace` tell which.",
                "short",
                7,
                8,
            ),
            f"sum by (state) ({refused}) > 0",
            "Times",
            columns={"state": "State"},
        ),
        make.table(
            Looks(
                "Events that nothing waited for",
                "Events that no active state asked for: known to the machine, or not (other).",
                "short",
                7,
                8,
            ),
            f"sum by (event) ({unhandled}) > 0",
            "Times",
            columns={"event": "Event"},
        ),
    )


def _process(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    say = sheet.say
    processor = f"rate({sheet.other('process_cpu_seconds_total')}[$__rate_interval])"
    return (
        make.table(
            Looks("Version", "What runs.", "short", 8, 5),
            sheet.of(f.BUILD_INFO),
            "",
            columns={"version": "Version", "python": "Python"},
        ),
        make.table(
            Looks("Configuration", "The machine that runs, with its parameters.", "short", 10, 5),
            sheet.of(f.CONFIG_INFO),
            "",
            columns={"hash": "Configuration"},
        ),
        make.stat(
            Looks("Files in force for", "Since when the files that run are in force.", "s", 6, 5),
            f"{sheet.of(f.TIME)} - {sheet.of(f.RELOAD_TIME)}",
        ),
        make.graph(
            Looks("Memory", "What the process holds.", "bytes", 6, 7, NOT_ON_WINDOWS),
            Target(sheet.other("process_resident_memory_bytes"), say("Memory")),
        ),
        make.graph(
            Looks("Processor", "1 is one core, used whole.", "percentunit", 6, 7, NOT_ON_WINDOWS),
            Target(processor, say("Processor")),
        ),
        make.graph(
            Looks(
                "Open files", "Files and connections of the process.", "short", 6, 7, NOT_ON_WINDOWS
            ),
            Target(sheet.other("process_open_fds"), say("Open files")),
        ),
        make.graph(
            Looks(
                "Faults",
                "Calls that hang and were given up, events that the machine could not play, "
                "metrics that could not be counted, and trouble with the till program's table.",
                "short",
                6,
                7,
            ),
            *(Target(expr, say(legend)) for expr, legend in _faults(sheet)),
        ),
    )


def _faults(sheet: Sheet) -> Sequence[tuple[str, str]]:
    no_source = f"count({sheet.of(f.SOURCE_UP)} == 0) or vector(0)"
    return (
        (f"increase({sheet.of(f.WORKERS_ABANDONED)}[$__rate_interval])", "Calls given up"),
        (f"increase({sheet.of(f.STEPS_FAILED)}[$__rate_interval])", "Events not played"),
        (f"increase({sheet.of(f.LISTENER_FAILURES)}[$__rate_interval])", "Metrics not counted"),
        (f"sum({sheet.of(f.SOURCE_CONFLICTS)}) or vector(0)", "Tickets left alone in the table"),
        (no_source, "Table not readable"),
    )
