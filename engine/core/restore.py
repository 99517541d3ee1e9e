"""A till as text, and a till from text: what survives a restart of the process.

Inside a process timers count on a monotonic clock, which means nothing after a restart; in the
text they are wall-clock times. A clock that was set back gives a timer its full length again,
one that was set forward lets it run out at once: never longer than the file says.
"""

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from engine.core.build import Chart
from engine.core.feed import Turn, begin, play
from engine.core.plans import TimerPlan
from engine.core.records import Event, Run, Step, Till, Timer
from engine.core.standing import Names, can_go_back, kept_context, standing
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
    told = _put_right(saved(text), Names(chart))
    context = kept_context(chart, told.context)
    configuration = standing(chart, told.configuration)
    if configuration is None:
        return begin(chart, till, now, context)
    restored = Till(till, configuration, {**chart.initial_context, **context})
    restored.runs, restored.draws = told.runs, told.draws
    restored.remembered = {
        name: tuple(active)
        for name, active in told.remembered.items()
        if can_go_back(chart.tree, name, active)
    }
    turn = Turn(chart, restored, Event(RESTORED), now)
    _go_on(chart, turn, restored, told, now - wall)
    # What the file has been given since may have raised something, or hold by now.
    play(chart, turn, RESTORED)
    turn.step.handled = True
    return restored, turn.step


def _runs(till: Till) -> list[Run]:
    return [run for _, run in sorted(till.running.items())]


def saved(text: str) -> Saved:
    """What ``pack`` wrote, read. Raises ValueError when the text is no such thing."""
    try:
        return Saved.model_validate_json(text)
    except ValidationError as fault:
        raise ValueError("the text is not a till that was saved") from fault


def _put_right(saved: Saved, names: Names) -> Saved:
    """The same with present names everywhere."""

    def key(old: str) -> str:
        name, dot, rest = old.partition(".")
        return names.now(name) + dot + rest

    return saved.model_copy(
        update={
            "configuration": [names.now(name) for name in saved.configuration],
            "timers": {key(old): timer for old, timer in saved.timers.items()},
            "entered": {names.now(name): at for name, at in saved.entered.items()},
            "remembered": {
                name: [names.now(active) for active in actives]
                for name, actives in saved.remembered.items()
            },
        }
    )


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
