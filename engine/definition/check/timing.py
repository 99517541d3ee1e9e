"""Delays: that they are durations above zero, and that backoffs grow."""

from typing import TYPE_CHECKING

from engine.definition.check.survey import Loc, Survey
from engine.definition.model import Backoff
from engine.definition.values import NotOfType, show

if TYPE_CHECKING:
    from engine.definition.machine import Definition


def check_timing(survey: Survey) -> None:
    """Every delay of after and every."""
    for wait in survey.waits:
        if isinstance(wait.delay, Backoff):
            _backoff(survey, wait.delay, wait.loc)
        else:
            _delay(survey, wait.delay, wait.loc)


def _delay(survey: Survey, written: str, loc: Loc) -> float | None:
    """The seconds of a delay, None where it is at fault."""
    definition = survey.definition
    lost = written.isidentifier() and survey.lost.declares(written)
    if lost or _broken(definition, written):
        return None
    try:
        seconds = definition.seconds(written)
    except NotOfType as error:
        survey.say("delay", loc, str(error), error.hint)
        return None
    if written not in definition.parameters:
        if seconds == 0:
            survey.say(
                "delay-zero", loc, "A delay is longer than zero.", "Use always to wait for nothing."
            )
            return None
    elif definition.resolved.bounds[written].get("min") == 0 or seconds == 0:
        message = f"'{written}' is used as a delay and may be zero."
        hint = "Give the parameter a min above zero, of 1s say."
        survey.say("delay-zero", loc, message, hint)
        return None
    return seconds


def _broken(definition: "Definition", written: object) -> bool:
    return written in definition.parameters and written not in definition.parameter_types


def _backoff(survey: Survey, backoff: Backoff, loc: Loc) -> None:
    base = _delay(survey, backoff.base, (*loc, "base"))
    longest = _delay(survey, backoff.max, (*loc, "max"))
    if base is not None and longest is not None and base > longest:
        first, last = show(base, "duration"), show(longest, "duration")
        message = f"The first delay, {first}, is longer than the longest, {last}."
        survey.say("backoff", (*loc, "base"), message)
    factor = _number(survey, backoff.factor, (*loc, "factor"))
    if factor is not None and factor < 1:
        message = f"The factor is {factor:g}; a delay that shrinks is no backoff."
        survey.say("backoff", (*loc, "factor"), message, "Write 1 or more.")
    jitter = _number(survey, backoff.jitter, (*loc, "jitter"))
    if jitter is not None and not 0 <= jitter <= 1:
        message = f"The jitter is {jitter:g}."
        survey.say("backoff", (*loc, "jitter"), message, "Allowed: 0 to 1.")


def _number(survey: Survey, written: float | str, loc: Loc) -> float | None:
    lost = isinstance(written, str) and survey.lost.declares(written)
    if lost or _broken(survey.definition, written):
        return None
    try:
        return survey.definition.number(written)
    except NotOfType as error:
        survey.say("backoff", loc, str(error), error.hint)
        return None
