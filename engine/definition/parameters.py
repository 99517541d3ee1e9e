"""Parameters: the file's defaults, what till.yaml puts in their place, what they come to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.definition.model import Machine, Parameter, Scalar
from engine.definition.operations import ordered
from engine.definition.reader import Document, Loc
from engine.definition.values import NotOfType, article, convert, show, type_of
from engine.definition.vocabulary import Type, Value
from engine.problems import Problem, did_you_mean


@dataclass(frozen=True, slots=True)
class Overrides:
    """Values for a machine's parameters from elsewhere, till.yaml say.

    An empty value (None or an empty text) means the default. ``document`` and ``loc`` say
    where the values stand, for the problems; without a document they have no place.
    """

    values: Mapping[str, Scalar | None] = field(default_factory=dict)
    document: Document | None = None
    loc: tuple[str | int, ...] = ()

    def problem(self, code: str, name: str, message: str, hint: str, key: bool = False) -> Problem:
        """A problem with the value of that name."""
        if self.document is None:
            return Problem("", 0, 0, code, message, hint)
        return self.document.problem(code, (*self.loc, name), message, hint, key=key)


@dataclass(slots=True)
class Resolved:
    """What the parameters come to. A parameter that is at fault has no type here."""

    values: dict[str, Value] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    smallest: dict[str, Value] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    followed: set[str] = field(default_factory=set)

    @property
    def positive(self) -> frozenset[str]:
        """Numbers and durations that can never be zero or less."""
        return frozenset(name for name, low in self.smallest.items() if float(low) > 0)


Report = Callable[[str, str, str], None]


def resolve(model: Machine, document: Document, overrides: Overrides) -> Resolved:
    """Every parameter's type and value, and all that is wrong with them."""
    return _Resolver(model, document, overrides).resolve()


class _Resolver:
    def __init__(self, model: Machine, document: Document, overrides: Overrides) -> None:
        self.declared = model.parameters
        self.document = document
        self.overrides = overrides
        self.done = Resolved()
        self.broken: set[str] = set()

    def resolve(self) -> Resolved:
        for name in self.overrides.values:
            if name not in self.declared:
                hint = did_you_mean(name, self.declared)
                message = f"The machine has no parameter '{name}'."
                self.done.problems.append(
                    self.overrides.problem("unknown-parameter", name, message, hint, key=True)
                )
        for name, parameter in self.declared.items():
            kind = self._type(name, ())
            if kind is not None:
                self.done.types[name] = kind
                self._bounds(name, parameter, kind)
        for name in self.declared:
            self._value(name, ())
        for name in self.broken:
            self.done.types.pop(name, None)
            self.done.values.setdefault(name, 0)
        return self.done

    def _fault(self, code: str, name: str, part: str, message: str, hint: str = "") -> None:
        loc: Loc = ("parameters", name, part)
        self.broken.add(name)
        self.done.problems.append(self.document.problem(code, loc, message, hint))

    def _type(self, name: str, way: tuple[str, ...]) -> Type | None:
        """The type by the default, followed through other parameters; None for a circle."""
        parameter = self.declared[name]
        if name in way:
            if name == way[0]:
                circle = " -> ".join((*way, name))
                self._fault(
                    "parameter-circle",
                    name,
                    "default",
                    f"The parameter follows itself: {circle}.",
                    "Give one of them a value.",
                )
            self.broken.add(name)
            return None
        if isinstance(parameter.default, str) and parameter.default in self.declared:
            return self._type(parameter.default, (*way, name))
        kinds = {
            type_of(value)
            for value in (parameter.default, parameter.min, parameter.max)
            if value is not None
        }
        if kinds == {"integer", "number"}:
            return "number"
        if "duration" in kinds and type_of(parameter.default) == "text":
            return "duration"
        return type_of(parameter.default)

    def _bounds(self, name: str, parameter: Parameter, kind: Type) -> None:
        bounds: dict[str, Value] = {}
        for part in ("min", "max"):
            raw: Scalar | None = getattr(parameter, part)
            if raw is None:
                continue
            if not ordered(kind):
                message = f"'{name}' is {article(kind)}, which has no {part}."
                self._fault("parameter-bounds", name, part, message, "Delete it.")
                continue
            try:
                bounds[part] = convert(raw, kind)
            except NotOfType as error:
                self._fault("parameter-type", name, part, str(error), error.hint)
        if "min" in bounds:
            self.done.smallest[name] = bounds["min"]
        if len(bounds) == 2 and float(bounds["min"]) > float(bounds["max"]):
            message = f"The min of '{name}' is above its max."
            self._fault("parameter-bounds", name, "min", message, f"The max is {parameter.max}.")

    def _value(self, name: str, way: tuple[str, ...]) -> Value | None:
        """The value, after those that it follows; None where there is none to be had."""
        if name in self.done.values:
            return self.done.values[name]
        kind = self.done.types.get(name)
        if kind is None:
            return None
        raw = self.overrides.values.get(name)
        ours = raw is None or raw == ""
        parameter = self.declared[name]
        source: Scalar = parameter.default if ours or raw is None else raw

        def report(code: str, message: str, hint: str) -> None:
            if ours:
                self._fault(code, name, "default", message, hint)
            else:
                self.broken.add(name)
                self.done.problems.append(self.overrides.problem(code, name, message, hint))

        value = self._read(name, source, kind, (*way, name), report, ours)
        if value is not None and self._within(name, parameter, kind, value, report):
            self.done.values[name] = value
        return self.done.values.get(name)

    def _read(
        self, name: str, raw: Scalar, kind: Type, way: tuple[str, ...], report: Report, ours: bool
    ) -> Value | None:
        if isinstance(raw, str) and raw in self.declared and (ours or kind != "text"):
            if raw in way:
                report("parameter-circle", f"'{name}' follows itself.", "Give it a value.")
                return None
            self.done.followed.add(raw)
            if self.done.types.get(raw, kind) != kind:
                message = (
                    f"'{name}' is {article(kind)}, but '{raw}' is {article(self.done.types[raw])}."
                )
                report("parameter-type", message, "")
                return None
            value = self._value(raw, way)
            if value is None:
                self.broken.add(name)
            return value
        try:
            return convert(raw, kind)
        except NotOfType as error:
            report("parameter-type", str(error), error.hint)
            return None

    def _within(
        self, name: str, parameter: Parameter, kind: Type, value: Value, report: Report
    ) -> bool:
        for part, word in (("min", "smallest"), ("max", "largest")):
            raw: Scalar | None = getattr(parameter, part)
            if raw is None or name in self.broken:
                continue
            bound = convert(raw, kind)
            outside = float(value) < float(bound) if part == "min" else float(value) > float(bound)
            if outside:
                message = f"'{name}' is {show(value, kind)}; the {word} allowed is {raw}."
                report("parameter-range", message, _range(parameter))
                return False
        return True


def _range(parameter: Parameter) -> str:
    if parameter.min is None or parameter.max is None:
        return ""
    return f"Allowed: {parameter.min} to {parameter.max}."
