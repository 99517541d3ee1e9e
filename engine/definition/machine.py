"""A machine that was read, checked and given its parameters: what the core is built from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from engine.definition.check import check
from engine.definition.events import Fields, fields_of, known_events
from engine.definition.expressions import Expression, Scope, compile_expression
from engine.definition.lost import Lost
from engine.definition.model import Backoff, Delay, Machine, Scalar
from engine.definition.parameters import Overrides, Resolved, resolve
from engine.definition.places import Node
from engine.definition.reader import Document, in_order, read_file
from engine.definition.salvage import salvage
from engine.definition.tree import Tree
from engine.definition.values import NotOfType, article, convert
from engine.definition.vocabulary import Type, Value, Vocabulary
from engine.problems import Problem, Refused, did_you_mean


@dataclass(frozen=True, slots=True)
class Growing:
    """A backoff with its parameters filled in: ``base`` and ``max`` in seconds."""

    base: float
    factor: float
    max: float
    jitter: float
    attempt: Expression


@dataclass(frozen=True)
class Definition:
    """One machine with one set of parameters. Never changes.

    ``parameters`` are the resolved values (durations in seconds); ``problems`` the warnings;
    ``lost`` is empty but while a file is checked that will be refused;
    ``hash`` the SHA-256, in hex, of the text and the resolved parameters, however lines end.
    """

    model: Machine
    document: Document
    vocabulary: Vocabulary
    resolved: Resolved
    problems: tuple[Problem, ...] = field(default=())
    lost: Lost = field(default_factory=Lost)

    @property
    def parameters(self) -> Mapping[str, Value]:
        """The resolved values by name."""
        return self.resolved.values

    @property
    def parameter_types(self) -> Mapping[str, Type]:
        """The types of the parameters by name."""
        return self.resolved.types

    @cached_property
    def tree(self) -> Tree:
        """The index over the states."""
        return Tree(self.model)

    @cached_property
    def events(self) -> dict[str, Fields]:
        """Every event that can come, with its fields."""
        return known_events(self.model, self.vocabulary, self.tree)

    @cached_property
    def hash(self) -> str:
        """Tells two definitions apart: SHA-256 of the text and the resolved parameters."""
        values = json.dumps(dict(self.parameters), sort_keys=True)
        text = self.document.text.replace("\r\n", "\n")
        return hashlib.sha256(f"{values}\n{text}".encode()).hexdigest()

    def without_places(self) -> "Definition":
        """The same without the way back to the places of its file, which nobody needs who has
        been told all that is wrong with it: half a megabyte in a process that runs for months."""
        document = self.document
        bare = Document(document.file, document.text, (), Node(None, document.root.place))
        return replace(self, document=bare)

    def scope(self, descriptor: str | None = None) -> Scope:
        """The names that an expression may use in a transition for ``descriptor``.

        None stands for where there is no event: entry, exit, after, every, always, invoke.
        """
        event = None if descriptor is None else fields_of(descriptor, self.events)
        return Scope(
            self.parameters,
            self.parameter_types,
            self.model.context,
            event,
            self.resolved.positive,
        )

    def expression(self, raw: Scalar, descriptor: str | None = None) -> Expression:
        """A compiled expression; raises :class:`Refused` (never after ``load_machine``)."""
        return compile_expression(raw, self.scope(descriptor))

    def seconds(self, written: str) -> float:
        """The seconds of a duration or of a duration parameter; raises :class:`NotOfType`."""
        return float(self._tunable(written, "duration"))

    def number(self, written: float | str) -> float:
        """A number or the value of a number parameter; raises :class:`NotOfType`."""
        return float(self._tunable(written, "number"))

    def _tunable(self, written: Scalar, kind: Type) -> Value:
        if not isinstance(written, str) or written not in self.parameters:
            try:
                return convert(written, kind)
            except NotOfType as error:
                hint = error.hint
                if isinstance(written, str) and written.isidentifier():
                    names = [n for n, found in self.parameter_types.items() if found == kind]
                    hint = did_you_mean(written, names) if names else hint
                raise NotOfType(str(error), hint) from None
        found = self.parameter_types.get(written, kind)
        if found != kind and (found, kind) != ("integer", "number"):
            message = f"'{written}' is {article(found)}, where {article(kind)} is needed."
            raise NotOfType(message)
        return self.parameters[written]

    def delay(self, delay: Delay) -> float | Growing:
        """A delay with its parameters filled in; raises :class:`NotOfType` or Refused."""
        if isinstance(delay, Backoff):
            return Growing(
                self.seconds(delay.base),
                self.number(delay.factor),
                self.seconds(delay.max),
                self.number(delay.jitter),
                self.expression(delay.attempt),
            )
        return self.seconds(delay)


def load_machine(
    source: Document | Path,
    vocabulary: Vocabulary,
    overrides: Overrides | Mapping[str, Scalar | None] | None = None,
) -> Definition:
    """Reads, checks and resolves a machine; raises :class:`Refused` with all its problems.

    ``overrides`` are parameter values from elsewhere; given as :class:`Overrides` their
    problems have a place in the file that they come from. Warnings are in ``problems``.
    """
    document = read_file(source, patient=True) if isinstance(source, Path) else source
    rest = salvage(document, Machine)
    if rest.model is None:
        raise Refused(rest.problems)
    if not isinstance(overrides, Overrides):
        overrides = Overrides(overrides or {})
    resolved = resolve(rest.model, rest.document, overrides, rest.lost)
    definition = Definition(rest.model, rest.document, vocabulary, resolved, lost=rest.lost)
    problems = in_order([*rest.problems, *resolved.problems, *check(definition)])
    if any(problem.severity == "error" for problem in problems):
        raise Refused(problems)
    return replace(definition, problems=tuple(problems))
