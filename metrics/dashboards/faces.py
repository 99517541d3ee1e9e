"""What a dashboard shows of a machine: each state's number, its words and its colour."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.definition.machine import Definition
from engine.definition.model import Colour
from engine.definition.tree import ROOT, Node, Tree

Language = Literal["en", "fr"]

COLOURS: Mapping[Colour, str] = {
    "green": "#009E73",
    "blue": "#0072B2",
    "yellow": "#F0E442",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "grey": "#999999",
    "red": "#D55E00",
    "orange": "#E69F00",
}
"""The palette of Okabe and Ito, which people who confuse red and green can tell apart too."""

REACHED: Sequence[Colour] = ("green", "blue", "yellow", "purple", "sky", "grey")
OFFLINE: Sequence[Colour] = ("red", "orange", "purple", "grey")
"""What states get in the order of their numbers, unless the file says otherwise."""


@dataclass(frozen=True, slots=True)
class Face:
    """A state as a dashboard shows it: ``colour`` is ``#rrggbb``. ``coded`` tells whether the
    file gave the number; another one is of this dashboard alone. ``region`` is empty for states
    of which a till is in one at a time; others stand in a row of their own, under its name."""

    id: str
    number: int
    labels: Mapping[Language, str]
    colour: str
    offline: bool
    coded: bool
    region: str


@dataclass(frozen=True, slots=True)
class Faces:
    """A machine as dashboards show it, its states in the order of their numbers.

    ``events`` are what its transitions listen to: causes, as metrics name them.
    """

    machine: str
    states: tuple[Face, ...]
    events: frozenset[str]


def faces_of(definition: Definition) -> Faces:
    """What dashboards show of a machine: states with a code, and those that none speaks for."""
    tree = definition.tree
    coded = [node for node in tree if node.kind != "history" and node.state.code is not None]
    coded.sort(key=lambda node: node.state.code or 0)
    nodes = [*coded, *_unspoken_for(tree, coded)]
    colours = _colours(tree, nodes)
    free = max((node.state.code or 0 for node in coded), default=0) + 1 - len(coded)
    return Faces(
        definition.model.machine,
        tuple(
            Face(
                node.id,
                free + place if node.state.code is None else node.state.code,
                _labels(node),
                colours[node.id],
                _offline(tree, node),
                node.state.code is not None,
                _region(tree, node, coded),
            )
            for place, node in enumerate(nodes)
        ),
        frozenset(_events(definition)),
    )


def _unspoken_for(tree: Tree, coded: Sequence[Node]) -> Iterable[Node]:
    """States with nothing inside that neither have a code nor are in a state that has one."""
    spoken_for = {node.id for node in coded}
    for node in tree:
        around = {node.id, *tree.ancestors(node.id)}
        if node.kind in ("atomic", "final") and not around & spoken_for:
            yield node


def _region(tree: Tree, node: Node, coded: Sequence[Node]) -> str:
    """The region of a state that is active beside states with a code, which speak for the till."""
    if node.state.code is not None:
        return ""
    around = (node.id, *tree.ancestors(node.id))
    for region, parent in zip(around, (*around[1:], ROOT), strict=True):
        beside = {name for name in tree.children(parent) if name != region}
        if tree.parallel(parent) and any(
            beside & {other.id, *tree.ancestors(other.id)} for other in coded
        ):
            return region
    return ""


def _offline(tree: Tree, node: Node) -> bool:
    return any(tree[name].state.offline for name in (node.id, *tree.ancestors(node.id)))


def _labels(node: Node) -> Mapping[Language, str]:
    label = node.state.label
    return {"en": label.en, "fr": label.fr} if label else {"en": node.id, "fr": node.id}


def _colours(tree: Tree, nodes: Sequence[Node]) -> Mapping[str, str]:
    """What the file says, else the next of the palette that no state has, while there is one."""
    said = {node.id: node.state.colour for node in nodes if node.state.colour is not None}
    colours = {name: COLOURS[colour] for name, colour in said.items()}
    for offline, palette in ((False, REACHED), (True, OFFLINE)):
        left = [colour for colour in palette if colour not in said.values()] or palette
        alike = [n for n in nodes if n.id not in said and _offline(tree, n) == offline]
        for place, node in enumerate(alike):
            colours[node.id] = COLOURS[left[place % len(left)]]
    return colours


def _events(definition: Definition) -> Iterable[str]:
    yield from definition.model.on
    for name in definition.tree.nodes:
        yield from definition.tree[name].state.on
