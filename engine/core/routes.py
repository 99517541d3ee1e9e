"""Where a transition can come from and lead to, worked out from the tree of states alone."""

from typing import NamedTuple

from engine.definition.model import Transition
from engine.definition.tree import ROOT, Tree


class Route(NamedTuple):
    """A transition's way.

    ``target`` is the state that it enters, None when it stays. ``inside`` says that the
    declaring state is not left. ``sources`` and ``targets`` are the innermost states that it
    can leave and enter.
    """

    target: str | None
    inside: bool
    sources: frozenset[str]
    targets: frozenset[str]


def route(tree: Tree, name: str, part: Transition) -> Route:
    """The way of a transition that the state ``name`` declares."""
    compound = name == ROOT or tree[name].kind == "compound"
    target = part.target
    if target == name and not part.reenter:
        # Staying, in the language; to the library a self-transition would leave and enter.
        # What is inside goes back to its start all the same.
        target = tree.initial(name) if compound else None
    within = target is not None and target != name and tree.inside(target, name)
    targets: frozenset[str] = frozenset()
    if target is not None:
        node = tree[target]
        targets = frozenset(tree.leaves(node.parent if node.kind == "history" else target))
    return Route(
        target, within and compound and not part.reenter, frozenset(tree.leaves(name)), targets
    )


def possible_sources(tree: Tree, name: str, named: str) -> list[str]:
    """What ``Taken.source`` can be: ``named`` only where several states can be left at once."""
    leaves = list(tree.leaves(name))
    return [named, *leaves] if _splits(tree, name) and named not in leaves else leaves


def possible_targets(tree: Tree, target: str) -> list[str]:
    """What ``Taken.target`` can be: the innermost state entered, or the one the file names."""
    node = tree[target]
    if node.kind == "history":
        # Remembered or not, it can be any state around the history.
        leaves = list(tree.leaves(node.parent))
        return [target, *leaves] if _splits(tree, node.parent) else leaves
    default = [name for name in (target, *tree.descent(target)) if not tree.children(name)]
    return default if len(default) == 1 else [target]


def _splits(tree: Tree, name: str) -> bool:
    """Whether several innermost states in it can be active at once."""
    return tree.parallel(name) or any(tree.parallel(inner) for inner in tree.descendants(name))
