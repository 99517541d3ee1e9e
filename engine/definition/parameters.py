"""Parameters: the file's defaults, what till.yaml puts in their place, what they come to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.definition.lost import Lost
from engine.definition.model import Machine, Parameter, Scalar
from engine.definition.operations import ordered
from engine.definition.reader import Document
from engine.definition.values import NotOfType, article, convert, show, type_of
from engine.definition.vocabulary import Type, Value
from engine.problems import Problem, did_you_mean

Bounds = dict[str, Value]
"""``min`` and ``max``, where there are any, in the parameter's own type."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """Values for a machine's parameters from elsewhere, till.yaml say.

    An empty value (None or an empty text) means the default. ``document`` and ``loc`` say
    where the mapping of values stands, for the problems; without a document they have no place.
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
    """What the parameters come to. A parameter at fault has a value but no type here.

    ``followed`` names those whose value another one takes.
    """

    values: dict[str, Value] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    bounds: dict[str, Bounds] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @property
    def positive(self) -> frozenset[str]:
        """Numbers and durations that can never be zero or less, whatever till.yaml says."""
        return frozenset(
            name for name, bounds in self.bounds.items() if float(bounds.get("min", 0)) > 0
        )


def resolve(
    model: Machine, document: Document, overrides: Overrides, lost: Lost | None = None
) -> Resolved:
    """Every parameter's type and value, and all that is wrong with them.

    A default that is the name of another parameter follows it: it has its type and, where it
    declares none of its own, its bounds. Of what follows a ``lost`` one no more is said.
    """
    resolver = _Resolver(model.parameters, document, overrides, lost or Lost())
    resolver.unknown()
    for name in model.parameters:
        resolver.circle(name)
    for name in model.parameters:
        resolver.kind(name)
    for name in model.parameters:
        resolver.bounds(name)
    for name in model.parameters:
        resolver.value(name)
    return resolver.finish()


class _Resolver:
    """One pass after the other over the declared parameters."""

    def __init__(
        self,
        declared: dict[str, Parameter],
        document: Document,
        overrides: Overrides,
        lost: Lost,
    ) -> None:
        self.declared = declared
        self.document = document
        self.overrides = overrides
        self.lost = lost
        self.done = Resolved()
        self.broken: set[str] = set()

    def unknown(self) -> None:
        """Refuses values for parameters that do not exist."""
        for name in self.overrides.values:
            if name not in self.declared and not self.lost.declares(name):
                hint = did_you_mean(name, self.declared)
                message = f"The machine has no parameter '{name}'."
                problem = self.overrides.problem("unknown-parameter", name, message, hint, key=True)
                self.done.problems.append(problem)

    def _fault(self, code: str, name: str, part: str, message: str, hint: str = "") -> None:
        self.broken.add(name)
        problem = self.document.problem(code, ("parameters", name, part), message, hint)
        self.done.problems.append(problem)

    def _followed(self, name: str) -> str | None:
        default = self.declared[name].default
        return default if isinstance(default, str) and default in self.declared else None

    def circle(self, name: str) -> None:
        """Refuses parameters that follow each other round and round, once for each circle."""
        way = [name]
        while (following := self._followed(way[-1])) is not None:
            if following in way:
                ring = way[way.index(following) :]
                if not self.broken & set(ring):
                    circle = " -> ".join((*ring, following))
                    message = f"Parameters follow each other in a circle: {circle}."
                    self._fault("parameter-circle", name, "default", message, "Give one a value.")
                self.broken.update(way)
                return
            way.append(following)

    def kind(self, name: str) -> None:
        """The type, by the default of the parameter that it follows in the end."""
        if name in self.broken:
            return
        end = name
        while (following := self._followed(end)) is not None:
            end = following
        parameter = self.declared[end]
        if parameter.default in self.lost.declared:
            self.broken.add(name)
            return
        given = [parameter.default, parameter.min, parameter.max]
        kinds = [type_of(value) for value in given if value is not None]
        first = kinds[0]
        if first == "integer" and "number" in kinds:
            first = "number"
        elif first == "text" and "duration" in kinds:
            first = "duration"
        self.done.types[name] = first

    def bounds(self, name: str) -> Bounds:
        """Its own bounds, and those of the parameter that it follows where it has none."""
        if name in self.done.bounds or name not in self.done.types:
            return self.done.bounds.get(name, {})
        followed, kind = self._followed(name), self.done.types[name]
        bounds = dict(self.bounds(followed)) if followed is not None else {}
        for part in ("min", "max"):
            raw: Scalar | None = getattr(self.declared[name], part)
            if raw is None:
                continue
            if not ordered(kind):
                message = f"'{name}' is {article(kind)}: it has no {part}."
                self._fault("parameter-bounds", name, part, message, "Delete it.")
                continue
            try:
                bounds[part] = convert(raw, kind)
            except NotOfType as error:
                self._fault("parameter-type", name, part, str(error), error.hint)
        if len(bounds) == 2 and float(bounds["min"]) > float(bounds["max"]):
            low, high = (show(bounds[part], kind) for part in ("min", "max"))
            message = f"The min of '{name}', {low}, is above its max, {high}."
            self._fault("parameter-bounds", name, "min", message)
            bounds = {}
        self.done.bounds[name] = bounds
        return bounds

    def value(self, name: str, way: tuple[str, ...] = ()) -> Value | None:
        """The value, after those that it follows; None where it is at fault."""
        if name in self.done.values or name in self.broken:
            return None if name in self.broken else self.done.values[name]
        kind, given = self.done.types[name], self.overrides.values.get(name)
        if given is None or given == "":
            raw = self.declared[name].default
            follows = self._followed(name) is not None

            def report(code: str, message: str, hint: str) -> None:
                self._fault(code, name, "default", message, hint)
        else:
            raw = given
            follows = raw in self.declared and kind != "text"

            def report(code: str, message: str, hint: str) -> None:
                self.broken.add(name)
                self.done.problems.append(self.overrides.problem(code, name, message, hint))

        if follows:
            value = self._follow(name, str(raw), (*way, name), report)
        else:
            value = self._read(name, raw, report)
        if value is None:
            self.broken.add(name)
        else:
            self.done.values[name] = value
        return value

    def _follow(
        self,
        name: str,
        followed: str,
        way: tuple[str, ...],
        report: Callable[[str, str, str], None],
    ) -> Value | None:
        self.done.followed.add(followed)
        if followed in way:
            message = f"Parameters follow each other in a circle: {' -> '.join((*way, followed))}."
            report("parameter-circle", message, "Give one a value.")
            return None
        kind, other = self.done.types[name], self.done.types.get(followed)
        if other is not None and other != kind:
            message = f"'{name}' is {article(kind)}, but '{followed}' is {article(other)}."
            report("parameter-type", message, "")
            return None
        value = self.value(followed, way)
        return None if value is None else self._within(name, value, report)

    def _read(
        self, name: str, raw: Scalar, report: Callable[[str, str, str], None]
    ) -> Value | None:
        if raw in self.lost.declared:
            return None
        try:
            value = convert(raw, self.done.types[name])
        except NotOfType as error:
            report("parameter-type", str(error), error.hint)
            return None
        return self._within(name, value, report)

    def _within(
        self, name: str, value: Value, report: Callable[[str, str, str], None]
    ) -> Value | None:
        kind, bounds = self.done.types[name], self.done.bounds.get(name, {})
        low, high = bounds.get("min"), bounds.get("max")
        if low is not None and float(value) < float(low):
            word, bound = "smallest", low
        elif high is not None and float(value) > float(high):
            word, bound = "largest", high
        else:
            return value
        message = f"'{name}' is {show(value, kind)}; the {word} allowed is {show(bound, kind)}."
        hint = ""
        if low is not None and high is not None:
            hint = f"Allowed: {show(low, kind)} to {show(high, kind)}."
        report("parameter-range", message, hint)
        return None

    def finish(self) -> Resolved:
        """The result: what is at fault has no type, so that no more is said of it."""
        for name in self.broken:
            self.done.types.pop(name, None)
            self.done.values.setdefault(name, 0)
        self.done.values = {name: self.done.values[name] for name in self.declared}
        return self.done
