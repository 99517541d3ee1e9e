"""The catalogue's schema on SQL Server: opened alone, written by statements made on the way."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.store.errors import Damaged, Unreachable
from engine.store.odbc import OdbcDatabase
from engine.store.odbc_dialect import Ask, SqlServer
from engine.store.odbc_line import Line, Watch
from engine.store.odbc_session import Session
from engine.store.place import OdbcPlace
from engine.store.port import Row

LONGEST = 3600.0
"""Seconds that a key or an index of a large table may take; looked after meanwhile."""

LONGEST_LOCK = 1.0
"""Seconds that a swap waits for a reader at a time: meanwhile other readers queue behind it."""


class CatalogueDialect(SqlServer):
    """SQL Server as the catalogue needs it."""

    name = "catalogue_sqlserver"

    def begin_session(self, ask: Ask, place: OdbcPlace) -> None:
        """Where the till program and a load are in each other's way, the load tries again."""
        super().begin_session(ask, place)
        ask("SET DEADLOCK_PRIORITY LOW")

    def prepare(self, ask: Ask, place: OdbcPlace) -> None:
        """A schema of its own: whoever else had a table there might lose it in a swap."""
        schema = place.schema
        (there,) = ask(
            f"SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = N'{schema}'"  # noqa: S608
        )
        if there[0]:
            raise unusable(place, "the schema holds other tables already")
        if ask(f"SELECT SCHEMA_ID(N'{schema}')")[0][0] is None:
            ask(f"CREATE SCHEMA [{schema}]")


class CatalogueDatabase(OdbcDatabase):
    """An open schema. From ``hold`` on a load goes on on the same connection or not at all: with
    the connection goes the lock, and another tillwire may sweep away what was staged."""

    _held = False

    def ask(self, statement: str) -> list[Row]:
        """Runs statements without parameters; the rows of the one that has some."""
        return self._ask(statement)

    def change(self, statement: str, *parameters: Any) -> int:
        """Runs a statement and returns how many rows it changed."""
        return self._do(lambda session: session.changed("made", statement, parameters))

    def change_many(self, statement: str, rows: list[Row]) -> None:
        """Runs a statement once per row."""
        self._do(lambda session: session.many("made", statement, rows))

    def found(self, statement: str, *parameters: Any) -> list[Row]:
        """The rows that a query answers with."""
        return self._do(lambda session: session.fetched("found", statement, parameters))

    def build(self, statement: str, look: Callable[[], None]) -> list[Row]:
        """Runs a statement that may take long; what ``look`` raises ends it, and comes out."""
        return self._do(
            lambda session: session.once(statement, (), LONGEST),
            limit=LONGEST,
            watch=Watch(look, Session.cancel),
        )

    def hold(self) -> None:
        """From now on, when the connection is gone, everything raises Unreachable."""
        self._connected()
        self._held = True

    def release(self) -> None:
        """What is asked next may make a new connection."""
        self._held = False

    def check_schema(self) -> int:
        """The version of the schema; Damaged when it is none that this program can read."""
        found: int = self.only_row("schema_version")[0] or 0
        if found > self.queries.latest:
            raise unusable(
                self.where,
                f"its schema has version {found} and this program knows versions up to "
                f"{self.queries.latest}",
            )
        return found

    def _connected(self) -> Line[Session]:
        if self._held and self._line is None:
            raise Unreachable(
                f"The connection to the catalogue in the database {self.place} broke during a "
                "load. What is live is as it was; load again."
            )
        return super()._connected()


def catalogue_place(place: OdbcPlace) -> OdbcPlace:
    """The place as the catalogue uses it."""
    return replace(
        place,
        dialect=CatalogueDialect(),
        lock_timeout=min(place.lock_timeout, LONGEST_LOCK),
    )


def unusable(place: OdbcPlace, why: str) -> Damaged:
    """The sentence for a schema that is no catalogue of ours; ``why`` has no full stop."""
    return Damaged(
        f"The catalogue in the schema {place.schema} of the database {place} cannot be used: "
        f"{why}. Give the catalogue another schema with catalogue.schema; if this one is a "
        "catalogue, it holds only what the server has: drop its tables, and load everything."
    )
