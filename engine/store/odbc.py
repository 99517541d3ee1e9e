"""A database reached by ODBC: one connection, made again when it broke.

Only one process writes to a schema: the session's lock says which. A statement that fails may
have undone the whole transaction; that is asked, and nothing passes for kept that is not. When
the connection breaks, what was under way was undone by the server, except where the commit
itself was under way: then nobody knows, and that is what is said.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from json import dumps
from typing import Any, Literal, Self, TypeVar

from engine.store.errors import (
    KeyTwice,
    Missing,
    StoreError,
    Unanswered,
    Undone,
    Unreachable,
    damaged,
)
from engine.store.odbc_driver import odbc
from engine.store.odbc_errors import explain, unanswered
from engine.store.odbc_line import Hanging, Line, Watch
from engine.store.odbc_session import Session, log_in
from engine.store.place import OdbcPlace
from engine.store.port import Row
from engine.store.queries import Queries, bring_up, load
from engine.store.transactions import Transactions

T = TypeVar("T")
Role = Literal["writes", "reads"]

GRACE = 5.0
"""Seconds beyond a driver's own time limit after which its call is abandoned."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds for which a server that was not there is not asked again; they double."""


class OdbcDatabase(Transactions):
    """An open database. Used by one thread at a time; ``close`` ends it."""

    def __init__(self, place: OdbcPlace, queries: Queries, role: Role) -> None:
        super().__init__(place, place.dialect.words)
        self.where = place
        self.queries = queries
        self._role = role
        self._errors: type[Exception] = odbc().Error
        self._line: Line[Session] | None = None
        self._committing = False
        self._doubtful = False
        self._lost = False
        self._pause = 0.0
        self._not_before = 0.0
        self._why: StoreError | None = None
        self._closed = False

    @classmethod
    def open(
        cls,
        place: OdbcPlace,
        create: bool = True,
        *,
        role: Role = "writes",
        queries: Queries | None = None,
    ) -> Self:
        """Opens a schema, to write alone or to read beside who writes; creates it only where no
        schema of ours is.

        Raises StoreError or one of its kinds, with nothing left open.
        """
        queries = load(place.dialect.name, place.schema) if queries is None else queries
        database = cls(place, queries, role)
        try:
            database._connected()
            database._prepare(create and role == "writes")
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        """Ends the connection, and with it the lock; a second call does nothing."""
        self._closed = True
        self._drop()

    def run(self, name: str, *parameters: Any) -> int:
        """Runs a statement and returns how many rows it changed."""
        self._may_write()
        return self._do(lambda session: session.changed(name, self.queries[name], parameters))

    def run_many(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement once per row."""
        every = [tuple(row) for row in rows]
        if every:
            self._may_write()
            self._do(lambda session: session.many(name, self.queries[name], every))

    def run_rows(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement for rows with texts, in the way of the dialect."""
        if self.where.dialect.one_array:
            self.run(name, dumps(rows))
        else:
            self.run_many(name, rows)

    def rows(self, name: str, *parameters: Any) -> list[Row]:
        """All rows that a query answers with."""
        work = partial(Session.fetched, name=name, statement=self.queries[name], given=parameters)
        old = self._line
        try:
            return self._do(work)
        except Unanswered:
            raise
        except Unreachable:
            if old is None or self._inside:
                raise
            return self._do(work)  # it broke while nothing was asked of it

    def row(self, name: str, *parameters: Any) -> Row | None:
        """The first row that a query answers with, or None."""
        rows = self.rows(name, *parameters)
        return rows[0] if rows else None

    def only_row(self, name: str, *parameters: Any) -> Row:
        """The row that is always there; Damaged when it is not."""
        row = self.row(name, *parameters)
        if row is None:
            raise damaged(self.where, f"it has no answer to {name}")
        return row

    def stream(self, name: str, *parameters: Any) -> Iterator[Row]:
        """The rows of a query one after the other; nothing may be written meanwhile."""
        line = self._connected()
        self._do(lambda session: session.begin_stream(self.queries[name], parameters))
        try:
            while rows := self._do(Session.next_rows, line):
                yield from rows
        finally:
            if self._line is line:
                with suppress(StoreError):  # a connection that broke has taken it along
                    self._do(Session.end_stream)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside is as it was at one moment; nothing may be written."""
        self._connected()
        self.where.dialect.one_moment(self._ask, self.where)
        self._begin()
        self._inside = True
        try:
            yield
        finally:
            self._undo(self._words.rollback)
            self._inside = False

    def check_schema(self) -> int:
        """The version of the schema; Damaged when it is none that this program can read."""
        found: int = self.only_row("schema_version")[0] or 0
        if found > self.queries.latest:
            raise damaged(
                self.where,
                f"its schema has version {found} and this program knows versions up to "
                f"{self.queries.latest}; a newer tillwire wrote it, so install that one again",
            )
        return found

    def _prepare(self, create: bool) -> None:
        place = self.where
        there = bool(self.only_row("schema_exists")[0])
        if not there and not create:
            raise Missing(
                f"The database {place} has no tables of tillwire in a schema {place.schema}: name "
                "the right ones, or start tillwire, which makes them."
            )
        found = self.check_schema() if there else 0
        if self._role == "reads" or (there and found == self.queries.latest):
            return
        with self.transaction():
            if not there:
                place.dialect.prepare(self._ask, place)
            bring_up(self._ask, self.queries, found)

    # The connection.

    def _connected(self) -> Line[Session]:
        """The line that is there, or a new one. After a failure none is made for a while."""
        if self._line is not None:
            return self._line
        if self._inside:
            raise self._gone()
        if self._closed:
            raise StoreError(f"The database {self.place} is closed.")
        if self._why is not None and time.monotonic() < self._not_before:
            raise self._why
        self._line = Line(partial(log_in, self.where))
        try:
            self._begin_session(self._line)
        except BaseException as fault:
            self._drop()
            if isinstance(fault, StoreError):
                self._pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * self._pause))
                self._not_before, self._why = time.monotonic() + self._pause, fault
            raise
        self._pause, self._why = 0.0, None
        return self._line

    def _begin_session(self, line: Line[Session]) -> None:
        place, dialect = self.where, self.where.dialect
        self._do(lambda _: None, line, place.login_timeout)
        dialect.begin_session(self._ask, place)
        dialect.examine(self._ask, place)
        if self._role == "writes":
            dialect.own(self._ask, place)
        else:
            dialect.only_read(self._ask)

    def _drop(self) -> None:
        """Leave a connection that is of no use any more: the server undoes what was under way."""
        line, self._line = self._line, None
        if line is not None:
            line.close(GRACE)

    # What is asked of it.

    def _may_write(self) -> None:
        if self._role == "reads":
            raise StoreError("This connection to the database only reads.")

    def _do(
        self,
        work: Callable[[Session], T],
        line: Line[Session] | None = None,
        limit: float | None = None,
        watch: Watch[Session] | None = None,
    ) -> T:
        """Do ``work`` in the line's thread; StoreError for whatever a driver may raise."""
        line = line or self._connected()
        limit = GRACE + (self.where.query_timeout if limit is None else limit)
        try:
            return line.call(work, limit, watch)
        except Hanging:
            fault: StoreError = unanswered(self.where, f"nothing within {limit:g} s")
        except self._errors as error:
            fault = explain(error, self.where)
        except BaseException:
            if line.abandoned:  # the watch raised, and the call would not end
                self._drop()
            raise
        raise self._failed(fault)

    def _failed(self, fault: StoreError) -> StoreError:
        if isinstance(fault, Unreachable):
            self._drop()
            if self._inside and self._committing:
                doubt = "Whether what was stored last is there is not known."
                fault = type(fault)(f"{fault} {doubt}")
            elif self._inside and not isinstance(fault, Unanswered):
                fault = Undone(str(fault))
        self._failure = fault
        self._doubtful = True
        return fault

    def _ask(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """As a batch of its own: what it sets holds for the session."""
        return self._do(lambda session: session.once(statement, parameters))

    # Transactions.

    def _say(self, statement: str) -> object:
        return self._ask(statement)

    def _begin(self) -> None:
        """A connection that broke while nothing was asked of it is made again at once."""
        self._lost = False
        old = self._line
        try:
            super()._begin()
        except Unanswered:
            raise
        except Unreachable:
            if old is None:
                raise
            super()._begin()
        self._doubtful = False

    def _commit(self) -> None:
        self._committing = True
        try:
            super()._commit()
        finally:
            self._committing = False

    def _alive(self) -> bool:
        """Asked only where a statement failed: nothing else ends a transaction."""
        if not self._inside or self._line is None or self._lost:
            return False
        if self._doubtful:
            self._doubtful = False
            why = self._failure
            try:
                self._lost = not self.where.dialect.alive(self._ask)
                if self._lost:
                    self._ask(self._words.rollback)
            except StoreError:
                self._lost = True
                self._drop()
            self._failure = why
        return not self._lost

    def _gone(self) -> StoreError:
        """What was not undone for a reason that lasts can be done again."""
        why = self._failure
        if why is None or type(why) in (StoreError, KeyTwice):
            return Undone(f"The database {self.place} undid a whole transaction ({why}).")
        return why

    def _undo(self, statement: str) -> None:
        """A transaction that cannot be undone ends with its connection."""
        try:
            super()._undo(statement)
        except StoreError:
            self._lost = True
            self._drop()
