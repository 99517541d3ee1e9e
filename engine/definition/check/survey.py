"""One walk over a machine: every transition, action, effect call and delay, with its place."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from engine.definition.events import descriptors_of
from engine.definition.expressions import Expression, compile_expression, fits
from engine.definition.model import Action, Delay, Scalar, State, Transition
from engine.definition.places import Place
from engine.definition.scope import Scope
from engine.definition.tree import ROOT, Tree
from engine.definition.values import article
from engine.definition.vocabulary import Type
from engine.problems import Problem, Refused, Severity

if TYPE_CHECKING:
    from engine.definition.machine import Definition

Loc = tuple[str | int, ...]
Kind = Literal["on", "after", "always"]
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Branch:
    """A transition: the state that declares it (``""`` for the machine), what asks for it.

    ``cause`` is the event descriptor, the delay as a text, or ``always``. ``guard`` is None
    where there is none and where it is at fault; ``guarded`` tells the two apart.
    """

    state: str
    kind: Kind
    cause: str
    transition: Transition
    loc: Loc
    guard: Expression | None
    guarded: bool

    @property
    def descriptor(self) -> str | None:
        """The event that is at hand when it is taken."""
        return self.cause if self.kind == "on" else None


@dataclass(frozen=True, slots=True)
class Doing:
    """An action, the state that declares it, and its expressions, of which some may be at fault.

    ``values`` are the assigned values, or the arguments and data of start and raise.
    """

    state: str
    action: Action
    loc: Loc
    values: dict[str, Expression]
    branch: Branch | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """An effect that is started or invoked, with those arguments that are sound."""

    state: str
    effect: str
    loc: Loc
    invoked: bool
    raw: dict[str, Scalar]
    values: dict[str, Expression]


@dataclass(frozen=True, slots=True)
class Wait:
    """A delay of ``after`` or ``every``; ``attempt`` is a backoff's count of failures."""

    state: str
    delay: Delay
    loc: Loc
    attempt: Expression | None


def _nearest(found: str, known: Collection[str]) -> str | None:
    if found in known:
        return found
    return next(iter(get_close_matches(found, known, n=1, cutoff=0.6)), None)


class Survey:
    """What the passes look at. ``problems`` is what they, and the walk itself, have found.

    ``expressions`` holds every sound expression of the file, ``mentioned`` the words of the
    others: what they speak of is not called unused.
    """

    def __init__(self, definition: "Definition") -> None:
        self.definition = definition
        self.model = definition.model
        self.document = definition.document
        self.vocabulary = definition.vocabulary
        self.lost = definition.lost
        self.tree: Tree = definition.tree
        self.problems: list[Problem] = []
        self.expressions: list[Expression] = []
        self.mentioned: set[str] = set(self.lost.words)
        self.branches: list[Branch] = []
        self.doings: list[Doing] = []
        self.calls: list[Call] = []
        self.waits: list[Wait] = []
        self._scopes: dict[str | None, Scope] = {}
        self._descriptors = descriptors_of(definition.events)
        for cause, transitions in self.model.on.items():
            self._branches(ROOT, "on", cause, transitions, ("on", cause))
        for node in self.tree:
            self._state(node.id, node.state, node.loc)

    def say(
        self,
        code: str,
        loc: Loc,
        message: str,
        hint: str = "",
        key: bool = False,
        severity: Severity = "error",
    ) -> None:
        """Notes a problem."""
        self.problems.append(self.document.problem(code, loc, message, hint, key, severity))

    def meant_state(self, target: str | None) -> str | None:
        """The state that a target names or, misspelt, most likely means; else None."""
        return target if target is None else _nearest(target, self.tree.nodes)

    def meant_descriptor(self, branch: Branch) -> str:
        """The descriptor of an event branch or, where no event is caught, the likely one.

        So one slip of the pen is one problem, and not a lost answer on top.
        """
        if branch.cause not in self._descriptors:
            return _nearest(branch.cause, self._descriptors) or branch.cause
        return branch.cause

    def line(self, loc: Loc) -> int:
        """The line on which something stands."""
        return self.document.place(loc)[0]

    def scope(self, descriptor: str | None) -> Scope:
        """The names that may be used where that event is at hand."""
        if descriptor not in self._scopes:
            self._scopes[descriptor] = self.definition.scope(descriptor)
        return self._scopes[descriptor]

    def compiled(
        self,
        raw: Scalar,
        loc: Loc,
        descriptor: str | None,
        wanted: Type | None = None,
        literals: Sequence[str] = (),
    ) -> Expression | None:
        """The expression at ``loc``, or None with its problems noted."""
        unclear = descriptor is not None and self.lost.declares(descriptor)
        if unclear or self.lost.hides(raw) or self.document.place(loc) in self.lost.places:
            self.mentioned.update(_WORD.findall(str(raw)))
            return None
        try:
            expression = compile_expression(raw, self.scope(descriptor), literals)
        except Refused as refused:
            self.problems += [self._placed(problem, loc) for problem in refused.problems]
            self.mentioned.update(_WORD.findall(str(raw)))
            return None
        self.expressions.append(expression)
        if wanted is not None and not fits(expression.type, wanted):
            message = f"Expected {article(wanted)}, found {article(expression.type)}."
            self.say("expression-type", loc, message)
            return None
        return expression

    def _placed(self, problem: Problem, loc: Loc) -> Problem:
        """The problem at its own column of the file where the text stands on one line."""
        line, column = self.document.place(loc)
        written = self.document.lines[line - 1]
        start = column - 1
        if written[start : start + 1] in ("'", '"'):
            start += 1
        if written.startswith(problem.text, start):
            column = start + problem.column
        place: Place = (line, column)
        found = self.document.problem_at(place, problem.code, problem.message, problem.hint)
        return replace(found, severity=problem.severity)

    def _state(self, name: str, state: State, loc: Loc) -> None:
        self._doings(name, state.entry, (*loc, "entry"), None)
        self._doings(name, state.exit, (*loc, "exit"), None)
        for cause, transitions in state.on.items():
            self._branches(name, "on", cause, transitions, (*loc, "on", cause))
        for index, invocation in enumerate(state.invoke):
            at = (*loc, "invoke", index)
            self._call(name, invocation.effect, at, True, invocation.with_ or {}, None)
        self._branches(name, "always", "always", state.always, (*loc, "always"))
        for index, after in enumerate(state.after):
            at = (*loc, "after", index)
            self._wait(name, after.delay, (*at, "delay"))
            self._branch(name, "after", str(after.delay), after, at)
        for index, every in enumerate(state.every):
            at = (*loc, "every", index)
            self._wait(name, every.delay, (*at, "delay"))
            self._doings(name, every.actions, (*at, "actions"), None)

    def _wait(self, state: str, delay: Delay, loc: Loc) -> None:
        attempt = None
        if not isinstance(delay, str):
            attempt = self.compiled(delay.attempt, (*loc, "attempt"), None, "integer")
        self.waits.append(Wait(state, delay, loc, attempt))

    def _branches(
        self, state: str, kind: Kind, cause: str, transitions: tuple[Transition, ...], loc: Loc
    ) -> None:
        for index, transition in enumerate(transitions):
            self._branch(state, kind, cause, transition, (*loc, index))

    def _branch(self, state: str, kind: Kind, cause: str, transition: Transition, loc: Loc) -> None:
        descriptor = cause if kind == "on" else None
        raw, guard = transition.guard, None
        if raw is not None:
            guard = self.compiled(raw, (*loc, "guard"), descriptor, "boolean")
        branch = Branch(state, kind, cause, transition, loc, guard, raw is not None)
        self.branches.append(branch)
        self._doings(state, transition.actions, (*loc, "actions"), branch)

    def _doings(
        self, state: str, actions: tuple[Action, ...], loc: Loc, branch: Branch | None
    ) -> None:
        descriptor = branch.descriptor if branch else None
        for index, action in enumerate(actions):
            at = (*loc, index)
            values = {}
            if action.start is not None:
                self._call(state, action.start, at, False, action.with_ or {}, descriptor)
            elif action.assign is not None:
                texts = {name: known.values or () for name, known in self.model.context.items()}
                known = {n: raw for n, raw in action.assign.items() if not self._hidden(n, raw)}
                values = dict(self._values(known, (*at, "assign"), descriptor, texts))
            elif action.raise_ is not None:
                values = dict(self._values(action.with_ or {}, (*at, "with"), descriptor, {}))
            self.doings.append(Doing(state, action, at, values, branch))

    def _hidden(self, name: str, raw: Scalar) -> bool:
        """Whether a value is assigned to a variable that was left out: then it may be anything."""
        hidden = name not in self.model.context and self.lost.declares(name)
        if hidden:
            self.mentioned.update(_WORD.findall(str(raw)))
        return hidden

    def _call(
        self,
        state: str,
        effect: str,
        loc: Loc,
        invoked: bool,
        raw: dict[str, Scalar],
        descriptor: str | None,
    ) -> None:
        signature = self.vocabulary.effects.get(effect)
        arguments = signature.arguments if signature else {}
        texts = {name: argument.choices for name, argument in arguments.items()}
        values = dict(self._values(raw, (*loc, "with"), descriptor, texts))
        self.calls.append(Call(state, effect, loc, invoked, raw, values))

    def _values(
        self,
        raw: dict[str, Scalar],
        loc: Loc,
        descriptor: str | None,
        texts: Mapping[str, Sequence[str]],
    ) -> Iterator[tuple[str, Expression]]:
        """Compiled values by name; ``texts`` holds those that stand for themselves."""
        for name, value in raw.items():
            at = (*loc, name)
            expression = self.compiled(value, at, descriptor, literals=texts.get(name, ()))
            if expression is not None:
                yield name, expression
