"""Which states, transitions and outcomes of guards of a machine the cases have met."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from engine.core.build import Chart, build
from engine.core.plans import ALWAYS, delay_label
from engine.core.records import Step, Till
from engine.definition.machine import Definition
from engine.definition.model import Transition
from engine.definition.reader import Loc

KINDS = ("states", "transitions", "guards")


class Aim(NamedTuple):
    """Something that can be met: a state, a transition, or a guard that holds or does not."""

    kind: str
    loc: tuple[str | int, ...]
    held: bool = True


@dataclass(slots=True)
class Missed:
    """What was not met, with its line and a sentence."""

    line: int
    kind: str
    sentence: str


@dataclass
class Coverage:
    """What was met of one machine file, by all cases together."""

    machine: Path
    definition: Definition
    met: set[Aim] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.aims = dict(_aims(self.definition))

    def chart(self, definition: Definition) -> Chart:
        """A chart of this machine, with parameters of its own, that tells what it meets."""
        return build(definition, _Seen(definition, self.met))

    def hear(self, step: Step, _till: Till) -> None:
        """Note the states that a step entered."""
        tree = self.definition.tree
        self.met.update(Aim("states", tree[name].loc) for name in step.entered)

    def counts(self) -> dict[str, tuple[int, int]]:
        """By kind: how many were met, of how many."""
        return {
            kind: (
                sum(aim.kind == kind and aim in self.met for aim in self.aims),
                sum(aim.kind == kind for aim in self.aims),
            )
            for kind in KINDS
        }

    def missed(self) -> list[Missed]:
        """What was not met, in the order of the file."""
        document = self.definition.document
        found = [
            Missed(document.place(aim.loc, key=aim.kind == "states")[0], aim.kind, sentence)
            for aim, sentence in self.aims.items()
            if aim not in self.met
        ]
        return sorted(found, key=lambda each: each.line)


class _Seen:
    """Is told what a chart does; each parameter set has parts of its own at the same places."""

    def __init__(self, definition: Definition, met: set[Aim]) -> None:
        self._met = met
        self._locs = {id(part): loc for part, loc, _ in _transitions(definition)}

    def taken(self, part: Transition) -> None:
        """See :class:`engine.core.build.Witness`."""
        self._met.add(Aim("transitions", self._locs[id(part)]))

    def guarded(self, part: Transition, held: bool) -> None:
        """See :class:`engine.core.build.Witness`."""
        self._met.add(Aim("guards", (*self._locs[id(part)], "guard"), held))


def _aims(definition: Definition) -> Iterator[tuple[Aim, str]]:
    for node in definition.tree:
        if node.kind != "history":
            yield Aim("states", node.loc), f"the state '{node.id}' was never entered"
    for part, loc, named in _transitions(definition):
        yield Aim("transitions", loc), f"{named} was never taken"
        if part.guard is not None:
            at = (*loc, "guard")
            yield Aim("guards", at), f"{named}: the guard '{part.guard}' never held"
            if part.guard is not True:
                sentence = f"{named}: the guard '{part.guard}' always held"
                yield Aim("guards", at, False), sentence


def _transitions(
    definition: Definition,
) -> Iterator[tuple[Transition, tuple[str | int, ...], str]]:
    """Every transition of the file, where it stands, and what to call it."""
    model = definition.model
    yield from _heard(model.on, (), model.machine)
    for node in definition.tree:
        yield from _heard(node.state.on, node.loc, node.id)
        for index, entry in enumerate(node.state.after):
            label = delay_label("after", entry.delay)
            yield entry, (*node.loc, "after", index), _named(node.id, label, entry)
        for index, part in enumerate(node.state.always):
            yield part, (*node.loc, "always", index), _named(node.id, ALWAYS, part)


def _heard(
    on: dict[str, tuple[Transition, ...]], loc: Loc, name: str
) -> Iterator[tuple[Transition, tuple[str | int, ...], str]]:
    for event, parts in on.items():
        for index, part in enumerate(parts):
            yield part, (*loc, "on", event, index), _named(name, event, part)


def _named(state: str, event: str, part: Transition) -> str:
    target = f" -> {part.target}" if part.target is not None else ""
    return f"{state}: {event}{target}"
