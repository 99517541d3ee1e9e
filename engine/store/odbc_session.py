"""A connection of ODBC and its statements: everything here runs in the thread of its line."""

import threading
from collections.abc import Sequence
from typing import Any

from engine.store.odbc_driver import odbc
from engine.store.place import OdbcPlace
from engine.store.port import Row

AT_ONCE = 500
"""Rows that a stream fetches in one go."""


def log_in(place: OdbcPlace) -> "Session":
    """A new connection. Raises what pyodbc raises, and what making its string does."""
    module = odbc()
    connection = module.connect(
        place.connection(), autocommit=True, timeout=max(1, round(place.login_timeout))
    )
    connection.timeout = max(1, round(place.query_timeout))
    return Session(connection)


class Session:
    """One connection. Statements that come by name stay prepared."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._cursors: dict[str, Any] = {}
        self._stream: Any = None
        self._once: Any = None
        self._ending = threading.Lock()

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def cancel(self) -> None:
        """End what ``once`` is doing; called from another thread."""
        with self._ending:
            if self._once is not None:
                self._once.cancel()

    def changed(self, name: str, statement: str, parameters: Sequence[Any]) -> int:
        """Run a statement and tell how many rows it changed."""
        cursor = self._cursor(name)
        _execute(cursor, statement, parameters)
        return int(cursor.rowcount)

    def many(self, name: str, statement: str, rows: list[Row]) -> None:
        """Run a statement once per row."""
        cursor = self._cursor(name)
        cursor.executemany(statement, rows)

    def fetched(self, name: str, statement: str, given: Sequence[Any]) -> list[Row]:
        """All rows of a query with the parameters ``given``."""
        cursor = self._cursor(name)
        _execute(cursor, statement, given)
        return [tuple(row) for row in cursor.fetchall()]

    def once(
        self, statement: str, parameters: Sequence[Any], within: float | None = None
    ) -> list[Row]:
        """Run statements that are not kept, and give the rows of the one that has some.

        They may take ``within`` seconds, or as long as others when it is None.
        """
        usual = self._connection.timeout
        if within is not None:
            self._connection.timeout = max(1, round(within))
        cursor = self._once = self._connection.cursor()
        self._connection.timeout = usual
        try:
            _execute(cursor, statement, parameters)
            rows: list[Row] = []
            while True:
                if cursor.description is not None:
                    rows = [tuple(row) for row in cursor.fetchall()]
                if not cursor.nextset():
                    return rows
        finally:
            with self._ending:  # who cancels a statement that is no longer there crashes
                self._once = None
                cursor.close()

    def begin_stream(self, statement: str, parameters: Sequence[Any]) -> None:
        """Ask for rows that come little by little; one stream at a time."""
        self.end_stream()
        self._stream = self._connection.cursor()
        _execute(self._stream, statement, parameters)

    def next_rows(self) -> list[Row]:
        """The next rows of the stream; none at its end."""
        return [tuple(row) for row in self._stream.fetchmany(AT_ONCE)]

    def end_stream(self) -> None:
        """Leave what is left of the stream."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _cursor(self, name: str) -> Any:
        if name not in self._cursors:
            self._cursors[name] = self._connection.cursor()
        return self._cursors[name]


def _execute(cursor: Any, statement: str, parameters: Sequence[Any]) -> None:
    if parameters:
        cursor.execute(statement, parameters)
    else:
        cursor.execute(statement)
