"""Where a till can stand in a machine that has changed since: by id, else by ``renames``."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from engine.core.build import Chart
from engine.definition.tree import ROOT, Tree
from engine.definition.vocabulary import Value


class Names:
    """Old names of states and those that took their place; ``""`` for a state that is gone.

    ``renames`` are the machine's own unless others are given.
    """

    def __init__(self, chart: Chart, renames: Mapping[str, str] | None = None) -> None:
        self._plans = chart.plans
        self._renames = chart.definition.model.renames if renames is None else renames

    def now(self, name: str) -> str:
        """The present name of a state."""
        name = name if name in self._plans else self._renames.get(name, name)
        return name if name in self._plans else ""


def standing(chart: Chart, names: list[str]) -> tuple[str, ...] | None:
    """Where a till is that was in these states; None when one that matters is gone.

    A state that was active with another one inside it does not matter: it follows from that.
    What they leave open is filled with its default: a region that the file has since been
    given, a state that has since become compound.
    """
    tree = chart.tree
    known = [name for name in names if name]
    if not known or not names[-1]:
        return None
    leaves = [
        name
        for name in known
        if not any(other != name and tree.inside(other, name) for other in known)
    ]
    # States are saved from the outside in: what follows a state that has nothing left inside
    # was inside it.
    if any(not after and name in leaves and tree.children(name) for name, after in pairwise(names)):
        return None
    active = {name for leaf in leaves for name in tree.path(leaf)}
    for name in (ROOT, *tree.nodes):
        if name != ROOT and name not in active:
            continue
        inside = _inside(tree, name)
        if tree.parallel(name):
            active.update(inside)
        elif inside and not active.intersection(inside):
            active.add(tree.initial(name) or inside[0])
    if not _whole(tree, ROOT, active):
        return None
    return tuple(name for name in tree.nodes if name in active)


def _inside(tree: Tree, name: str) -> list[str]:
    return [child for child in tree.children(name) if tree[child].kind != "history"]


def _whole(tree: Tree, outer: str, active: Iterable[str]) -> bool:
    """Whether these states can be active together in ``outer``: a file that has been changed
    may hold apart what used to be side by side."""
    children = _inside(tree, outer)
    inside = [child for child in children if child in active]
    wanted = len(children) if tree.parallel(outer) else min(1, len(children))
    return len(inside) == wanted and all(_whole(tree, child, active) for child in inside)


def can_go_back(tree: Tree, history: str, active: list[str]) -> bool:
    """Whether a history state can still lead back to what was remembered."""
    if history not in tree or tree[history].kind != "history":
        return False
    outer = tree[history].parent
    if tree[history].state.history == "shallow":
        return len(active) == 1 and active[0] in _inside(tree, outer)
    return set(active) <= set(tree.descendants(outer)) and _whole(tree, outer, active)


def kept_context(chart: Chart, saved: Mapping[str, Value]) -> dict[str, Value]:
    """The saved variables that the machine still has, within their present bounds."""
    kept: dict[str, Value] = {}
    for name, variable in chart.definition.model.context.items():
        value = saved.get(name)
        if type(value) is not type(variable.initial):
            continue
        if isinstance(value, str) and value not in (variable.values or ()):
            continue
        if variable.max is not None and isinstance(value, int) and not isinstance(value, bool):
            value = max(variable.min, min(variable.max, value))
        kept[name] = value
    return kept
