"""What a till's history has for a replay: from where on all of it is there, and what it says.

Two times are told of each step: ``own``, on the monotonic clock of the process that lived it, and
``at``, on one scale for all of the recording: seconds since 1970 as the wall clock had it when
the process began, going on evenly from there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json import loads
from typing import Any, NamedTuple

from engine.core.build import BEGIN
from engine.core.carrying import RELOADED
from engine.core.noting import recalled
from engine.core.restore import RESTORED
from engine.definition.vocabulary import Value
from engine.store.history import REPLAY, History, HistoryRow

PAGE = 1000
LIVES = (BEGIN, RESTORED)
OURS = (*LIVES, RELOADED)
"""Events that nobody posted."""


class Unreadable(Exception):  # noqa: N818 - it is what the history is
    """A history that tillwire did not write so."""


class Started(NamedTuple):
    """A call that a step started; ``timeout`` is that of its arguments in seconds, 0 for none."""

    number: int
    effect: str
    timeout: float


class Quiet(NamedTuple):
    """A timer that only started calls, which the history does not keep."""

    own: float
    timer: str
    started: tuple[Started, ...]


@dataclass(frozen=True, slots=True)
class Lived:
    """A step as it was lived. ``quiet`` came before it. ``machine`` and ``till`` are only there
    now and then: the machine's hash, and the till as this step left it."""

    at: float
    own: float
    event: str
    data: dict[str, Value]
    run: int | None
    timer: str | None
    states: tuple[str, ...]
    taken: tuple[tuple[Any, ...], ...]
    started: tuple[Started, ...]
    dropped: tuple[int, ...]
    quiet: tuple[Quiet, ...]
    detail: dict[str, Any]
    machine: str | None
    till: dict[str, Any] | None

    @property
    def begins(self) -> bool:
        """Whether a life of the process begins with it."""
        return self.event in LIVES

    @property
    def posted(self) -> bool:
        """Whether the till program, a person or the agent itself posted it."""
        return self.run is None and self.timer is None and self.event not in OURS


@dataclass(frozen=True, slots=True)
class Recording:
    """All that was lived from the first step on, which has the whole till.

    ``older`` are steps before it that cannot be played: of an earlier version of tillwire, or
    with others among them that are gone.
    """

    till: str
    steps: tuple[Lived, ...]
    older: int

    @property
    def machines(self) -> list[str]:
        """The hashes of the machines that lived it, in their order."""
        return list(dict.fromkeys(step.machine for step in self.steps if step.machine))


def read_recording(history: History, till: str, since: float | None = None) -> Recording:
    """The newest steps of a till that hang together, back to ``since`` in epoch seconds or a
    little before it. There may be none. Raises Unreadable."""
    try:
        return _read(history, till, since)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as fault:
        message = f"The history of till {till} was changed by another hand: it cannot be read."
        raise Unreadable(message) from fault


def _read(history: History, till: str, since: float | None) -> Recording:
    found: list[tuple[HistoryRow, dict[str, Any]]] = []
    older = 0
    enough = False
    for row in _newest_first(history, till):
        note = loads(row.detail).get(REPLAY)
        if older or not isinstance(note, dict) or (found and not _joins(note, found[-1][1])):
            older += 1
            continue
        if enough:
            break
        found.append((row, note))
        enough = since is not None and row.at <= since and "till" in note
    while found and "till" not in found[-1][1]:
        found.pop()
        older += 1
    steps = tuple(_lived(list(reversed(found))))
    for step in steps:
        if step.till is not None:
            recalled(till, step.till)
    return Recording(till, steps, older)


def _newest_first(history: History, till: str) -> Iterator[HistoryRow]:
    before = None
    while rows := history.recent(till, PAGE, before):
        yield from rows
        before = rows[-1].seq


def _joins(note: dict[str, Any], following: dict[str, Any]) -> bool:
    """Whether nothing is missing between two steps: a life counts its steps from nought."""
    return bool(following["n"] == 0 or note["n"] == following["n"] - 1)


def _lived(rows: Sequence[tuple[HistoryRow, dict[str, Any]]]) -> Iterator[Lived]:
    shift, last = 0.0, float("-inf")
    for index, (row, note) in enumerate(rows):
        if index == 0 or row.event in LIVES:
            # A clock that was set back while the process was away does not turn time back.
            shift = max(row.at, last) - note["at"]
        last = note["at"] + shift
        detail = loads(row.detail)
        yield Lived(
            last,
            note["at"],
            row.event,
            note.get("data") or detail.get("data", {}),
            note.get("run"),
            note.get("timer"),
            row.states,
            tuple(tuple(taken) for taken in loads(row.taken)),
            _started(note.get("started", ())),
            tuple(note.get("dropped", ())),
            tuple(
                Quiet(own, timer, _started(started))
                for timer, own, started in note.get("quiet", ())
            ),
            detail,
            note.get("machine"),
            note.get("till"),
        )


def _started(many: Sequence[Any]) -> tuple[Started, ...]:
    return tuple(Started(*one) for one in many)
