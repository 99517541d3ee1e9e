"""A till as it stands, as plain data: to go on from exactly there, as a replay does.

Unlike what :mod:`engine.core.restore` writes, the times are those of the till's own clock and
calls keep their numbers: nothing is begun anew.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from engine.core.records import Run, Till, Timer
from engine.definition.vocabulary import Value


def noted(till: Till) -> dict[str, Any]:
    """The till in lists and mappings, fit for JSON. A timer is when it is due, its start and its
    length, a run its number, effect, arguments and state."""
    return {
        "configuration": list(till.configuration),
        "context": dict(till.context),
        "timers": {key: list(timer[1:]) for key, timer in till.timers.items()},
        "running": [
            [run.number, run.effect, dict(run.arguments), run.state]
            for run in till.running.values()
        ],
        "entered": dict(till.entered),
        "remembered": {name: list(active) for name, active in till.remembered.items()},
        "runs": till.runs,
        "draws": till.draws,
    }


class Noted(BaseModel):
    """What ``noted`` gives, read back from JSON."""

    model_config = ConfigDict(frozen=True)

    configuration: list[str]
    context: dict[str, Value]
    timers: dict[str, tuple[FiniteFloat, FiniteFloat, FiniteFloat]]
    running: list[tuple[int, str, dict[str, Value], str | None]]
    entered: dict[str, FiniteFloat]
    remembered: dict[str, list[str]]
    runs: int
    draws: int


def recalled(name: str, data: object) -> Till:
    """The till that was noted. Raises ValueError when the data is no such till."""
    try:
        note = Noted.model_validate(data, strict=False)
    except ValidationError as fault:
        raise ValueError("the data is not a till that was noted") from fault
    return Till(
        name,
        tuple(note.configuration),
        dict(note.context),
        {key: Timer(key, *times) for key, times in note.timers.items()},
        {run[0]: Run(*run) for run in note.running},
        dict(note.entered),
        {state: tuple(active) for state, active in note.remembered.items()},
        note.runs,
        note.draws,
    )
