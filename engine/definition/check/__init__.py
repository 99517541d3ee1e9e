"""What is wrong with a machine beyond its shape: everything that reading it closely shows."""

from typing import TYPE_CHECKING

from engine.definition.check.branches import check_branches
from engine.definition.check.effects import check_effects
from engine.definition.check.loops import check_loops
from engine.definition.check.names import check_names
from engine.definition.check.raises import check_raises
from engine.definition.check.reach import check_reach
from engine.definition.check.shape import check_shape
from engine.definition.check.survey import Survey
from engine.definition.check.timing import check_timing
from engine.definition.check.usage import check_usage
from engine.problems import Problem

if TYPE_CHECKING:
    from engine.definition.machine import Definition

PASSES = (
    check_names,
    check_shape,
    check_effects,
    check_timing,
    check_reach,
    check_branches,
    check_loops,
    check_raises,
    check_usage,
)


def check(definition: "Definition") -> list[Problem]:
    """All static problems of a machine, errors and warnings, in no order."""
    survey = Survey(definition)
    for each in PASSES:
        each(survey)
    return survey.problems
