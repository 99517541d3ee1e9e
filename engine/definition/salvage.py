"""All that is wrong with a file's shape, and what is left of the file without it.

Pydantic tells the faults of one reading only, and a model that is refused leaves nothing to
look at more closely. So what is refused is taken out, put right where it is plain what was
meant, or replaced by something harmless, until the rest can be read. What is taken out is
remembered in :class:`Lost`, and no more is said of it.
"""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from engine.definition.lost import SILENT, Lost, may_declare
from engine.definition.places import Node, Way, steps
from engine.definition.reader import Document, in_order
from engine.definition.sentences import Fault, keys_at, problems_of
from engine.problems import Problem

MOST_ROUNDS = 20
"""So many readings of one file; each takes something out."""

EVERYTHING = "*"
"""Stands for all keys of a mapping that something unknown was taken out of."""

_HARMLESS: Mapping[str, Any] = {
    "machine": "machine",
    "about": "",
    "en": "",
    "fr": "",
    "states": {},
    "shop": "0",
    "till": "0",
    "url": "http://127.0.0.1",
    "server": {"protocol": "soap", "url": "http://127.0.0.1"},
}
"""What stands in for a key that is missing. Where nothing can, its mapping goes as well."""
_SPLIT = re.compile(r"[()'\"]")
"""A sign of a key that is the second half of an expression, cut at a comma."""
_YES = ("true", "yes", "on")

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Salvaged(Generic[_Model]):
    """The model, or None where nothing was left, the file as it was read, and what is amiss."""

    model: _Model | None
    document: Document
    lost: Lost
    problems: tuple[Problem, ...]


def salvage(document: Document, model: type[_Model]) -> Salvaged[_Model]:
    """Read a document as a model, as far as it goes. Raises nothing."""
    lost = Lost()
    if document.data is None:
        empty = document.problem("empty", (), "The file is empty.")
        return Salvaged(None, document, lost, (*document.problems, empty))
    if not document.problems:
        try:
            return Salvaged(model.model_validate(document.data), document, lost, ())
        except ValidationError:
            pass
    repair = _Repair(document, model, lost)
    found = repair.model()
    problems = in_order([*document.problems, *repair.problems])
    return Salvaged(found, repair.document, lost, tuple(problems))


class _Repair(Generic[_Model]):
    """Takes out of a copy of the document what is at fault."""

    def __init__(self, document: Document, model: type[_Model], lost: Lost) -> None:
        self.document = replace(document, root=_copied(document.root))
        self.kind = model
        self.lost = lost
        self.problems: list[Problem] = []
        self.touched: dict[int, set[str]] = {}
        self.meant: dict[int, str] = {}
        self.rounds = 0
        self._unread(self.document.root, ())

    def model(self) -> _Model | None:
        """The model of what is left; None when it comes to nothing."""
        before: object = None
        now: list[Any] = []
        while now != before and self.rounds < MOST_ROUNDS:
            before = now
            self.rounds += 1
            _renew(self.document.root)
            try:
                return self.kind.model_validate(self.document.data)
            except ValidationError as error:
                faults: list[Fault] = [*error.errors(include_url=False)]
            now = [(fault["loc"], fault["type"]) for fault in faults]
            ways = [steps(self.document.root, fault["loc"]) for fault in faults]
            self._understand(faults, ways)
            new = [f for f, way in zip(faults, ways, strict=True) if not self._known(f, way)]
            self.problems += problems_of(self.document, self.kind, new)
            for fault, way in zip(faults, ways, strict=True):
                self._mend(fault, way)
        return None

    def _touch(self, mapping: Node, key: str) -> None:
        self.touched.setdefault(id(mapping), set()).add(key)

    def _unread(self, node: Node, names: tuple[str, ...]) -> None:
        """Takes out what the reader refused already, and remembers it."""
        for name, child in node.dropped:
            self.lost.add((*names, name), child)
            if name == "<<" or name.startswith("\x00"):
                self._touch(node, EVERYTHING)
                if name != "<<" or not isinstance(child.value, dict) or may_declare(names):
                    self.lost.unread((*names, name))
        named = isinstance(node.children, dict)
        for key, child in _items(node):
            inner = (*names, str(key)) if named else names
            if child.hole:
                self._touch(node, str(key))
                if child.value is None and str(key) not in SILENT:
                    self.lost.unread(inner)
                self._drop([*_way_to(self.document.root, node), (node, key, child)])
            else:
                self._unread(child, inner)

    def _understand(self, faults: Sequence[Fault], ways: Sequence[Way]) -> None:
        """For a key that is misspelt, the one that is meant, if it is not there as well."""
        for fault, way in zip(faults, ways, strict=True):
            if fault["type"] == "extra_forbidden":
                mapping, key, node = way[-1]
                allowed = keys_at(self.kind, fault["loc"][:-1])
                near = get_close_matches(str(key), allowed, n=1, cutoff=0.6)
                if near and near[0] not in _named(mapping):
                    self.meant[id(node)] = near[0]
                self._touch(mapping, near[0] if near else EVERYTHING)

    def _known(self, fault: Fault, way: Way) -> bool:
        """Whether a fault is only what follows from one that was told."""
        kind, last = fault["type"], way[-1][2] if way else self.document.root
        if kind == "extra_forbidden":
            return False
        if any(id(node) in self.meant for _, _, node in way):
            return True
        touched = self.touched.get(id(last), set())
        if kind == "missing":
            return bool(touched & {str(fault["loc"][-1]), EVERYTHING} - self._guesses(last))
        if kind == "value_error":
            words = set(re.findall(r"\w+", str(fault["ctx"]["error"])))
            return bool(touched & {EVERYTHING, *words})
        return False

    def _guesses(self, mapping: Node) -> set[str]:
        """An unknown key that is near to none says nothing of a key that is missing."""
        unread = any(name == "<<" or name.startswith("\x00") for name, _ in mapping.dropped)
        return set() if unread else {EVERYTHING}

    def _mend(self, fault: Fault, way: Way) -> None:
        kind = fault["type"]
        if kind == "missing":
            self._fill(str(fault["loc"][-1]), way)
            return
        if not way:
            self._mend_root(str(fault.get("ctx", {}).get("error", "")))
            return
        mapping, key, node = way[-1]
        if id(node) in self.meant and kind == "extra_forbidden":
            _rename(mapping, str(key), self.meant[id(node)])
            self.lost.places.add(node.place)
        elif kind == "literal_error" and way[-2:-1] and way[-2][1] != "data":
            allowed = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
            near = get_close_matches(str(node.value), allowed, n=1, cutoff=0.0)
            node.value, node.children = (near or allowed)[0], None
            self.lost.words.update(str(step) for _, step, _ in way[-2:-1])
        elif kind == "bool_type" and key != "final" and str(node.value).lower() in _YES:
            node.value = True
        else:
            if kind == "extra_forbidden" and _SPLIT.search(str(key)):
                self._drop([*way[:-1], _before(mapping, node)])
            self._drop(way)

    def _mend_root(self, error: str) -> None:
        """The keys that do not go together, as the sentence names them, make room for one."""
        root = self.document.root
        names = re.findall(r"'(\w+)'", error)
        for name in names:
            if name in _named(root):
                self._drop([(root, name, _named(root)[name])])
        for name in names[:1]:
            if name in _HARMLESS:
                self._fill(name, [])

    def _fill(self, name: str, way: Way) -> None:
        mapping = way[-1][2] if way else self.document.root
        if name not in _HARMLESS:
            self.lost.anything_said = self.lost.anything_said or name not in SILENT
            self._drop(way)
            return
        if name == "states":
            self.lost.anything_declared = self.lost.anything_said = True
            self.lost.states.add("")
        _named(mapping)[name] = _plain(_HARMLESS[name], mapping.place)
        mapping.keys[name] = mapping.place
        self._touch(mapping, name)

    def _drop(self, way: Way) -> None:
        """Takes out the last of a way, or more where the rest would mean something else."""
        way = _whole(way)
        names = tuple(str(key) for mapping, key, _ in way if isinstance(mapping.children, dict))
        for mapping, key, node in way[-1:]:
            self.lost.add(names, node)
            if isinstance(mapping.children, dict):
                self._touch(mapping, str(key))
                if mapping.children.get(str(key)) is node:
                    del mapping.children[str(key)]
            else:
                mapping.children = [each for each in mapping.children or () if each is not node]


def _whole(way: Way) -> Way:
    """A parameter or variable goes as a whole, and an action or a branch with its condition."""
    keys = [key for _, key, _ in way]
    if keys[:1] in (["parameters"], ["context"]) and keys[2:3] not in ([], ["about"], ["label"]):
        return way[:2]
    for part in ("with", "guard"):
        if part in keys[1:]:
            return way[: keys.index(part)]
    return way


def _named(mapping: Node) -> dict[str, Node]:
    return mapping.children if isinstance(mapping.children, dict) else {}


def _before(mapping: Node, node: Node) -> tuple[Node, str | int, Node]:
    """The entry of a mapping that stands before another, or that one itself."""
    entries = _items(mapping)
    at = next(index for index, (_, child) in enumerate(entries) if child is node)
    return (mapping, *entries[max(0, at - 1)])


def _items(node: Node) -> list[tuple[str | int, Node]]:
    if isinstance(node.children, dict):
        return [*node.children.items()]
    return [*enumerate(node.children or ())]


def _way_to(root: Node, wanted: Node) -> Way:
    """The way from the root to a node; nothing for the root itself."""
    for key, child in _items(root):
        if child is wanted:
            return [(root, key, child)]
        if further := _way_to(child, wanted):
            return [(root, key, child), *further]
    return []


def _copied(node: Node) -> Node:
    twin = copy(node)
    twin.keys = dict(node.keys)
    if isinstance(node.children, dict):
        twin.children = {name: _copied(child) for name, child in node.children.items()}
    elif node.children is not None:
        twin.children = [_copied(child) for child in node.children]
    return twin


def _renew(node: Node) -> None:
    """Makes the values of mappings and lists anew, from what is still in them."""
    for _, child in _items(node):
        _renew(child)
    if isinstance(node.children, dict):
        node.value = {name: child.value for name, child in node.children.items()}
    elif node.children is not None:
        node.value = [child.value for child in node.children]


def _rename(mapping: Node, old: str, new: str) -> None:
    if new not in _named(mapping):
        mapping.children = {
            new if name == old else name: child for name, child in _named(mapping).items()
        }
        mapping.keys[new] = mapping.keys[old]


def _plain(value: Any, place: tuple[int, int]) -> Node:
    if isinstance(value, dict):
        inside = {name: _plain(each, place) for name, each in value.items()}
        return Node(value, place, dict.fromkeys(value, place), inside)
    return Node(value, place)
