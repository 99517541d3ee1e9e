"""From a model's location back to a place in the text.

The models bring short forms to one long form, so their locations hold steps that the text does
not have: the index of a list that was written as one thing, the name of a union's member, the
field that a bare text stands for. And ``after`` and ``every`` count the entries of a mapping.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

COUNTED = ("after", "every")
"""Keys whose mapping ``{delay: what follows}`` the models number like a list."""

Place = tuple[int, int]
Way = list[tuple["Node", str | int, "Node"]]
"""From the outside in: a mapping or list, the key or index in it, and what is there."""
"""Line and column, both from 1."""


@dataclass(slots=True)
class Node:
    """A value of the file and where it begins (line and column from 1).

    ``keys`` holds the place of each key of a mapping, ``children`` its values, or the items
    of a list. ``dropped`` holds the entries of a mapping that were refused while it was read,
    and a ``hole`` is a value that cannot be read.
    """

    value: Any
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)
    children: "dict[str, Node] | list[Node] | None" = None
    plain: bool = True
    dropped: "list[tuple[str, Node]]" = field(default_factory=list)
    hole: bool = False


def find(root: Node, loc: Sequence[str | int], key: bool) -> Place:
    """The place of the value at ``loc``, of its key when ``key`` and it has one."""
    node, place = root, root.place
    key_place = root.place
    names: list[str] = []
    for step in loc:
        if isinstance(step, int):
            found = _entry(node, step, names)
        else:
            found = _named(node, step)
            names.append(step)
        if found is None:
            if step == "delay":
                place = key_place
            continue
        node, key_place = found
        place = node.place
    return key_place if key else place


def _named(node: Node, step: str) -> tuple[Node, Place] | None:
    if isinstance(node.children, dict) and step in node.children:
        return node.children[step], node.keys[step]
    return None


def _entry(node: Node, step: int, names: list[str]) -> tuple[Node, Place] | None:
    if isinstance(node.children, list):
        if step < len(node.children):
            return node.children[step], node.children[step].place
        return None
    counted = names and names[-1] in COUNTED and names[-2:-1] != ["on"]
    if not counted or not isinstance(node.children, dict):
        return None
    for name, child in node.children.items():
        many = isinstance(child.children, list) and names[-1] == "after"
        items = (child.children if many and isinstance(child.children, list) else []) or [child]
        if step < len(items):
            return items[step], node.keys[name]
        step -= len(items)
    return None


def steps(root: Node, loc: Sequence[str | int]) -> Way:
    """The way to the value at ``loc``, as far as the text has it."""
    way: Way = []
    names: list[str] = []
    node = root
    for step in loc:
        if isinstance(step, str):
            names.append(step)
            if isinstance(node.children, dict) and step in node.children:
                way.append((node, step, node.children[step]))
        elif isinstance(node.children, list) and step < len(node.children):
            way.append((node, step, node.children[step]))
        elif (found := _entry(node, step, names)) is not None:
            way += _to(node, found[0])
        node = way[-1][2] if way else root
    return way


def _to(mapping: Node, wanted: Node) -> Way:
    """The way to an entry of a counted mapping, or to an item of the list that it may be."""
    entries = mapping.children.items() if isinstance(mapping.children, dict) else ()
    ways: list[Way] = [[(mapping, name, child)] for name, child in entries]
    for name, child in entries:
        items = child.children if isinstance(child.children, list) else ()
        ways += [[(mapping, name, child), (child, at, item)] for at, item in enumerate(items)]
    return next(way for way in ways if way[-1][2] is wanted)
