"""How far situations are from the beginning, and the shortest ways to them.

A search finds all situations in no order that a person could follow. Only when something is
wrong with some of them are they looked for again, layer by layer.
"""

from collections.abc import Iterator
from typing import NamedTuple

from engine.core.exploration.diagrams import NONE, Vector
from engine.core.exploration.search import Edge, Search, Sets
from engine.core.exploration.situations import Place
from engine.core.exploration.stimuli import Stimulus


class Way(NamedTuple):
    """The stimuli that lead from the beginning to a situation."""

    stimuli: list[Stimulus]
    place: Place
    vector: Vector


class Layers:
    """The situations that a search has found, by the number of steps that they are away."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._sets = search.sets
        self._layers: list[Sets] = [search.graph.beginning]
        self._seen: Sets = dict(search.graph.beginning)

    def ways(self, situations: Sets) -> Iterator[Way]:
        """A shortest way to each of these situations, the nearest first."""
        left = dict(situations)
        for depth, layer in self._all():
            for place, vectors in layer.items():
                here = self._sets.both(vectors, left.get(place, NONE))
                for vector in self._sets.vectors(here):
                    yield Way(self._stimuli(depth, place, vector), place, vector)
                left[place] = self._sets.minus(left.get(place, NONE), here)
            if not any(left.values()):
                return

    def failures(self) -> Iterator[tuple[Way, Edge]]:
        """The steps that cannot be played, the nearest first, each with a way to it."""
        for depth, layer in self._all():
            for place, vectors in layer.items():
                for edge in self._search.edges(place, vectors):
                    if edge.outcome.failure:
                        vector = next(self._sets.vectors(edge.vectors))
                        yield Way(self._stimuli(depth, place, vector), place, vector), edge

    def _all(self) -> Iterator[tuple[int, Sets]]:
        depth = 0
        while depth < len(self._layers):
            yield depth, self._layers[depth]
            depth += 1
            if depth == len(self._layers):
                self._add()

    def _add(self) -> None:
        """One layer more, if there is one."""
        sets = self._sets
        layer: Sets = {}
        for edge in self._ways_on(self._layers[-1]):
            place, changes = edge.outcome.place, edge.outcome.changes
            new = sets.minus(sets.assigned(edge.vectors, changes), self._seen.get(place, NONE))
            if new:
                layer[place] = sets.union(layer.get(place, NONE), new)
        if layer:
            self._layers.append(layer)
            for place, vectors in layer.items():
                self._seen[place] = sets.union(self._seen.get(place, NONE), vectors)

    def _ways_on(self, layer: Sets) -> Iterator[Edge]:
        for place, vectors in layer.items():
            edges = self._search.edges(place, vectors)
            yield from (edge for edge in edges if not edge.outcome.failure)

    def _stimuli(self, depth: int, place: Place, vector: Vector) -> list[Stimulus]:
        found = []
        for layer in reversed(self._layers[:depth]):
            one = self._sets.single(vector)
            edge, sources = next(
                (edge, sources)
                for edge in self._ways_on(layer)
                if edge.outcome.place == place
                for sources in (self._sets.before(edge.vectors, one, edge.outcome.changes),)
                if sources
            )
            found.append(edge.stimulus)
            place, vector = edge.place, next(self._sets.vectors(sources))
        return found[::-1]
