"""The conditions of invariants, looked at in sets of situations and on tills."""

from collections.abc import Iterable, Sequence
from itertools import product

from engine.core.exploration.diagrams import NONE, Diagrams
from engine.core.exploration.search import Sets
from engine.core.exploration.situations import Situations
from engine.core.records import Till
from engine.definition.expressions import NO_EVENT, Expression
from engine.definition.machine import Definition
from engine.definition.model import Condition


class Holds:
    """One condition. All that it names holds at once, when a step has ended.

    ``starts`` are the effects of which that step must have started one; without any, the step
    does not matter.
    """

    def __init__(
        self, definition: Definition, situations: Situations, sets: Diagrams, condition: Condition
    ) -> None:
        self._situations = situations
        self._sets = sets
        self._active = frozenset(condition.active)
        self._running = condition.running
        guard = condition.guard
        self._guard = None if guard is None else definition.expression(guard)
        self.starts = frozenset(condition.starts)

    def within(self, situations: Sets) -> Sets:
        """Those situations in which it holds, whatever the step started."""
        found = {}
        for place, vectors in situations.items():
            if self._active.issubset(place.configuration):
                found[place] = self._guarded(self._under_way(vectors))
        return found

    def _under_way(self, vectors: int) -> int:
        """The vectors in which each effect named has a call."""
        for effect in self._running:
            slot = self._situations.effects.get(effect)
            known = [] if slot is None else self._situations.known[slot]
            parts = [
                self._sets.restricted(vectors, slot or 0, number)
                for number, calls in enumerate(known)
                if calls
            ]
            vectors = self._all(parts)
        return vectors

    def _guarded(self, vectors: int) -> int:
        """The vectors for which the guard holds: every combination of what it reads is tried."""
        return vectors if self._guard is None else self._where(self._guard, vectors)

    def _where(self, guard: Expression, vectors: int) -> int:
        situations = self._situations
        slots = {n: slot for n, slot in situations.variables.items() if n in guard.names}
        parts = []
        for numbers in product(*(range(len(situations.known[slot])) for slot in slots.values())):
            chosen = dict(zip(slots.values(), numbers, strict=True))
            context = {name: situations.known[slot][chosen[slot]] for name, slot in slots.items()}
            if guard(context, NO_EVENT):
                part = vectors
                for slot, number in chosen.items():
                    part = self._sets.restricted(part, slot, number)
                parts.append(part)
        return self._all(parts)

    def _all(self, parts: Iterable[int]) -> int:
        together = NONE
        for part in parts:
            together = self._sets.union(together, part)
        return together

    def on(self, till: Till, started: Sequence[str]) -> bool:
        """Whether it holds for a till after a step that started these effects."""
        place = self._situations.place(till)
        one = self._sets.single(self._situations.vector(till))
        there = any(self.within({place: one}).values())
        return there and (not self.starts or not self.starts.isdisjoint(started))
