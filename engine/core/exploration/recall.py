"""Plays stimuli with the core's own ``feed``, each difference only once.

A step notes what it asks for. Wherever a till of the same place has the same there, the same
follows, and nothing is played again: most steps ask for little, and a few thousand of them
stand for millions.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from engine.core.build import Chart
from engine.core.exploration.diagrams import Changes, Diagrams, Vector
from engine.core.exploration.situations import MANY, Example, Place, Situations
from engine.core.exploration.stimuli import RESTART, Stimulus
from engine.core.feed import StepFailed, feed
from engine.core.records import Step, Till
from engine.core.restore import pack, unpack


class Outcome(NamedTuple):
    """What may follow a stimulus: the next place, the slots of the vector that are set, which
    effects were started, or why the step could not be played."""

    place: Place
    changes: Changes
    started: tuple[str, ...] = ()
    failure: str = ""


class _Node:
    """What is known so far: the outcomes, or which slot is asked for next and what follows for
    each number in it."""

    __slots__ = ("branches", "outcomes", "slot")

    def __init__(self) -> None:
        self.slot = 0
        self.branches: dict[int, _Node] = {}
        self.outcomes: tuple[Outcome, ...] | None = None


class Move:
    """One stimulus in one place, with all that was ever found to follow from it.

    What a step asks for next depends on what it has seen so far and on nothing else, so that
    its outcomes make a tree.
    """

    __slots__ = ("place", "stimulus", "tree")

    def __init__(self, place: Place, stimulus: Stimulus) -> None:
        self.place = place
        self.stimulus = stimulus
        self.tree = _Node()


class Recall:
    """Outcomes of moves. ``entered`` are all states that any step has entered."""

    def __init__(
        self, chart: Chart, situations: Situations, sets: Diagrams, hears_starts: bool
    ) -> None:
        self._chart = chart
        self._situations = situations
        self._sets = sets
        self._hears_starts = hears_starts
        self.entered: set[str] = set()

    def outcomes(self, move: Move, vectors: int) -> Iterator[tuple[int, Outcome]]:
        """All that may follow a move for a set of vectors: parts of it, each with what follows
        for all of its vectors. A part may come with several outcomes, or with none."""
        pending = [(move.tree, vectors)]
        while pending:
            node, part = pending.pop()
            if node.outcomes is None and not node.branches:
                self._learn(move, next(self._sets.vectors(part)))
            if node.outcomes is not None:
                yield from ((part, outcome) for outcome in node.outcomes)
                continue
            for number in range(len(self._situations.known[node.slot])):
                within = self._sets.restricted(part, node.slot, number)
                if within:
                    pending.append((node.branches.setdefault(number, _Node()), within))

    def _learn(self, move: Move, vector: Vector) -> None:
        asked: dict[int, None] = {}
        found = tuple(dict.fromkeys(self._play(move, vector, asked)))
        node = move.tree
        for slot in asked:
            node.slot = slot
            node = node.branches.setdefault(vector[slot], _Node())
        node.outcomes = found

    def _play(self, move: Move, vector: Vector, asked: dict[int, None]) -> Iterator[Outcome]:
        """Play it with every way in which what is not known may be: whether calls under way are
        the same as those that are started, whether two of a kind are more than two."""
        situations, call = self._situations, move.stimulus.call
        till = situations.example(move.place, vector)
        if move.stimulus is RESTART:
            # All calls are started anew. What it finds of the context was quiet before.
            asked.update(dict.fromkeys(situations.effects.values()))
            yield self._restarted(move.place, vector, till)
            return
        under_way = 0
        if call is not None:
            slot = situations.effects[call.effect]
            asked[slot] = None
            under_way = situations.read(vector)[slot].count(call)
            if not under_way:
                return
        outcome, met = self._fed(move, vector, till, asked)
        yield outcome
        doubtful = sorted(effect for effect in met if situations.doubtful(effect))
        for more in (None, call) if under_way == MANY else (None,):
            for choice in product((False, True), repeat=len(doubtful)):
                if more is not None or any(choice):
                    equal = [effect for effect, same in zip(doubtful, choice, strict=True) if same]
                    till = situations.example(move.place, vector, more, equal)
                    yield self._fed(move, vector, till, asked)[0]

    def _fed(
        self, move: Move, vector: Vector, till: Example, asked: dict[int, None]
    ) -> tuple[Outcome, set[str]]:
        """What follows for one till, and the effects that were started or joined."""
        event = move.stimulus.event
        if move.stimulus.call is not None:
            event = self._situations.answer(till, move.stimulus.call, event)
        till.pacing = event.timer is not None and self._chart.timers[event.timer].repeats
        try:
            step = feed(self._chart, till, event, 0.0)
        except StepFailed as fault:
            asked.update(till.looked_at)
            return Outcome(move.place, (), failure=str(fault).partition(": ")[2]), set()
        asked.update(till.looked_at)
        self.entered.update(step.entered)
        renewed = {timer.key for timer in step.timers_started}
        outcome = self._outcome(vector, till, step, till.written, move.place.loose - renewed)
        return outcome, {run.effect for run in step.started}.union(step.joined)

    def _restarted(self, place: Place, vector: Vector, till: Example) -> Outcome:
        restored, step = unpack(self._chart, till.id, pack(till, 0.0, 0.0), 0.0, 0.0)
        anew = {timer.key for timer in step.timers_started}.difference(place.timers)
        outcome = self._outcome(vector, restored, step, set(), {*place.loose, *anew})
        return outcome._replace(place=outcome.place._replace(fresh=self._hears_starts))

    def _outcome(
        self, before: Vector, till: Till, step: Step, written: set[int], loose: Iterable[str]
    ) -> Outcome:
        after = self._situations.vector(till)
        return Outcome(
            self._situations.place(till, loose=loose),
            tuple(
                (n, number) for n, number in enumerate(after) if n in written or number != before[n]
            ),
            tuple(sorted({run.effect for run in step.started})),
        )
