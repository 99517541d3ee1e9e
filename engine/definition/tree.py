"""A light index over a machine's states: who is inside whom, in the order of the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.definition.model import Machine, State

Kind = Literal["atomic", "compound", "parallel", "history", "final"]
ROOT = ""
"""Stands for the machine itself, around the top states."""


@dataclass(frozen=True, slots=True)
class Node:
    """One state. ``loc`` is its way from the top of the file, as ``Document.place`` wants it."""

    id: str
    state: State
    parent: str
    children: tuple[str, ...]
    order: int
    loc: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """What sort of state it is."""
        if self.state.history:
            return "history"
        if self.state.final:
            return "final"
        if self.state.parallel:
            return "parallel"
        return "compound" if self.children else "atomic"


class Tree:
    """All states of a machine by id, in document order (parents before their children).

    ``duplicates`` holds the ways to states whose id was already taken; they are left out.
    The root has the id ``""``, no node, and the top states as children.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.nodes: dict[str, Node] = {}
        self.duplicates: list[tuple[str, ...]] = []
        self.top = self._index(machine.states, ROOT, ())

    def _index(
        self, states: dict[str, State], parent: str, way: tuple[str, ...]
    ) -> tuple[str, ...]:
        ids = []
        for name, state in states.items():
            loc = (*way, "states", name)
            if name in self.nodes:
                self.duplicates.append(loc)
                continue
            ids.append(name)
            self.nodes[name] = Node(name, state, parent, (), len(self.nodes), loc)
            inside = self._index(state.states, name, loc)
            if inside:
                node = self.nodes[name]
                self.nodes[name] = Node(name, state, parent, inside, node.order, loc)
        return tuple(ids)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def __contains__(self, name: object) -> bool:
        return name in self.nodes

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def children(self, name: str) -> tuple[str, ...]:
        """The states directly inside, history states among them."""
        return self.top if name == ROOT else self.nodes[name].children

    def parallel(self, name: str) -> bool:
        """Whether all states directly inside are active at once."""
        return self.machine.parallel if name == ROOT else self.nodes[name].state.parallel

    def ancestors(self, name: str) -> tuple[str, ...]:
        """The states around it, from the inside out; the root is not one."""
        around = []
        parent = self.nodes[name].parent
        while parent != ROOT:
            around.append(parent)
            parent = self.nodes[parent].parent
        return tuple(around)

    def path(self, name: str) -> tuple[str, ...]:
        """The states around it from the outside in, then itself."""
        return (*reversed(self.ancestors(name)), name)

    def descendants(self, name: str) -> tuple[str, ...]:
        """All states inside, in document order."""
        inside: list[str] = []
        for child in self.children(name):
            inside += (child, *self.descendants(child))
        return tuple(inside)

    def leaves(self, name: str) -> tuple[str, ...]:
        """The innermost states that can be active in it; itself when it has none inside."""
        children = self.children(name)
        if not children:
            nothing = name == ROOT or self.nodes[name].kind == "history"
            return () if nothing else (name,)
        return tuple(leaf for child in children for leaf in self.leaves(child))

    def inside(self, name: str, outer: str) -> bool:
        """Whether ``name`` is ``outer`` or lies in it."""
        return outer in (ROOT, name) or outer in self.ancestors(name)

    def initial(self, name: str) -> str | None:
        """The child that a compound state starts in: the one named, else the first to be in."""
        named = self.machine.initial if name == ROOT else self.nodes[name].state.initial
        usable = [c for c in self.children(name) if self.nodes[c].kind != "history"]
        if named in usable:
            return named
        return next(iter(usable), None)

    def descent(self, name: str) -> tuple[str, ...]:
        """The states inside that are entered with it by default, outermost first."""
        if self.parallel(name):
            inside = [c for c in self.children(name) if self.nodes[c].kind != "history"]
        else:
            first = self.initial(name)
            inside = [] if first is None else [first]
        return tuple(state for child in inside for state in (child, *self.descent(child)))

    def entered(self, target: str) -> tuple[str, ...]:
        """The states active after going to ``target`` from outside everything, by default.

        Ancestors come with it, and the other regions of the parallel states among them; a
        history leads where it leads when there is nothing remembered.
        """
        if target != ROOT and self.nodes[target].kind == "history":
            return self.entered(self.default(target))
        path = () if target == ROOT else self.path(target)
        active = set(path) | set(self.descent(target))
        for outer, inner in zip((ROOT, *path), path, strict=False):
            if self.parallel(outer):
                for child in self.children(outer):
                    if child != inner and self.nodes[child].kind != "history":
                        active |= {child, *self.descent(child)}
        return tuple(name for name in self.nodes if name in active)

    def default(self, history: str) -> str:
        """Where a history state leads when there is nothing to go back to."""
        node = self.nodes[history]
        named = node.state.target
        if named in self.nodes and self.nodes[named].kind != "history":
            return named
        return self.initial(node.parent) or node.parent

    def domain(self, source: str, target: str, reenter: bool = False) -> str:
        """The innermost state that a transition does not leave.

        A target inside the compound state that declares it does not leave that state, unless
        it reenters; otherwise it is the nearest compound state, or the root, around both.
        """
        inner = target != source and self.inside(target, source)
        if inner and not reenter and not self.parallel(source):
            return source
        around = (*self.ancestors(source), ROOT) if source != ROOT else (ROOT,)
        return next(
            outer
            for outer in around
            if (self.inside(target, outer) and not self.parallel(outer)) or outer == ROOT
        )
