"""Guards and assignments: small expressions, checked when the file is read.

Python's grammar through an allow-list of its syntax tree. Names and types are checked once and
the result is a nest of closures: no text is ever run as code, nothing can raise, and the same
context and event always give the same value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.definition.grammar import NO_EVENT, Compiler, possible_texts
from engine.definition.model import Scalar
from engine.definition.operations import EventLike, Run, fits
from engine.definition.scope import RESERVED, Scope, variable_type
from engine.definition.vocabulary import Type, Value
from engine.problems import Refused

__all__ = [
    "NO_EVENT",
    "RESERVED",
    "EventLike",
    "Expression",
    "Scope",
    "compile_expression",
    "fits",
    "variable_type",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression; call it with the context and the event (``NO_EVENT`` for none).

    ``names`` are the parameters and context variables read, ``fields`` the event's fields
    (``name`` among them for ``event.name``); ``constant`` is the value of an expression that
    reads neither context nor event, else None. ``choices`` are the only texts that it can be;
    none for a free text. Durations are seconds. ``run`` is the bare closure behind the call.
    """

    text: str
    type: Type
    names: frozenset[str]
    fields: frozenset[str]
    constant: Value | None
    choices: tuple[str, ...]
    run: Run = field(compare=False, repr=False)

    def __call__(self, context: Mapping[str, Value], event: EventLike) -> Value:
        """The value for this context and this event."""
        value: Value = self.run(context, event)
        return value


def compile_expression(raw: Scalar, scope: Scope, literals: Sequence[str] = ()) -> Expression:
    """The checked expression of a text, or of a bare number or truth value.

    A text that is one of ``literals`` stands for itself, without quotes.

    Raises :class:`Refused` with every problem found, each at its column (from 1) of the text;
    the file is not known here and empty.
    """
    text = raw if isinstance(raw, str) else str(raw)
    compiler = Compiler(repr(text) if text in literals else text, scope)
    part = compiler.compile()
    if compiler.problems or part.type is None:
        raise Refused(compiler.problems)
    run = _as_number(part.run) if part.type == "number" else part.run
    value = None if part.reads else run({}, NO_EVENT)
    if value is not None:
        run = _always(value)
    return Expression(
        text,
        part.type,
        frozenset(compiler.names),
        frozenset(compiler.fields),
        value,
        possible_texts(part),
        run,
    )


def _as_number(run: Run) -> Run:
    return lambda context, event: float(run(context, event))


def _always(value: Value) -> Run:
    return lambda _context, _event: value
