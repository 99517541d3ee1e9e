"""Where a till can be, without its times: a situation, and the way from a till to one and back.

A situation is a place (active states, running timers, what histories remember) and a vector:
one slot for each context variable that matters, then one for each effect with the calls that
are under way. Many tills share one; whatever happens to it may happen to each of them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from engine.core.build import Chart
from engine.core.exploration.diagrams import Vector
from engine.core.exploration.likeness import Likeness
from engine.core.exploration.stimuli import Call
from engine.core.feed import timer_event
from engine.core.records import Event, Run, Till, Timer
from engine.definition.vocabulary import Value

TILL = "01"
"""The till of a test file that names none: chance is seeded by it."""
MANY = 2
"""Of calls that an exploration does not tell apart two stand for two or more."""

Calls = tuple[Call, ...]
Slot = Any
"""A value of a variable, or the calls of an effect."""


class Place(NamedTuple):
    """Active states, the keys of running timers, what histories go back to.

    ``fresh`` says that the agent has just started and told the machine nothing yet;
    ``loose`` are timers that a restart set going anew while others went on.
    """

    configuration: tuple[str, ...]
    timers: tuple[str, ...]
    remembered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fresh: bool = False
    loose: frozenset[str] = frozenset()


class Arguments(dict[str, Value]):
    """The arguments of a call of which some, ``unknown``, may be anything.

    ``equal`` says whether these are the same as those of the next call that is started.
    """

    __hash__ = None

    def __init__(self, known: Iterable[tuple[str, Value]], unknown: frozenset[str]) -> None:
        super().__init__(known)
        self._known = dict(known)
        self._unknown = unknown
        self.equal = False

    def __eq__(self, other: object) -> bool:
        return (
            self.equal
            and isinstance(other, Mapping)
            and self._known == {n: v for n, v in other.items() if n not in self._unknown}
        )

    def __ne__(self, other: object) -> bool:
        return not self == other


class _Noted(dict[str, Value]):
    """A context that notes which variables a step asks for and which it assigns."""

    def __init__(self, values: Mapping[str, Value], example: "Example") -> None:
        super().__init__(values)
        self._example = example

    def __getitem__(self, name: str) -> Value:
        self._example.look_at(self._example.variables.get(name))
        return super().__getitem__(name)

    def get(self, name: str, default: Value) -> Value:  # type: ignore[override]
        """What a variable was before it is assigned: the step does not depend on it."""
        self._example.write(self._example.variables.get(name))
        return super().get(name, default)


class Example(Till):
    """A till in some situation.

    ``looked_at`` are the slots of its vector that a step has asked for, in this order, ``written``
    those that it has set whatever was there: on the rest it does not depend. What something
    that repeats assigns counts as asked for too: only where it changes something are guards
    looked at (``pacing``).
    """

    __slots__ = ("effects", "looked_at", "pacing", "variables", "written")

    def __init__(
        self,
        place: Place,
        context: Mapping[str, Value],
        variables: Mapping[str, int],
        effects: Mapping[str, int],
    ) -> None:
        self.variables = variables
        self.effects = effects
        self.looked_at: dict[int, None] = {}
        self.written: set[int] = set()
        self.pacing = False
        super().__init__(
            TILL,
            place.configuration,
            _Noted(context, self),
            # They have run out, and begin anew at their own pace where they repeat.
            {key: Timer(key, 0.0, 0.0, 1.0) for key in place.timers},
            entered=dict.fromkeys(place.configuration, 0.0),
            remembered=dict(place.remembered),
        )

    def look_at(self, slot: int | None) -> None:
        """A step depends on a slot, unless it has set it itself; None is no slot."""
        if slot is not None and slot not in self.written:
            self.looked_at[slot] = None

    def write(self, slot: int | None) -> None:
        """A step sets a slot."""
        if slot is not None:
            if self.pacing:
                self.look_at(slot)
            self.written.add(slot)

    def calls(self, effect: str) -> list[Run]:
        """See :meth:`Till.calls`."""
        self.look_at(self.effects.get(effect))
        return super().calls(effect)

    def dropping(self, effect: str) -> list[Run]:
        """See :meth:`Till.dropping`."""
        self.write(self.effects.get(effect))
        return super().dropping(effect)


class Situations:
    """Makes situations of tills and tills of situations, for one machine."""

    def __init__(self, chart: Chart, likeness: Likeness) -> None:
        self._chart = chart
        self._likeness = likeness
        self._unknown = likeness.uses.unknown
        self._timers = list(chart.timers)
        names = likeness.uses.variables
        effects = [e for e in chart.definition.vocabulary.effects if e in self._unknown]
        self.variables = {name: slot for slot, name in enumerate(names)}
        self.effects = {name: slot for slot, name in enumerate(effects, len(names))}
        """Variables and effects with the index of their slot in a vector."""
        self.known: list[list[Slot]] = [[] for _ in (*names, *effects)]
        """The values of each slot that were met; a vector has their indices here."""
        self._numbers: list[dict[Slot, int]] = [{} for _ in self.known]

    def place(self, till: Till, fresh: bool = False, loose: Iterable[str] = ()) -> Place:
        """The place of a till."""
        timers = tuple(key for key in self._timers if key in till.timers)
        return Place(
            till.configuration,
            timers,
            tuple(sorted(till.remembered.items())),
            fresh,
            frozenset(loose).intersection(timers),
        )

    def vector(self, till: Till) -> Vector:
        """The vector of a till."""
        context = dict(till.context)
        values = [self._likeness.canonical(name, context[name]) for name in self.variables]
        calls = [self._calls(till, effect) for effect in self.effects]
        return tuple(self.number(slot, value) for slot, value in enumerate((*values, *calls)))

    def number(self, slot: int, value: Slot) -> int:
        """The number of a value of a slot."""
        number = self._numbers[slot].setdefault(value, len(self.known[slot]))
        if number == len(self.known[slot]):
            self.known[slot].append(value)
        return number

    def read(self, vector: Vector) -> tuple[Slot, ...]:
        """What the slots of a vector hold."""
        return tuple(known[number] for known, number in zip(self.known, vector, strict=True))

    def _calls(self, till: Till, effect: str) -> Calls:
        """The calls of an effect that are under way: of those alike ``MANY`` at the most."""
        calls = sorted(self.call(run) for run in till.running.values() if run.effect == effect)
        return tuple(call for n, call in enumerate(calls) if calls[n - MANY : n] != [call] * MANY)

    def call(self, run: Run) -> Call:
        """A run without its number and without arguments that are not known."""
        unknown = self._unknown[run.effect]
        known = ((n, value) for n, value in run.arguments.items() if n not in unknown)
        return Call(run.effect, run.state or "", tuple(sorted(known)))

    def doubtful(self, effect: str) -> bool:
        """Whether calls of an effect have arguments that are not known."""
        return bool(self._unknown[effect])

    def example(
        self,
        place: Place,
        vector: Vector,
        more: Call | None = None,
        equal: Iterable[str] = (),
    ) -> Example:
        """A till in that situation.

        With ``more`` it has another call just like that one. Calls of the effects in ``equal``
        have the arguments of the next call that is started.
        """
        slots = self.read(vector)
        values = dict(zip(self.variables, slots, strict=False))
        context = {**self._chart.initial_context, **values}
        till = Example(place, context, self.variables, self.effects)
        calls = [call for slot in slots[len(self.variables) :] for call in slot]
        for call in [*calls, more] if more is not None else calls:
            till.runs += 1
            till.running[till.runs] = self._run(call, till.runs, call.effect in equal)
        return till

    def _run(self, call: Call, number: int, equal: bool) -> Run:
        state, unknown = call.state or None, self._unknown[call.effect]
        if not unknown:
            return Run(number, call.effect, dict(call.arguments), state)
        arguments = Arguments(call.arguments, unknown)
        arguments.update((name, str(number)) for name in sorted(unknown))
        arguments.equal = equal
        return Run(number, call.effect, arguments, state)

    def answer(self, till: Till, call: Call, event: Event) -> Event:
        """The event as an answer to the oldest such call of a till."""
        number = min(run.number for run in till.running.values() if self.call(run) == call)
        return event._replace(run=number)

    def timeouts(self, place: Place, held_back: Mapping[str, frozenset[str]]) -> list[Event]:
        """The timers of a place that may be the next to run out."""
        firm = frozenset(place.timers) - place.loose
        return [timer_event(self._chart, key) for key in place.timers if not held_back[key] & firm]
