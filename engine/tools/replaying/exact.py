"""The machine that lived a history, held to it: each step played again has to be the same."""

from json import dumps, loads
from typing import Any, NamedTuple

from engine.core.build import Chart
from engine.core.carrying import RELOADED
from engine.core.feed import StepFailed, feed, timer_event
from engine.core.noting import noted, recalled
from engine.core.records import Event, Step, Till
from engine.tools.replaying.recording import Lived, Quiet, Recording


class Unlike(NamedTuple):
    """The first step that came out otherwise: what of it, and both outcomes."""

    step: Lived
    what: str
    lived: object
    played: object


class Held(NamedTuple):
    """How many steps were the same, those that the history does not keep among them."""

    steps: int
    unlike: Unlike | None


def hold(chart: Chart, recording: Recording) -> Held:
    """Play every step with what it came of. Where the machine was another one, the steps are
    passed over until the till is known whole again."""
    count = 0
    till: Till | None = None
    for step in recording.steps:
        if step.event == RELOADED or step.begins:
            till = None
        if till is None:
            if step.till is not None and step.machine == chart.definition.hash:
                till = recalled(recording.till, step.till)
            continue
        try:
            for quiet in step.quiet:
                _tick(chart, till, quiet)
                count += 1
            unlike = _unlike(step, _played(chart, till, step), till)
        except StepFailed as fault:
            unlike = Unlike(step, "failure", None, str(fault))
        if unlike is not None:
            return Held(count, unlike)
        count += 1
    return Held(count, None)


def _tick(chart: Chart, till: Till, quiet: Quiet) -> None:
    if quiet.timer in till.timers:
        feed(chart, till, timer_event(chart, quiet.timer), quiet.own)


def _played(chart: Chart, till: Till, step: Lived) -> Step:
    event = Event(step.event, step.data, step.timer, step.run)
    return feed(chart, till, event, step.own)


def _unlike(lived: Lived, played: Step, till: Till) -> Unlike | None:
    detail = lived.detail
    pairs: list[tuple[str, Any, Any]] = [
        ("late", False, played.late),
        ("states", lived.states, played.configuration),
        ("taken", _plain(lived.taken), _plain(played.taken)),
        ("refused", *_refused(detail.get("refused", []), played)),
        ("changed", detail.get("changed", {}), _plain(played.changed)),
        ("raised", detail.get("raised", []), played.raised),
        ("joined", detail.get("joined", []), played.joined),
        ("log", detail.get("log", []), played.logged),
        (
            "started",
            [(run.number, run.effect) for run in lived.started],
            [(run.number, run.effect) for run in played.started],
        ),
        ("dropped", list(lived.dropped), [run.number for run in played.cancelled]),
    ]
    if lived.till is not None:
        pairs.append(("till", lived.till, _plain(noted(till))))
    for what, was, now in pairs:
        if was != now:
            return Unlike(lived, what, was, now)
    return None


def _refused(lived: list[Any], played: Step) -> tuple[list[Any], list[Any]]:
    """Both, with the values that guards saw where they were noted: earlier versions did not."""
    now = _plain([refusal.kept() for refusal in played.refused])
    if all(len(was) == len(("state", "event", "guard")) for was in lived):
        now = [refusal[:3] for refusal in now]
    return lived, now


def _plain(data: object) -> Any:
    """As it is after JSON: tuples are lists."""
    return loads(dumps(data))
