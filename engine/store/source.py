"""The till program's own table of tickets: read, and marked where the server has a ticket.

Nothing else is ever changed there. The names come from till.yaml, were checked with it, and are
quoted. A ticket's bytes must not depend on who reads it: a text becomes UTF-8, and columns
become one JSON object whose numbers keep the digits that the database gave.
"""

import base64
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from engine.store.errors import Missing, explain
from engine.store.place import OdbcPlace, Place
from engine.store.port import Row
from engine.store.tickets import LARGEST_NUMBER

PAGE = 500
"""Numbers that are read at a time."""

TOGETHER = 50
"""Tickets whose bytes are read at a time."""

WAIT = 2.0
"""Seconds to wait for the till program where the table is in a file of SQLite."""


class SourceTable(NamedTuple):
    """The table as till.yaml describes it; ``name`` has up to three parts, the last the table's.

    The ticket is what ``payload`` holds, or a JSON object of ``columns``.
    """

    name: tuple[str, ...]
    number: str
    payload: str | None
    columns: tuple[str, ...]
    till: str | None
    mark: str
    sent: int | str | bool
    first: int


class Listed(NamedTuple):
    """A page of numbers that are not marked.

    ``times`` says how often each is there, in ascending order; ``unfit`` are those that are no
    whole number from 0 to LARGEST_NUMBER, as a person reads them; ``after`` is where the next
    page begins, None when this is the last one.
    """

    times: dict[int, int]
    unfit: tuple[str, ...]
    after: Any


class Guest(Protocol):
    """A database in which tillwire is a guest."""

    def found(self, statement: str, parameters: Sequence[Any]) -> list[Row]:
        """The rows that a query answers with. Raises StoreError."""

    def changed(self, statement: str, parameters: Sequence[Any]) -> int:
        """Runs a statement and gives how many rows it changed. Raises StoreError."""

    def close(self) -> None:
        """Closes the connection."""


class FileGuest:
    """A file of SQLite that another program owns. It is opened at the first question."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def found(self, statement: str, parameters: Sequence[Any]) -> list[Row]:
        """The rows that a query answers with. Raises StoreError."""
        try:
            return self._opened().execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise explain(error, self._path) from error

    def changed(self, statement: str, parameters: Sequence[Any]) -> int:
        """Runs a statement and gives how many rows it changed. Raises StoreError."""
        try:
            return self._opened().execute(statement, parameters).rowcount
        except sqlite3.Error as error:
            raise explain(error, self._path) from error

    def close(self) -> None:
        """Closes the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self._path.exists():
                raise Missing(f"There is no database {self._path} to read tickets from.")
            self._connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode=rw",
                uri=True,
                timeout=WAIT,
                isolation_level=None,
                check_same_thread=False,
            )
        return self._connection


def guest(place: Place) -> Guest:
    """The database at ``place``, as a guest's."""
    if isinstance(place, OdbcPlace):
        from engine.store.odbc_guest import OdbcGuest

        return OdbcGuest(place)
    return FileGuest(place)


class TicketSource:
    """The table of one till program. Used by one thread at a time; every failure is a StoreError.

    It has the shape of a store, for the thread that owns it; it has no transactions: each mark
    is one statement.
    """

    def __init__(self, place: Place, table: SourceTable) -> None:
        self._guest = guest(place)
        self._table = table
        odbc = isinstance(place, OdbcPlace) and place.dialect.name == "sqlserver"
        self._statements = _Statements(table, odbc)
        self.label = f"table {'.'.join(table.name)} of {place}"

    def numbers(self, till: str, after: Any) -> Listed:
        """Up to PAGE numbers above ``after`` that are not marked."""
        found = self._guest.found(
            self._statements.numbers, (self._table.sent, after, *self._till(till))
        )
        times: dict[int, int] = {}
        unfit: list[str] = []
        for raw, count in found:
            number = _number(raw)
            if number is None:
                unfit.append(str(raw))
            else:
                times[number] = count
        return Listed(times, tuple(unfit), found[-1][0] if len(found) == PAGE else None)

    def payloads(self, till: str, numbers: Sequence[int]) -> dict[int, bytes | None]:
        """The bytes of tickets that are not marked; None where a number is there twice."""
        tickets: dict[int, bytes | None] = {}
        for some in _slices(numbers, TOGETHER):
            statement = self._statements.rows(len(some))
            rows = self._guest.found(statement, (self._table.sent, *some, *self._till(till)))
            for number, *values in rows:
                # A row whose number is not one may equal one that was asked for: not the ticket.
                if (whole := _number(number)) is not None:
                    tickets[whole] = None if whole in tickets else self._bytes(values)
        return tickets

    def mark(self, till: str, number: int) -> bool:
        """Marks a ticket as sent; whether it was not marked before, and there once."""
        sent = self._table.sent
        which = (sent, number, *self._till(till))
        return bool(self._guest.changed(self._statements.mark, (sent, *which, *which)))

    def transaction(self) -> AbstractContextManager[None]:
        """Each statement stands for itself."""
        return nullcontext()

    savepoint = transaction

    def close(self) -> None:
        """Closes the connection."""
        self._guest.close()

    def _till(self, till: str) -> tuple[str, ...]:
        return () if self._table.till is None else (till,)

    def _bytes(self, values: Sequence[Any]) -> bytes:
        if self._table.payload is not None:
            return as_bytes(values[0])
        return as_json(dict(zip(self._table.columns, values, strict=True)))


class _Statements:
    """The three statements that there are. Values are parameters, names were checked."""

    def __init__(self, table: SourceTable, sql_server: bool) -> None:
        name = ".".join(map(_quoted, table.name))
        number, mark = _quoted(table.number), _quoted(table.mark)
        till = "" if table.till is None else f" AND {_quoted(table.till)} = ?"
        values = [_quoted(each) for each in (table.payload, *table.columns) if each]
        open_ = f"({mark} IS NULL OR {mark} <> ?)"
        page = f"OFFSET 0 ROWS FETCH NEXT {PAGE} ROWS ONLY" if sql_server else f"LIMIT {PAGE}"
        # Their parts were checked when till.yaml was read, and are quoted.
        self.numbers = (
            f"SELECT {number}, COUNT(*) FROM {name} "  # noqa: S608
            f"WHERE {open_} AND {number} > ?{till} "
            f"GROUP BY {number} ORDER BY {number} {page}"
        )
        which = f"{open_} AND {number} = ?{till}"
        # A row that came under the same number since it was compared keeps both from being marked.
        self.mark = (
            f"UPDATE {name} SET {mark} = ? WHERE {which} "  # noqa: S608
            f"AND (SELECT COUNT(*) FROM {name} WHERE {which}) = 1"
        )
        self._rows = (
            f"SELECT {', '.join([number, *values])} FROM {name} WHERE {open_} AND {number} IN (",  # noqa: S608
            f"){till} ORDER BY {number}",
        )

    def rows(self, count: int) -> str:
        """The one for so many numbers."""
        return self._rows[0] + ", ".join("?" * count) + self._rows[1]


def _quoted(name: str) -> str:
    """SQLite knows brackets too; in double quotes it takes an unknown column for a text."""
    return f"[{name}]"


def _slices(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for place in range(0, len(numbers), size):
        yield numbers[place : place + size]


def _number(raw: Any) -> int | None:
    """A ticket's number; None where it is none. SQL Server gives a NUMERIC as a Decimal."""
    whole = isinstance(raw, Decimal) and raw.is_finite() and raw == raw.to_integral_value()
    number = int(raw) if whole else raw
    return number if type(number) is int and 0 <= number <= LARGEST_NUMBER else None


def as_bytes(value: Any) -> bytes:
    """A ticket that is one column: bytes as they are, text in UTF-8, nothing as no bytes."""
    if value is None:
        return b""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    return (value if isinstance(value, str) else _plain(value)).encode("utf-8", "surrogatepass")


def as_json(values: dict[str, Any]) -> bytes:
    """A ticket that is several columns: an object, in their order, with no spaces."""
    members = (
        f"{json.dumps(name, ensure_ascii=False)}:{_json(each)}" for name, each in values.items()
    )
    return ("{" + ",".join(members) + "}").encode("utf-8", "surrogatepass")


def _json(value: Any) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")  # with the digits that it has: 12.50 stays 12.50
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    text = value if isinstance(value, str) else _plain(value)
    return json.dumps(text, ensure_ascii=False)


def _plain(value: Any) -> str:
    """What is no text and no number, as a text that says the same everywhere."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds" if value.microsecond else "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, UUID | Decimal | int | float):
        return str(value)
    return repr(value)
