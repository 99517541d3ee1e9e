"""The names that an expression may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.definition.model import Variable
from engine.definition.vocabulary import Field, Type, Value

RESERVED = ("event", "true", "false", "min", "max", "abs")
"""Names that parameters and context variables cannot have, besides Python's own words."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use.

    ``parameters`` are resolved values (durations in seconds) and become constants; one
    without an entry in ``parameter_types`` is at fault, which was said elsewhere already.
    ``positive`` names those whose smallest allowed value is above zero, by which one may
    divide. ``event`` holds the fields of the event at hand; None where there is no event.
    """

    parameters: Mapping[str, Value] = field(default_factory=dict)
    parameter_types: Mapping[str, Type] = field(default_factory=dict)
    context: Mapping[str, Variable] = field(default_factory=dict)
    event: Mapping[str, Field] | None = None
    positive: frozenset[str] = frozenset()


def saturated(variable: Variable, value: Value) -> Value:
    """The value as the variable takes it: a number stops at its bounds."""
    if variable_type(variable) != "integer":
        return value
    above = max(variable.min, int(value))
    return above if variable.max is None else min(variable.max, above)


def variable_type(variable: Variable) -> Type:
    """The type of a context variable, from its initial value."""
    if isinstance(variable.initial, bool):
        return "boolean"
    return "integer" if isinstance(variable.initial, int) else "text"
