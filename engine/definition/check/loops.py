"""Eventless loops: ``always`` transitions that lead back to where they began.

Where a circle of states exists at all, every value of the context that matters is tried, and
the assignments on the way are carried out, so that a loop that counts itself out is none.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from engine.definition.check.survey import Branch, Survey
from engine.definition.expressions import NO_EVENT, EventLike, Expression
from engine.definition.model import Variable
from engine.definition.scope import saturated, variable_type
from engine.definition.tree import ROOT
from engine.definition.values import show
from engine.definition.vocabulary import Value

MOST = 20_000
"""So many combinations of a leaf state and context values are tried."""

_Node = TypeVar("_Node", bound=Hashable)
Situation = tuple[str, tuple[Value, ...]]
Assignment = tuple[tuple[str, Expression], ...]


def domain_of(variable: Variable) -> tuple[Value, ...] | range | None:
    """All values of a context variable; None where its bounds are at fault."""
    kind = variable_type(variable)
    if kind == "boolean":
        return (False, True)
    if kind == "text":
        return variable.values
    return None if variable.max is None else range(variable.min, variable.max + 1)


def check_loops(survey: Survey) -> None:
    """At most one problem: the first loop found in the order of the file."""
    eventless = [branch for branch in survey.branches if branch.kind == "always"]
    if not eventless:
        return
    walk = Walk(survey, eventless)
    circle = walk.circle()
    if circle is None:
        return
    relevant = walk.relevant()
    domains = [domain_of(survey.model.context[name]) for name in relevant]
    if any(domain is None for domain in domains):
        return
    values = [tuple(domain or ()) for domain in domains]
    many = len(walk.leaves)
    for domain in values:
        many *= len(domain)
    first = walk.first_branch(circle[0])
    if many > MOST:
        message = f"The always transitions {' -> '.join(circle)} may go round for ever."
        hint = f"{many} combinations of the context are too many to try; at most {MOST}."
        survey.say("eventless-unproven", first.loc, message, hint, severity="warning")
        return
    loop = walk.loop(relevant, values)
    if loop is not None:
        _report(survey, walk, loop, relevant)


def _report(survey: Survey, walk: "Walk", loop: list[Situation], relevant: tuple[str, ...]) -> None:
    way = " -> ".join(leaf for leaf, _ in loop)
    kinds = [variable_type(survey.model.context[name]) for name in relevant]
    settings = ", ".join(
        f"{name} = {show(value, kind)}"
        for name, value, kind in zip(relevant, loop[0][1], kinds, strict=True)
    )
    when = f" when {settings}" if settings else ""
    message = f"The always transitions {way} go round for ever{when}."
    hint = "Make their guards exclude each other, or count on the way."
    survey.say("eventless-loop", walk.first_branch(loop[0][0]).loc, message, hint)


@dataclass(frozen=True, slots=True)
class Edge:
    """One transition seen from one leaf: its guard, what it assigns and raises, where it ends."""

    branch: Branch
    assignments: tuple[Assignment, ...]
    ends: tuple[str, ...]
    raised: tuple[str, ...]


class Walk:
    """The graph of leaves and some transitions, those without event say."""

    def __init__(self, survey: Survey, eventless: list[Branch]) -> None:
        self.survey = survey
        self.tree = survey.tree
        self.moments: dict[str | int, dict[str, list[Assignment | str]]] = {"entry": {}, "exit": {}}
        self.taken: dict[int, list[Assignment | str]] = {}
        self._gather()
        self.edges: dict[str, tuple[Edge, ...]] = {}
        for leaf in self.tree.leaves(ROOT):
            edges = tuple(self._edges(leaf, eventless))
            if edges:
                self.edges[leaf] = edges
        self.leaves = tuple(self.edges)

    def _gather(self) -> None:
        for doing in self.survey.doings:
            known, event = self.survey.model.context, doing.action.raise_
            if doing.action.assign is None and event is None:
                continue
            pairs = event or tuple(pair for pair in doing.values.items() if pair[0] in known)
            if doing.branch is not None:
                self.taken.setdefault(id(doing.branch), []).append(pairs)
            elif doing.loc[-2] in self.moments:
                self.moments[doing.loc[-2]].setdefault(doing.state, []).append(pairs)

    def _edges(self, leaf: str, eventless: list[Branch]) -> Iterator[Edge]:
        for source in (leaf, *self.tree.ancestors(leaf)):
            for branch in eventless:
                if branch.state == source and (branch.guard is not None or not branch.guarded):
                    edge = self.edge(leaf, branch)
                    if edge is not None:
                        yield edge

    def edge(self, leaf: str, branch: Branch) -> Edge | None:
        """A transition as it is taken from a leaf; None where its target is at fault."""
        tree, target = self.tree, branch.transition.target
        on_the_way = tuple(self.taken.get(id(branch), ()))
        if target == branch.state and not branch.transition.reenter:
            target = tree.initial(target) if tree.children(target) else None
        if target is None:
            return _edge(branch, on_the_way, (leaf,))
        if target not in tree:
            return None
        domain = tree.domain(branch.state, target, branch.transition.reenter)
        left = [name for name in (leaf, *tree.ancestors(leaf)) if tree.inside(name, domain)]
        entered = [name for name in tree.entered(target) if tree.inside(name, domain)]
        done = (
            *self.at("exit", [name for name in left if name != domain]),
            *on_the_way,
            *self.at("entry", [name for name in entered if name != domain]),
        )
        return _edge(branch, done, tuple(name for name in entered if not tree.children(name)))

    def at(self, moment: str, states: Sequence[str]) -> list[Assignment | str]:
        """What states assign and raise when they are entered or left, in this order."""
        return [each for name in states for each in self.moments[moment].get(name, ())]

    def first_branch(self, leaf: str) -> Branch:
        """The first transition that leaves a leaf without an event."""
        return self.edges[leaf][0].branch

    def circle(self) -> list[str] | None:
        """A circle of leaves, whatever the guards say."""
        return circle_of(
            {leaf: [e for edge in edges for e in edge.ends] for leaf, edges in self.edges.items()}
        )

    def relevant(self) -> tuple[str, ...]:
        """The context variables on which the guards depend, directly or by assignment."""
        return self.matters([edge for edges in self.edges.values() for edge in edges])

    def matters(self, everything: Sequence[Edge]) -> tuple[str, ...]:
        """The context variables on which the guards of edges depend."""
        context = self.survey.model.context
        names = {
            name for edge in everything if edge.branch.guard for name in edge.branch.guard.names
        } & context.keys()
        while True:
            more = {
                read
                for edge in everything
                for assignment in edge.assignments
                for name, value in assignment
                if name in names
                for read in value.names & context.keys()
            } - names
            if not more:
                return tuple(name for name in context if name in names)
            names |= more

    def loop(
        self, relevant: tuple[str, ...], values: list[tuple[Value, ...]]
    ) -> list[Situation] | None:
        """A circle of situations that the guards let happen."""
        graph: dict[Situation, list[Situation]] = {}
        for leaf in self.leaves:
            for combination in product(*values):
                following = self._following(leaf, dict(zip(relevant, combination, strict=True)))
                graph[leaf, combination] = [
                    (end, after) for end, after in following if end in self.edges
                ]
        return circle_of(graph)

    def _following(self, leaf: str, context: dict[str, Value]) -> Iterator[Situation]:
        for edge in self.edges[leaf]:
            guard = edge.branch.guard
            if guard is None or guard(context, NO_EVENT):
                after = self.after(edge, context, NO_EVENT)
                for end in edge.ends:
                    yield end, tuple(after.values())
                return

    def after(self, edge: Edge, context: dict[str, Value], event: EventLike) -> dict[str, Value]:
        """The context when a transition was taken."""
        after = dict(context)
        for assignment in edge.assignments:
            after |= self._assigned(assignment, after, event)
        return after

    def _assigned(
        self, assignment: Assignment, context: dict[str, Value], event: EventLike
    ) -> dict[str, Value]:
        """The new values of what matters; all are read before the first is changed."""
        changed: dict[str, Value] = {}
        for name, expression in assignment:
            if name not in context:
                continue
            variable = self.survey.model.context[name]
            changed[name] = saturated(variable, expression(context, event))
        return changed


def _edge(branch: Branch, done: Sequence[Assignment | str], ends: tuple[str, ...]) -> Edge:
    assignments = tuple(each for each in done if not isinstance(each, str))
    raised = tuple(each for each in done if isinstance(each, str))
    return Edge(branch, assignments, ends, raised)


def circle_of(graph: Mapping[_Node, Sequence[_Node]]) -> list[_Node] | None:
    """The first circle of a graph, its first node again at the end; None without one."""
    finished: set[_Node] = set()
    for start in graph:
        way: list[_Node] = []
        pending: list[Iterator[_Node]] = [iter((start,))]
        while pending:
            node = next((each for each in pending[-1] if each not in finished), None)
            if node is None:
                pending.pop()
                if way:
                    finished.add(way.pop())
            elif node in way:
                return [*way[way.index(node) :], node]
            else:
                way.append(node)
                pending.append(iter(graph.get(node, ())))
    return None
