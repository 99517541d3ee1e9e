"""The databases that the suite of the store runs on.

SQLite by Python's own module; SQLite by ODBC, which plays the part of a server; and the SQL
Server that ``TILLWIRE_TEST_SQLSERVER`` names, an ODBC connection string, each test in a schema
of its own that is dropped at its end. Without the variable those tests are not there.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from uuid import uuid4

from engine.store import Store
from engine.store.odbc import OdbcDatabase
from engine.store.odbc_dialect import Ask, Dialect
from engine.store.odbc_driver import odbc
from engine.store.place import OdbcPlace, Place
from engine.store.transactions import SQLITE, Words

SERVER = os.environ.get("TILLWIRE_TEST_SQLSERVER", "")
BACKENDS = ["sqlite", "odbc", *(["sqlserver"] if SERVER else [])]
SQLITES = ["sqlite", "odbc"]
TABLES = (
    "payloads",
    "tickets",
    "journal_head",
    "journal",
    "counters",
    "history",
    "snapshots",
    "messages",
    "offers",
    "tillwire_schema",
)
_NUMBERS = count(1)
_RUN = uuid4().hex[:8]


class SqliteByOdbc(Dialect):
    """A file of SQLite as a server reached by ODBC."""

    name: ClassVar[str] = "sqlite"
    words: ClassVar[Words] = SQLITE
    one_array: ClassVar[bool] = True

    def begin_session(self, ask: Ask, _: OdbcPlace) -> None:
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "recursive_triggers=ON"):
            ask(f"PRAGMA {pragma}")

    def own(self, ask: Ask, place: OdbcPlace) -> None:
        """The file is a test's own."""

    def examine(self, ask: Ask, place: OdbcPlace) -> None:
        """It can keep everything."""

    def prepare(self, ask: Ask, place: OdbcPlace) -> None:
        """It has no schemas."""

    def only_read(self, ask: Ask) -> None:
        ask("PRAGMA query_only=ON")

    def one_moment(self, ask: Ask, place: OdbcPlace) -> None:
        """A transaction of SQLite sees one moment."""

    def alive(self, _: Ask) -> bool:
        """There is no question for it: rolling back what is not there is an error."""
        return True


def sqlite_by_odbc(path: Path) -> OdbcPlace:
    """BigInt: whole numbers of 64 bits come whole."""
    return OdbcPlace(
        f"{path.name} by ODBC",
        lambda: f"Driver=SQLite3;Database={path};Timeout=100;BigInt=1;FKSupport=1",
        SqliteByOdbc(),
    )


def on_sql_server(schema: str) -> OdbcPlace:
    """The server that the environment names."""
    return OdbcPlace("the test's SQL Server", lambda: SERVER, schema=schema)


def fresh(name: str, path: Path) -> Place:
    """A place of the kind ``name`` that nobody has used."""
    if name == "sqlite":
        return path
    if name == "odbc":
        return sqlite_by_odbc(path)
    return on_sql_server(f"t{next(_NUMBERS)}_{_RUN}")


@contextmanager
def place_for(name: str, path: Path) -> Iterator[Place]:
    """A place that is cleared away at the end; of files the test's directory takes care."""
    place = fresh(name, path)
    try:
        yield place
    finally:
        clear(place)


def clear(place: Place) -> None:
    """Drop a schema of the test's server with all that is in it."""
    if not isinstance(place, OdbcPlace) or place.dialect.name != "sqlserver":
        return
    connection = odbc().connect(SERVER, autocommit=True)
    try:
        for table in TABLES:
            connection.execute(f"DROP TABLE IF EXISTS [{place.schema}].{table}")
        connection.execute(f"DROP SCHEMA IF EXISTS [{place.schema}]")
    finally:
        connection.close()


class Hand(NamedTuple):
    """Another hand at the database of a store: it writes SQLite's SQL, as the tests have it."""

    store: Store

    def __call__(self, statement: str, *parameters: Any) -> Any:
        database: Any = self.store._database
        if not isinstance(database, OdbcDatabase):
            return database._execute(statement, parameters).fetchall()
        if database.where.dialect.name == "sqlserver":
            statement = _translated(statement, database.where.schema)
        return database._ask(statement, parameters)


def _translated(statement: str, schema: str) -> str:
    names = "|".join(TABLES)
    text = re.sub(
        rf"\b(FROM|INTO|UPDATE|TABLE|TRIGGER) ((?:{names})\w*)", rf"\1 [{schema}].\2", statement
    )
    text = re.sub(r"\bx'([0-9a-f]*)'", r"0x\1", text)
    return re.sub(r"\bkey\b", "[key]", text)
