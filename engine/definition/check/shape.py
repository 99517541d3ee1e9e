"""The shape of states: which keys go with which sort of state, and what they lead to."""

from engine.definition.check.survey import Survey
from engine.definition.model import Variable
from engine.definition.scope import variable_type
from engine.definition.tree import ROOT, Node
from engine.definition.values import article, describe
from engine.problems import did_you_mean

_OF_HISTORY = ("history", "target", "about")
_NOT_OF_FINAL = (
    "history",
    "initial",
    "parallel",
    "on",
    "after",
    "every",
    "always",
    "invoke",
    "states",
)


def check_shape(survey: Survey) -> None:
    """Sorts of states and context variables."""
    for node in survey.tree:
        if node.state.history:
            _history(survey, node)
        elif node.state.final:
            _final(survey, node)
        else:
            _plain(survey, node)
    _children(survey, ROOT, (), survey.model.initial, survey.model.parallel)
    for name, variable in survey.model.context.items():
        _variable(survey, name, variable)


def _written(node: Node) -> list[str]:
    """The keys of a state that say something, as the file has them."""
    return [
        name
        for name, info in type(node.state).model_fields.items()
        if name in node.state.model_fields_set
        and getattr(node.state, name) not in (info.default, {})
    ]


def _misplaced(survey: Survey, node: Node, key: str, sort: str, allowed: str = "") -> None:
    message = f"{sort} cannot have '{key}'."
    survey.say("misplaced-key", (*node.loc, key), message, allowed, key=True)


def _history(survey: Survey, node: Node) -> None:
    for key in _written(node):
        if key not in _OF_HISTORY:
            _misplaced(survey, node, key, "A history state", "Allowed: history, target, about.")
    parent = node.parent
    if parent == ROOT or survey.tree.parallel(parent):
        message = "A history state stands among the states of a compound state."
        survey.say("misplaced-history", node.loc, message, key=True)
        return
    target = node.state.target
    inside = [
        name for name in survey.tree.descendants(parent) if survey.tree[name].kind != "history"
    ]
    if target is not None and target not in inside and not survey.lost.declares(target):
        message = f"'{target}' is not a state inside '{parent}', where this history goes back to."
        hint = did_you_mean(target, inside)
        survey.say("unknown-target", (*node.loc, "target"), message, hint)


def _final(survey: Survey, node: Node) -> None:
    for key in _written(node):
        if key in _NOT_OF_FINAL:
            _misplaced(survey, node, key, "A final state")
    if survey.tree.parallel(node.parent):
        message = "A region of a parallel state cannot be final itself."
        survey.say("misplaced-key", (*node.loc, "final"), message, key=True)


def _plain(survey: Survey, node: Node) -> None:
    if node.state.target is not None:
        hint = "Write on, after or always to lead somewhere."
        _misplaced(survey, node, "target", "A state that is no history", hint)
    if node.children or node.state.parallel or node.state.initial is not None:
        _children(survey, node.id, node.loc, node.state.initial, node.state.parallel)


def _children(
    survey: Survey, name: str, loc: tuple[str, ...], initial: str | None, parallel: bool
) -> None:
    """``initial`` and ``parallel`` of a state, or of the machine itself, against its states."""
    children = survey.tree.children(name)
    usable = [child for child in children if survey.tree[child].kind != "history"]
    if not usable and survey.lost.shook([name]):
        return
    if not usable:
        what = "The machine" if name == ROOT else f"The state '{name}'"
        key = "states" if children or name == ROOT else "parallel" if parallel else "initial"
        message = f"{what} has no state inside to be in."
        survey.say("no-states", (*loc, key), message, "Add states.", key=True)
    elif parallel and initial is not None:
        message = "Of a parallel state all states inside are entered; it has no 'initial'."
        survey.say("misplaced-key", (*loc, "initial"), message, "Delete it.", key=True)
    elif initial is not None and initial not in usable and not survey.lost.declares(initial):
        message = f"'{initial}' is not a state directly inside."
        hint = did_you_mean(initial, usable)
        survey.say("unknown-initial", (*loc, "initial"), message, hint)


def _variable(survey: Survey, name: str, variable: Variable) -> None:
    loc, kind = ("context", name), variable_type(variable)
    of_others = {
        "integer": ("values",),
        "text": ("min", "max"),
        "boolean": ("min", "max", "values"),
    }
    for key in of_others[kind]:
        if key in variable.model_fields_set:
            message = f"'{name}' is {article(kind)}: it has no {key}."
            survey.say("variable-bounds", (*loc, key), message, "Delete it.", key=True)
    if kind == "text":
        if not variable.values:
            message = f"'{name}' is a text and needs 'values': the only texts that it can be."
            survey.say("variable-bounds", loc, message, "Write values: [a, b].", key=True)
        elif variable.initial not in variable.values:
            message = f"'{name}' begins with {describe(variable.initial)}."
            hint = did_you_mean(str(variable.initial), variable.values)
            survey.say("variable-bounds", (*loc, "initial"), message, hint)
    elif kind == "integer":
        _number(survey, name, variable)


def _number(survey: Survey, name: str, variable: Variable) -> None:
    loc = ("context", name)
    if variable.max is None:
        message = f"'{name}' is a number and needs 'max': every context variable is bounded."
        survey.say("variable-bounds", loc, message, "Write max: 10, say.", key=True)
    elif variable.min > variable.max:
        message = f"The min of '{name}', {variable.min}, is above its max, {variable.max}."
        survey.say("variable-bounds", (*loc, "max"), message)
    elif not variable.min <= int(variable.initial) <= variable.max:
        message = f"'{name}' begins with {variable.initial}."
        hint = f"Allowed: {variable.min} to {variable.max}."
        survey.say("variable-bounds", (*loc, "initial"), message, hint)
