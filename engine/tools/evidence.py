"""What is to be said about a till's day: the till's side, the server's, and what does not agree.

What the till has is read in one moment, then the server is asked: tickets that it gets in between
are more than were acknowledged, and no fault.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from engine.server.port import CallFailed, CallRejected, Server, TicketCount
from engine.store.days import DaySummary, OfflinePeriod
from engine.store.examining import Examination, Held
from engine.store.journal import JournalReport
from engine.store.tickets import LARGEST_NUMBER, ranges
from engine.tools.spans import Span, between, size, spans, within, without, written

BEYOND = 1000
"""Numbers above the till's highest that the server is asked about: tickets that only it has."""

PATIENCE = 60.0
"""Seconds for each question to the server."""


@dataclass(slots=True)
class Found:
    """What a till's database and journal say of its day. ``day`` holds its tickets by number,
    ``near`` those of the same numbers whenever they came; ``accepted`` and ``acknowledged`` are
    the journal's, number and SHA-256."""

    till: str
    day: Mapping[int, Held]
    summary: DaySummary
    changed: Sequence[int]
    offline: Sequence[OfflinePeriod]
    accepted: dict[int, str] = field(default_factory=dict)
    acknowledged: dict[int, str] = field(default_factory=dict)
    near: Mapping[int, Held] = field(default_factory=dict)
    before: int | None = None
    after: int | None = None

    @property
    def numbers(self) -> Span | None:
        """The lowest and the highest number of the day, None without any."""
        known = [*self.day, *self.accepted]
        return (min(known), max(known)) if known else None


@dataclass(frozen=True, slots=True)
class Side:
    """The server's side. ``asked`` says that it was asked just now; ``note`` why it was not."""

    asked: bool
    count: int
    first: int | None
    last: int | None
    digest: str
    note: str


def gather(
    evidence: Examination, tills: Sequence[str], first_at: float, last_at: float
) -> tuple[JournalReport, list[Found]]:
    """All that the database has to say of a span of time."""
    with evidence.one_moment():
        report = evidence.journal.verify()
        offline = evidence.days.offline_periods(first_at, last_at)
        found = {
            till: Found(
                till,
                evidence.day(till, first_at, last_at),
                evidence.days.summary(till, first_at, last_at),
                evidence.changed(till, first_at, last_at),
                [period for period in offline if period.till == till],
            )
            for till in tills
        }
        for entry in evidence.entries():
            one = found.get(entry.till)
            if one is None:
                continue
            if entry.kind == "acknowledged":
                one.acknowledged[entry.number] = entry.sha256
            elif first_at <= entry.at < last_at or entry.number in one.day:
                one.accepted[entry.number] = entry.sha256
        for one in found.values():
            if one.numbers is not None:
                one.near = evidence.numbered(one.till, *one.numbers)
                one.before, one.after = evidence.around(one.till, *one.numbers)
    return report, list(found.values())


def faults_here(found: Found) -> Iterator[str]:
    """What is not as it should be on the till's own side, a sentence each."""
    if found.summary.gaps:
        yield f"{_numbers(found.summary.gaps)} missing."
    removed = [number for number in found.accepted if number not in found.near]
    if removed:
        yield f"{_tickets(removed)} in the journal and no longer among the tickets."
    added = [number for number in found.day if number not in found.accepted]
    if added:
        yield f"{_tickets(added)} among the tickets and not in the journal."
    other = [
        number
        for number, held in found.day.items()
        if found.accepted.get(number, held.sha256) != held.sha256
    ]
    changed = sorted({*other, *found.changed})
    if changed:
        yield f"{_tickets(changed)} not as accepted: the bytes were changed."
    unproven = [
        number
        for number, held in found.day.items()
        if held.state == "sent" and number not in found.acknowledged
    ]
    if unproven:
        yield f"{_tickets(unproven)} marked sent, and the journal has no acknowledgement."
    for state, words in (
        ("pending", "not acknowledged by the server."),
        ("refused", "refused by the server and set aside."),
    ):
        numbers = [number for number, held in found.day.items() if held.state == state]
        if numbers:
            yield f"{_tickets(numbers)} {words}"


def by_journal(found: Found, note: str) -> Side:
    """The server's side as the journal has it."""
    known = {number: digest for number, digest in found.acknowledged.items() if number in found.day}
    numbers = sorted(known)
    return Side(
        False,
        len(numbers),
        numbers[0] if numbers else None,
        numbers[-1] if numbers else None,
        _digest(known),
        note,
    )


def by_asking(found: Found, server: Server) -> tuple[Side, list[str]]:
    """The server's side as it tells it, and what does not agree with the till's."""
    if found.numbers is None:
        return by_journal(found, "no ticket was accepted, so there is nothing to ask"), []
    low, high = found.numbers
    low = low if found.before is None else found.before + 1
    try:
        told = server.count_tickets(found.till, low, high, PATIENCE)
        further = (
            server.count_tickets(found.till, high + 1, high + BEYOND, PATIENCE)
            if found.after is None and high + BEYOND <= LARGEST_NUMBER
            else None
        )
    except (CallFailed, CallRejected) as fault:
        why = fault.message.rstrip(".")
        note = "it could not be asked"
        return by_journal(found, note), [f"The server could not be asked: {why}."]
    side = Side(True, told.count, told.first, told.last, told.digest, "")
    faults = list(_compared(found, told, low, high))
    if further is not None and further.count:
        only = _present(further, high + 1, high + BEYOND)
        faults.append(f"{_named(only)} only at the server.")
    return side, faults


def _compared(found: Found, told: TicketCount, low: int, high: int) -> Iterator[str]:
    numbers = sorted(found.near)
    sent = [number for number in numbers if found.near[number].state == "sent"]
    missing = list(between(low, high, between(low, high, spans(told.missing))))
    if told.missing or told.count == high - low + 1:
        there = list(between(low, high, missing))
        if size(there) != told.count:
            yield (
                f"The server contradicts itself: it counts {told.count} tickets numbered "
                f"{low}-{high} and misses {written(missing)}."
            )
            return
        lost = within(missing, sent)
        if lost:
            yield f"{_tickets(lost)} only here: acknowledged, and not at the server."
        only = without(there, numbers)
        if only:
            yield f"{_named(only)} only at the server."
            return
        expected = {number: found.near[number].sha256 for number in within(there, numbers)}
    else:
        expected = {number: found.near[number].sha256 for number in sent}
        if told.count != len(sent):
            yield (
                f"The server has {told.count} of the tickets numbered {low}-{high}, and "
                f"{len(sent)} were acknowledged; it does not tell which."
            )
            return
    if told.digest and told.digest != _digest(expected):
        yield (
            f"At least one of the tickets numbered {low}-{high} has other bytes at the server: "
            "the digests differ."
        )


def _present(told: TicketCount, low: int, high: int) -> list[Span]:
    """The numbers that the server has, as far as it tells."""
    if told.missing:
        return list(between(low, high, spans(told.missing)))
    return [(told.first or low, told.last or high)]


def _digest(tickets: Mapping[int, str]) -> str:
    lines = "".join(f"{number} {tickets[number]}\n" for number in sorted(tickets))
    return sha256(lines.encode()).hexdigest()


def _tickets(numbers: Sequence[int]) -> str:
    return f"Ticket {numbers[0]} is" if len(numbers) == 1 else f"Tickets {ranges(numbers)} are"


def _named(many: Sequence[Span]) -> str:
    return f"Ticket {written(many)} is" if size(many) == 1 else f"Tickets {written(many)} are"


def _numbers(text: str) -> str:
    return f"Number {text} is" if text.isdigit() else f"Numbers {text} are"
