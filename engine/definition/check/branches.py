"""Branches that can never be taken, because of their own guard or of an earlier branch.

Only branches that are asked for by the very same descriptor, delay or ``always`` of one state are
compared: a short descriptor's branch stands behind a longer one's on purpose. Guards that read
context variables, truth values and bounded whole numbers among the parameters are tried with
every value; a parameter's present value proves nothing, for till.yaml may give another.
"""

from itertools import product

from engine.definition.check.loops import domain_of
from engine.definition.check.survey import Branch, Loc, Survey
from engine.definition.expressions import (
    NO_EVENT,
    Expression,
    Scope,
    compile_expression,
)
from engine.definition.model import Variable
from engine.definition.vocabulary import Value

MOST = 20_000
"""So many combinations of values are tried for one branch."""


def check_branches(survey: Survey) -> None:
    """Every list of branches of the file."""
    trial = _Trial(survey)
    groups: dict[tuple[str, str, str], list[Branch]] = {}
    for branch in survey.branches:
        groups.setdefault((branch.state, branch.kind, branch.cause), []).append(branch)
    for branches in groups.values():
        _group(survey, trial, branches)


def _group(survey: Survey, trial: "_Trial", branches: list[Branch]) -> None:
    earlier: list[Branch] = []
    for branch in branches:
        killer = _killer(branch, earlier)
        if killer is not None:
            line = survey.line(killer.loc)
            message = f"This branch is never taken: the one on line {line} always comes first."
            _dead(survey, branch, message)
        else:
            _guard(survey, trial, branch, earlier)
        if branch.kind != "after" or branch.transition.target not in (None, branch.state):
            earlier.append(branch)  # A delay that does not leave the state stops no other.


def _killer(branch: Branch, earlier: list[Branch]) -> Branch | None:
    """An earlier branch without a guard, or with the same one."""
    for other in earlier:
        always = other.guard is not None and other.guard.constant is True and not other.guard.names
        if not other.guarded or always:
            return other
        if branch.guarded and _words(branch) == _words(other):
            return other
    return None


def _words(branch: Branch) -> list[str]:
    return str(branch.transition.guard).split()


def _dead(survey: Survey, branch: Branch, message: str) -> None:
    loc: Loc = branch.loc
    hint = "Delete it, or change the order."
    if branch.guarded:
        loc = (*loc, "guard")
    survey.say("dead-branch", loc, message, hint)


def _guard(survey: Survey, trial: "_Trial", branch: Branch, earlier: list[Branch]) -> None:
    mine = trial.guard(branch)
    if mine is None:
        return
    others = {id(other): guard for other in earlier if (guard := trial.guard(other)) is not None}
    holds, alone = trial.compare(mine, list(others.values()))
    if not holds:
        survey.say("dead-guard", (*branch.loc, "guard"), "This guard never holds.")
    elif not alone:
        lines = [survey.line(other.loc) for other in earlier if id(other) in others]
        where = ", ".join(str(line) for line in lines)
        message = (
            f"This branch is never taken: when its guard holds, an earlier one does (line {where})."
        )
        _dead(survey, branch, message)


class _Trial:
    """Guards with the parameters left open, and the values to try."""

    def __init__(self, survey: Survey) -> None:
        resolved = survey.definition.resolved
        self.variables = dict(survey.model.context)
        closed = dict(resolved.values)
        for name, kind in resolved.types.items():
            bounds = resolved.bounds[name]
            if kind == "boolean":
                self.variables[name] = Variable(initial=False)
            elif kind == "integer" and len(bounds) == len(("min", "max")):
                low, high = int(bounds["min"]), int(bounds["max"])
                self.variables[name] = Variable(initial=low, min=low, max=high)
            else:
                continue
            del closed[name]
        self.closed = closed
        self.scope = Scope(closed, resolved.types, self.variables, None, resolved.positive)
        self.known: dict[int, Expression | None] = {}

    def guard(self, branch: Branch) -> Expression | None:
        """The guard with open parameters; None where it cannot be tried."""
        if id(branch) not in self.known:
            self.known[id(branch)] = self._open(branch)
        return self.known[id(branch)]

    def _open(self, branch: Branch) -> Expression | None:
        if not branch.guarded:
            return compile_expression(True, self.scope)
        if branch.guard is None or branch.guard.fields or branch.guard.names & self.closed.keys():
            return None
        return compile_expression(branch.guard.text, self.scope)

    def compare(self, mine: Expression, others: list[Expression]) -> tuple[bool, bool]:
        """Whether a guard ever holds, and ever holds where none of the others does.

        True and true where there are too many values to try.
        """
        names = sorted({name for guard in (mine, *others) for name in guard.names})
        domains = self._domains(names)
        if domains is None:
            others = [guard for guard in others if guard.names <= mine.names]
            names = sorted(mine.names)
            domains = self._domains(names)
        if domains is None:
            return True, True
        holds = False
        for values in product(*domains):
            context: dict[str, Value] = dict(zip(names, values, strict=True))
            if mine(context, NO_EVENT):
                holds = True
                if not any(other(context, NO_EVENT) for other in others):
                    return True, True
        return holds, False

    def _domains(self, names: list[str]) -> list[tuple[Value, ...] | range] | None:
        found = []
        count = 1
        for name in names:
            domain = domain_of(self.variables[name])
            if domain is None:
                return None
            found.append(domain)
            count *= len(domain)
        return found if count <= MOST else None
