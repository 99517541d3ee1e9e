"""Every situation that a machine can get into."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.core.build import Chart
from engine.core.exploration.diagrams import NONE, Diagrams
from engine.core.exploration.likeness import Likeness
from engine.core.exploration.orders import held_back
from engine.core.exploration.recall import Move, Outcome, Recall
from engine.core.exploration.situations import TILL, Place, Situations
from engine.core.exploration.stimuli import RESTART, Call, Stimuli, Stimulus
from engine.core.exploration.uses import uses_of
from engine.core.feed import begin

MOST_FAILURES = 3
"""After so many steps that fail no others are looked for: each plays a thousand transitions."""

Sets = dict[Place, int]
"""A set of situations: for each place a set of vectors."""


class Edge(NamedTuple):
    """A way from some situations of a place: the vectors there, what happens, what follows."""

    place: Place
    vectors: int
    stimulus: Stimulus
    outcome: Outcome


@dataclass(slots=True)
class Graph:
    """All that was found.

    ``beginning`` is where every till begins and ``started`` what it starts there; ``reached``
    are all situations, ``done`` those that were followed up; ``failures`` counts ways that end
    with a step that cannot be played; ``entered`` are the states that any step has entered.
    """

    sets: Diagrams
    beginning: Sets = field(default_factory=dict)
    started: tuple[str, ...] = ()
    reached: Sets = field(default_factory=dict)
    done: Sets = field(default_factory=dict)
    failures: int = 0
    entered: set[str] = field(default_factory=set)

    @property
    def open(self) -> Sets:
        """The situations that were not followed up, for want of time or space."""
        left = {
            place: self.sets.minus(vectors, self.done.get(place, NONE))
            for place, vectors in self.reached.items()
        }
        return {place: vectors for place, vectors in left.items() if vectors}

    def count(self, situations: Mapping[Place, int]) -> int:
        """How many situations a set has."""
        return sum(map(self.sets.count, situations.values()))


class Search:
    """Goes through the situations of one machine."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self.likeness = Likeness(chart.definition, uses_of(chart.definition))
        self.stimuli = Stimuli(chart, self.likeness)
        self.situations = Situations(chart, self.likeness)
        self.sets = Diagrams()
        self._recall = Recall(chart, self.situations, self.sets, bool(self.stimuli.starting))
        self._held_back = held_back(chart)
        self._moves: dict[Place, list[Move]] = {}
        self._answers: dict[tuple[Place, Call], list[Move]] = {}
        self.graph = Graph(self.sets, entered=self._recall.entered)

    def run(self, most: float, expired: Callable[[], bool]) -> Graph:
        """Find all situations, until there are more than ``most`` or ``expired`` says that time
        is up.

        Raises StepFailed when a till cannot even begin. All situations of a place are followed
        up at once, one stimulus after the other, so that each finds what the last one added:
        their sets then stay regular, and small.
        """
        graph = self.graph
        till, step = begin(self._chart, TILL, 0.0)
        self._recall.entered.update(step.entered)
        graph.started = tuple(run.effect for run in step.started)
        place = self.situations.place(till, fresh=bool(self.stimuli.starting))
        graph.beginning = {place: self.sets.single(self.situations.vector(till))}
        graph.reached = dict(graph.beginning)
        waiting = dict.fromkeys(graph.reached)
        while waiting and graph.failures < MOST_FAILURES and graph.count(graph.reached) <= most:
            place, _ = waiting.popitem()
            before = graph.reached[place]
            for there in self._follow(place):
                waiting[there] = None
                if expired():
                    return graph
            graph.done[place] = before
        return graph

    def _follow(self, place: Place) -> Iterator[Place]:
        """Follow up all situations of a place; the places in which others have come of that."""
        graph, sets = self.graph, self.sets
        for move in self._possible(place):
            for edge in self._edges(move, graph.reached[place]):
                if edge.outcome.failure:
                    graph.failures += 1
                    continue
                there = edge.outcome.place
                before = graph.reached.get(there, NONE)
                after = sets.union(before, sets.assigned(edge.vectors, edge.outcome.changes))
                if after != before:
                    graph.reached[there] = after
                    yield there

    def edges(self, place: Place, vectors: int) -> Iterator[Edge]:
        """Every way from some situations of a place that leads to others or starts something."""
        for move in self._possible(place):
            yield from self._edges(move, vectors)

    def _edges(self, move: Move, vectors: int) -> Iterator[Edge]:
        nothing = Outcome(move.place, ())
        for part, outcome in self._recall.outcomes(move, vectors):
            if outcome != nothing:
                yield Edge(move.place, part, move.stimulus, outcome)

    def _possible(self, place: Place) -> list[Move]:
        """What can happen in a place: what comes whatever is under way, and the answers of all
        calls that were met so far."""
        if place not in self._moves:
            self._moves[place] = [Move(place, stimulus) for stimulus in self._coming(place)]
        moves = list(self._moves[place])
        for slot in () if place.fresh else self.situations.effects.values():
            calls = dict.fromkeys(call for known in self.situations.known[slot] for call in known)
            for call in calls:
                if (place, call) not in self._answers:
                    answers = self.stimuli.answers[call.effect]
                    self._answers[place, call] = [
                        Move(place, Stimulus("answer", event, call)) for event in answers
                    ]
                moves += self._answers[place, call]
        return moves

    def _coming(self, place: Place) -> Iterator[Stimulus]:
        """What can come in a place, whatever is under way."""
        if place.fresh:
            yield from (Stimulus("event", event) for event in self.stimuli.starting)
            return
        for event in self.situations.timeouts(place, self._held_back):
            yield Stimulus("timer", event)
        yield from (Stimulus("event", event) for event in self.stimuli.posted)
        yield RESTART


def good(edge: Edge) -> bool:
    """Whether it comes by itself while the server answers well: a timer, ``ok``, the start."""
    if edge.stimulus.kind == "answer":
        return edge.stimulus.event.name.endswith(".ok")
    return edge.stimulus.kind == "timer" or edge.place.fresh
