"""Events that go round for ever: an event raised in a step whose handling raises it again.

As for ``always`` transitions, every value of the context that matters is tried, so that a loop
that counts itself out is none. One innermost state is followed at a time: a circle that needs
two regions of a parallel state is not seen here. A guard on what an event carries decides
nothing, so no more is said of what follows it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from engine.definition.check.loops import MOST, Edge, Walk, circle_of, domain_of
from engine.definition.check.survey import Branch, Survey
from engine.definition.events import catches
from engine.definition.expressions import NO_EVENT, EventLike
from engine.definition.scope import variable_type
from engine.definition.tree import ROOT
from engine.definition.values import show
from engine.definition.vocabulary import Value

MOST_WAITING = 8
"""More events than this, raised and not yet handled, are no machine's intent."""

Waiting = tuple[str, tuple[str, ...], tuple[Value, ...]]
"""An innermost state, the events raised and not yet handled, the context that matters."""


@dataclass(frozen=True, slots=True)
class _Raised:
    """An event that an action raised, without data."""

    name: str
    data: Mapping[str, Value] = field(default_factory=dict)


def check_raises(survey: Survey) -> None:
    """At most one problem: the first circle found in the order of the file."""
    raising = [doing for doing in survey.doings if doing.action.raise_ is not None]
    if not raising:
        return
    walk = _Events(survey)
    if not walk.may_go_round():
        return
    relevant = walk.matters([edge for edges in walk.handled.values() for edge in edges])
    domains = [domain_of(survey.model.context[name]) for name in relevant]
    if any(domain is None for domain in domains):
        return
    circle, complete = walk.round(relevant, [tuple(domain or ()) for domain in domains])
    if circle is not None:
        events = {events[0] for _, events, _ in circle}
        way = " -> ".join(leaf for leaf, _, _ in circle)
        settings = ", ".join(
            f"{name} = {show(value, variable_type(survey.model.context[name]))}"
            for name, value in zip(relevant, circle[0][2], strict=True)
        )
        when = f" when {settings}" if settings else ""
        event = circle[0][1][0]
        message = f"The event '{event}' is raised again for ever, {way}{when}."
        hint = "Raise it from where nothing raises it again, or count on the way."
        near = {name for leaf, _, _ in circle for name in walk.tree.path(leaf)}
        again = [doing for doing in raising if doing.action.raise_ in events]
        first = next((doing for doing in again if doing.state in near), again[0])
        survey.say("raise-loop", (*first.loc, "raise"), message, hint)
    elif not complete:
        message = "The events that actions raise may go round for ever."
        hint = (
            f"At most {MOST} combinations of states and context values are tried, and "
            f"{MOST_WAITING} events that wait for each other."
        )
        loc = (*raising[0].loc, "raise")
        survey.say("raise-unproven", loc, message, hint, severity="warning")


class _Events(Walk):
    """The graph of leaves and the events that wait there."""

    def __init__(self, survey: Survey) -> None:
        sound = [branch for branch in survey.branches if branch.guard or not branch.guarded]
        super().__init__(survey, [branch for branch in sound if branch.kind == "always"])
        self.carrying = {doing.action.raise_ for doing in survey.doings if doing.action.with_}
        self.handled: dict[str, list[Edge]] = {}
        self.starts: list[tuple[str, tuple[str, ...]]] = []
        of_state: dict[str, list[Branch]] = {}
        for branch in sound:
            of_state.setdefault(branch.state, []).append(branch)
        for leaf in self.tree.leaves(ROOT):
            self.handled[leaf] = []
            for source in (leaf, *self.tree.ancestors(leaf), ROOT):
                for branch in of_state.get(source, ()):
                    edge = self.edge(leaf, branch)
                    if edge is not None:
                        self.handled[leaf].append(edge)
                        self.starts += [(end, edge.raised) for end in edge.ends if edge.raised]
        entered = self.tree.entered(ROOT)
        begun = tuple(each for each in self.at("entry", entered) if isinstance(each, str))
        self.starts += [(leaf, begun) for leaf in entered if begun and leaf in self.handled]
        for doing in survey.doings:
            event = doing.action.raise_
            if event is not None and doing.branch is None and doing.loc[-2] == "actions":
                self.starts += [(leaf, (event,)) for leaf in self.tree.leaves(doing.state)]
        self.starts = list(dict.fromkeys(self.starts))

    def may_go_round(self) -> bool:
        """Whether an event can lead to itself at all, whatever states and guards say."""
        names = {name for _, events in self.starts for name in events}
        graph: dict[str, list[str]] = {name: [] for name in sorted(names)}
        for edge in (edge for edges in self.handled.values() for edge in edges if edge.raised):
            for name, following in graph.items():
                if edge.branch.kind == "always" or (
                    edge.branch.kind == "on" and catches(edge.branch.cause, name)
                ):
                    following.extend(edge.raised)
        return circle_of(graph) is not None

    def round(
        self, relevant: tuple[str, ...], values: Sequence[tuple[Value, ...]]
    ) -> tuple[list[Waiting] | None, bool]:
        """A circle, if there is one, and whether everything was tried."""
        graph: dict[Waiting, list[Waiting]] = {}
        pending: list[Waiting] = []
        for leaf, events in self.starts:
            for combination in product(*values):
                if len(pending) > MOST:
                    return None, False
                pending.append((leaf, events, combination))
        complete = True
        while pending:
            waiting = pending.pop()
            if waiting in graph:
                continue
            if len(graph) > MOST or len(waiting[1]) > MOST_WAITING:
                complete = False
                continue
            settled = [
                after
                for at in self._settled(waiting, relevant)
                for after in self._handling(at, relevant)
                if after[1]
            ]
            graph[waiting] = settled
            pending += settled
        return circle_of(graph), complete

    def _settled(self, waiting: Waiting, relevant: tuple[str, ...]) -> Iterator[Waiting]:
        """Where transitions without event lead to; nothing where they never end."""
        seen: set[Waiting] = set()
        pending = [waiting]
        while pending:
            at = pending.pop()
            if at in seen or len(at[1]) > MOST_WAITING:
                continue
            seen.add(at)
            following = self._taken(at, relevant, self.edges.get(at[0], ()), NO_EVENT)
            if following is None:
                yield at
            else:
                pending += following

    def _handling(self, waiting: Waiting, relevant: tuple[str, ...]) -> list[Waiting]:
        """What the handling of the first event that waits leads to."""
        leaf, (name, *others), values = waiting
        rest = (leaf, tuple(others), values)
        edges = [
            edge
            for edge in self.handled[leaf]
            if edge.branch.kind == "on" and catches(edge.branch.cause, name)
        ]
        order = [leaf, *self.tree.ancestors(leaf), ROOT]
        edges.sort(key=lambda edge: (order.index(edge.branch.state), -len(edge.branch.cause)))
        if name in self.carrying and any(_asks(edge) for edge in edges):
            return []
        following = self._taken(rest, relevant, edges, _Raised(name))
        return [rest] if following is None else following

    def _taken(
        self, at: Waiting, relevant: tuple[str, ...], edges: Sequence[Edge], event: EventLike
    ) -> list[Waiting] | None:
        """Where the first transition whose guard holds leads; None when none does."""
        _, events, values = at
        context: dict[str, Value] = dict(zip(relevant, values, strict=True))
        for edge in edges:
            guard = edge.branch.guard
            if guard is None or guard(context, event):
                after = tuple(self.after(edge, context, event).values())
                return [(end, (*events, *edge.raised), after) for end in edge.ends]
        return None


def _asks(edge: Edge) -> bool:
    """Whether what an event carries matters to a transition."""
    guard = edge.branch.guard
    assigned = (value for pairs in edge.assignments for _, value in pairs)
    return any(each.fields for each in (*assigned, *((guard,) if guard else ())))
