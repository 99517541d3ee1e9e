"""From rows of the history to a story: each step with its cause.

A call and its answer are two steps; the notes that a replay needs say which belong together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from json import loads
from typing import Any, NamedTuple, Protocol

from engine.core.build import BEGIN
from engine.core.carrying import RELOADED
from engine.core.restore import RESTORED
from engine.store.history import AGENT, REPLAY, HistoryRow
from engine.story.entries import Answer, Entry, Moved, Refused

PAGE = 250
EARLIER = 200
"""Rows before those that are told, in which calls may have begun that are answered in them."""

NO_LABELS: Mapping[str, str] = {}
LAST_MOMENT = 253_402_300_799.0


class Past(Protocol):
    """The history: :class:`engine.store.history.History`."""

    def recent(
        self, till: str, limit: int = 100, before: int | None = None, dull: bool = True
    ) -> list[HistoryRow]:
        """The newest rows of a till first."""


class Begun(NamedTuple):
    """A call that is under way: when it began, in epoch seconds, and by what."""

    at: float
    by: str


class Unreadable(Exception):  # noqa: N818 - it is what the history is
    """A row that tillwire did not write so."""


def newest_first(
    past: Past, till: str, before: int | None = None, dull: bool = True
) -> Iterator[HistoryRow]:
    """All rows of a till and of the agent itself, those before ``before``, the newest first;
    without ``dull`` only real steps."""
    pages = (_pages(past, name, before, dull) for name in (till, AGENT))
    return merge(*pages, key=lambda row: -row.seq)


def _pages(past: Past, till: str, before: int | None, dull: bool) -> Iterator[HistoryRow]:
    while rows := past.recent(till, PAGE, before, dull):
        yield from rows
        before = rows[-1].seq


def story(
    past: Past,
    till: str,
    limit: int,
    before: int | None = None,
    labels: Mapping[str, str] = NO_LABELS,
) -> list[Entry]:
    """The newest ``limit`` entries before the number ``before``, newest first. ``labels`` has
    what the machine calls its timers, by key. Raises Unreadable."""
    return told(rows_of(past, till, limit, before), limit, labels)


def rows_of(
    past: Past, till: str, limit: int, before: int | None = None, dull: bool = True
) -> list[HistoryRow]:
    """The rows that ``limit`` entries are told from, newest first: some more than these. Without
    ``dull`` no more: most calls began in steps that are left out."""
    more = EARLIER if dull else 0
    return list(islice(newest_first(past, till, before, dull), limit + more))


def told(
    rows: Sequence[HistoryRow], limit: int, labels: Mapping[str, str] = NO_LABELS
) -> list[Entry]:
    """The story that such rows tell. Raises Unreadable."""
    return tell(reversed(rows), labels)[::-1][:limit]


def tell(rows: Iterable[HistoryRow], labels: Mapping[str, str] = NO_LABELS) -> list[Entry]:
    """Entries for rows of one till and of the agent, oldest first. Raises Unreadable."""
    calls: dict[int, Begun] = {}
    machine: str | None = None
    entries = []
    for row in rows:
        try:
            detail = loads(row.detail)
            machine = _machine(row, detail, machine)
            entries.append(_entry(row, detail, calls, labels, machine))
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as fault:
            message = "The history was changed by another hand: it cannot be read."
            raise Unreadable(message) from fault
    return entries


def _machine(row: HistoryRow, detail: Mapping[str, Any], known: str | None) -> str | None:
    """The hash of the machine that a till plays from this row on."""
    data = detail.get("data", {})
    if row.till == AGENT:
        told = data.get("hash")
    elif row.event == RELOADED:
        told = data.get("to")
    else:
        told = detail.get(REPLAY, {}).get("machine")
    return known if told is None else str(told)


def _entry(
    row: HistoryRow,
    detail: Mapping[str, Any],
    calls: dict[int, Begun],
    labels: Mapping[str, str],
    machine: str | None,
) -> Entry:
    note = detail.get(REPLAY, {})
    answer = None
    if row.till != AGENT:
        if row.event in (BEGIN, RESTORED):
            calls.clear()
        _begin(row, note, calls, labels)
        answer = _answer(row, calls.pop(note["run"], None)) if "run" in note else None
        for number in note.get("dropped", ()):
            calls.pop(number, None)
    return Entry(
        number=row.seq,
        at=moment(row.at),
        kind="agent" if row.till == AGENT else "step",
        event=row.event,
        states=row.states,
        taken=tuple(
            Moved(**dict(zip(Moved.model_fields, one, strict=False))) for one in loads(row.taken)
        ),
        refused=tuple(
            Refused(**dict(zip(Refused.model_fields, one, strict=False)))
            for one in detail.get("refused", ())
        ),
        ignored=bool(detail.get("unhandled")),
        answer=answer,
        timer="timer" in note,
        started=detail.get("started", ()),
        joined=detail.get("joined", ()),
        dropped=detail.get("cancelled", ()),
        changed=detail.get("changed", {}),
        raised=detail.get("raised", ()),
        log=detail.get("log", ()),
        data=detail.get("data", {}),
        dull=row.dull,
        machine=machine,
    )


def _begin(
    row: HistoryRow,
    note: Mapping[str, Any],
    calls: dict[int, Begun],
    labels: Mapping[str, str],
) -> None:
    """Note the calls that this step started, and those of the timers before it that the history
    does not keep by themselves."""
    for timer, own, started in note.get("quiet", ()):
        by = labels.get(timer) or f"every (in {timer.partition('.')[0]})"
        calls |= {number: Begun(row.at - note["at"] + own, by) for number, *_ in started}
    calls |= {number: Begun(row.at, row.event) for number, *_ in note.get("started", ())}


def _answer(row: HistoryRow, begun: Begun | None) -> Answer:
    effect, _, outcome = row.event.partition(".")
    if begun is None:
        return Answer(effect=effect, outcome=outcome, took=None, began=None, by=None)
    took = max(0.0, round(row.at - begun.at, 3))
    return Answer(effect=effect, outcome=outcome, took=took, began=moment(begun.at), by=begun.by)


def moment(wall: float) -> datetime:
    """Wall-clock seconds as a date; a clock that is set to no date at all reads as 1970."""
    return datetime.fromtimestamp(min(max(wall, 0.0), LAST_MOMENT), UTC)


class Line(NamedTuple):
    """Entries that are told as one: the newest, and how many there are."""

    entry: Entry
    times: int


def gathered(entries: Sequence[Entry]) -> list[Line]:
    """Oldest first: what changed nothing, again and again, is one line, also where several such
    things take turns; it stands where it came last."""
    lines: list[Line] = []
    for entry in entries:
        times = 1
        for place in range(len(lines) - 1, -1, -1):
            known = lines[place].entry
            if known.kind == "agent" or not known.dull:
                break
            if _alike(known, entry):
                times += lines.pop(place).times
                break
        lines.append(Line(entry, times))
    return lines


def _alike(one: Entry, other: Entry) -> bool:
    return (
        other.kind == "step"
        and other.dull
        and (one.event, one.ignored, one.states) == (other.event, other.ignored, other.states)
        and not (other.changed or other.log)
    )
