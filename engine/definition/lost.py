"""What was left out of a file because it is at fault: so that no more is said of it.

The passes go on with what is left. A state that only a refused line leads to is not called
unreachable, and a name that a refused line declares is not called unknown.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.definition.events import catches
from engine.definition.model import (
    Action,
    AfterDelay,
    Backoff,
    Condition,
    EventDeclaration,
    EveryDelay,
    Invariant,
    Invocation,
    Machine,
    Parameter,
    State,
    Variable,
)
from engine.definition.places import Node, Place
from engine.definition.tree import ROOT

NAMING = ("parameters", "context", "events", "data", "states")
"""Keys whose mapping gives names to what is in it."""

_FIELDS = frozenset(
    info.alias or name
    for model in (
        *(Machine, Parameter, Variable, EventDeclaration, State, AfterDelay, EveryDelay),
        *(Backoff, Action, Invocation, Invariant, Condition),
    )
    for name, info in model.model_fields.items()
)
SILENT = frozenset(
    [
        "about",
        "code",
        "colour",
        "default",
        "en",
        "final",
        "fr",
        "history",
        "jitter",
        "factor",
        "label",
        "log",
        "machine",
        "max",
        "min",
        "offline",
        "on_restart",
        "parallel",
        "reenter",
        "values",
    ]
)
"""Keys whose value names nothing."""
_OF_NO_WAY = frozenset({"about", "code", "colour", "label", "offline"})
"""Keys of a state that do not matter to where it leads and what is in it."""
_DEEP = frozenset(
    [
        "actions",
        "after",
        "always",
        "entry",
        "every",
        "exit",
        "guard",
        "invariants",
        "invoke",
        "on",
        "renames",
        "with",
    ]
)
"""Keys under which nothing is declared."""
_WORD = re.compile(r"[A-Za-z_][\w.-]*")


@dataclass(slots=True)
class Lost:
    """What the left out parts declared and mentioned, as far as it can be told.

    ``states`` holds the states that lost something of their behaviour, the root as ``""``.
    ``places`` are those of values whose key is a guess. The flags are set where the left out
    parts may have declared or said anything.
    """

    declared: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)
    places: set[Place] = field(default_factory=set)
    anything_declared: bool = False
    anything_said: bool = False
    anything_raised: bool = False

    def declares(self, name: str) -> bool:
        """Whether a left out part may have declared the name."""
        return self.anything_declared or name in self.declared

    def raises(self, event: str) -> bool:
        """Whether a left out part may have raised or declared an event."""
        return self.anything_raised or event in self.words or self.declares(event)

    def mentions(self, name: str) -> bool:
        """Whether a left out part may have spoken of a name, or caught an event."""
        return self.anything_said or any(catches(word, name) for word in self.words)

    def shook(self, states: Iterable[str]) -> bool:
        """Whether one of the states, or the machine itself, lost something of its behaviour."""
        return bool(self.states & {ROOT, *states})

    def hides(self, raw: Any) -> bool:
        """Whether an expression may speak of something that a left out part declared."""
        return self.anything_declared or not self.declared.isdisjoint(words_of(str(raw)))

    def unread(self, names: Sequence[str]) -> None:
        """What stood at ``names`` cannot be told: it may have said and declared anything."""
        self.anything_said = True
        if may_declare(names):
            self.anything_declared = True

    def add(self, names: Sequence[str], node: Node) -> None:
        """Something is left out; ``names`` are the keys that lead to it, its own at the end."""
        last = names[-1]
        if names[-2:-1] and names[-2] in NAMING:
            self.declared.add(last)
            if names[-2] == "states":
                self.states.add(names[-3] if names[-3:-2] else ROOT)
        if not isinstance(node.value, dict) and last in NAMING:
            self.anything_declared = True
        silent = last in SILENT
        if not isinstance(node.value, (dict, list, str)) and not silent:
            self.anything_said = True
            self.anything_raised = self.anything_raised or last == "raise"
        self.words.add(last)
        self._visit(node)
        inner, state = list(names), ROOT
        while inner[:1] == ["states"] and inner[1:]:
            state, inner = inner[1], inner[2:]
        if not inner or inner[0] not in (_OF_NO_WAY if state else (*_OF_NO_WAY, *_AROUND)):
            self.states.add(state)

    def _visit(self, node: Node) -> None:
        if isinstance(node.children, dict):
            self.words.update(node.children)
            self.declared.update(node.children.keys() - _FIELDS)
        elif isinstance(node.value, str):
            self.words |= words_of(node.value)
        inside = node.children.values() if isinstance(node.children, dict) else node.children
        for child in inside or ():
            self._visit(child)


_AROUND = frozenset({"machine", "parameters", "context", "events", "invariants", "renames"})
"""Keys of the machine that stand beside its states."""


def may_declare(names: Sequence[str]) -> bool:
    """Whether anything at a place of the file may hold declarations."""
    beside = names[:1] in (("parameters",), ("context",)) and len(names) > 1
    return _DEEP.isdisjoint(names) and not beside


def words_of(text: str) -> set[str]:
    """The names in a text, those with dots and dashes also in their parts."""
    found = set(_WORD.findall(text))
    return found | {part for word in found for part in re.split(r"[.-]", word) if part}
