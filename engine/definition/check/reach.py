"""Where a machine can get to, and where it gets stuck, whatever its guards say."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.definition.check.survey import Branch, Survey
from engine.definition.tree import ROOT


@dataclass(frozen=True, slots=True)
class _Goal:
    """A transition that goes to a state: the one meant, and all that is entered with it."""

    branch: Branch
    target: str
    entered: frozenset[str]


def check_reach(survey: Survey) -> None:
    """States that nothing leads to, and states that nothing leads out of."""
    goals = _goals(survey)
    _unreachable(survey, goals)
    _dead_ends(survey, goals)


def _goals(survey: Survey) -> list[_Goal]:
    """The transitions that go to a state; what a state brings with it is found once."""
    known: dict[str, frozenset[str]] = {}
    goals = []
    for branch in survey.branches:
        target = survey.meant_state(branch.transition.target)
        if target is not None:
            if target not in known:
                known[target] = frozenset(survey.tree.entered(target))
            goals.append(_Goal(branch, target, known[target]))
    return goals


def _unreachable(survey: Survey, goals: list[_Goal]) -> None:
    tree, lost = survey.tree, survey.lost
    from_state: dict[str, list[_Goal]] = {}
    for goal in goals:
        from_state.setdefault(goal.branch.state, []).append(goal)
    reached: set[str] = set()
    pending = [ROOT, *tree.entered(ROOT)]
    while pending:
        name = pending.pop()
        if name in reached:
            continue
        reached.add(name)
        for goal in from_state.get(name, ()):
            pending += {goal.target, *goal.entered} - reached
    for node in tree:
        if node.id not in reached and node.parent in reached:
            if lost.mentions(node.id) or lost.shook(tree.ancestors(node.id)):
                continue
            what = "the history" if node.kind == "history" else "the state"
            message = f"Nothing leads to {what} '{node.id}'."
            hint = "Delete it, or name it as a target."
            survey.say("unreachable", node.loc, message, hint, key=True)


def _dead_ends(survey: Survey, goals: list[_Goal]) -> None:
    tree = survey.tree
    leaves = [name for name in tree.leaves(ROOT) if tree[name].kind == "atomic"]
    if len(tree.leaves(ROOT)) == 1 or survey.lost.anything_said:
        return  # A machine of one state is meant to stay in it.
    left: set[str] = set()
    for goal in goals:
        left.update(_left(survey, goal))
    for leaf in leaves:
        node = tree[leaf]
        if tree.parallel(node.parent):
            continue  # A region without states inside lasts as long as its parallel state.
        if leaf not in left and not survey.lost.shook(tree.path(leaf)):
            message = f"Nothing leads out of the state '{leaf}'."
            hint = "Give it a transition, or final: true if it is an end."
            survey.say("dead-end", node.loc, message, hint, key=True, severity="warning")


def _left(survey: Survey, goal: _Goal) -> Iterator[str]:
    """The innermost states that a till may be taken out of by a transition.

    They are those inside its source, and those of the other regions of the parallel states
    around it, as far as the transition leaves these.
    """
    tree, inner = survey.tree, goal.branch.state
    domain = tree.domain(inner, goal.target, goal.branch.transition.reenter)
    active = [inner]
    for outer in (*tree.ancestors(inner), ROOT) if inner != domain else ():
        if tree.parallel(outer):
            active += [child for child in tree.children(outer) if child != inner]
        if outer == domain:
            break
        inner = outer
    for name in active:
        yield from (leaf for leaf in tree.leaves(name) if leaf not in goal.entered)
