"""What the agent writes about itself: one line for one thing that happened.

Text for a person at a terminal, otherwise JSON, one object per line, with stable field names:

docs/logs.md has them all, with every name that ``event`` can have. ``ts``, ``level``, ``event``
and, where it is about one, ``till`` are in each; ``shop`` too, when it is JSON.

What cannot reach :func:`write` (effects, the API, the metrics) logs to a logger below
``tillwire``, with such a name as its text and the rest in ``extra={"fields": {…}}``.

A log travels further than a till's database does. So values are shown by permission only: the
numbers that an effect answered with and why it failed. What the till program posted (tickets,
a customer's code) and what effects were called with is never written, at no level.
:mod:`engine.agent.log_output` turns the fields into text or JSON.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.core.records import Event, Step

log = logging.getLogger("tillwire")

SPOKEN = frozenset({"reason", "message", "code"})
"""The texts of an effect's answer that may be shown: why it failed, in the server's words."""

NOTHING: Mapping[str, str] = {}

LONGEST_TEXT = 300
"""Characters of such a text; a server may answer with a whole page."""


def step_level(step: Step) -> int:
    """How much a step matters, as a level of stdlib logging.

    A failed or rejected call is a WARNING, a change of state or a line that the machine asked
    for INFO, everything else (guards refused, events unhandled, pings that went well, a state
    that is left and entered again) DEBUG.
    """
    if step.late:
        return logging.DEBUG
    answer = step.event.name.split(".")[1:2]
    if step.event.run is not None and answer in (["failed"], ["rejected"]):
        return logging.WARNING
    if moves(step) or step.logged:
        return logging.INFO
    return logging.DEBUG


def moves(step: Step) -> bool:
    """Whether a step brought its till to other states."""
    return set(step.entered) != set(step.exited)


def step_line(
    step: Step, wall: float, about: Mapping[str, str] = NOTHING, seconds: float | None = None
) -> dict[str, Any]:
    """The fields of a step's line, JSON types only. ``wall`` is in epoch seconds, ``about`` says
    which machine it was, ``seconds`` how long the call took whose answer it is."""
    level = step_level(step)
    line: dict[str, Any] = {
        "ts": timestamp(wall),
        "level": level_name(level),
        "event": step.event.name[:LONGEST_TEXT],
        "till": step.till,
        **about,
        **_move(step),
        **_answer(step, seconds),
        "ignored": _ignored(step),
        "transitions": [
            {"event": taken.event, "from": taken.source, "to": taken.target}
            | ({"stays": True} if taken.stays else {})
            for taken in step.taken
        ],
        "states": list(step.configuration),
        "started": [run.effect for run in step.started],
        "joined": list(step.joined),
        "cancelled": [run.effect for run in step.cancelled],
        "changed": {name: list(values) for name, values in step.changed.items()},
        "refused": [refusal.told(step.event) for refusal in step.refused],
        "log": list(step.logged),
    }
    data, names = _shown(step.event)
    line["data"] = data
    line["fields"] = names if level == logging.DEBUG else []
    return {name: value for name, value in line.items() if value not in ("", [], {})}


def log_step(
    step: Step, wall: float, about: Mapping[str, str] = NOTHING, seconds: float | None = None
) -> None:
    """Write a step's line, if its level is written at all: the rest costs next to nothing."""
    level = step_level(step)
    if log.isEnabledFor(level):
        fields = step_line(step, wall, about, seconds)
        log.log(level, step.event.name, extra={"fields": fields})


def write(
    level: int, event: str, till: str = "", *, fault: BaseException | None = None, **fields: Any
) -> None:
    """Write a line about something else. ``event`` is a short stable name (``agent.stopping``)
    that docs/logs.md lists; the fields are JSON types that hold nothing secret, and
    ``message`` among them is a sentence. ``fault`` is written with where it was raised."""
    if log.isEnabledFor(level):
        about = {"till": till} if till else {}
        log.log(level, event, exc_info=fault, extra={"fields": {**about, **fields}})


def timestamp(wall: float) -> str:
    """ISO 8601 in UTC with milliseconds; a clock that is set to no date at all reads as 1970."""
    try:
        moment = datetime.fromtimestamp(wall, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def level_name(level: int) -> str:
    """``info`` for 20, and so on."""
    return logging.getLevelName(level).lower()


def _move(step: Step) -> dict[str, str]:
    """Where the till was and is, by the innermost states, and what the machine file says that it
    moved on."""
    cause = {"cause": step.taken[0].event} if step.taken else {}
    if not moves(step):
        return cause
    left = {"from": step.exited[0]} if step.exited else {}
    return {**left, "to": step.configuration[-1], **cause}


def _answer(step: Step, seconds: float | None) -> dict[str, Any]:
    """Of a call's answer: which call, what came of it, how long it took."""
    if step.event.run is None:
        return {}
    effect, _, outcome = step.event.name.partition(".")
    took = {} if seconds is None else {"duration_s": round(seconds, 3)}
    return {"effect": effect, "outcome": outcome, **took}


def _ignored(step: Step) -> str:
    if step.late:
        return "late"
    if step.taken:
        return ""
    if step.refused:
        return "refused"
    return "" if step.handled or step.event.timer is not None else "unhandled"


def _shown(event: Event) -> tuple[Mapping[str, Any], list[str]]:
    """What the event carries and may be shown, and the names of the rest."""
    data: dict[str, Any] = {}
    hidden: list[str] = []
    for name, value in event.data.items():
        if event.run is None:
            hidden.append(name)  # it was posted: whose it is, only the till program knows
        elif not isinstance(value, str):
            data[name] = value
        elif name in SPOKEN:
            data[name] = value[:LONGEST_TEXT]
        else:
            hidden.append(name)
    return data, hidden
