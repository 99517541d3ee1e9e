"""Names: how they may be written, that each is there once, that what is named exists."""

import keyword
import re
from collections.abc import Collection
from difflib import get_close_matches

from engine.definition.check.survey import Loc, Survey
from engine.definition.events import catches, descriptors_of, raised
from engine.definition.model import Condition
from engine.definition.scope import RESERVED
from engine.problems import did_you_mean

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STATE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_EVENT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*")
_WORDS = "Write it with letters, digits and '_', beginning with a letter."
_DASHES = "Write it with letters, digits, '_' and '-', beginning with a letter."
_DOTS = "Write it with letters, digits, '_' and '-', in parts joined by dots."


def check_names(survey: Survey) -> None:
    """Everything that is named anywhere."""
    _spelling(survey)
    _duplicates(survey)
    _events(survey)
    _targets(survey)
    _invariants(survey)
    _renames(survey)


def _spelling(survey: Survey) -> None:
    model = survey.model
    _spelt(survey, ("machine",), model.machine, _STATE, _DASHES, key=False)
    for part, names in (("parameters", model.parameters), ("context", model.context)):
        for name in names:
            _spelt(survey, (part, name), name, _VARIABLE, _WORDS)
            reserved = name in RESERVED or keyword.iskeyword(name)
            if reserved or not _VARIABLE.fullmatch(name):
                survey.mentioned.add(name)  # It cannot be used; that it is not says nothing new.
            if reserved:
                message = f"'{name}' has a meaning of its own in expressions."
                survey.say("bad-name", (part, name), message, "Take another name.", key=True)
    for name in model.context.keys() & model.parameters.keys():
        message = f"'{name}' is a parameter and a context variable."
        survey.say("name-taken", ("context", name), message, "Rename one of them.", key=True)
    for node in survey.tree:
        _spelt(survey, node.loc, node.id, _STATE, _DASHES)
    for name, declared in model.events.items():
        _spelt(survey, ("events", name), name, _EVENT, _DOTS)
        for carried in declared.data:
            loc = ("events", name, "data", carried)
            _spelt(survey, loc, carried, _VARIABLE, _WORDS)
            if carried == "name":
                message = "'name' is the event's own name and cannot be carried."
                survey.say("bad-name", loc, message, "Take another name.", key=True)


def _spelt(
    survey: Survey, loc: Loc, name: str, pattern: re.Pattern[str], how: str, key: bool = True
) -> None:
    if not pattern.fullmatch(name):
        survey.say("bad-name", loc, f"'{name}' cannot be a name here.", how, key=key)


def _duplicates(survey: Survey) -> None:
    for loc in survey.tree.duplicates:
        first = survey.document.place(survey.tree[loc[-1]].loc, key=True)[0]
        message = f"There are two states '{loc[-1]}'; a state's name is unique in the file."
        survey.say("duplicate-state", loc, message, f"The first is on line {first}.", key=True)
    numbers: dict[int, str] = {}
    for node in survey.tree:
        code = node.state.code
        if code is None:
            continue
        first_state = numbers.setdefault(code, node.id)
        if first_state != node.id:
            message = f"The code {code} is already that of the state '{first_state}'."
            survey.say("duplicate-code", (*node.loc, "code"), message)


def _events(survey: Survey) -> None:
    events = survey.definition.events
    foreign = {*survey.vocabulary.events, *survey.vocabulary.effects, "done"}
    for name in survey.model.events:
        if name in foreign or name.split(".")[0] in {*survey.vocabulary.effects, "done"}:
            message = f"The event '{name}' exists already."
            survey.say("name-taken", ("events", name), message, "Take another name.", key=True)
    caught = {(b.state, b.cause): b.loc[:-1] for b in survey.branches if b.kind == "on"}
    possible = descriptors_of(events)
    for (_, descriptor), loc in caught.items():
        if descriptor not in possible and not survey.lost.raises(descriptor):
            hint = _known_events(survey, descriptor, possible)
            survey.say("unknown-event", loc, f"No event '{descriptor}' exists.", hint, key=True)
    descriptors = {descriptor for _, descriptor in caught}
    declared = {*survey.model.events, *survey.vocabulary.events}
    for name in raised(survey.model) - declared:
        heard = any(catches(descriptor, name) for descriptor in descriptors)
        if heard or survey.lost.mentions(name):
            continue
        for doing in survey.doings:
            if doing.action.raise_ == name:
                message = f"Nothing handles the event '{name}' that is raised here."
                near = get_close_matches(name, descriptors, n=1)
                hint = f"Did you mean '{near[0]}'?" if near else "Handle it in on."
                survey.say("raised-unhandled", (*doing.loc, "raise"), message, hint)


def _known_events(survey: Survey, found: str, possible: Collection[str]) -> str:
    """The nearest event, else the till's and the machine's own, and where the others are."""
    if get_close_matches(found, possible, n=1, cutoff=0.6):
        return did_you_mean(found, possible)
    own = ", ".join(sorted({*survey.vocabulary.events, *survey.model.events}))
    effects = ", ".join(f"{name}.*" for name in sorted(survey.vocabulary.effects))
    return (
        f"The till's events: {own}; answers of effects: {effects}; done.<state>. "
        "docs/language.md explains them."
    )


def _targets(survey: Survey) -> None:
    for branch in survey.branches:
        target, loc = branch.transition.target, (*branch.loc, "target")
        if target is not None and not _exists(survey, target):
            hint = did_you_mean(target, survey.tree.nodes)
            survey.say("unknown-target", loc, f"No state '{target}' exists.", hint)
        if target is None and branch.transition.reenter:
            message = "'reenter' needs a target."
            hint = "Name the declaring state as the target to leave and enter it again."
            survey.say("misplaced-key", (*branch.loc, "reenter"), message, hint, key=True)


def _exists(survey: Survey, state: str) -> bool:
    return state in survey.tree or survey.lost.declares(state)


def _invariants(survey: Survey) -> None:
    for index, invariant in enumerate(survey.model.invariants):
        for word in ("never", "eventually", "unless"):
            condition: Condition | None = getattr(invariant, word)
            if condition is not None:
                _condition(survey, condition, ("invariants", index, word))


def _condition(survey: Survey, condition: Condition, loc: Loc) -> None:
    if not condition.model_fields_set:
        message = "This condition says nothing."
        survey.say("empty-condition", loc, message, "Allowed: active, starts, running, guard.")
    usable = [node.id for node in survey.tree if node.kind != "history"]
    for index, name in enumerate(condition.active):
        if name not in usable and not survey.lost.declares(name):
            hint = did_you_mean(name, usable)
            at = (*loc, "active", index)
            survey.say("unknown-state", at, f"No state '{name}' can be active.", hint)
    for word in ("starts", "running"):
        names: tuple[str, ...] = getattr(condition, word)
        for index, name in enumerate(names):
            if name not in survey.vocabulary.effects:
                hint = did_you_mean(name, survey.vocabulary.effects)
                at = (*loc, word, index)
                survey.say("unknown-effect", at, f"No effect '{name}' exists.", hint)
    if condition.guard is not None:
        survey.compiled(condition.guard, (*loc, "guard"), None, "boolean")


def _renames(survey: Survey) -> None:
    for old, new in survey.model.renames.items():
        loc = ("renames", old)
        if old in survey.tree:
            message = f"The state '{old}' exists, so it cannot be an old name."
            survey.say("rename", loc, message, "Delete the line or rename the state.", key=True)
        usable = [node.id for node in survey.tree if node.kind != "history"]
        if new not in usable and not survey.lost.declares(new):
            hint = did_you_mean(new, usable)
            survey.say("rename", loc, f"No state '{new}' can take the place of '{old}'.", hint)
