"""The database as evidence: read by whoever wants proof, beside a running agent or without one.

It is opened for reading alone and takes no lock: it can change nothing, and nothing that it does
keeps the agent from writing. What it tells is of one moment.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from types import TracebackType
from typing import NamedTuple

from engine.store.days import Days
from engine.store.errors import damaged
from engine.store.history import History
from engine.store.journal import Journal
from engine.store.opening import open_for_proof
from engine.store.place import Place
from engine.store.port import AnyDatabase, Row
from engine.store.tickets import Backlog, Tickets


class Held(NamedTuple):
    """A ticket of the database: the SHA-256 that it was accepted with, and its state."""

    sha256: str
    state: str


class Entry(NamedTuple):
    """What the journal says of one ticket. ``at`` is in wall-clock seconds."""

    at: float
    till: str
    kind: str
    number: int
    sha256: str


class Examination:
    """An open database that is only looked at: its ``journal``, its ``days``, its ``history``, and
    what follows."""

    def __init__(self, database: AnyDatabase) -> None:
        self._database = database
        self.journal = Journal(database)
        self.days = Days(database)
        self.history = History(database, 0, 0)

    @classmethod
    def open(cls, place: Place) -> "Examination":
        """Opens a database that is there. Raises StoreError or one of its kinds."""
        return cls(open_for_proof(place))

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """All that is read in the block is as it was at one moment, whatever is written."""
        with self._database.reading():
            yield

    def tills(self) -> list[str]:
        """The tills that have ever been somewhere in a machine."""
        return sorted(till for till, _ in self._database.stream("snapshots_all"))

    def backlog(self, till: str) -> Backlog:
        """How many of a till's tickets wait, are sent, were refused; nothing of what they hold."""
        return Tickets(self._database, self.journal).backlog(till)

    def snapshot(self, till: str) -> str | None:
        """Where a till was last, as it was saved; None where nothing is known of it."""
        texts = [text for name, text in self._database.rows("snapshots_all") if name == till]
        return str(texts[0]) if texts else None

    def day(self, till: str, first_at: float, last_at: float) -> dict[int, Held]:
        """The tickets accepted from ``first_at`` to before ``last_at``, by number."""
        rows = self._database.rows("day_tickets", till, first_at, last_at)
        return self._by_number(rows)

    def numbered(self, till: str, first: int, last: int) -> dict[int, Held]:
        """The tickets numbered ``first`` to ``last``, whenever they were accepted."""
        return self._by_number(self._database.rows("ticket_numbers", till, first, last))

    def _by_number(self, rows: Sequence[Row]) -> dict[int, Held]:
        if not all(isinstance(row[0], int) for row in rows):  # SQLite keeps whatever it is given
            raise damaged(self._database.place, "the number of a ticket is no number")
        return {number: Held(digest, state) for number, digest, state, *_ in rows}

    def around(self, till: str, first: int, last: int) -> tuple[int | None, int | None]:
        """The nearest numbers below ``first`` and above ``last`` that there are."""
        before = self._database.only_row("number_before", till, first)[0]
        after = self._database.only_row("number_after", till, last)[0]
        return before, after

    def changed(self, till: str, first_at: float, last_at: float) -> list[int]:
        """The tickets of a span whose bytes are not those that they were accepted with."""
        rows = self._database.stream("day_payloads", till, first_at, last_at)
        return [number for number, digest, payload in rows if not _made(payload, digest)]

    def entries(self) -> Iterator[Entry]:
        """What the journal says of each ticket's acceptance and acknowledgement, in its order.

        An entry that another hand made unreadable is left out: the chain does not hold there.
        """
        for at, till, kind, subject in self._database.stream("journal_of_tickets"):
            try:
                told = json.loads(subject)
                entry = Entry(at, till, kind, int(told["number"]), str(told["sha256"]))
            except (ValueError, TypeError, KeyError, RecursionError):
                continue
            yield entry

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def __enter__(self) -> "Examination":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _made(payload: object, digest: object) -> bool:
    return isinstance(payload, bytes) and sha256(payload).hexdigest() == digest
