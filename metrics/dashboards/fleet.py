"""The dashboard *Fleet*: all tills, the worst of them first."""

from collections.abc import Sequence

from grafana_foundation_sdk.models import dashboard as model

from metrics import families as f
from metrics.dashboards.frame import Section, framed, named
from metrics.dashboards.panels import Looks, Panels, Steps, Target
from metrics.dashboards.sheet import Sheet, short_hash
from metrics.dashboards.worst import agents_behind, worst_agents, worst_tills


def fleet(sheet: Sheet) -> model.Dashboard:
    """All tills of the machine: where they are now, which need somebody, what has happened."""
    make = Panels(sheet)
    title = f"tillwire: {sheet.say('fleet')}" + named(sheet)
    about = (
        "All tills: in which states they are, which of them need somebody first, and what has "
        "happened. Made from the machine's file; a change made here is lost with the next one."
    )
    sections = (
        Section("Now", [*_numbers(make), *_waiting(make), *_by_state(make)]),
        Section("Worst first: tills", worst_tills(make)),
        Section("Worst first: agents", [*worst_agents(make), *agents_behind(make)]),
        Section("What has happened", _happened(make)),
        Section("The server, as the tills see it", _server(make)),
        Section("Updates", _updates(make)),
    )
    return framed(sheet, "fleet", title, about, sections, other="till")


def _numbers(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    return (
        make.stat(
            Looks("Tills", "Tills that Prometheus hears of.", "short", 4, 4),
            f"count({sheet.of(f.STATE_ENTERED)})",
        ),
        make.stat(
            Looks(
                "Offline",
                "Tills for which the central server counts as not there, held ones included.",
                "short",
                4,
                4,
            ),
            f"count({sheet.offline}) or vector(0)",
            steps=Steps(wrong=1),
        ),
        make.stat(
            Looks(
                "Agents that do not answer",
                "Agents that Prometheus could not read: stopped, or behind a line that is cut. "
                "Nothing else on this page counts their tills.",
                "short",
                4,
                4,
            ),
            f"count({sheet.not_answering}) or vector(0)",
            steps=Steps(wrong=1),
        ),
    )


def _waiting(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    return (
        make.stat(
            Looks("Tickets waiting", "Tickets that the server has not yet.", "short", 4, 4),
            sheet.waiting,
        ),
        make.stat(
            Looks(
                "Oldest waiting ticket",
                "How long the ticket that waits longest has been waiting.",
                "s",
                4,
                4,
            ),
            sheet.longest_wait,
            steps=Steps(600, 3600),
            absent="none waits",
        ),
        make.stat(
            Looks(
                "Refused tickets",
                "Tickets that the server has refused in the time shown. They are set aside; "
                "somebody has to look at each.",
                "short",
                4,
                4,
            ),
            f"sum({sheet.within(f.REFUSED)})",
            steps=Steps(wrong=0.5),
        ),
    )


def _by_state(make: Panels) -> Sequence[model.Panel]:
    return (
        make.bars(
            Looks("Tills by state", "How many tills are in each state now.", "short", 8, 8),
            *make.tills_by_state(),
            colours=make.state_colours(),
        ),
        make.graph(
            Looks(
                "Tills by state over time",
                "How many tills were in each state. A gap below the usual height: tills that "
                "Prometheus could not read.",
                "short",
                16,
                8,
            ),
            *make.tills_by_state(),
            colours=make.state_colours(),
            stacked=True,
        ),
    )


def _happened(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    say = sheet.say
    lost = _lost(sheet)
    return (
        make.graph(
            Looks(
                "Transitions per minute by cause",
                "Changes of state of all tills, by the event that caused them.",
                "cpm",
                12,
                8,
            ),
            Target(f"sum by (event) ({sheet.summed(f.TRANSITIONS)}) * 60 > 0", "{{event}}"),
            bars=True,
        ),
        make.graph(
            Looks(
                "Links lost per minute by cause",
                "How often tills came into a state in which the server counts as not there.",
                "cpm",
                12,
                8,
            ),
            Target(f"sum by (event) ({lost}) * 60 > 0", "{{event}}"),
            bars=True,
        ),
        make.graph(
            Looks("Tickets waiting over time", "The backlog of all tills.", "short", 8, 8),
            Target(sheet.waiting, say("Tickets waiting")),
        ),
        make.graph(
            Looks(
                "Tickets per minute",
                "What the server has acknowledged, and what it has refused.",
                "cpm",
                8,
                8,
            ),
            Target(f"sum({sheet.summed(f.SENT)}) * 60", say("Acknowledged")),
            Target(f"sum({sheet.summed(f.REFUSED)}) * 60", say("Refused")),
        ),
        make.graph(
            Looks(
                "Loads of the catalogue",
                "Loads that are under way, and those that ended, by what came of them.",
                "short",
                8,
                8,
            ),
            Target(f"sum({sheet.of(f.LOAD_IN_PROGRESS)})", say("Under way")),
            Target(
                f"sum by (outcome) (increase({sheet.of(f.LOADS)}[$__rate_interval]))", "{{outcome}}"
            ),
        ),
    )


def _lost(sheet: Sheet) -> str:
    names = "|".join(face.id for face in sheet.faces.states if face.offline)
    return sheet.summed(f.TRANSITIONS, f'to=~"{names}"')


def _server(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    ping = sheet.grown(f.EFFECT_DURATION, 'effect="ping"', suffix="_bucket")
    seconds = sheet.summed(f.EFFECT_DURATION, suffix="_sum")
    ended = sheet.summed(f.EFFECT_DURATION, suffix="_count")
    calls, failed = sheet.summed(f.EFFECTS), sheet.summed(f.EFFECT_FAILURES)
    return (
        make.heat(
            Looks(
                "Time that pings take",
                "How many pings of all tills took how long, failed ones included.",
                "short",
                12,
                9,
            ),
            f"sum by (le) ({ping})",
        ),
        make.graph(
            Looks(
                "Mean time of calls",
                "How long a call takes on the average, by what is called.",
                "s",
                12,
                9,
            ),
            Target(f"sum by (effect) ({seconds}) / sum by (effect) ({ended})", "{{effect}}"),
        ),
        make.graph(
            Looks("Calls per minute", "What all tills ask of the server.", "cpm", 12, 8),
            Target(f"sum by (effect) ({calls}) * 60", "{{effect}}"),
            stacked=True,
        ),
        make.graph(
            Looks(
                "Failed calls per minute",
                "Calls that brought nothing, by the reason. A refusal is none.",
                "cpm",
                12,
                8,
            ),
            Target(f"sum by (reason) ({failed}) * 60", "{{reason}}"),
            bars=True,
        ),
    )


def _updates(make: Panels) -> Sequence[model.Panel]:
    sheet = make.sheet
    return (
        make.graph(
            Looks("Versions", "How many agents run which version.", "short", 12, 7),
            Target(f"count by (version) ({sheet.of(f.BUILD_INFO)})", "{{version}}"),
            stacked=True,
        ),
        make.graph(
            Looks(
                "Configurations",
                "How many agents run which machine file with which parameters.",
                "short",
                12,
                7,
            ),
            Target(f"count by (hash) ({short_hash(sheet.of(f.CONFIG_INFO))})", "{{hash}}"),
            stacked=True,
        ),
    )
