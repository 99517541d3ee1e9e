"""What a machine means, piece by piece, whatever its file looks like.

A piece is a state, a way out of one, a delay, a parameter: with everything that makes it what it
is as text in one spelling. Two files that mean the same give the same pieces, with other places.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from engine.core.routes import route
from engine.definition.machine import Definition
from engine.definition.model import (
    Action,
    AfterDelay,
    Backoff,
    Condition,
    Delay,
    EveryDelay,
    Invariant,
    Scalar,
    Transition,
)
from engine.definition.reader import Loc
from engine.definition.tree import ROOT, Node
from engine.definition.values import NotOfType, format_duration, parse_duration, show
from engine.definition.vocabulary import Type, Value
from engine.settings import Settings
from engine.tools.comparison.spelling import expression, scalar

Group = Literal[
    "machine",
    "states",
    "transitions",
    "delays",
    "calls",
    "parameters",
    "context",
    "events",
    "invariants",
    "renames",
]
Rename = Callable[[str], str]
HIDDEN = "***"
NOUNS = {"never": "forbidden situation", "eventually": "aim", "unless": "exception"}
"""What sentences call the parts of an invariant."""


class Fact(NamedTuple):
    """One thing that a piece is or has: what is compared, and where it stands.

    ``items`` are the parts of a list of actions. ``shown`` is the text, or stars for a secret.
    """

    text: str
    place: str
    shown: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a machine. ``title`` is what sentences call it.

    Those with the same ``key`` are held against each other; ``turns``, where it is given, says
    among which of them the order counts.
    """

    group: Group
    key: tuple[str, ...]
    title: str
    place: str
    facts: Mapping[str, Fact]
    turns: str | None = None
    about: str = ""


@dataclass(slots=True)
class Meaning:
    """Reads a definition. ``now`` gives the name by which the other machine knows a state.

    ``settings``: the till.yaml whose values the parameters have.
    """

    definition: Definition
    now: Rename
    settings: Settings | None = None
    _file: str = field(init=False)

    def __post_init__(self) -> None:
        self._file = self.definition.document.file

    def pieces(self) -> Iterator[Piece]:
        """All of them, in the order of the file."""
        yield self._machine()
        for node in self.definition.tree:
            yield self._state(node)
        yield from self._ways()
        yield from self._delays()
        yield from self._calls()
        yield from self._parameters()
        yield from self._context()
        yield from self._events()
        yield from self._invariants()

    def _place(self, loc: Loc, key: bool = False) -> str:
        line, column = self.definition.document.place(loc, key)
        return f"{self._file}:{line}:{column}"

    def _fact(self, text: str, loc: Loc, items: Sequence[str] = ()) -> Fact:
        shown = HIDDEN if self.definition.document.hides(loc) else text
        return Fact(text, self._place(loc), shown, tuple(items))

    def _machine(self) -> Piece:
        model, tree = self.definition.model, self.definition.tree
        facts = {"name": self._fact(model.machine, ("machine",))}
        first = tree.initial(ROOT)
        if not model.parallel and first is not None:
            facts["initial state"] = self._fact(self.now(first), ("initial",))
        if model.parallel:
            facts["parallel"] = self._fact("", ("parallel",))
        return Piece("machine", (), "The machine", self._place(()), facts)

    def _state(self, node: Node) -> Piece:
        state, tree, loc, name = node.state, self.definition.tree, node.loc, self.now(node.id)
        kind = f"{state.history} history" if state.history else node.kind
        facts = {
            "name": Fact(node.id, self._place(loc, key=True), node.id),
            "kind": self._fact(kind, loc),
        }
        if node.parent != ROOT:
            facts["state around it"] = self._fact(self.now(node.parent), loc)
        if node.kind == "compound":
            first = tree.initial(node.id)
            facts["initial state"] = self._fact(self.now(first or ""), (*loc, "initial"))
        if state.history:
            default = self.now(tree.default(node.id))
            facts["target"] = self._fact(default, (*loc, "target"))
        if state.offline:
            facts["offline"] = self._fact("", (*loc, "offline"))
        if state.code is not None:
            facts["code"] = self._fact(str(state.code), (*loc, "code"))
        if state.colour is not None:
            facts["colour"] = self._fact(state.colour, (*loc, "colour"))
        if state.label is not None:
            facts["English label"] = self._fact(f"'{state.label.en}'", (*loc, "label", "en"))
            facts["French label"] = self._fact(f"'{state.label.fr}'", (*loc, "label", "fr"))
        for key, actions in (("entry actions", state.entry), ("exit actions", state.exit)):
            if actions:
                facts[key] = self._actions(actions, (*loc, key.partition(" ")[0]))
        title = node.id if name == node.id else f"{name} ({node.id})"
        return Piece("states", (name,), f"State {title}", self._place(loc, key=True), facts)

    def _ways(self) -> Iterator[Piece]:
        on: list[tuple[str, Mapping[str, Sequence[Transition]], Loc]]
        on = [(ROOT, self.definition.model.on, ("on",))]
        on += [(node.id, node.state.on, (*node.loc, "on")) for node in self.definition.tree]
        for source, events, loc in on:
            where = self.now(source) if source != ROOT else "In every state"
            for event, branches in events.items():
                heard = self._heard(event)
                yield from self._branches(
                    source, (heard,), f"{where}, on {heard}", branches, (*loc, event)
                )
        for node in self.definition.tree:
            where = f"{self.now(node.id)}, without event"
            yield from self._branches(
                node.id, ("", "always"), where, node.state.always, (*node.loc, "always")
            )

    def _branches(
        self, source: str, key: tuple[str, ...], title: str, many: Sequence[Transition], loc: Loc
    ) -> Iterator[Piece]:
        for index, part in enumerate(many):
            at = (*loc, index)
            turn = f"{title} ({index + 1} of {len(many)})" if len(many) > 1 else title
            yield Piece(
                "transitions",
                (self.now(source), *key),
                turn,
                self._place(at) if len(many) > 1 else self._place(loc, key=True),
                self._way(source, part, at),
                turns="",
            )

    def _way(self, source: str, part: Transition, loc: Loc) -> dict[str, Fact]:
        """What a transition does, in one spelling: a target that only stays is none."""
        tree, facts = self.definition.tree, {}
        way = route(tree, source, part)
        if way.target is not None:
            facts["target"] = self._fact(self.now(way.target), (*loc, "target"))
        plain = part.model_copy(update={"reenter": False})
        if part.reenter and way != route(tree, source, plain):
            facts["reenter"] = self._fact("", (*loc, "reenter"))
        guard = None if part.guard is None else expression(part.guard)
        if guard not in (None, "true"):
            facts["guard"] = self._fact(f"`{guard}`", (*loc, "guard"))
        if part.actions:
            facts["actions"] = self._actions(part.actions, (*loc, "actions"))
        return facts

    def _delays(self) -> Iterator[Piece]:
        for node in self.definition.tree:
            entries: list[tuple[str, int, AfterDelay | EveryDelay]] = []
            entries += [("after", index, one) for index, one in enumerate(node.state.after)]
            entries += [("every", index, one) for index, one in enumerate(node.state.every)]
            for kind, index, entry in entries:
                loc: Loc = (*node.loc, kind, index)
                facts = {"delay": self._delay(entry.delay, (*loc, "delay"))}
                if isinstance(entry, AfterDelay):
                    facts |= self._way(node.id, entry, loc)
                else:
                    facts["actions"] = self._actions(entry.actions, (*loc, "actions"))
                if entry.on_restart != "resume":
                    facts["on_restart"] = self._fact(entry.on_restart, (*loc, "on_restart"))
                name = self.now(node.id)
                length = facts["delay"].text
                # Of delays of one length the first that may be taken is; repeating ones all act.
                turns = length if kind == "after" else None
                title = f"{name}, {kind} {length.partition(' (')[0]}"
                yield Piece("delays", (name, kind), title, self._place(loc, key=True), facts, turns)

    def _delay(self, delay: Delay, loc: Loc) -> Fact:
        if not isinstance(delay, Backoff):
            return self._fact(self._length(delay), loc)
        parts = [
            self._length(delay.base),
            f"factor {self._factor(delay.factor)}",
            f"max {self._length(delay.max)}",
            f"jitter {self._factor(delay.jitter)}",
            f"attempt {expression(delay.attempt)}",
        ]
        return self._fact(f"a backoff from {parts[0]} ({', '.join(parts[1:])})", loc)

    def _length(self, written: str) -> str:
        if written in self.definition.parameters:
            return written
        try:
            return format_duration(parse_duration(written))
        except NotOfType:
            return written

    def _factor(self, written: float | str) -> str:
        return written if isinstance(written, str) else f"{written:g}"

    def _calls(self) -> Iterator[Piece]:
        for node in self.definition.tree:
            for index, call in enumerate(node.state.invoke):
                loc: Loc = (*node.loc, "invoke", index)
                name = self.now(node.id)
                facts = {
                    f"argument {key}": self._fact(text, (*loc, "with", key))
                    for key, text in self._arguments(call.effect, call.with_)
                }
                yield Piece(
                    "calls",
                    (name, call.effect),
                    f"{name}, its call {call.effect}",
                    self._place(loc),
                    facts,
                )

    def _heard(self, event: str) -> str:
        head, dot, state = event.partition(".")
        return f"done.{self.now(state)}" if head == "done" and dot else event

    def _actions(self, actions: Sequence[Action], loc: Loc) -> Fact:
        items = [self._action(action) for action in actions]
        return self._fact("; ".join(items), loc, items)

    def _action(self, action: Action) -> str:
        if action.start is not None:
            given = self._arguments(action.start, action.with_)
            return f"start {action.start}{_bracketed(given)}"
        if action.assign is not None:
            variables = self.definition.model.context
            given = [
                (name, scalar(raw, variables[name].values or ()))
                for name, raw in sorted(action.assign.items())
            ]
            return "assign " + ", ".join(f"{name} = {text}" for name, text in given)
        if action.raise_ is not None:
            given = [(name, scalar(raw)) for name, raw in sorted((action.with_ or {}).items())]
            return f"raise {action.raise_}{_bracketed(given)}"
        if action.cancel is not None:
            return f"cancel {action.cancel}"
        return f"log '{action.log}'"

    def _arguments(self, effect: str, given: Mapping[str, Scalar] | None) -> list[tuple[str, str]]:
        takes = self.definition.vocabulary.effects[effect].arguments
        return [
            (name, scalar(raw, takes[name].choices)) for name, raw in sorted((given or {}).items())
        ]

    def _parameters(self) -> Iterator[Piece]:
        resolved = self.definition.resolved
        for name, declared in self.definition.model.parameters.items():
            loc, kind = ("parameters", name), resolved.types[name]

            def written(value: Value, kind: Type = kind) -> str:
                return show(value, kind)

            follows = declared.default in self.definition.model.parameters and kind != "text"
            default = str(declared.default)
            if not follows and kind == "duration":
                default = format_duration(parse_duration(default))
            elif not follows:
                default = written(declared.default)
            facts = {"type": self._fact(kind, (*loc, "default"))}
            facts["default"] = self._fact(default, (*loc, "default"))
            for bound, noun in (("min", "smallest value"), ("max", "largest value")):
                if bound in resolved.bounds.get(name, {}):
                    text = written(resolved.bounds[name][bound])
                    facts[noun] = self._fact(text, (*loc, bound))
            facts["value"] = self._value(name, written(resolved.values[name]), facts["default"])
            if declared.label is not None:
                label = declared.label
                facts["English label"] = self._fact(f"'{label.en}'", (*loc, "label", "en"))
                facts["French label"] = self._fact(f"'{label.fr}'", (*loc, "label", "fr"))
            title = f"Parameter {name}"
            yield Piece("parameters", (name,), title, self._place(loc, key=True), facts)

    def _value(self, name: str, text: str, default: Fact) -> Fact:
        """What a parameter comes to, at the place that says so."""
        shown = HIDDEN if default.shown == HIDDEN else text
        given = None if self.settings is None else self.settings.parameters.get(name)
        document = self.settings.document if self.settings is not None else None
        if given in (None, "") or document is None:
            return Fact(text, default.place, shown)
        line, column = document.place(("parameters", name))
        return Fact(
            text,
            f"{document.file}:{line}:{column}",
            HIDDEN if document.hides(("parameters", name)) else shown,
        )

    def _context(self) -> Iterator[Piece]:
        for name, variable in self.definition.model.context.items():
            loc = ("context", name)
            initial = scalar(variable.initial, variable.values or ())
            facts = {"initial value": self._fact(initial, (*loc, "initial"))}
            if variable.max is not None:
                facts["smallest value"] = self._fact(str(variable.min), (*loc, "min"))
                facts["largest value"] = self._fact(str(variable.max), (*loc, "max"))
            if variable.values is not None:
                texts = ", ".join(sorted(variable.values))
                facts["set of values"] = self._fact(texts, (*loc, "values"))
            title = f"Variable {name}"
            yield Piece("context", (name,), title, self._place(loc, key=True), facts)

    def _events(self) -> Iterator[Piece]:
        for name, declared in self.definition.model.events.items():
            loc = ("events", name)
            facts = {
                f"field {key}": self._fact(kind, (*loc, "data", key))
                for key, kind in declared.data.items()
            }
            yield Piece("events", (name,), f"Event {name}", self._place(loc, key=True), facts)

    def _invariants(self) -> Iterator[Piece]:
        for index, invariant in enumerate(self.definition.model.invariants):
            loc = ("invariants", index)
            facts = {
                NOUNS[key]: self._fact(self._condition(condition), (*loc, key))
                for key, condition in _conditions(invariant)
            }
            yield Piece(
                "invariants",
                (),
                f"Invariant '{invariant.about}'",
                self._place(loc),
                facts,
                about=invariant.about,
            )

    def _condition(self, condition: Condition) -> str:
        parts = []
        if condition.active:
            parts.append("active " + ", ".join(sorted(map(self.now, condition.active))))
        if condition.starts:
            parts.append("starts " + " or ".join(sorted(condition.starts)))
        if condition.running:
            parts.append("running " + ", ".join(sorted(condition.running)))
        if condition.guard is not None:
            parts.append(f"`{expression(condition.guard)}`")
        return " and ".join(parts)


def _bracketed(given: Sequence[tuple[str, str]]) -> str:
    return f" ({', '.join(f'{name}: {text}' for name, text in given)})" if given else ""


def _conditions(invariant: Invariant) -> Iterator[tuple[str, Condition]]:
    for key, condition in (
        ("never", invariant.never),
        ("eventually", invariant.eventually),
        ("unless", invariant.unless),
    ):
        if condition is not None:
            yield key, condition
