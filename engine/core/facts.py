"""What a machine can do, counted out beforehand for whoever watches it.

A metric has to exist before the first thing that it counts happens, else a query misses that
first time. These records name everything that can be counted, in the core's own words.
"""

from dataclasses import dataclass
from typing import NamedTuple


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
    dashboards, None where the file gives none.
    """

    id: str
    code: int | None
    depth: int


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
