"""The dashboard *Till*: one till, what it did and why, and the process that looks after it."""

from collections.abc import Sequence

from grafana_foundation_sdk.models import dashboard as model

from metrics import families as f
from metrics.dashboards.frame import Section, framed, named
from metrics.dashboards.panels import GOOD, WRONG, Looks, Panels, Steps, Target
from metrics.dashboards.sheet import SAME_TILL, Sheet, short_hash
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
        Section("The link", [*_now(make), *_signs(make), *_well(make), _states(make)]),
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
            Looks(
                "In this state for",
                "How long it has been in this state; or for how long it has been offline, as far "
                "as the time shown goes back.",
                "s",
                6,
                4,
            ),
            f"({sheet.offline_for}) or on ({SAME_TILL}) ({sheet.age(f.STATE_ENTERED)})",
        ),
        make.stat(
            Looks("Tickets waiting", "Tickets that the server has not yet.", "short", 6, 4),
            sheet.of(f.PENDING),
        ),
        make.stat(
            Looks(
                "Oldest waiting ticket",
                "How long the ticket that waits longest has been waiting.",
                "s",
                6,
                4,
            ),
            sheet.age(f.OLDEST_PENDING),
            steps=Steps(600, 3600),
            absent="none waits",
        ),
    )


def _signs(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    clock = sheet.of(f.TIME)
    return (
        make.stat(
            Looks(
                "Server last heard of",
                "How long ago the server last took or refused a call.",
                "s",
                4,
                4,
            ),
            sheet.age(f.LAST_EXCHANGE),
            steps=Steps(300, 3600),
        ),
        make.stat(
            Looks(
                "Clock off by",
                "By how much the clock of the till's machine differs from Prometheus's.",
                "s",
                4,
                4,
            ),
            f"abs({clock} - timestamp({clock}))",
            steps=Steps(10, 60),
        ),
        make.stat(
            Looks(
                "Numbers that never came",
                "Ticket numbers between the lowest and the highest that the till program never "
                "handed over.",
                "short",
                4,
                4,
            ),
            sheet.of(f.MISSING),
            steps=Steps(wrong=1),
        ),
    )


def _well(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    return (
        make.stat(
            Looks(
                "Agent",
                "Whether the machines run and the database takes what is written.",
                "short",
                4,
                4,
            ),
            sheet.of(f.READY),
            mappings=_yes_or_no(sheet, good=("1", "ready"), wrong=("0", "not ready")),
        ),
        make.stat(
            Looks(
                "Journal",
                "Whether an entry of the journal of transfers was changed by another hand, as far "
                "as it was read.",
                "short",
                4,
                4,
            ),
            sheet.of(f.JOURNAL_BROKEN),
            mappings=_yes_or_no(sheet, good=("0", "whole"), wrong=("1", "broken")),
        ),
        make.stat(
            Looks(
                "Files",
                "Whether the files that were saved last are in force, or were refused.",
                "short",
                4,
                4,
            ),
            sheet.of(f.RELOAD_SUCCESSFUL),
            mappings=_yes_or_no(sheet, good=("1", "in force"), wrong=("0", "refused")),
        ),
    )


def _yes_or_no(
    sheet: Sheet, good: tuple[str, str], wrong: tuple[str, str]
) -> list[model.ValueMapping]:
    """Two values in words and colours."""
    faces = ((good, GOOD), (wrong, WRONG))
    return [
        model.ValueMap(
            {
                value: model.ValueMappingResult(sheet.say(text), colour, index=place)
                for place, ((value, text), colour) in enumerate(faces)
            }
        )
    ]


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
            short_hash(sheet.of(f.CONFIG_INFO)),
            "",
            columns={"hash": "Configuration"},
        ),
        make.stat(
            Looks("Files in force for", "Since when the files that run are in force.", "s", 6, 5),
            f"{sheet.of(f.TIME)} - {sheet.of(f.RELOAD_TIME)}",
        ),
        make.graph(
            Looks("Memory", "What the process holds.", "bytes", 8, 7, NOT_ON_WINDOWS),
            Target(sheet.other("process_resident_memory_bytes"), say("Memory")),
        ),
        make.graph(
            Looks("Processor", "1 is one core, used whole.", "percentunit", 8, 7, NOT_ON_WINDOWS),
            Target(processor, say("Processor")),
        ),
        make.graph(
            Looks(
                "Open files", "Files and connections of the process.", "short", 8, 7, NOT_ON_WINDOWS
            ),
            Target(sheet.other("process_open_fds"), say("Open files")),
        ),
        make.graph(
            Looks(
                "Held up",
                "By how much the agent was late at worst in a minute: its machine is too slow, or "
                "something holds it up.",
                "s",
                8,
                7,
            ),
            Target(sheet.of(f.LOOP_LAG), say("Late by")),
        ),
        make.graph(
            Looks("Room on the disk", "Where the tickets are kept.", "bytes", 8, 7),
            Target(sheet.of(f.DISK_FREE), say("Free")),
        ),
        _faults(make),
    )


def _faults(make: Panels) -> model.Panel:
    sheet = make.sheet
    grown = (
        (f.WORKERS_ABANDONED, "Calls given up"),
        (f.STEPS_FAILED, "Events not played"),
        (f.LISTENER_FAILURES, "Metrics not counted"),
    )
    table = (
        (f"sum({sheet.of(f.SOURCE_CONFLICTS)})", "Tickets left alone in the table"),
        (f"count({sheet.of(f.SOURCE_UP)} == 0)", "Table not readable"),
    )
    return make.graph(
        Looks(
            "Faults",
            "Calls that hang and were given up, events that the machine could not play, metrics "
            "that could not be counted, and trouble with the till program's table.",
            "short",
            8,
            7,
        ),
        *(
            Target(f"increase({sheet.of(family)}[$__rate_interval])", sheet.say(legend))
            for family, legend in grown
        ),
        *(Target(f"{expr} or vector(0)", sheet.say(legend)) for expr, legend in table),
    )
