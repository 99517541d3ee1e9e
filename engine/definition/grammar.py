"""From a syntax tree to closures: the allow-list of what an expression may hold.

Each kind of node has one method that checks names and types and returns a part with its
closure. A fault is noted and answered with a part without a type, which says no more, so that
all faults of an expression come together and none twice.
"""

import ast
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.definition.operations import (
    ARITHMETIC,
    COMPARISONS,
    DIVISIONS,
    LARGEST,
    Run,
    field_reader,
    join,
    ordered,
    result,
)
from engine.definition.scope import Scope, variable_type
from engine.definition.syntax import ALLOWED, DURATION_HINT, SYMBOLS, Unreadable, syntax_tree
from engine.definition.values import article
from engine.definition.vocabulary import Type, Value
from engine.problems import Problem, did_you_mean

DEEPEST = 32
CALLS = ("min", "max", "abs")


class NoEvent(NamedTuple):
    """What stands for the event where there is none."""

    name: str = ""
    data: Mapping[str, Value] = {}


NO_EVENT = NoEvent()


class Part(NamedTuple):
    """A compiled part. ``type`` is None when a fault in it was already noted.

    ``reads`` says that it depends on context or event; ``choices`` are the only texts that it
    can be; ``literal`` is its value when it stands in the text itself.
    """

    type: Type | None
    run: Run
    reads: bool = True
    choices: tuple[str, ...] = ()
    literal: Value | None = None


def possible_texts(part: Part) -> tuple[str, ...]:
    """The only texts that a part can be; none when it may be any."""
    if part.type == "text" and not part.reads:
        return (part.run({}, NO_EVENT),)
    return part.choices


BAD = Part(None, lambda _c, _e: False)


def constant(kind: Type, value: Value, literal: bool = False) -> Part:
    """A part that is always the same."""
    return Part(kind, lambda _c, _e: value, False, (), value if literal else None)


class Compiler:
    """Walks one expression once. ``names`` and ``fields`` are what it reads."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.raw = text
        self.lead = len(text) - len(text.lstrip())
        self.text = text.strip()
        self.scope = scope
        self.names: set[str] = set()
        self.fields: set[str] = set()
        self.problems: list[Problem] = []
        self.depth = 0

    def compile(self) -> Part:
        """The whole text as one part."""
        try:
            tree = syntax_tree(self.text)
        except Unreadable as error:
            self._note(error.at, "expression", str(error), error.hint)
            return BAD
        return self.part(tree)

    def _note(self, at: int, code: str, message: str, hint: str) -> None:
        column = self.lead + at + 1
        self.problems.append(Problem("", 1, column, code, message, hint, text=self.raw))

    def _bad(self, node: ast.expr, code: str, message: str, hint: str = "") -> Part:
        at = len(self.text.encode("utf-8")[: node.col_offset].decode("utf-8"))
        self._note(at, code, message, hint)
        return BAD

    def _want(self, node: ast.expr, who: str, wanted: Type, found: Type) -> Part:
        message = f"{who} needs {article(wanted)}, found {article(found)}."
        return self._bad(node, "expression-type", message, mixed(wanted, found))

    def part(self, node: ast.expr) -> Part:
        """One node, with what depends on nothing worked out already."""
        method = METHODS.get(type(node))
        if method is None:
            what = NAMES.get(type(node), "this")
            return self._bad(
                node, "expression", f"In an expression {what} is not allowed.", ALLOWED
            )
        if self.depth >= DEEPEST:
            return self._bad(node, "expression", f"The expression nests deeper than {DEEPEST}.")
        self.depth += 1
        part: Part = method(self, node)
        self.depth -= 1
        if part.type is not None and not part.reads and part.literal is None:
            return constant(part.type, part.run({}, NO_EVENT))
        return part

    def literal(self, node: ast.Constant) -> Part:
        """A number, a text, True or False."""
        value = node.value
        if isinstance(value, bool):
            return constant("boolean", value, literal=True)
        if isinstance(value, str):
            return constant("text", value, literal=True)
        if isinstance(value, int) and value <= LARGEST:
            return constant("integer", value, literal=True)
        if isinstance(value, float) and math.isfinite(value):
            return constant("number", value, literal=True)
        if isinstance(value, (int, float)):
            return self._bad(node, "expression", f"The number is larger than {LARGEST}.")
        return self._bad(node, "expression", f"'{value!r}' is not allowed here.", ALLOWED)

    def name(self, node: ast.Name) -> Part:
        """A parameter or a context variable."""
        name = node.id
        if name in ("true", "false"):
            return constant("boolean", name == "true", literal=True)
        if name in self.scope.parameters:
            self.names.add(name)
            kind = self.scope.parameter_types.get(name)
            return BAD if kind is None else constant(kind, self.scope.parameters[name])
        variable = self.scope.context.get(name)
        if variable is not None:
            self.names.add(name)
            choices = variable.values or ()
            return Part(variable_type(variable), lambda context, _e: context[name], True, choices)
        if name == "event":
            hint = "Write event.name or event.<field>."
            return self._bad(node, "expression", "'event' alone has no value.", hint)
        known = [*self.scope.parameters, *self.scope.context]
        hint = did_you_mean(name, known) if known else "No parameter or context is declared."
        return self._bad(node, "unknown-name", f"There is no name '{name}'.", hint)

    def attribute(self, node: ast.Attribute) -> Part:
        """A field of the event, or its name."""
        if not (isinstance(node.value, ast.Name) and node.value.id == "event"):
            hint = "Write event.<field>."
            return self._bad(node, "expression", "Only 'event' has fields.", hint)
        if self.scope.event is None:
            message = "No event is at hand here: 'event.' cannot be read."
            return self._bad(node, "event-field", message, "Keep what you need in the context.")
        self.fields.add(node.attr)
        if node.attr == "name":
            return Part("text", lambda _c, event: event.name)
        known = self.scope.event.get(node.attr)
        if known is None:
            message = f"No event that comes here carries '{node.attr}'."
            hint = did_you_mean(node.attr, ["name", *self.scope.event])
            return self._bad(node, "event-field", message, hint)
        return Part(known.type, field_reader(node.attr, known.type), True, known.choices)

    def unary(self, node: ast.UnaryOp) -> Part:
        """``not`` and the minus sign."""
        inner = self.part(node.operand)
        run = inner.run
        if not isinstance(node.op, (ast.Not, ast.USub)):
            symbol = SYMBOLS[type(node.op)]
            return self._bad(node, "expression", f"'{symbol}' is not allowed here.", ALLOWED)
        if inner.type is None:
            return BAD
        if isinstance(node.op, ast.Not):
            if inner.type != "boolean":
                return self._want(node.operand, "'not'", "boolean", inner.type)
            return Part("boolean", lambda c, e: not run(c, e), inner.reads)
        if not ordered(inner.type):
            return self._want(node.operand, "'-'", "number", inner.type)
        literal = None if inner.literal is None else -float(inner.literal)
        if inner.type == "integer" and literal is not None:
            literal = int(literal)
        return Part(inner.type, lambda c, e: -run(c, e), inner.reads, (), literal)

    def logic(self, node: ast.BoolOp) -> Part:
        """``and``, ``or``."""
        both = isinstance(node.op, ast.And)
        parts = [self.part(value) for value in node.values]
        for value, part in zip(node.values, parts, strict=True):
            if part.type not in (None, "boolean"):
                self._want(value, "'and'" if both else "'or'", "boolean", part.type)
        if any(part.type != "boolean" for part in parts):
            return BAD
        runs = tuple(part.run for part in parts)
        reads = any(part.reads for part in parts)
        if both:
            return Part("boolean", lambda c, e: all(run(c, e) for run in runs), reads)
        return Part("boolean", lambda c, e: any(run(c, e) for run in runs), reads)

    def arithmetic(self, node: ast.BinOp) -> Part:
        """``+ - * / // %``."""
        symbol = SYMBOLS[type(node.op)]
        left, right = self.part(node.left), self.part(node.right)
        if symbol not in ARITHMETIC:
            return self._bad(node, "expression", f"'{symbol}' is not allowed here.", ALLOWED)
        if left.type is None or right.type is None:
            return BAD
        kind = result(symbol, left.type, right.type)
        if kind is None:
            message = f"'{symbol}' does not go with {article(left.type)} and {article(right.type)}."
            return self._bad(node, "expression-type", message, mixed(left.type, right.type))
        if symbol in DIVISIONS and not self._divisor(node.right, right):
            message = f"'{symbol}' divides by what may be zero."
            hint = "Divide by a number other than zero or by a parameter whose min is above zero."
            return self._bad(node.right, "division", message, hint)
        operate, first, second = ARITHMETIC[symbol], left.run, right.run
        reads = left.reads or right.reads
        return Part(kind, lambda c, e: operate(first(c, e), second(c, e)), reads)

    def _divisor(self, node: ast.expr, part: Part) -> bool:
        if isinstance(node, ast.Name) and node.id in self.scope.positive:
            return True
        return part.literal is not None and part.literal != 0

    def comparison(self, node: ast.Compare) -> Part:
        """Comparisons, chained as in Python, and membership."""
        tests = []
        where, left = node.left, self.part(node.left)
        for op, item in zip(node.ops, node.comparators, strict=True):
            symbol = SYMBOLS[type(op)]
            if symbol in ("in", "not in"):
                tests.append(self._membership(left, item, symbol == "not in"))
                right = BAD
            else:
                right = self.part(item)
                tests.append(self._compared(where, symbol, left, right))
            where, left = item, right
        if any(test.type is None for test in tests):
            return BAD
        if len(tests) == 1:
            return tests[0]
        runs = tuple(test.run for test in tests)
        reads = any(test.reads for test in tests)
        return Part("boolean", lambda c, e: all(run(c, e) for run in runs), reads)

    def _compared(self, node: ast.expr, symbol: str, left: Part, right: Part) -> Part:
        if symbol not in COMPARISONS:
            hint = "Write == or !=."
            return self._bad(node, "expression", f"'{symbol}' is not allowed here.", hint)
        if left.type is None or right.type is None:
            return BAD
        if join(left.type, right.type) is None:
            message = f"'{symbol}' cannot compare {article(left.type)} with {article(right.type)}."
            return self._bad(node, "expression-type", message, mixed(left.type, right.type))
        if symbol not in ("==", "!=") and not ordered(left.type):
            return self._want(node, f"'{symbol}'", "number", left.type)
        self._chosen(node, left, right.literal)
        self._chosen(node, right, left.literal)
        operate, first, second = COMPARISONS[symbol], left.run, right.run
        reads = left.reads or right.reads
        return Part("boolean", lambda c, e: operate(first(c, e), second(c, e)), reads)

    def _chosen(self, node: ast.expr, part: Part, literal: Value | None) -> None:
        if part.choices and isinstance(literal, str) and literal not in part.choices:
            hint = did_you_mean(literal, part.choices)
            self._bad(node, "unknown-choice", f"This is never '{literal}'.", hint)

    def _membership(self, left: Part, node: ast.expr, inverted: bool) -> Part:
        if not isinstance(node, (ast.Tuple, ast.List)) or not node.elts:
            message = "'in' needs a list of values on its right."
            return self._bad(node, "expression", message, "Write x in ('a', 'b').")
        values = [self._element(element, left) for element in node.elts]
        if left.type is None or None in values:
            return BAD
        wanted, run = frozenset(values), left.run
        if inverted:
            return Part("boolean", lambda c, e: run(c, e) not in wanted, left.reads)
        return Part("boolean", lambda c, e: run(c, e) in wanted, left.reads)

    def _element(self, node: ast.expr, left: Part) -> Value | None:
        part = self.part(node)
        if part.type is None or left.type is None:
            return None
        if part.literal is None:
            hint = "Compare with == to look at a name."
            self._bad(node, "expression", "Only literal values stand in a list.", hint)
        elif join(left.type, part.type) is None:
            self._want(node, "This list", left.type, part.type)
            return None
        else:
            self._chosen(node, left, part.literal)
        return part.literal

    def conditional(self, node: ast.IfExp) -> Part:
        """``a if b else c``."""
        test, first, second = (self.part(n) for n in (node.test, node.body, node.orelse))
        if test.type not in (None, "boolean"):
            self._want(node.test, "'if'", "boolean", test.type)
            return BAD
        if test.type is None or first.type is None or second.type is None:
            return BAD
        kind = join(first.type, second.type)
        if kind is None:
            message = f"The two ends of 'if' are {article(first.type)} and {article(second.type)}."
            return self._bad(node, "expression-type", message, mixed(first.type, second.type))
        texts = (possible_texts(first), possible_texts(second))
        choices = texts[0] + texts[1] if all(texts) else ()
        ask, yes, no = test.run, first.run, second.run
        reads = test.reads or first.reads or second.reads
        return Part(kind, lambda c, e: yes(c, e) if ask(c, e) else no(c, e), reads, choices)

    def call(self, node: ast.Call) -> Part:
        """``min``, ``max`` and ``abs``."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in CALLS:
            return self._bad(node, "expression", "Only min, max and abs can be called.")
        count = len(node.args)
        if node.keywords or (count != 1 if name == "abs" else count < 2):
            message = f"'{name}' takes {'one value' if name == 'abs' else 'two values or more'}."
            return self._bad(node, "expression", message)
        parts = [self.part(argument) for argument in node.args]
        kind = parts[0].type
        for argument, part in zip(node.args, parts, strict=True):
            if kind is None or part.type is None:
                return BAD
            joined = join(kind, part.type)
            if joined is None or not ordered(joined):
                wanted = kind if ordered(kind) else "number"
                return self._want(argument, f"'{name}'", wanted, part.type)
            kind = joined
        run, runs = parts[0].run, tuple(part.run for part in parts)
        reads = any(part.reads for part in parts)
        if name == "abs":
            return Part(kind, lambda c, e: abs(run(c, e)), reads)
        choose: Any = min if name == "min" else max
        return Part(kind, lambda c, e: choose(r(c, e) for r in runs), reads)


def mixed(left: Type, right: Type) -> str:
    """A hint where a duration meets something else."""
    return DURATION_HINT if "duration" in (left, right) else ""


METHODS: dict[type[ast.expr], Any] = {
    ast.Constant: Compiler.literal,
    ast.Name: Compiler.name,
    ast.Attribute: Compiler.attribute,
    ast.UnaryOp: Compiler.unary,
    ast.BoolOp: Compiler.logic,
    ast.BinOp: Compiler.arithmetic,
    ast.Compare: Compiler.comparison,
    ast.IfExp: Compiler.conditional,
    ast.Call: Compiler.call,
}
NAMES: dict[type[ast.expr], str] = {
    ast.Lambda: "a lambda",
    ast.Subscript: "an index",
    ast.Tuple: "a list of values",
    ast.List: "a list of values",
    ast.Dict: "a mapping",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "':='",
    ast.ListComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
}
