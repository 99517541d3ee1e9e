"""What is wrong with a machine, read off the situations that it can get into."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from engine.core.exploration.conditions import Holds
from engine.core.exploration.diagrams import NONE
from engine.core.exploration.layers import Layers
from engine.core.exploration.search import Edge, Search, Sets, good
from engine.core.exploration.stimuli import Stimulus
from engine.core.records import Till
from engine.definition.machine import Definition
from engine.definition.model import Condition, Invariant
from engine.definition.reader import Loc
from engine.definition.tree import ROOT, Tree

MOST_WAYS = 10
"""So many ways to a fault are tried: the delays may forbid the first of them."""
NOWHERE = Condition(guard="false")
Seen = Callable[[Till, Sequence[str]], bool]
"""Whether a till, after a step that started these effects, shows what was found."""
Parts = list[tuple[Edge, int]]
"""Ways, and the vectors from which something is wrong with them."""


class Lead(NamedTuple):
    """Stimuli that lead to where a fault shows, and how to tell whether a till shows it."""

    stimuli: list[Stimulus]
    seen: Seen


class Finding(NamedTuple):
    """A fault, and what leads to where it shows, the shortest first; none where the fault is
    that nothing leads somewhere. ``case`` and ``claim`` are how a test of such a way is called,
    and what it holds to be so."""

    code: str
    loc: Loc
    message: str
    hint: str
    leads: Iterator[Lead] | None = None
    case: str = ""
    claim: str = ""


class Judge:
    """Looks at what a search has found."""

    def __init__(self, definition: Definition, search: Search) -> None:
        self._definition = definition
        self._tree: Tree = definition.tree
        self._situations = search.situations
        self._sets = search.sets
        self._graph = search.graph
        self._layers = Layers(search)
        self._open = self._graph.open
        self._edges = [
            edge
            for place, vectors in self._graph.done.items()
            for edge in search.edges(place, vectors)
            if not edge.outcome.failure
        ]

    def findings(self) -> Iterator[Finding]:
        """All faults: steps that fail, invariants, states that nothing leads out of or to."""
        if self._graph.failures:
            yield self._failure()
        for index, invariant in enumerate(self._definition.model.invariants):
            if invariant.never is not None:
                yield from self._never(index, invariant, invariant.never)
            if invariant.eventually is not None:
                yield from self._eventually(index, invariant, invariant.eventually)
        yield from self._stuck()
        if not self._open and not self._graph.failures:
            yield from self._never_entered()

    def _holds(self, condition: Condition) -> Holds:
        return Holds(self._definition, self._situations, self._sets, condition)

    def _failure(self) -> Finding:
        way, edge = next(self._layers.failures())
        return Finding(
            "step-fails",
            self._tree[edge.place.configuration[-1]].loc,
            f"A step can fail here: {edge.outcome.failure}.",
            "Look at what leads back to itself: always, events that are raised.",
            iter([Lead([*way.stimuli, edge.stimulus], _never_comes_to_its_end)]),
            "Every step comes to its end.",
        )

    def _ways_through(self, parts: Parts) -> Iterator[list[Stimulus]]:
        """The shortest ways to these edges, and on over them."""
        sources: Sets = {}
        for edge, vectors in parts:
            sources[edge.place] = self._sets.union(sources.get(edge.place, NONE), vectors)
        for way in self._layers.ways(sources):
            one = self._sets.single(way.vector)
            stimulus = next(
                edge.stimulus
                for edge, vectors in parts
                if edge.place == way.place and self._sets.both(vectors, one)
            )
            yield [*way.stimuli, stimulus]

    def _never(self, index: int, invariant: Invariant, condition: Condition) -> Iterator[Finding]:
        holds = self._holds(condition)
        ways = self._ways_into(holds)
        if ways is not None:
            yield Finding(
                "never-broken",
                ("invariants", index, "about"),
                f"This can be broken: {invariant.about}",
                "",
                (Lead(way, holds.on) for way in islice(ways, MOST_WAYS)),
                invariant.about,
                f"never: {_written(condition)}",
            )

    def _ways_into(self, holds: Holds) -> Iterator[list[Stimulus]] | None:
        """The shortest ways to where a condition holds, None when it holds nowhere."""
        graph = self._graph
        there = holds.within(graph.reached)
        if not holds.starts:
            return (way.stimuli for way in self._layers.ways(there)) if _any(there) else None
        if not holds.starts.isdisjoint(graph.started) and _any(holds.within(graph.beginning)):
            return iter([[]])
        parts = self._starting(holds, there, self._edges)
        return self._ways_through(parts) if parts else None

    def _starting(self, holds: Holds, there: Sets, edges: Iterable[Edge]) -> Parts:
        """The edges that start what a condition names and lead to where it holds."""
        found = []
        for edge in edges:
            if not holds.starts.isdisjoint(edge.outcome.started):
                vectors = self._before(edge, there)
                if vectors:
                    found.append((edge, vectors))
        return found

    def _before(self, edge: Edge, goal: Sets) -> int:
        """The vectors from which an edge leads into a set."""
        there = goal.get(edge.outcome.place, NONE)
        return self._sets.before(edge.vectors, there, edge.outcome.changes)

    def _eventually(
        self, index: int, invariant: Invariant, condition: Condition
    ) -> Iterator[Finding]:
        holds, spared = self._holds(condition), self._holds(invariant.unless or NOWHERE)
        edges = [edge for edge in self._edges if good(edge)]
        goals = holds.within(self._graph.reached)
        if holds.starts:
            parts = self._starting(holds, goals, edges)
            goals = {}
            for edge, vectors in parts:
                goals[edge.place] = self._sets.union(goals.get(edge.place, NONE), vectors)
        able = self._able(goals, edges)
        lost = self._left(self._left(self._graph.reached, able), spared.within(self._graph.reached))
        if _any(lost):
            yield Finding(
                "eventually-broken",
                ("invariants", index, "about"),
                f"This can be broken: {invariant.about}",
                "From where the way below ends, delays and good answers alone never lead there. "
                "Where that is meant, name it under 'unless'.",
                self._leads_to(lost),
                invariant.about,
                f"eventually: {_written(condition)}",
            )

    def _able(self, goals: Sets, edges: list[Edge]) -> Sets:
        """The situations from which some edges lead to one of the goals; those that were not
        followed up are given the benefit of the doubt."""
        able = dict(goals)
        for place, vectors in self._open.items():
            able[place] = self._sets.union(able.get(place, NONE), vectors)
        grown = True
        while grown:
            grown = False
            for edge in edges:
                before = able.get(edge.place, NONE)
                after = self._sets.union(before, self._before(edge, able))
                if after != before:
                    able[edge.place] = after
                    grown = True
        return able

    def _left(self, situations: Sets, able: Sets) -> Sets:
        """What is in the first set alone. Where the agent is about to start is left out: what
        that leads to says more."""
        return {
            place: self._sets.minus(vectors, able.get(place, NONE))
            for place, vectors in situations.items()
            if not place.fresh
        }

    def _leads_to(self, situations: Sets) -> Iterator[Lead]:
        for way in islice(self._layers.ways(situations), MOST_WAYS):
            yield Lead(way.stimuli, partial(_is_at, way.place.configuration))

    def _stuck(self) -> Iterator[Finding]:
        tree, document = self._tree, self._definition.document
        leaves = tree.leaves(ROOT)
        warned = [each for each in self._definition.problems if each.code == "dead-end"]
        told = {problem.place for problem in warned}
        for leaf in leaves if len(leaves) > 1 else ():
            node = tree[leaf]
            if node.state.final or tree.parallel(node.parent):
                continue  # It is an end, or lasts as long as what is around it.
            if document.problem("", node.loc, "", key=True).place in told:
                continue  # The check has said so: no transition at all leads out of it.
            lost = self._lost_in(leaf)
            if _any(lost):
                yield Finding(
                    "stuck",
                    node.loc,
                    f"A till can get stuck in '{leaf}': nothing that can come leads out of it.",
                    "Give it a transition that can be taken then, or final: true if it is an end.",
                    self._leads_to(lost),
                    f"A till gets out of '{leaf}'.",
                    f"leaves: {leaf}",
                )

    def _lost_in(self, leaf: str) -> Sets:
        """The situations in a state from which nothing at all leads out of it."""
        inside = {p: v for p, v in self._graph.reached.items() if leaf in p.configuration}
        outside = {p: v for p, v in self._graph.reached.items() if p not in inside}
        able = self._able(outside, [edge for edge in self._edges if edge.place in inside])
        return self._left(inside, able)

    def _never_entered(self) -> Iterator[Finding]:
        entered = self._graph.entered
        for node in self._tree:
            around = node.parent == ROOT or node.parent in entered
            if node.kind != "history" and around and node.id not in entered:
                yield Finding(
                    "never-entered",
                    node.loc,
                    f"Nothing that can come leads to the state '{node.id}'.",
                    "Look at the guards that lead to it, with the parameters as they are.",
                )


def _any(situations: Sets) -> bool:
    return any(situations.values())


def _never_comes_to_its_end(_till: Till, _started: Sequence[str]) -> bool:
    return False


def _is_at(configuration: tuple[str, ...], till: Till, _started: Sequence[str]) -> bool:
    return till.configuration == configuration


def _written(condition: Condition) -> str:
    """A condition as a file has it."""
    parts = {key: getattr(condition, key) for key in ("active", "starts", "running")}
    written = [
        f"{key}: {names[0] if len(names) == 1 else '[' + ', '.join(names) + ']'}"
        for key, names in parts.items()
        if names
    ]
    if condition.guard is not None:
        written.append(f"guard: {json.dumps(condition.guard, ensure_ascii=False)}")
    return "{" + ", ".join(written) + "}"
