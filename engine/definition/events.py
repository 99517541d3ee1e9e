"""Which events a machine can hear, what they carry, and which descriptors catch them."""

from collections.abc import Iterable, Iterator, Mapping

from engine.definition.model import Action, Machine, State
from engine.definition.operations import join
from engine.definition.tree import Tree
from engine.definition.vocabulary import Field, Vocabulary

Fields = Mapping[str, Field]


def catches(descriptor: str, event: str) -> bool:
    """Whether a descriptor catches an event: the same name, or the beginning up to a dot."""
    return event == descriptor or event.startswith(descriptor + ".")


def known_events(machine: Machine, vocabulary: Vocabulary, tree: Tree) -> dict[str, Fields]:
    """Every event that can come, with its fields."""
    events: dict[str, Fields] = {name: {} for name in raised(machine)}
    for node in tree:
        if node.kind in ("compound", "parallel"):
            events[f"done.{node.id}"] = {}
    for signature in vocabulary.effects.values():
        events.update(signature.answers())
    for name, declared in machine.events.items():
        events[name] = {field: Field(kind) for field, kind in declared.data.items()}
    events.update(vocabulary.events)
    return events


def fields_of(descriptor: str, events: Mapping[str, Fields]) -> dict[str, Field]:
    """The fields of all events that the descriptor catches, together.

    One that an event lacks reads as zero or empty there; one that has different types in
    different events is left out.
    """
    together: dict[str, Field] = {}
    clashing: set[str] = set()
    for name, fields in events.items():
        if not catches(descriptor, name):
            continue
        for field, found in fields.items():
            known = together.setdefault(field, found)
            kind = join(known.type, found.type)
            if kind is None:
                clashing.add(field)
            elif known != found:
                both = known.choices and found.choices
                choices = tuple(dict.fromkeys(known.choices + found.choices)) if both else ()
                together[field] = Field(kind, known.about, choices)
    return {name: field for name, field in together.items() if name not in clashing}


def descriptors_of(events: Iterable[str]) -> set[str]:
    """Everything that catches one of the events: their names and the beginnings of these."""
    found = set()
    for name in events:
        parts = name.split(".")
        found |= {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return found


def raised(machine: Machine) -> set[str]:
    """The names of the events that the machine's own actions raise."""
    return {action.raise_ for action in all_actions(machine) if action.raise_}


def all_actions(machine: Machine) -> Iterator[Action]:
    """Every action of the file."""
    for transitions in machine.on.values():
        for transition in transitions:
            yield from transition.actions
    for state in machine.states.values():
        yield from _state_actions(state)


def _state_actions(state: State) -> Iterator[Action]:
    yield from state.entry
    yield from state.exit
    for transitions in (*state.on.values(), state.always, state.after):
        for transition in transitions:
            yield from transition.actions
    for every in state.every:
        yield from every.actions
    for inside in state.states.values():
        yield from _state_actions(inside)
