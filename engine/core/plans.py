"""What the file says of each state, compiled once: actions, delays and arguments as closures.

A plan holds no till. Its closures take the turn that is being played (:mod:`engine.core.feed`)
and ask it to change its till; they change nothing by themselves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from engine.definition.expressions import compile_expression
from engine.definition.machine import Definition, Growing
from engine.definition.model import (
    Action,
    AfterDelay,
    Backoff,
    Delay,
    EveryDelay,
    OnRestart,
    State,
    Variable,
)
from engine.definition.operations import field_reader
from engine.definition.scope import Scope
from engine.definition.vocabulary import Value

if TYPE_CHECKING:
    from engine.core.feed import Turn

ALWAYS = "always"
"""How transitions without event are named in records."""

HIDDEN = "…"
"""What is told in place of a text that may be a customer's."""

Act = Callable[["Turn"], None]
Reading = Callable[["Turn"], Value]
Seen = tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class TimerPlan:
    """A delay of a state.

    ``key`` names the timer in a till and ``label`` in records, such as ``after ping_timeout``.
    ``length`` gives the seconds; ``fixed`` is the same where it never varies, else None;
    ``shortest`` and ``longest`` are the least and the most that it can be. ``growth`` is a
    backoff's, None where the length never varies. ``acts`` are what a delay that repeats does.
    """

    key: str
    label: str
    length: Callable[["Turn"], float]
    fixed: float | None
    shortest: float
    longest: float
    growth: Growing | None
    repeats: bool
    on_restart: OnRestart
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """An effect with its compiled arguments."""

    effect: str
    arguments: tuple[tuple[str, Reading], ...]

    def read(self, turn: "Turn") -> dict[str, Value]:
        """The arguments' values at this moment."""
        return {name: reading(turn) for name, reading in self.arguments}


class Guard(NamedTuple):
    """A compiled guard: its text in the file, whether it holds, and what it goes by."""

    text: str
    holds: Reading
    seen: Callable[["Turn"], Seen]


@dataclass(frozen=True, slots=True)
class StatePlan:
    """What entering and leaving one state does."""

    id: str
    entry: tuple[Act, ...]
    exit: tuple[Act, ...]
    timers: tuple[TimerPlan, ...]
    invoked: tuple[Call, ...]
    final: bool


class Planner:
    """Compiles the parts of one definition."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._model = definition.model

    def state(self, name: str, state: State) -> StatePlan:
        """The plan of one state; its expressions may read the event that led into it."""
        scope = self._definition.scope(None)
        return StatePlan(
            name,
            self.actions(state.entry, None),
            self.actions(state.exit, None),
            self.timers(name, state),
            tuple(self._call(part.effect, part.with_, scope) for part in state.invoke),
            state.final,
        )

    def timers(self, name: str, state: State) -> tuple[TimerPlan, ...]:
        """The state's ``after`` delays, then its ``every`` delays, in the file's order."""
        entries: list[AfterDelay | EveryDelay] = [group[0] for group in after_groups(state)]
        ways = len(entries)
        plans = []
        for index, entry in enumerate((*entries, *state.every)):
            repeats = isinstance(entry, EveryDelay)
            kind = "every" if repeats else "after"
            length = self._definition.delay(entry.delay)
            plans.append(
                TimerPlan(
                    f"{name}.{kind}.{index - ways if repeats else index}",
                    delay_label(kind, entry.delay),
                    *_length(length),
                    repeats,
                    entry.on_restart,
                    self.actions(entry.actions, None) if repeats else (),
                )
            )
        return tuple(plans)

    def actions(self, actions: tuple[Action, ...], descriptor: str | None) -> tuple[Act, ...]:
        """Compiled actions. ``descriptor`` is the event whose data they may read."""
        scope = self._definition.scope(descriptor)
        return tuple(self._action(action, scope) for action in actions)

    def guard(self, text: str | bool, descriptor: str | None) -> Guard:
        """A compiled guard."""
        scope = self._definition.scope(descriptor)
        return Guard(str(text), self._reading(text, scope), self._seeing(str(text), scope))

    def _seeing(self, text: str, scope: Scope) -> Callable[["Turn"], Seen]:
        expression = compile_expression(text, scope)
        names = sorted(expression.names, key=text.find)
        known = {name: scope.parameters[name] for name in names if name in scope.parameters}
        fields = [
            (f"event.{name}", field_reader(name, field.type), field.choices)
            for name, field in (scope.event or {}).items()
            if name in expression.fields
        ]

        def seen(turn: "Turn") -> Seen:
            # Not the context's own way of reading, by which an exploration notes what a step
            # depends on: it does not depend on this.
            context, event = turn.context, turn.event
            values = [
                (name, known[name] if name in known else dict.__getitem__(context, name))
                for name in names
            ]
            values += [
                (name, _shown(read(context, event), choices)) for name, read, choices in fields
            ]
            return tuple(values)

        return seen

    def _action(self, action: Action, scope: Scope) -> Act:
        if action.start is not None:
            call = self._call(action.start, action.with_, scope)
            return lambda turn: turn.start(call.effect, call.read(turn), None)
        if action.assign is not None:
            return self._assignment(action.assign, scope)
        if action.raise_ is not None:
            return self._raising(action.raise_, action.with_ or {}, scope)
        if action.cancel is not None:
            effect = action.cancel
            return lambda turn: turn.cancel(effect)
        text = action.log or ""
        return lambda turn: turn.step.logged.append(text)

    def _raising(self, event: str, raw: Mapping[str, Value], scope: Scope) -> Act:
        data = tuple((name, self._reading(value, scope)) for name, value in raw.items())
        return lambda turn: turn.raise_event(event, {name: read(turn) for name, read in data})

    def _assignment(self, raw: Mapping[str, Value], scope: Scope) -> Act:
        """All values are read before the first is changed, so that order does not matter."""
        variables = self._model.context
        parts = tuple(
            (
                name,
                self._reading(value, scope, variables[name].values or ()),
                _saturation(variables[name]),
            )
            for name, value in raw.items()
        )

        def assign(turn: "Turn") -> None:
            values = [(name, bound(read(turn))) for name, read, bound in parts]
            for name, value in values:
                turn.assign(name, value)

        return assign

    def _call(self, effect: str, raw: Mapping[str, Value] | None, scope: Scope) -> Call:
        fields = self._definition.vocabulary.effects[effect].arguments
        return Call(
            effect,
            tuple(
                (name, self._reading(value, scope, fields[name].choices))
                for name, value in (raw or {}).items()
            ),
        )

    def _reading(self, raw: Value, scope: Scope, literals: tuple[str, ...] = ()) -> Reading:
        """A value of the file: itself, or what its expression gives. A text that is one of
        ``literals`` stands for itself."""
        if not isinstance(raw, str) or raw in literals:
            return lambda _turn: raw
        expression = compile_expression(raw, scope)
        constant = expression.constant
        if constant is not None:
            return lambda _turn: constant
        return lambda turn: expression(turn.context, turn.event)


def _shown(value: Value, choices: tuple[str, ...]) -> Value:
    """A text that an event may carry freely is a customer's code as likely as not."""
    free = isinstance(value, str) and value and value not in choices
    return HIDDEN if free else value


def _length(
    length: float | Growing,
) -> tuple[Callable[["Turn"], float], float | None, float, float, Growing | None]:
    if isinstance(length, Growing):
        shortest = min(length.base, length.max)
        return _growing(length), None, shortest, length.max * (1 + length.jitter), length
    return (lambda _turn: length), length, length, length, None


def _growing(delay: Growing) -> Callable[["Turn"], float]:
    def length(turn: "Turn") -> float:
        attempt = max(0.0, float(delay.attempt(turn.context, turn.event)))
        try:
            grown: float = delay.base * delay.factor**attempt
        except OverflowError:
            grown = delay.max
        return min(delay.max, grown) * (1 + delay.jitter * turn.draw())

    return length


def _saturation(variable: Variable) -> Callable[[Value], Value]:
    """Keeps a number of the context between its bounds; leaves anything else as it is."""
    low, high = variable.min, variable.max
    if high is None:
        return lambda value: value
    return lambda value: max(low, min(high, int(value)))


def after_groups(state: State) -> list[list[AfterDelay]]:
    """The ``after`` entries, those with the same delay together: they share one timer, and the
    first whose guard holds is taken, as with the branches of an event."""
    groups: dict[tuple[Delay, OnRestart], list[AfterDelay]] = {}
    for entry in state.after:
        groups.setdefault((entry.delay, entry.on_restart), []).append(entry)
    return list(groups.values())


def delay_label(kind: str, delay: Delay) -> str:
    """How a delay is named in records, such as ``after ping_timeout``: a backoff by its base."""
    return f"{kind} {delay.base if isinstance(delay, Backoff) else delay}"
