"""What a step of the history needs to be played again: noted beside it, as ``replay``.

A kept step has its number in this life of the process, its moment on the monotonic clock, the
run or timer that it came of, what it carried, and the calls that it started. Steps that are not
kept (a timer that only started a call) go with the next one that is. Every so often, and where a
life begins, it has the whole till and the machine's hash: a replay can begin there.

Texts that a till program posted are none of the history's business. They are replaced by signs,
the same for the same text only as long as a call with it is under way: that is what a machine
can tell. Texts that are words of the machine file stay, and so do numbers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from engine.core.build import BEGIN
from engine.core.carrying import RELOADED
from engine.core.noting import noted
from engine.core.records import Run, Step, Till
from engine.core.restore import RESTORED
from engine.definition.machine import Definition
from engine.definition.vocabulary import Value

WHOLE_EVERY = 50
"""Kept steps of a till after which the next one has the whole till."""

MOST_QUIET = 200
"""Steps that are not kept and wait for one that is; with more of them a gap is left."""

LIVES = (BEGIN, RESTORED)
"""The events with which a life of the process begins for a till."""

_WORD = re.compile(r"[^\W\d][\w-]*")

NO_SIGNS: Mapping[str, str] = MappingProxyType({})

Note = dict[str, Any]
Quiet = tuple[str | None, float, tuple["Started", ...]]
"""A step that is not kept: its timer, its moment, and the calls that it started."""
Started = tuple[int, str, Value]
"""A call's number, its effect and its timeout."""


@dataclass(slots=True)
class _Of:
    """Of one till: steps kept in this life, those since it was noted whole, what waits, and the
    signs of texts that a call is under way with."""

    count: int = -1
    since: int = 0
    quiet: tuple[Quiet, ...] = ()  # tuples: a process may have 10,000 of these that wait
    signs: Mapping[str, str] = field(default_factory=lambda: NO_SIGNS)
    given: int = 0


class Notes:
    """Notes for the steps of all tills, by the machine that they play."""

    def __init__(self, definition: Definition) -> None:
        self._of: dict[str, _Of] = {}
        self.follow(definition)

    def follow(self, definition: Definition) -> None:
        """Another machine is played from now on."""
        self._hash = definition.hash
        self._words = frozenset(_WORD.findall(definition.document.text))

    def quiet(self, step: Step) -> None:
        """A step that is not kept: a timer's."""
        of = self._of.setdefault(step.till, _Of())
        if len(of.quiet) >= MOST_QUIET:
            of.count += 1
            of.quiet = ()
        of.quiet += ((step.event.timer, step.at, tuple(map(_started, step.started))),)

    def note(self, step: Step, till: Till) -> Note:
        """What is noted beside a step that is kept. ``till`` is as the step left it."""
        of = self._of.setdefault(step.till, _Of())
        begins = step.event.name in LIVES
        if begins:
            of.count = -1
            of.quiet = ()
        of.count += 1
        of.since += 1
        note: Note = {
            "n": of.count,
            "at": step.at,
            "run": step.event.run,
            "timer": step.event.timer,
            "data": self._data(of, step, till),
            "started": [_started(run) for run in step.started],
            "dropped": [run.number for run in step.cancelled],
            "quiet": of.quiet,
        }
        of.quiet = ()
        if step.event.name == RELOADED:
            # Listeners may hear of it when the till has gone on already: the next one will do.
            of.since = WHOLE_EVERY
        elif begins or of.since > WHOLE_EVERY:
            of.since = 0
            note |= {"machine": self._hash, "till": self._whole(of, till)}
        return {name: value for name, value in note.items() if value or name in ("n", "at")}

    def _data(self, of: _Of, step: Step, till: Till) -> Mapping[str, Value]:
        """What a till program posted; what the agent itself told is in the row already."""
        posted = step.event.run is None and step.event.timer is None
        if not posted or step.event.name == RELOADED:
            return {}
        earlier = till.running.keys() - {run.number for run in step.started}
        return self._veiled(of, step.event.data, [till.running[number] for number in earlier])

    def _whole(self, of: _Of, till: Till) -> Mapping[str, Any]:
        whole, runs = noted(till), list(till.running.values())
        whole["running"] = [
            [number, effect, self._veiled(of, arguments, runs), state]
            for number, effect, arguments, state in whole["running"]
        ]
        return whole

    def _veiled(self, of: _Of, data: Mapping[str, Value], runs: Sequence[Run]) -> dict[str, Value]:
        """The same with a sign for each text that is no word of the machine; ``runs`` are the
        calls that signs are kept for."""
        texts = {value for value in data.values() if isinstance(value, str)} - self._words - {""}
        if texts:
            under_way = {text for run in runs for text in run.arguments.values()}
            of.signs = {text: sign for text, sign in of.signs.items() if text in under_way}
            for text in sorted(texts - of.signs.keys()):
                of.given += 1
                of.signs[text] = f"#{of.given}"
        return {
            name: of.signs.get(value, value) if isinstance(value, str) else value
            for name, value in data.items()
        }


def _started(run: Run) -> Started:
    return run.number, run.effect, run.arguments.get("timeout", 0)
