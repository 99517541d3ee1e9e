"""Effects: that they exist, what they are given, and who hears their answers."""

from collections.abc import Iterable, Mapping

from engine.definition.check.survey import Call, Doing, Loc, Survey
from engine.definition.events import catches
from engine.definition.expressions import Expression, fits
from engine.definition.model import Scalar
from engine.definition.scope import variable_type
from engine.definition.tree import ROOT
from engine.definition.values import article
from engine.definition.vocabulary import EffectSignature, Field
from engine.problems import did_you_mean


def check_effects(survey: Survey) -> None:
    """Starts, invocations, cancellations, raised data and assignments."""
    answered: set[str] = set()
    for call in survey.calls:
        signature = survey.vocabulary.effects.get(call.effect)
        loc = (*call.loc, "effect" if call.invoked else "start")
        if signature is None:
            _unknown_effect(survey, call.effect, loc)
            continue
        _arguments(survey, call, signature)
        if call.invoked or call.effect not in answered:
            _answers(survey, call, signature, loc)
        if not call.invoked:
            answered.add(call.effect)
    called = {call.effect for call in survey.calls}
    for doing in survey.doings:
        _cancel(survey, doing, called)
        _raise(survey, doing)
        _assign(survey, doing)


def _unknown_effect(survey: Survey, name: str, loc: Loc) -> None:
    hint = did_you_mean(name, survey.vocabulary.effects)
    survey.say("unknown-effect", loc, f"No effect '{name}' exists.", hint)


def _cancel(survey: Survey, doing: Doing, called: set[str]) -> None:
    name, loc = doing.action.cancel, (*doing.loc, "cancel")
    if name is None:
        return
    if name not in survey.vocabulary.effects:
        _unknown_effect(survey, name, loc)
    elif name not in called and not survey.lost.mentions(name):
        message = f"Nothing starts the effect '{name}', so there is nothing to cancel."
        survey.say("never-started", loc, message, severity="warning")


def _arguments(survey: Survey, call: Call, signature: EffectSignature) -> None:
    loc = (*call.loc, "with")
    _given(survey, loc, call.raw, call.values, signature.arguments, f"The effect '{call.effect}'")
    for name, argument in signature.arguments.items():
        if argument.required and name not in call.raw:
            message = f"The effect '{call.effect}' needs the argument '{name}'."
            hint = f"It is {article(argument.type)}: {argument.about or 'no default'}."
            at = loc if call.raw else (*call.loc, "effect" if call.invoked else "start")
            survey.say("missing-argument", at, message, hint, key=bool(call.raw))


def _given(
    survey: Survey,
    loc: Loc,
    raw: Mapping[str, Scalar],
    values: Mapping[str, Expression],
    wanted: Mapping[str, Field],
    who: str,
) -> None:
    """Values by name against what may be given."""
    for name in raw:
        at = (*loc, name)
        if name not in wanted and survey.lost.declares(name):
            continue
        if name not in wanted:
            message = f"{who} has no '{name}'."
            survey.say("unknown-argument", at, message, did_you_mean(name, wanted), key=True)
        elif name in values:
            _fits(survey, at, values[name], wanted[name], f"{who} takes as '{name}'")


def _fits(survey: Survey, loc: Loc, value: Expression, wanted: Field, who: str) -> None:
    if not fits(value.type, wanted.type):
        message = f"{who} {article(wanted.type)}, found {article(value.type)}."
        hint = "Write a parameter's name." if wanted.type == "duration" else ""
        survey.say("argument-type", loc, message, hint)
    elif wanted.choices:
        for text in value.choices:
            if text not in wanted.choices:
                hint = did_you_mean(text, wanted.choices)
                survey.say("unknown-choice", loc, f"{who} no '{text}'.", hint)


def _raise(survey: Survey, doing: Doing) -> None:
    name, given = doing.action.raise_, doing.action.with_
    if name is None or not given:
        return
    fields = survey.definition.events[name]
    if survey.lost.declares(name):
        return
    if name not in survey.model.events and not fields:
        message = f"The event '{name}' is not declared, so it carries nothing."
        hint = f"Declare it under events, with the types of its data: {', '.join(given)}."
        survey.say("unknown-argument", (*doing.loc, "with"), message, hint, key=True)
        return
    _given(survey, (*doing.loc, "with"), given, doing.values, fields, f"The event '{name}'")


def _assign(survey: Survey, doing: Doing) -> None:
    for name in doing.action.assign or ():
        loc = (*doing.loc, "assign", name)
        variable = survey.model.context.get(name)
        if variable is None and survey.lost.declares(name):
            continue
        if variable is None:
            known = survey.model.context
            if name in survey.model.parameters:
                hint = "A parameter never changes; declare a context variable."
            else:
                hint = did_you_mean(name, known)
            message = f"No context variable '{name}' exists."
            survey.say("unknown-variable", loc, message, hint, key=True)
            continue
        value = doing.values.get(name)
        if value is None:
            continue
        kind = variable_type(variable)
        if value.type != kind:
            message = f"'{name}' is {article(kind)}, found {article(value.type)}."
            survey.say("assign-type", loc, message)
        elif kind == "integer" and value.constant is not None:
            high = variable.max
            if high is not None and not variable.min <= int(value.constant) <= max(
                variable.min, high
            ):
                message = f"'{name}' can never be {value.constant}."
                hint = f"Allowed: {variable.min} to {variable.max}."
                survey.say("assign-range", loc, message, hint)
        elif kind == "text":
            _text(survey, loc, name, value, variable.values or ())


def _text(survey: Survey, loc: Loc, name: str, value: Expression, allowed: tuple[str, ...]) -> None:
    if not allowed:
        return  # The variable's own fault was said where it is declared.
    strange = [text for text in value.choices if text not in allowed]
    if strange:
        hint = did_you_mean(strange[0], allowed)
        survey.say("assign-range", loc, f"'{name}' can never be '{strange[0]}'.", hint)
    elif not value.choices:
        message = f"'{name}' has a few values only, and this may be any text."
        hint = "Compare it in guards and assign one of the values."
        survey.say("assign-range", loc, message, hint)


def _answers(survey: Survey, call: Call, signature: EffectSignature, loc: Loc) -> None:
    descriptors = _heard(survey, call)
    where = "while it lasts" if call.invoked else "anywhere"
    deaf = [
        answer
        for answer in signature.answers()
        if not any(catches(descriptor, answer) for descriptor in descriptors)
        and not survey.lost.mentions(answer)
    ]
    failures = [answer for answer in deaf if ".failed." in answer]
    if failures:
        prefix = f"{call.effect}.failed"
        every = [answer for answer in signature.answers() if answer.startswith(prefix)]
        what = prefix if failures == every else ", ".join(failures)
        message = f"Nothing handles '{what}' {where}: a failure of '{call.effect}' would be lost."
        survey.say("unhandled-failure", loc, message, f"Handle '{prefix}' in on.")
    for answer in deaf:
        if answer not in failures:
            message = f"Nothing handles '{answer}' {where}."
            survey.say("unhandled-answer", loc, message, severity="warning")


def _heard(survey: Survey, call: Call) -> Iterable[str]:
    """The descriptors that can catch an answer: of an invoked effect, around and inside."""
    tree = survey.tree
    if not call.invoked:
        near = {ROOT, *tree.nodes}
    else:
        near = {ROOT, *tree.path(call.state), *tree.descendants(call.state)}
    return [
        survey.meant_descriptor(branch)
        for branch in survey.branches
        if branch.kind == "on" and branch.state in near
    ]
