"""What can become of a machine: every situation that it can get into, and what is wrong there.

The core's own ``feed`` plays whatever can come: events, timers, a restart, and of each call
that is under way every answer. What an exploration leaves out of a till is said in
:mod:`engine.core.exploration.situations`; docs/language.md says what it means for whoever
writes a machine.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from engine.core.build import Chart
from engine.core.exploration.search import Search
from engine.core.exploration.situations import Situations
from engine.core.exploration.timeline import Timeline, timeline
from engine.core.exploration.verdicts import Finding, Judge
from engine.problems import Problem

UNPROVEN = "With the delays as they are, the way below does not lead there; another one may."


class Exploration(NamedTuple):
    """What was found. ``situations`` counts those followed up; ``complete`` says that there
    are no others."""

    problems: tuple[Problem, ...]
    situations: int
    complete: bool


def explore(
    chart: Chart, most: float = float("inf"), expired: Callable[[], bool] = lambda: False
) -> Exploration:
    """Explore a machine until all is known, there are more than ``most`` situations, or
    ``expired`` says that time is up.

    Raises StepFailed when a till cannot even begin with it.
    """
    search = Search(chart)
    graph = search.run(most, expired)
    judge = Judge(chart.definition, search)
    problems = [_problem(chart, search.situations, found) for found in judge.findings()]
    count, complete = graph.count(graph.done), not graph.open
    if not complete and not graph.failures:
        message = f"{count} situations were explored, and there are more."
        hint = (
            "What was not reached is not known. A longer limit goes further; counters with a "
            "smaller max have fewer situations."
        )
        problems.append(
            chart.definition.document.problem(
                "explored-in-part", ("machine",), message, hint, severity="warning"
            )
        )
    return Exploration(tuple(problems), count, complete)


def _problem(chart: Chart, situations: Situations, found: Finding) -> Problem:
    """The finding, with the first of its ways that a till in virtual time can go. A way that
    the delays forbid proves nothing: if there is no other one, it is a warning."""
    document = chart.definition.document
    key = found.loc[0] == "states"
    code, hint = found.code, found.hint
    if found.leads is None:
        return document.problem(code, found.loc, found.message, hint, key, "warning")
    played = []
    for lead in found.leads:
        told = timeline(chart, situations, lead.stimuli)
        played.append(told)
        if told.failed or (not told.astray and lead.seen(told.till, told.started)):
            problem = document.problem(code, found.loc, found.message, hint, key)
            return replace(problem, trace=_trace(found, told))
    problem = document.problem(
        f"{code}-unproven", found.loc, found.message, UNPROVEN, key, "warning"
    )
    return replace(problem, trace=_trace(found, played[0]))


def _trace(found: Finding, told: Timeline) -> str:
    lines = [
        f"- case: {json.dumps(found.case, ensure_ascii=False)}",
        "  timeline:",
        *(f"    {line}" for line in told.lines),
        *([f"  {found.claim}"] if found.claim else ()),
    ]
    return "\n".join(lines)
