"""A till as text, and a till from text: what survives a restart of the process.

Inside a process timers count on a monotonic clock, which means nothing after a restart; in the
text they are wall-clock times. A clock that was set back gives a timer its full length again,
one that was set forward lets it run out at once: never longer than the file says.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from engine.core.build import Chart
from engine.core.feed import Turn, begin, play
from engine.core.plans import TimerPlan
from engine.core.records import Event, Run, Step, Till, Timer
from engine.definition.tree import ROOT, Tree
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


Count = Annotated[int, Field(ge=0)]


class Saved(BaseModel):
    """What ``pack`` writes: times are wall-clock seconds, a timer is its start and its length,
    a run its effect, its arguments and the state that invoked it."""

    model_config = ConfigDict(strict=True, frozen=True)

    configuration: list[str]
    context: dict[str, Value]
    timers: dict[str, tuple[FiniteFloat, FiniteFloat]]
    running: list[tuple[str, dict[str, Value], str | None]]
    entered: dict[str, FiniteFloat]
    remembered: dict[str, list[str]]
    runs: Count
    draws: Count


def unpack(chart: Chart, till: str, text: str, now: float, wall: float) -> tuple[Till, Step]:
    """The till that ``pack`` wrote, at ``now``, and the step that its restart is.

    States are found by id, else by the machine's ``renames``. A till that was in a state which
    the machine no longer has begins anew, with the context that is still known; a state that
    the machine has been given since around or inside where the till is, is entered. Effects
    that had not answered are started again: nobody will ever hear the answer of the first
    call, and every effect bears being repeated. Raises ValueError when the text is not such a
    till, StepFailed when its machine cannot go on.
    """
    saved = _Names(chart).put_right(_parsed(text))
    context = _context(chart, saved.context)
    configuration = _configuration(chart, saved.configuration)
    if configuration is None:
        return begin(chart, till, now, context)
    restored = Till(till, configuration, {**chart.initial_context, **context})
    restored.runs, restored.draws = saved.runs, saved.draws
    restored.remembered = {
        name: tuple(active)
        for name, active in saved.remembered.items()
        if _can_go_back(chart.tree, name, active)
    }
    turn = Turn(chart, restored, Event(RESTORED), now)
    _go_on(chart, turn, restored, saved, now - wall)
    # What the file has been given since may have raised something, or hold by now.
    play(chart, turn, RESTORED)
    turn.step.handled = True
    return restored, turn.step


def _runs(till: Till) -> list[Run]:
    return [run for _, run in sorted(till.running.items())]


def _parsed(text: str) -> Saved:
    try:
        return Saved.model_validate_json(text)
    except ValidationError as fault:
        raise ValueError("the text is not a till that was saved") from fault


class _Names:
    """Old names of states and those that took their place; ``""`` for a state that is gone."""

    def __init__(self, chart: Chart) -> None:
        self._plans = chart.plans
        self._renames = chart.definition.model.renames

    def put_right(self, saved: Saved) -> Saved:
        """The same with present names everywhere."""
        return saved.model_copy(
            update={
                "configuration": [self._now(name) for name in saved.configuration],
                "timers": {self._key(key): timer for key, timer in saved.timers.items()},
                "entered": {self._now(name): at for name, at in saved.entered.items()},
                "remembered": {
                    name: [self._now(active) for active in actives]
                    for name, actives in saved.remembered.items()
                },
            }
        )

    def _now(self, name: str) -> str:
        name = name if name in self._plans else self._renames.get(name, name)
        return name if name in self._plans else ""

    def _key(self, key: str) -> str:
        name, dot, rest = key.partition(".")
        return self._now(name) + dot + rest


def _configuration(chart: Chart, names: list[str]) -> tuple[str, ...] | None:
    """Where a till is that was in these states; None when one that matters is gone.

    A state that was active with another one inside it does not matter: it follows from that.
    What they leave open is filled with its default: a region that the file has since been
    given, a state that has since become compound.
    """
    tree = chart.tree
    known = [name for name in names if name]
    if not known or not names[-1]:
        return None
    leaves = [
        name
        for name in known
        if not any(other != name and tree.inside(other, name) for other in known)
    ]
    # States are saved from the outside in: what follows a state that has nothing left inside
    # was inside it.
    if any(not after and name in leaves and tree.children(name) for name, after in pairwise(names)):
        return None
    active = {name for leaf in leaves for name in tree.path(leaf)}
    for name in (ROOT, *tree.nodes):
        if name != ROOT and name not in active:
            continue
        inside = _inside(tree, name)
        if tree.parallel(name):
            active.update(inside)
        elif inside and not active.intersection(inside):
            active.add(tree.initial(name) or inside[0])
    if not _whole(tree, ROOT, active):
        return None
    return tuple(name for name in tree.nodes if name in active)


def _inside(tree: Tree, name: str) -> list[str]:
    return [child for child in tree.children(name) if tree[child].kind != "history"]


def _whole(tree: Tree, outer: str, active: Iterable[str]) -> bool:
    """Whether these states can be active together in ``outer``: a file that has been changed
    may hold apart what used to be side by side."""
    children = _inside(tree, outer)
    inside = [child for child in children if child in active]
    wanted = len(children) if tree.parallel(outer) else min(1, len(children))
    return len(inside) == wanted and all(_whole(tree, child, active) for child in inside)


def _can_go_back(tree: Tree, history: str, active: list[str]) -> bool:
    """Whether a history state can still lead back to what was remembered."""
    if history not in tree or tree[history].kind != "history":
        return False
    outer = tree[history].parent
    if tree[history].state.history == "shallow":
        return len(active) == 1 and active[0] in _inside(tree, outer)
    return set(active) <= set(tree.descendants(outer)) and _whole(tree, outer, active)


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


def _go_on(chart: Chart, turn: Turn, till: Till, saved: Saved, shift: float) -> None:
    """Set the timers and effects going; ``shift`` is from wall-clock times to those of now."""
    now = turn.step.at
    effects = chart.definition.vocabulary.effects
    for effect, arguments, state in saved.running:
        if state is None and effect in effects:
            turn.start(effect, arguments, None)
    known = set(saved.configuration)
    for name in till.configuration:
        plan = chart.plans[name]
        if name not in known:
            turn.enter(plan)
            continue
        till.entered[name] = min(now, saved.entered.get(name, now - shift) + shift)
        for timer in plan.timers:
            if timer.key in saved.timers and timer.on_restart != "restart":
                _resume(turn, till, timer, saved.timers[timer.key], shift)
            else:
                turn.arm(timer, now)
        for call in plan.invoked:
            turn.start(call.effect, call.read(turn), name)


def _resume(
    turn: Turn, till: Till, plan: TimerPlan, saved: tuple[float, float], shift: float
) -> None:
    now = turn.step.at
    start = min(now, saved[0] + shift)
    length = min(saved[1], plan.longest) if plan.fixed is None else plan.fixed
    due = now if plan.on_restart == "expire" else max(now, start + length)
    timer = till.timers[plan.key] = Timer(plan.key, due, start, length)
    turn.step.timers_started.append(timer)
