"""Which expressions of a machine can change what it does, and what they read.

A guard can. So can what is assigned to a variable that a guard reads, directly or on the way
through other variables and events that are raised. The rest (what a call is told, how long a
backoff waits) is the same to an exploration, in which any delay may be the next to run out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.definition.check.survey import Doing, Survey
from engine.definition.events import catches
from engine.definition.expressions import Expression
from engine.definition.machine import Definition


@dataclass(frozen=True, slots=True)
class Use:
    """An expression that matters.

    ``descriptor`` catches the events at hand, None where there is none. ``variable`` is what
    it is assigned to, ``raised`` the event and the field that it is given to; a guard has
    neither.
    """

    expression: Expression
    descriptor: str | None = None
    variable: str | None = None
    raised: tuple[str, str] | None = None

    def hears(self, event: str) -> bool:
        """Whether the event can be the one at hand."""
        return self.descriptor is not None and catches(self.descriptor, event)


@dataclass(frozen=True, slots=True)
class Uses:
    """All uses of a machine, in the order of the file, and the variables that they read.

    ``unknown`` are the arguments of each effect that some call computes: exploring does not
    tell calls apart by them.
    """

    uses: tuple[Use, ...]
    variables: tuple[str, ...]
    unknown: dict[str, frozenset[str]]


def uses_of(definition: Definition) -> Uses:
    """Find them."""
    survey = Survey(definition)
    matter = _Matter(definition, survey)
    names = {name for use in matter.uses for name in use.expression.names}
    names |= {use.variable for use in matter.uses if use.variable is not None}
    unknown: dict[str, set[str]] = {}
    for call in survey.calls:
        computed = unknown.setdefault(call.effect, set())
        computed |= {name for name, value in call.values.items() if value.constant is None}
    return Uses(
        tuple(matter.uses),
        tuple(name for name in definition.model.context if name in names),
        {effect: frozenset(names) for effect, names in unknown.items()},
    )


class _Matter:
    """Goes back from the guards to all that they depend on."""

    def __init__(self, definition: Definition, survey: Survey) -> None:
        self.definition = definition
        self.uses: list[Use] = list(self._guards(survey))
        waiting = [
            (doing, name, value) for doing in survey.doings for name, value in doing.values.items()
        ]
        while True:
            found = [each for each in waiting if self._matters(*each)]
            if not found:
                break
            waiting = [each for each in waiting if each not in found]
            for doing, name, value in found:
                action, event = doing.action, _descriptor(doing)
                if action.raise_ is None:
                    self.uses.append(Use(value, event, variable=name))
                else:
                    self.uses.append(Use(value, event, raised=(action.raise_, name)))

    def _guards(self, survey: Survey) -> Iterator[Use]:
        for branch in survey.branches:
            if branch.guard is not None:
                yield Use(branch.guard, branch.descriptor)
        for invariant in self.definition.model.invariants:
            for condition in (invariant.never, invariant.eventually, invariant.unless):
                if condition is not None and condition.guard is not None:
                    yield Use(self.definition.expression(condition.guard))

    def _matters(self, doing: Doing, name: str, _value: Expression) -> bool:
        action = doing.action
        if action.assign is not None:
            return any(name in use.expression.names for use in self.uses)
        return action.raise_ is not None and any(
            name in use.expression.fields and use.hears(action.raise_) for use in self.uses
        )


def _descriptor(doing: Doing) -> str | None:
    return doing.branch.descriptor if doing.branch is not None else None
