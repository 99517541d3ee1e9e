"""Tickets from the moment the till program hands them over until the server has stored them."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from json import dumps
from typing import Literal, NamedTuple

from engine.store.journal import Fields, Journal
from engine.store.port import AnyDatabase

Accepted = Literal["new", "same", "different"]

LARGEST_NUMBER = 2**63 - 1
LONGEST_ANSWER = 2000
"""Characters kept of a server's code or message for a refusal."""


class Ticket(NamedTuple):
    """A ticket that waits. ``attempted_at`` is the time of its last request, None before one."""

    till: str
    number: int
    key: str
    payload: bytes
    sha256: str
    attempted_at: float | None
    attempts: int


class Backlog(NamedTuple):
    """How many tickets of a till are where.

    ``missing`` counts the numbers between the lowest and the highest that never came.
    """

    pending: int = 0
    refused: int = 0
    sent: int = 0
    oldest_pending_at: float | None = None
    last_number: int | None = None
    missing: int = 0


class _Known(NamedTuple):
    number: int
    key: str
    sha256: str
    attempts: int
    state: str


class Tickets:
    """Every change is one transaction, or one savepoint of the caller's, with its journal."""

    def __init__(self, database: AnyDatabase, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    def accept(self, shop: str, till: str, number: int, payload: bytes, at: float) -> Accepted:
        """Keeps a ticket: ``new``, or ``same`` when these bytes are there under this number.

        ``different`` when the number is taken by other bytes or another shop: nothing is kept.
        ValueError when ``number`` is not from 0 to 2**63 - 1.
        """
        if not 0 <= number <= LARGEST_NUMBER:
            raise ValueError(f"the ticket number {number} is not from 0 to {LARGEST_NUMBER}")
        key = f"{shop}/{till}/{number}"
        digest = sha256(payload).hexdigest()
        with self._database.atomic():
            there = self._database.row("ticket_identity", till, number)
            if there is not None:
                return "same" if there == (key, digest) else "different"
            subject: Fields = {
                "bytes": len(payload),
                "key": key,
                "number": number,
                "sha256": digest,
            }
            arrival = self._journal.chain("accepted", till, (subject,), at)
            self._database.run("ticket_add", arrival, till, number, key, digest, at)
            self._database.run("payload_add", arrival, payload)
            if not self._database.run("counters_grow", number, number, number, number, till):
                self._database.run("counters_begin", till, number, number)
        return "new"

    def batch(self, till: str, limit: int) -> list[Ticket]:
        """Up to ``limit`` pending tickets of a till, in the order in which they came."""
        return [Ticket(*row) for row in self._database.rows("tickets_pending", till, limit)]

    def states(self, till: str, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
        """The SHA-256 that tickets were accepted with, and their states, by number; those that
        were never accepted are left out."""
        return {each.number: (each.sha256, each.state) for each in self._known(till, numbers)}

    def attempted(
        self, till: str, numbers: Sequence[int], batch: str, at: float
    ) -> tuple[int, ...]:
        """Notes, before a request leaves, that these pending tickets are in it.

        Returns the numbers noted: tickets that are unknown or no longer pending are left alone.
        """
        with self._database.atomic():
            known = [each for each in self._known(till, numbers) if each.state == "pending"]
            noted = tuple(each.number for each in known)
            if noted:
                self._database.run("tickets_attempted", at, batch, till, dumps(noted))
                subject: Fields = {"batch": batch, "count": len(noted), "numbers": ranges(noted)}
                self._journal.chain("attempted", till, (subject,), at)
        return noted

    def withdrawn(
        self, till: str, before: Sequence[tuple[int, float | None]], batch: str, at: float
    ) -> tuple[int, ...]:
        """Takes an attempt back that cannot have reached the server: (number, the attempted_at
        that the ticket had before it) each. The attempt still counts and stays in the journal.

        Returns the numbers taken back: a ticket that is settled, or that has since been in
        another request, is left alone.
        """
        since = dict(before)
        with self._database.atomic():
            asked = dumps(sorted(since))
            taken = [row[0] for row in self._database.rows("tickets_in", till, batch, asked)]
            if taken:
                self._database.run_many(
                    "ticket_withdrawn", [(since[number], till, number) for number in taken]
                )
                subject: Fields = {"batch": batch, "count": len(taken), "numbers": ranges(taken)}
                self._journal.chain("withdrawn", till, (subject,), at)
        return tuple(taken)

    def acknowledged(
        self, till: str, numbers: Sequence[int], batch: str, at: float
    ) -> tuple[int, ...]:
        """Marks tickets sent that the server says it has stored, refused ones included.

        Returns the numbers newly marked; a second acknowledgement changes nothing.
        """
        with self._database.atomic():
            known = [each for each in self._known(till, numbers) if each.state != "sent"]
            marked = tuple(each.number for each in known)
            if marked:
                refused = sum(each.state == "refused" for each in known)
                self._database.run("tickets_sent", at, batch, till, dumps(marked))
                self._database.run(
                    "counters_settled", len(marked) - refused, -refused, len(marked), till
                )
                subjects = [_subject(each, batch) for each in known]
                self._journal.chain("acknowledged", till, subjects, at)
        return marked

    def refused(
        self, till: str, refusals: Sequence[tuple[int, str, str]], batch: str, at: float
    ) -> tuple[int, ...]:
        """Sets aside pending tickets that the server refuses: (number, code, message) each.

        Returns the numbers newly set aside; one that is sent or set aside stays as it is.
        """
        said = {number: (_storable(code), _storable(text)) for number, code, text in refusals}
        with self._database.atomic():
            known = [each for each in self._known(till, said) if each.state == "pending"]
            marked = tuple(each.number for each in known)
            if marked:
                self._database.run_many(
                    "ticket_refused",
                    [(at, batch, *said[number], till, number) for number in marked],
                )
                self._database.run("counters_settled", len(marked), len(marked), 0, till)
                subjects = [
                    {**_subject(each, batch), "code": code, "message": message}
                    for each in known
                    for code, message in (said[each.number],)
                ]
                self._journal.chain("refused", till, subjects, at)
        return marked

    def backlog(self, till: str) -> Backlog:
        """The counts of a till, at a cost that does not grow with the number of tickets."""
        counters = self._database.row("counters_of", till)
        if counters is None:
            return Backlog()
        pending, refused, sent, first, last = counters
        oldest = self._database.row("oldest_pending", till)
        return Backlog(
            pending,
            refused,
            sent,
            oldest[0] if oldest else None,
            last,
            last - first + 1 - pending - refused - sent,
        )

    def _known(self, till: str, numbers: Iterable[int]) -> list[_Known]:
        asked = dumps(sorted(set(numbers)))
        return [_Known(*row) for row in self._database.rows("tickets_by_number", till, asked)]


def ranges(numbers: Iterable[int]) -> str:
    """Numbers in short: ``1-100,105``, ascending, each once."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _subject(ticket: _Known, batch: str) -> dict[str, str | int]:
    return {
        "attempts": ticket.attempts,
        "batch": batch,
        "key": ticket.key,
        "number": ticket.number,
        "sha256": ticket.sha256,
    }


def _storable(text: str) -> str:
    """A server's words, short enough, and without the half characters that UTF-8 cannot hold."""
    return text[:LONGEST_ANSWER].encode("utf-8", "backslashreplace").decode("utf-8")
