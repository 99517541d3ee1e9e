"""What the calls of another machine would have met, as far as the recording tells.

A call that begins while one like it was under way, or within a second before that, finds what
that one found, and when: each recorded call once. For every other call something is assumed: the
server was there or not as the nearest recorded answer says, and the call goes as the nearest
recorded one of its kind did. Its own timeout holds in any case.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.core.records import Run
from engine.definition.vocabulary import FAILED, Value
from engine.effects.table import EFFECTS
from engine.tools.replaying.recording import Recording, Started

NEAR = 1.0
"""Seconds that a recorded call may begin later than the one that finds what it found."""

LOCAL = "failed.local_error"
ZEROS: Mapping[str, Value] = {
    "integer": 0,
    "number": 0.0,
    "boolean": False,
    "text": "",
    "duration": 0.0,
}


@dataclass(slots=True)
class Call:
    """A call of the recording. ``until`` is when its answer came or it was dropped; ``answer``
    is ``ok``, ``rejected`` or ``failed.<reason>``, empty for one that never answered."""

    effect: str
    timeout: float
    began: float
    until: float
    answer: str = ""
    data: Mapping[str, Value] | None = None
    used: bool = False

    @property
    def tells(self) -> bool | None:
        """Whether the server was there when it ended; None where it tells nothing of that."""
        if self.answer in ("", LOCAL):
            return None
        if self.answer in ("failed.server_error", "failed.bad_reply"):
            return bool((self.data or {}).get("retry_after"))
        return self.answer not in ("failed.timeout", "failed.unreachable")


class Met(NamedTuple):
    """What a call meets: when it ends, its answer, and whether that is assumed."""

    at: float
    answer: str
    data: Mapping[str, Value]
    assumed: bool


class World:
    """The server and the line, by the calls of one recording."""

    def __init__(self, recording: Recording) -> None:
        self.calls = list(_calls(recording))
        self._telling = [call for call in self.calls if call.tells is not None]

    def meet(self, run: Run, now: float) -> Met:
        """What becomes of a call that begins ``now``."""
        timeout = float(run.arguments.get("timeout", 0.0))
        found = self._under_way(run.effect, now)
        if found is None:
            return self._assumed(run, now, timeout)
        found.used = True
        if not found.answer:
            # Nobody knows how it would have ended; not before it was dropped.
            met = self._assumed(run, now, timeout)
            return met._replace(at=max(met.at, found.until + 1e-3))
        if timeout != found.timeout:
            if found.until - now > _longest(run):
                return _given_up(now, _longest(run), assumed=False)
            if found.answer == "failed.timeout":
                return _given_up(now, timeout, assumed=True)
        return Met(found.until, found.answer, found.data or {}, assumed=False)

    def _under_way(self, effect: str, now: float) -> Call | None:
        near = [
            call
            for call in self.calls
            if call.effect == effect and not call.used and call.began - NEAR <= now <= call.until
        ]
        return min(near, key=lambda call: abs(call.began - now), default=None)

    def _assumed(self, run: Run, now: float, timeout: float) -> Met:
        witness = min(self._telling, key=lambda call: abs(call.until - now), default=None)
        there = witness is None or witness.tells is True
        like = self._like(run.effect, there, now)
        if like is not None:
            answer, data = like.answer, dict(like.data or {})
        elif there or witness is None:
            fields = EFFECTS[run.effect].signature.ok
            answer, data = "ok", {name: ZEROS[field.type] for name, field in fields.items()}
        else:
            answer = witness.answer
            data = {name: ZEROS[field.type] for name, field in FAILED.items()}
            data["reason"] = answer.partition(".")[2]
        model = like or witness
        lasts = 0.0 if model is None else model.until - model.began
        if answer == "failed.timeout" or lasts > _longest(run):
            return _given_up(now, timeout or lasts, assumed=True)
        return Met(now + lasts, answer, data, assumed=True)

    def _like(self, effect: str, there: bool, now: float) -> Call | None:
        like = [call for call in self._telling if call.effect == effect and call.tells is there]
        return min(like, key=lambda call: abs(call.began - now), default=None)


def _given_up(now: float, after: float, assumed: bool) -> Met:
    data: dict[str, Value] = {"reason": "timeout", "message": "", "retry_after": 0.0}
    return Met(now + after, "failed.timeout", data, assumed)


def _longest(run: Run) -> float:
    """Seconds that a call may last in all, by its own arguments."""
    try:
        return EFFECTS[run.effect].deadline(run.arguments)
    except (KeyError, TypeError, ValueError):
        return float("inf")


def _calls(recording: Recording) -> Iterator[Call]:
    open_calls: dict[int, Call] = {}
    shift = 0.0
    for index, step in enumerate(recording.steps):
        shift = step.at - step.own
        if step.begins or index == 0:
            yield from _dropped(open_calls, list(open_calls), step.at)
        if index == 0 and step.till is not None:
            open_calls = dict(_from_before(step.till, step.at))
        for quiet in step.quiet if index else ():
            _open(open_calls, quiet.started, quiet.own + shift)
        if step.run in open_calls and step.run is not None:
            call = open_calls.pop(step.run)
            call.until, call.data = step.at, step.data
            call.answer = step.event.removeprefix(f"{call.effect}.")
            yield call
        yield from _dropped(open_calls, step.dropped, step.at)
        _open(open_calls, step.started, step.at)
    if recording.steps:
        yield from _dropped(open_calls, list(open_calls), recording.steps[-1].at)


def _open(calls: dict[int, Call], started: tuple[Started, ...], at: float) -> None:
    for number, effect, timeout in started:
        calls.setdefault(number, Call(effect, timeout, at, at))


def _from_before(till: Mapping[str, Any], at: float) -> Iterator[tuple[int, Call]]:
    """The calls that were under way when the recording begins."""
    for number, effect, arguments, _ in till["running"]:
        yield number, Call(effect, float(arguments.get("timeout", 0.0)), at, at)


def _dropped(
    calls: dict[int, Call], numbers: "tuple[int, ...] | list[int]", at: float
) -> Iterator[Call]:
    for number in numbers:
        if number in calls:
            call = calls.pop(number)
            call.until = at
            yield call
