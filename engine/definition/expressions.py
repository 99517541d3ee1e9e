"""Guards and assignments: small expressions, checked when the file is read.

Python's grammar through an allow-list of its syntax tree. Names and types are checked once and
the result is a nest of closures: no text is ever run as code, nothing can raise, and the same
context and event always give the same value.
"""

import ast
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.definition.model import Scalar, Variable
from engine.definition.operations import (
    ARITHMETIC,
    COMPARISONS,
    DIVISIONS,
    LARGEST,
    EventLike,
    Run,
    field_reader,
    fits,
    join,
    ordered,
    result,
)
from engine.definition.values import article
from engine.definition.vocabulary import Field, Type, Value
from engine.problems import Problem, Refused, did_you_mean

LONGEST_TEXT = 500
DEEPEST = 32
RESERVED = ("event", "true", "false", "True", "False", "None", "min", "max", "abs")
"""Names that parameters and context variables cannot have, besides Python's own words."""

_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.BitAnd: "&",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.Invert: "~",
    ast.UAdd: "unary +",
}
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_GLUED = re.compile(r"(?<![\w.])(?!\d[\d_.]*[eE][-+]?\d+\b)\d[\d_.]*[A-Za-z]\w*")
_ALLOWED = "Allowed: comparisons, in, and, or, not, + - * / // %, 'a if b else c', min, max, abs."
DURATION_HINT = "A duration in an expression is the name of a parameter."


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use.

    ``parameters`` are resolved values (durations in seconds) and become constants;
    ``positive`` names those whose smallest allowed value is above zero, by which one may
    divide. ``event`` holds the fields of the event at hand; None where there is no event.
    """

    parameters: Mapping[str, Value] = field(default_factory=dict)
    parameter_types: Mapping[str, Type] = field(default_factory=dict)
    context: Mapping[str, Variable] = field(default_factory=dict)
    event: Mapping[str, Field] | None = None
    positive: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression; call it with the context and the event.

    ``names`` are the parameters and context variables read, ``fields`` the event's fields
    (``name`` among them for ``event.name``); ``constant`` is the value of an expression that
    reads neither context nor event, else None. Durations are seconds.
    """

    text: str
    type: Type
    names: frozenset[str]
    fields: frozenset[str]
    constant: Value | None
    run: Run = field(compare=False, repr=False)

    def __call__(self, context: Mapping[str, Value], event: EventLike) -> Value:
        """The value for this context and this event."""
        value: Value = self.run(context, event)
        return value


class NoEvent(NamedTuple):
    """What stands for the event where there is none."""

    name: str = ""
    data: Mapping[str, Value] = {}


NO_EVENT = NoEvent()


def compile_expression(raw: Scalar, scope: Scope) -> Expression:
    """The checked expression of a text, or of a bare number or truth value.

    Raises :class:`Refused` with every problem found, each at its column (from 1) of the text;
    the file is not known here and empty.
    """
    text = show_literal(raw) if not isinstance(raw, str) else raw
    compiler = _Compiler(text, scope)
    part = compiler.compile()
    if compiler.problems or part.type is None:
        raise Refused(compiler.problems)
    run = part.run
    constant = None if part.reads else run({}, NO_EVENT)
    if part.type == "number":
        plain = run
        run = (lambda _c, _e: constant) if constant is not None else _as_float(plain)
        constant = None if constant is None else float(constant)
    return Expression(
        text, part.type, frozenset(compiler.names), frozenset(compiler.fields), constant, run
    )


def show_literal(raw: float) -> str:
    """A bare number or truth value as an expression would write it."""
    return str(raw)


def _as_float(run: Run) -> Run:
    return lambda context, event: float(run(context, event))


class _Part(NamedTuple):
    """A compiled part. ``type`` is None when a problem inside it was already reported."""

    type: Type | None
    run: Run
    reads: bool = True
    choices: tuple[str, ...] = ()
    literal: Value | None = None


def _constant(kind: Type, value: Value, literal: bool = False) -> _Part:
    return _Part(kind, lambda _c, _e: value, False, (), value if literal else None)


_BAD = _Part(None, lambda _c, _e: False)


class _Compiler:
    """Walks one syntax tree once and gathers problems on the way."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.names: set[str] = set()
        self.fields: set[str] = set()
        self.problems: list[Problem] = []
        self.depth = 0

    def compile(self) -> _Part:
        """The whole text."""
        tree = self._parse()
        if tree is None:
            return _BAD
        return self._part(tree)

    def _parse(self) -> ast.expr | None:
        bare = _TEXTS.sub(lambda found: "'" + "_" * (len(found[0]) - 2) + "'", self.text)
        if not self.text.strip():
            return self._fault(0, "expression", "The expression is empty.", _ALLOWED)
        if len(self.text) > LONGEST_TEXT:
            message = f"The expression has {len(self.text)} characters; at most {LONGEST_TEXT}."
            return self._fault(0, "expression", message, "Split it over states or variables.")
        odd = re.search(r"[\\#\x00]", bare) or re.search(r"[\\\x00\ud800-\udfff]", self.text)
        if odd:
            message = f"The character {ascii(odd[0])} is not allowed in an expression."
            return self._fault(odd.start(), "expression", message)
        glued = _GLUED.search(bare)
        if glued:
            message = f"'{glued[0]}' is neither a number nor a name."
            return self._fault(glued.start(), "expression", message, DURATION_HINT)
        text = re.sub(r"\s", " ", self.text)
        lead = len(text) - len(text.lstrip())
        try:
            return ast.parse(" " * 0 + text[lead:], mode="eval").body
        except SyntaxError as error:
            at = lead + max(0, (error.offset or 1) - 1)
            message = f"The expression cannot be read: {error.msg}."
            return self._fault(min(at, len(text) - 1), "expression", message, _ALLOWED)
        except (ValueError, RecursionError, MemoryError):
            return self._fault(lead, "expression", "The expression is too deep.", _ALLOWED)

    def _fault(self, at: int, code: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem("", 1, at + 1, code, message, hint, text=self.text))

    def _bad(self, node: ast.AST, code: str, message: str, hint: str = "") -> _Part:
        lead = len(self.text) - len(self.text.lstrip())
        line = self.text[lead:].encode("utf-8")
        offset: int = getattr(node, "col_offset", 0)
        self._fault(lead + len(line[:offset].decode("utf-8")), code, message, hint)
        return _BAD

    def _part(self, node: ast.expr) -> _Part:
        method = _METHODS.get(type(node))
        if method is None:
            what = _NODES.get(type(node), "this")
            return self._bad(
                node, "expression", f"In an expression {what} is not allowed.", _ALLOWED
            )
        if self.depth >= DEEPEST:
            return self._bad(node, "expression", f"The expression nests deeper than {DEEPEST}.")
        self.depth += 1
        part: _Part = method(self, node)
        self.depth -= 1
        if part.type is not None and not part.reads and part.literal is None:
            return _constant(part.type, part.run({}, NO_EVENT))
        return part

    def literal(self, node: ast.Constant) -> _Part:
        """A number, a text, True or False."""
        value = node.value
        if isinstance(value, bool):
            return _constant("boolean", value, literal=True)
        if isinstance(value, int) and value <= LARGEST:
            return _constant("integer", value, literal=True)
        if isinstance(value, float) and math.isfinite(value):
            return _constant("number", value, literal=True)
        if isinstance(value, str):
            return _constant("text", value, literal=True)
        if isinstance(value, (int, float)):
            return self._bad(node, "expression", f"The number is too large; at most {LARGEST}.")
        return self._bad(node, "expression", f"'{value!r}' is not allowed in an expression.")

    def name(self, node: ast.Name) -> _Part:
        """A parameter or a context variable."""
        name = node.id
        if name in ("true", "false"):
            return _constant("boolean", name == "true", literal=True)
        if name in self.scope.parameters:
            self.names.add(name)
            return _constant(self.scope.parameter_types[name], self.scope.parameters[name])
        variable = self.scope.context.get(name)
        if variable is not None:
            self.names.add(name)
            return _Part(
                variable_type(variable),
                lambda context, _e: context[name],
                True,
                variable.values or (),
            )
        if name == "event":
            return self._bad(
                node, "expression", "'event' alone has no value.", self._fields_hint("")
            )
        hint = did_you_mean(name, [*self.scope.parameters, *self.scope.context])
        return self._bad(node, "unknown-name", f"Unknown name '{name}'.", hint)

    def _fields_hint(self, found: str) -> str:
        return did_you_mean(found, ["name", *(self.scope.event or ())])

    def attribute(self, node: ast.Attribute) -> _Part:
        """A field of the event, or its name."""
        if not (isinstance(node.value, ast.Name) and node.value.id == "event"):
            return self._bad(node, "expression", "Only 'event' has fields.", "Write event.<field>.")
        if self.scope.event is None:
            message = "There is no event here, so 'event.' cannot be read."
            return self._bad(node, "event-field", message, "Keep what you need in the context.")
        self.fields.add(node.attr)
        if node.attr == "name":
            return _Part("text", lambda _c, event: event.name)
        known = self.scope.event.get(node.attr)
        if known is None:
            message = f"No event that comes here carries '{node.attr}'."
            return self._bad(node, "event-field", message, self._fields_hint(node.attr))
        return _Part(known.type, field_reader(node.attr, known.type), True, known.choices)

    def unary(self, node: ast.UnaryOp) -> _Part:
        """``not`` and the minus sign."""
        inner = self._part(node.operand)
        if inner.type is None:
            return _BAD
        run = inner.run
        if isinstance(node.op, ast.Not):
            if inner.type != "boolean":
                return self._want(node.operand, "'not'", "boolean", inner.type)
            return _Part("boolean", lambda c, e: not run(c, e), inner.reads)
        if not isinstance(node.op, ast.USub):
            symbol = _SYMBOLS[type(node.op)]
            return self._bad(node, "expression", f"'{symbol}' is not allowed.", _ALLOWED)
        if not ordered(inner.type):
            return self._want(node.operand, "'-'", "number", inner.type)
        literal = None if inner.literal is None else -inner.literal  # type: ignore[operator]
        return _Part(inner.type, lambda c, e: -run(c, e), inner.reads, (), literal)

    def _want(self, node: ast.expr, who: str, wanted: Type, found: Type) -> _Part:
        message = f"{who} needs {article(wanted)}, found {article(found)}."
        return self._bad(node, "expression-type", message)

    def logic(self, node: ast.BoolOp) -> _Part:
        """``and``, ``or``."""
        word = "and" if isinstance(node.op, ast.And) else "or"
        parts = [self._part(value) for value in node.values]
        for value, part in zip(node.values, parts, strict=True):
            if part.type not in (None, "boolean"):
                self._want(value, f"'{word}'", "boolean", part.type)  # type: ignore[arg-type]
        if any(part.type != "boolean" for part in parts):
            return _BAD
        runs = tuple(part.run for part in parts)
        reads = any(part.reads for part in parts)
        if word == "and":
            return _Part("boolean", lambda c, e: all(run(c, e) for run in runs), reads)
        return _Part("boolean", lambda c, e: any(run(c, e) for run in runs), reads)

    def arithmetic(self, node: ast.BinOp) -> _Part:
        """``+ - * / // %``."""
        symbol = _SYMBOLS[type(node.op)]
        left, right = self._part(node.left), self._part(node.right)
        if symbol not in ARITHMETIC:
            return self._bad(node, "expression", f"'{symbol}' is not allowed.", _ALLOWED)
        if left.type is None or right.type is None:
            return _BAD
        kind = result(symbol, left.type, right.type)
        if kind is None:
            message = f"'{symbol}' does not go with {article(left.type)} and {article(right.type)}."
            return self._bad(node, "expression-type", message, _mixed(left.type, right.type))
        if symbol in DIVISIONS and not self._divisor(node.right, right):
            message = f"'{symbol}' divides by what may be zero."
            hint = "Divide by a number other than zero or by a parameter whose min is above zero."
            return self._bad(node.right, "division", message, hint)
        operate, first, second = ARITHMETIC[symbol], left.run, right.run
        reads = left.reads or right.reads
        return _Part(kind, lambda c, e: operate(first(c, e), second(c, e)), reads)

    def _divisor(self, node: ast.expr, part: _Part) -> bool:
        if isinstance(node, ast.Name) and node.id in self.scope.positive:
            return True
        return part.literal is not None and part.literal != 0

    def comparison(self, node: ast.Compare) -> _Part:
        """Comparisons, chained as in Python, and membership."""
        nodes = [node.left, *node.comparators]
        if any(isinstance(item, (ast.Tuple, ast.List)) for item in nodes[:-1]):
            return self._bad(
                node, "expression", "A list stands on the right of 'in' only.", _ALLOWED
            )
        tests = []
        left = self._part(node.left)
        for previous, op, item in zip(nodes, node.ops, node.comparators, strict=False):
            symbol = _SYMBOLS[type(op)]
            if symbol in ("in", "not in"):
                tests.append(self._membership(previous, left, item, symbol == "not in"))
                left = _BAD
                continue
            right = self._part(item)
            tests.append(self._compared(node, symbol, left, right))
            left = right
        if any(test.type is None for test in tests):
            return _BAD
        if len(tests) == 1:
            return tests[0]
        runs = tuple(test.run for test in tests)
        reads = any(test.reads for test in tests)
        return _Part("boolean", lambda c, e: all(run(c, e) for run in runs), reads)

    def _compared(self, node: ast.Compare, symbol: str, left: _Part, right: _Part) -> _Part:
        if symbol not in COMPARISONS:
            return self._bad(node, "expression", f"'{symbol}' is not allowed.", "Write == or !=.")
        if left.type is None or right.type is None:
            return _BAD
        if join(left.type, right.type) is None:
            message = f"{article(left.type)} and {article(right.type)} cannot be compared."
            return self._bad(
                node,
                "expression-type",
                message[0].upper() + message[1:],
                _mixed(left.type, right.type),
            )
        if symbol not in ("==", "!=") and not ordered(left.type):
            return self._want(node, f"'{symbol}'", "number", left.type)
        self._chosen(node, left, right.literal)
        self._chosen(node, right, left.literal)
        operate, first, second = COMPARISONS[symbol], left.run, right.run
        reads = left.reads or right.reads
        return _Part("boolean", lambda c, e: operate(first(c, e), second(c, e)), reads)

    def _chosen(self, node: ast.AST, part: _Part, literal: Value | None) -> None:
        if part.choices and isinstance(literal, str) and literal not in part.choices:
            hint = did_you_mean(literal, part.choices)
            self._bad(node, "unknown-choice", f"It is never '{literal}'.", hint)

    def _membership(self, where: ast.expr, left: _Part, node: ast.expr, inverted: bool) -> _Part:
        if not isinstance(node, (ast.Tuple, ast.List)) or not node.elts:
            message = "'in' needs a list of values on its right."
            return self._bad(node, "expression", message, "Write x in ('a', 'b').")
        values: list[Value] = []
        for element in node.elts:
            part = self._part(element)
            if part.type is None or left.type is None:
                continue
            if part.literal is None:
                self._bad(element, "expression", "Only literal values stand in a list.")
            elif join(left.type, part.type) is None:
                self._want(element, "This list", left.type, part.type)
            else:
                self._chosen(element, left, part.literal)
                values.append(part.literal)
        if len(values) < len(node.elts):
            return _BAD
        wanted, run = frozenset(values), left.run
        if inverted:
            return _Part("boolean", lambda c, e: run(c, e) not in wanted, left.reads)
        return _Part("boolean", lambda c, e: run(c, e) in wanted, left.reads)

    def conditional(self, node: ast.IfExp) -> _Part:
        """``a if b else c``."""
        test, first, second = (self._part(n) for n in (node.test, node.body, node.orelse))
        if test.type not in (None, "boolean"):
            return self._want(node.test, "'if'", "boolean", test.type)  # type: ignore[arg-type]
        if test.type is None or first.type is None or second.type is None:
            return _BAD
        kind = join(first.type, second.type)
        if kind is None:
            message = (
                f"This is {article(first.type)} or {article(second.type)}; it must be one type."
            )
            return self._bad(node, "expression-type", message, _mixed(first.type, second.type))
        ask, yes, no = test.run, first.run, second.run
        reads = test.reads or first.reads or second.reads
        return _Part(kind, lambda c, e: yes(c, e) if ask(c, e) else no(c, e), reads)

    def call(self, node: ast.Call) -> _Part:
        """``min``, ``max`` and ``abs``."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in ("min", "max", "abs"):
            hint = did_you_mean(name, ("min", "max", "abs"))
            return self._bad(node, "expression", "Only min, max and abs can be called.", hint)
        count = len(node.args)
        if node.keywords or (count != 1 if name == "abs" else count < 2):
            message = f"'{name}' takes {'one value' if name == 'abs' else 'two values or more'}."
            return self._bad(node, "expression", message)
        parts = [self._part(argument) for argument in node.args]
        kind = parts[0].type
        for argument, part in zip(node.args, parts, strict=True):
            if kind is None or part.type is None:
                return _BAD
            joined = join(kind, part.type)
            if joined is None or not ordered(joined):
                return self._want(
                    argument, f"'{name}'", "number" if not ordered(kind) else kind, part.type
                )
            kind = joined
        run, runs = parts[0].run, tuple(part.run for part in parts)
        reads = any(part.reads for part in parts)
        if name == "abs":
            return _Part(kind, lambda c, e: abs(run(c, e)), reads)
        choose: Any = min if name == "min" else max
        return _Part(kind, lambda c, e: choose(r(c, e) for r in runs), reads)


def _mixed(left: Type, right: Type) -> str:
    return DURATION_HINT if "duration" in (left, right) else ""


def variable_type(variable: Variable) -> Type:
    """The type of a context variable, from its initial value."""
    if isinstance(variable.initial, bool):
        return "boolean"
    return "integer" if isinstance(variable.initial, int) else "text"


_METHODS: dict[type[ast.expr], Any] = {
    ast.Constant: _Compiler.literal,
    ast.Name: _Compiler.name,
    ast.Attribute: _Compiler.attribute,
    ast.UnaryOp: _Compiler.unary,
    ast.BoolOp: _Compiler.logic,
    ast.BinOp: _Compiler.arithmetic,
    ast.Compare: _Compiler.comparison,
    ast.IfExp: _Compiler.conditional,
    ast.Call: _Compiler.call,
}
_NODES: dict[type[ast.expr], str] = {
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
