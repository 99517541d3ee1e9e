"""Values that nothing in a machine tells apart.

A counter that runs to 20 and is only ever asked whether it has come to 3 has four values that
matter. Two values are alike when every use of them comes to the same, and what is assigned
from them is alike again.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise, product

from engine.core.exploration.uses import Use, Uses
from engine.core.records import NO_DATA, Event
from engine.definition.check.loops import domain_of
from engine.definition.events import fields_of
from engine.definition.expressions import Expression
from engine.definition.machine import Definition
from engine.definition.model import Variable
from engine.definition.scope import saturated
from engine.definition.syntax import syntax_tree
from engine.definition.vocabulary import Field, Value

MOST_VALUES = 256
"""A variable with more values than this is taken as it is."""
MOST_TRIED = 2048
"""So is one that would have to be tried together with more combinations of other values."""

MOST_RAISED = 4
"""Data is followed through so many events that are raised."""
FARTHEST = 1e9
"""No number is tried that is larger than this and than those of the file."""

Outcome = tuple[Value | tuple[str, Value], ...]


class Likeness:
    """Which values of a machine's variables are alike."""

    def __init__(self, definition: Definition, uses: Uses) -> None:
        self._definition = definition
        self._context: Mapping[str, Variable] = definition.model.context
        self.uses = uses
        self.stand_ins: dict[str, dict[Value, Value]] = {}
        """Of each number that can be simplified, the smallest value alike to each value."""
        self._simplify()

    def canonical(self, name: str, value: Value) -> Value:
        """The value that stands for all that are alike."""
        known = self.stand_ins.get(name)
        return value if known is None else known[value]

    def outcome(self, event: Event) -> Outcome:
        """What the uses of an event come to, whatever the context is: events with the same
        outcome lead to the same."""
        return tuple(
            self._comes_to(use, use.expression(context, event))
            for use in self.uses.uses
            if use.hears(event.name) and use.expression.fields
            for context in islice(self._contexts(use.expression), MOST_TRIED)
        )

    def candidates(self, event: str, fields: Mapping[str, Field]) -> dict[str, Sequence[Value]]:
        """Values to try for each field of an event that matters. Numbers below zero come only
        with events that the machine declares: no latency and no count is one."""
        found: dict[str, Sequence[Value]] = {}
        signed = event in self._definition.model.events
        for name, field in fields.items():
            readers = self._readers(event, name)
            if readers:
                found[name] = self._tried(field, readers, signed)
        return found

    def _readers(self, event: str, field: str) -> list[Use]:
        return [u for u in self.uses.uses if u.hears(event) and field in u.expression.fields]

    def _tried(self, field: Field, readers: Sequence[Use], signed: bool) -> Sequence[Value]:
        known = self._constants([use.expression for use in readers])
        sought = [value for use in readers for value in self._sought(use)]
        return candidates(field, known, sought, signed)

    def _sought(self, use: Use, depth: int = MOST_RAISED) -> list[Value]:
        """The values of which it matters whether a use comes to them."""
        if use.raised is not None:
            readers = self._readers(*use.raised) if depth else []
            onwards = [value for each in readers for value in self._sought(each, depth - 1)]
            return [*self._constants([each.expression for each in readers]), *onwards]
        if use.variable is None:
            return []
        domain = self._domain(use.variable)
        if len(domain) <= MOST_VALUES:
            return list(dict.fromkeys(self.canonical(use.variable, value) for value in domain))
        readers = [each for each in self.uses.uses if use.variable in each.expression.names]
        return [*self._constants([each.expression for each in readers]), domain[0], domain[-1]]

    def _comes_to(self, use: Use, value: Value) -> Value | tuple[str, Value]:
        if use.variable is None:
            return value
        kept = saturated(self._context[use.variable], value)
        return use.variable, self.canonical(use.variable, kept)

    def _contexts(self, expression: Expression) -> Iterator[dict[str, Value]]:
        names = [name for name in self._context if name in expression.names]
        values = [
            tuple(dict.fromkeys(self.canonical(name, value) for value in self._domain(name)))
            for name in names
        ]
        for combination in product(*values):
            yield dict(zip(names, combination, strict=True))

    def _domain(self, name: str) -> Sequence[Value]:
        return domain_of(self._context[name]) or ()

    def _constants(self, readers: Sequence[Expression]) -> list[Value]:
        """The numbers and texts that stand in expressions, and what their names can be."""
        found: dict[Value, None] = {}
        for expression in readers:
            for node in ast.walk(syntax_tree(expression.text.strip())):
                if isinstance(node, ast.Constant) and not isinstance(node.value, bool):
                    found[node.value] = None  # type: ignore[index]
            for name in sorted(expression.names):
                if name in self._definition.parameters:
                    found[self._definition.parameters[name]] = None
                else:
                    domain = self._domain(name)
                    few = len(domain) <= MOST_VALUES
                    found.update(dict.fromkeys(domain if few else (domain[0], domain[-1])))
        return list(found)

    def _simplify(self) -> None:
        tables: dict[str, dict[Value, Outcome]] = {}
        for name in self.uses.variables:
            initial = self._context[name].initial
            if type(initial) is int and len(self._domain(name)) <= MOST_VALUES:
                table = self._table(name)
                if table is not None:
                    tables[name] = table
        self.stand_ins = {name: dict.fromkeys(table, min(table)) for name, table in tables.items()}
        while True:
            finer = {name: self._finer(name, table) for name, table in tables.items()}
            if finer == self.stand_ins:
                return
            self.stand_ins = finer

    def _finer(self, name: str, table: dict[Value, Outcome]) -> dict[Value, Value]:
        first: dict[object, Value] = {}
        return {
            value: first.setdefault((self.stand_ins[name][value], self._alike(row)), value)
            for value, row in table.items()
        }

    def _alike(self, row: Outcome) -> Outcome:
        return tuple(
            (part[0], self.canonical(*part)) if isinstance(part, tuple) else part for part in row
        )

    def _table(self, name: str) -> dict[Value, Outcome] | None:
        """What each value of a variable comes to in each of its uses, with every combination
        of whatever else these read. None when there are too many."""
        rows: dict[Value, list[Value | tuple[str, Value]]] = {v: [] for v in self._domain(name)}
        for use in self.uses.uses:
            if name not in use.expression.names:
                continue
            moments = _Moments(self, use, name)
            if moments.count > MOST_TRIED:
                return None
            for value, row in rows.items():
                row += [
                    self._comes_to(use, use.expression({**context, name: value}, event))
                    for context, event in moments
                ]
        return {value: tuple(row) for value, row in rows.items()}

    def others(self, use: Use, name: str) -> dict[str, Sequence[Value]]:
        """The other variables that a use reads, with all their values."""
        read = use.expression.names
        return {n: self._domain(n) for n in self._context if n in read and n != name}

    def events(self, use: Use) -> dict[str, Sequence[Value]]:
        """The fields that a use reads, and the event's name, with values to try."""
        if use.descriptor is None:
            return {}
        events = self._definition.events
        fields = fields_of(use.descriptor, events)
        tried = {
            name: self._tried(fields[name], [use], signed=True)
            for name in sorted(use.expression.fields - {"name"})
        }
        if "name" in use.expression.fields:
            tried["name"] = [event for event in events if use.hears(event)]
        return tried


class _Moments:
    """Every context and event at which a use of one variable can be looked at."""

    def __init__(self, likeness: Likeness, use: Use, name: str) -> None:
        self._others = likeness.others(use, name)
        self._fields = likeness.events(use)
        self.count = 1
        for values in (*self._others.values(), *self._fields.values()):
            self.count *= len(values)

    def __iter__(self) -> Iterator[tuple[dict[str, Value], Event]]:
        for context in product(*self._others.values()):
            for data in product(*self._fields.values()):
                fields = dict(zip(self._fields, data, strict=True))
                yield (
                    dict(zip(self._others, context, strict=True)),
                    Event(str(fields.pop("name", "")), fields or NO_DATA),
                )


def candidates(
    field: Field, known: Sequence[Value], sought: Sequence[Value], signed: bool
) -> Sequence[Value]:
    """Values of a field to try, the plainest first: each text, and numbers on both sides of all
    that it may be compared with.

    ``known`` stands in expressions that read the field, ``sought`` is what it may become there.
    """
    if field.choices:
        return field.choices
    if field.type == "boolean":
        return (False, True)
    if field.type == "text":
        texts = [value for value in (*known, *sought) if isinstance(value, str) and value]
        return list(dict.fromkeys(["", *texts, "x" * (1 + max(map(len, texts), default=0))]))
    plain = _numbers(known) | {0.0}
    numbers = set(plain)
    for goal in _numbers(sought):
        numbers |= {step for n in plain for step in (goal - n, goal + n, goal * n)}
        numbers |= {goal / n for n in plain if n}
    tried = {n + step for n in numbers for step in (-1.0, 0.0, 1.0)}
    far = 1.0
    for number in plain:
        far = min(far * max(1.0, abs(number)), FARTHEST)
    tried |= {far + 1, -far - 1}
    if field.type != "integer":
        tried |= {(low + high) / 2 for low, high in pairwise(sorted(numbers))}
    usable = sorted((n for n in tried if signed or n >= 0), key=lambda n: (abs(n), -n))
    if field.type == "integer":
        return list(dict.fromkeys(int(n) for n in usable))
    return usable


def _numbers(values: Sequence[Value]) -> set[float]:
    return {float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)}
