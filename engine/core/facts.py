"""What a machine can do, counted out beforehand for whoever watches it.

A metric has to exist before the first thing that it counts happens, else a query misses that
first time. These records name everything that can be counted, in the core's own words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from engine.core.plans import ALWAYS, delay_label
from engine.core.routes import possible_sources, possible_targets, route
from engine.definition.machine import Definition
from engine.definition.model import Transition
from engine.definition.tree import ROOT

RELEASE = "offline.release"
"""The event with which a person lets a till go that was held offline."""


class PossibleTransition(NamedTuple):
    """A transition that may be taken, named as :class:`~engine.core.records.Taken` names it."""

    event: str
    source: str
    target: str


class PossibleRefusal(NamedTuple):
    """A guard that may refuse, named as :class:`~engine.core.records.Refusal` names it."""

    state: str
    event: str


@dataclass(frozen=True, slots=True)
class StateFacts:
    """A state that can be active: history states are not among them.

    ``depth`` is 0 for a top state and one more for each state around it; together with the
    document order it says which states lie inside which. ``code`` is the state's number on
    dashboards, None where the file gives none. In an ``offline`` state the server counts as not
    there; one that ``held`` says so of waits for a person who releases the till.
    """

    id: str
    code: int | None
    depth: int
    offline: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """A machine, as far as metrics need to know it.

    ``hash`` is the definition's sha256 in hex. ``states`` are in document order. ``events``
    are the names that can reach the machine and are known: a bounded set.
    """

    name: str
    hash: str
    states: tuple[StateFacts, ...]
    transitions: tuple[PossibleTransition, ...]
    refusals: tuple[PossibleRefusal, ...]
    events: tuple[str, ...]


def machine_facts(definition: Definition) -> MachineFacts:
    """Count out what a definition's machine can do."""
    tree = definition.tree
    transitions: dict[PossibleTransition, None] = {}
    refusals: dict[PossibleRefusal, None] = {}
    for name, named, label, part in _transitions(definition):
        target = route(tree, name, part).target
        if part.guard is not None:
            refusals[PossibleRefusal(named, label)] = None
        if target is None:
            continue
        for source in possible_sources(tree, name, named):
            for destination in possible_targets(tree, target):
                transitions[PossibleTransition(label, source, destination)] = None
    return MachineFacts(
        definition.model.machine,
        definition.hash,
        tuple(
            StateFacts(
                node.id,
                node.state.code,
                len(tree.ancestors(node.id)),
                node.state.offline,
                any(part.target for part in node.state.on.get(RELEASE, ())),
            )
            for node in tree
            if node.kind != "history"
        ),
        tuple(transitions),
        tuple(refusals),
        tuple(definition.events),
    )


def _transitions(definition: Definition) -> Iterator[tuple[str, str, str, Transition]]:
    """Every transition with its declaring state, that state's name in records, its label."""
    model = definition.model
    for descriptor, parts in model.on.items():
        yield from ((ROOT, model.machine, descriptor, part) for part in parts)
    for node in definition.tree:
        for descriptor, parts in node.state.on.items():
            yield from ((node.id, node.id, descriptor, part) for part in parts)
        for entry in node.state.after:
            yield node.id, node.id, delay_label("after", entry.delay), entry
        yield from ((node.id, node.id, ALWAYS, part) for part in node.state.always)
