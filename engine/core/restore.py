"""A till as text, and a till from text: what survives a restart of the process.

Inside a process timers count on a monotonic clock, which means nothing after a restart; in the
text they are wall-clock times. A clock that was set back gives a timer its full length again,
one that was set forward lets it run out at once: never longer than the file says.
"""

import json
from collections.abc import Mapping
from typing import Any

from engine.core.build import Chart
from engine.core.feed import Turn, begin
from engine.core.plans import TimerPlan
from engine.core.records import Event, Step, Till, Timer
from engine.definition.tree import ROOT
from engine.definition.vocabulary import Value

RESTORED = "restored"


def pack(till: Till, now: float, wall: float) -> str:
    """The till as JSON. ``now`` is the time of its timers, ``wall`` the same moment in seconds
    since 1970."""
    shift = wall - now
    return json.dumps(
        {
            "configuration": till.configuration,
            "context": till.context,
            "timers": {
                key: [timer.start + shift, timer.length] for key, timer in till.timers.items()
            },
            "running": [[run.effect, dict(run.arguments), run.state] for run in _runs(till)],
            "entered": {name: at + shift for name, at in till.entered.items()},
            "remembered": till.remembered,
            "runs": till.runs,
            "draws": till.draws,
        },
        separators=(",", ":"),
    )


def unpack(chart: Chart, till: str, text: str, now: float, wall: float) -> tuple[Till, Step]:
    """The till that ``pack`` wrote, at ``now``, and the step that its restart is.

    States are found by id, else by the machine's ``renames``. A till that was in a state which
    the machine no longer has begins anew, with the context that is still known. Effects that
    had not answered are started again: nobody will ever hear the answer of the first call, and
    every effect bears being repeated. Raises ValueError when the text is not such a till.
    """
    saved = _parsed(text)
    leaves = _leaves(chart, saved["configuration"])
    if leaves is None:
        restored, step = begin(chart, till, now)
        restored.context.update(_context(chart, saved["context"]))
        return restored, step
    restored = Till(till, _completed(chart, leaves))
    restored.context = {**chart.initial_context, **_context(chart, saved["context"])}
    restored.runs, restored.draws = saved["runs"], saved["draws"]
    shift = now - wall
    for name in restored.configuration:
        restored.entered[name] = min(now, saved["entered"].get(name, wall) + shift)
    restored.remembered = {
        name: tuple(active)
        for name, active in saved["remembered"].items()
        if name in chart.tree and all(state in chart.plans for state in active)
    }
    turn = Turn(chart, restored, Event(RESTORED), now)
    _resume_timers(chart, turn, restored, saved["timers"], now, shift)
    _start_again(chart, turn, restored, saved["running"])
    turn.step.handled = True
    turn.step.configuration = restored.configuration
    return restored, turn.step


def _runs(till: Till) -> list[Any]:
    return [run for _, run in sorted(till.running.items())]


def _parsed(text: str) -> dict[str, Any]:
    saved = json.loads(text)
    shape = {
        "configuration": list,
        "context": dict,
        "timers": dict,
        "running": list,
        "entered": dict,
        "remembered": dict,
        "runs": int,
        "draws": int,
    }
    if not isinstance(saved, dict) or any(
        not isinstance(saved.get(key), kind) for key, kind in shape.items()
    ):
        raise ValueError("the text is not a till that was saved")
    return saved


def _leaves(chart: Chart, saved: list[str]) -> list[str] | None:
    """The saved active states under their present names; None when one that matters is gone.

    A state that was active with another one inside it does not matter: it follows from that.
    """
    renames = chart.definition.model.renames
    names = [name if name in chart.plans else renames.get(name, name) for name in saved]
    known = [name for name in names if name in chart.plans]
    if not known or names[-1] not in chart.plans:
        return None
    return [
        name
        for name in known
        if not any(other != name and chart.tree.inside(other, name) for other in known)
    ]


def _completed(chart: Chart, leaves: list[str]) -> tuple[str, ...]:
    """The leaves with the states around them, and the default inside of what they leave open:
    a region that the file has since been given, a state that has since become compound."""
    tree = chart.tree
    active = {name for leaf in leaves for name in tree.path(leaf)}
    for name in (ROOT, *tree.nodes):
        if name != ROOT and name not in active:
            continue
        inside = [child for child in tree.children(name) if child in chart.plans]
        if tree.parallel(name):
            active.update(inside)
        elif inside and not active.intersection(inside):
            active.add(tree.initial(name) or inside[0])
    return tuple(name for name in tree.nodes if name in active)


def _context(chart: Chart, saved: Mapping[str, Value]) -> dict[str, Value]:
    """The saved variables that the machine still has, within their present bounds."""
    kept: dict[str, Value] = {}
    for name, variable in chart.definition.model.context.items():
        value = saved.get(name)
        if type(value) is not type(variable.initial):
            continue
        if isinstance(value, str) and value not in (variable.values or ()):
            continue
        if variable.max is not None and isinstance(value, int) and not isinstance(value, bool):
            value = max(variable.min, min(variable.max, value))
        kept[name] = value
    return kept


def _resume_timers(
    chart: Chart, turn: Turn, till: Till, saved: Mapping[str, Any], now: float, shift: float
) -> None:
    for name in till.configuration:
        for plan in chart.plans[name].timers:
            if plan.key in saved and plan.on_restart != "restart":
                _resume(turn, till, plan, saved[plan.key], now, shift)
            else:
                turn.arm(plan, now)


def _resume(
    turn: Turn, till: Till, plan: TimerPlan, saved: list[float], now: float, shift: float
) -> None:
    start, length = saved
    length = length if plan.fixed is None else plan.fixed
    start = min(now, start + shift)
    due = now if plan.on_restart == "expire" else max(now, start + length)
    timer = till.timers[plan.key] = Timer(plan.key, due, start, length)
    turn.step.timers_started.append(timer)


def _start_again(chart: Chart, turn: Turn, till: Till, saved: list[Any]) -> None:
    effects = chart.definition.vocabulary.effects
    for effect, arguments, state in saved:
        if effect in effects and (state is None or state in till.configuration):
            turn.start(effect, arguments, state)
    running = {(run.effect, run.state) for run in till.running.values()}
    for name in till.configuration:
        for call in chart.plans[name].invoked:
            if (call.effect, name) not in running:
                turn.start(call.effect, call.read(turn), name)
