"""Where a machine can get to, and where it gets stuck, whatever its guards say."""

from engine.definition.check.survey import Branch, Survey
from engine.definition.tree import ROOT


def check_reach(survey: Survey) -> None:
    """States that nothing leads to, and states that nothing leads out of."""
    _unreachable(survey)
    _dead_ends(survey)


def _goals(survey: Survey) -> list[tuple[Branch, str]]:
    """The transitions that go to a state, with the state that is meant."""
    return [
        (branch, target)
        for branch in survey.branches
        if (target := survey.meant_state(branch.transition.target)) is not None
    ]


def _unreachable(survey: Survey) -> None:
    tree, goals = survey.tree, _goals(survey)
    reached = {ROOT, *tree.entered(ROOT)}
    grown = True
    while grown:
        before = len(reached)
        for branch, target in goals:
            if branch.state in reached:
                reached |= {target, *tree.entered(target)}
        grown = len(reached) > before
    for node in tree:
        if node.id not in reached and node.parent in reached:
            what = "the history" if node.kind == "history" else "the state"
            message = f"Nothing leads to {what} '{node.id}'."
            hint = "Delete it, or name it as a target."
            survey.say("unreachable", node.loc, message, hint, key=True)


def _dead_ends(survey: Survey) -> None:
    tree, goals = survey.tree, _goals(survey)
    leaves = [name for name in tree.leaves(ROOT) if tree[name].kind == "atomic"]
    if len(tree.leaves(ROOT)) == 1:
        return  # A machine of one state is meant to stay in it.
    for leaf in leaves:
        node = tree[leaf]
        if tree.parallel(node.parent):
            continue  # A region without states inside lasts as long as its parallel state.
        if not any(_leaves(survey, leaf, branch, target) for branch, target in goals):
            message = f"Nothing leads out of the state '{leaf}'."
            hint = "Give it a transition, or final: true if it is an end."
            survey.say("dead-end", node.loc, message, hint, key=True, severity="warning")


def _leaves(survey: Survey, leaf: str, branch: Branch, target: str) -> bool:
    """Whether a transition takes a till out of ``leaf``."""
    tree, source = survey.tree, branch.state
    domain = tree.domain(source, target, branch.transition.reenter)
    if not tree.inside(leaf, domain) or leaf in tree.entered(target):
        return False
    return tree.inside(leaf, source) or _together(survey, leaf, source)


def _together(survey: Survey, leaf: str, other: str) -> bool:
    """Whether two states can be active at once, in different regions of a parallel state."""
    around = {*survey.tree.ancestors(leaf), ROOT}
    shared = next(name for name in (*survey.tree.ancestors(other), ROOT) if name in around)
    return survey.tree.parallel(shared)
