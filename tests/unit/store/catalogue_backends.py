"""The databases that the suite of the catalogue runs on, and another hand at each.

A file of SQLite; and the SQL Server that ``TILLWIRE_TEST_SQLSERVER`` names, an ODBC connection
string, each test in a schema of its own that is dropped at its end. Without the variable those
tests are not there.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.store.catalogue import Catalogue
from engine.store.catalogue_opening import open_catalogue
from engine.store.odbc_driver import odbc
from tests.unit.store.backends import SERVER, on_sql_server

Tuples = list[tuple[Any, ...]]

_NUMBERS = count(1)
_RUN = uuid4().hex[:8]

BACKENDS = ["sqlite", *(["sqlserver"] if SERVER else [])]

ARTICLES = Table(
    "articles",
    (
        TableColumn("code", ColumnKind.TEXT, required=True, length=20),
        TableColumn("label", ColumnKind.TEXT, length=80),
        TableColumn("price", ColumnKind.DECIMAL, digits=9, decimals=2),
        TableColumn("stock", ColumnKind.INTEGER),
        TableColumn("sold", ColumnKind.BOOLEAN),
        TableColumn("since", ColumnKind.DATE),
    ),
    ("code",),
    (("label", "stock"),),
)
OFFERS = Table(
    "offers",
    (
        TableColumn("shop", ColumnKind.INTEGER, required=True),
        TableColumn("article", ColumnKind.TEXT, required=True, length=20),
    ),
    ("shop", "article"),
)
TEA = ("tea", "Thé", "12.50", 3, True, "2026-11-24")
SALT = ("salt", None, None, None, None, None)


class Behind(ABC):
    """A place for one catalogue, and what somebody else sees there."""

    @abstractmethod
    def open(self, tables: Sequence[Table]) -> Catalogue:
        """The catalogue that is kept there."""

    @abstractmethod
    def rows(self, table: str) -> Tuples:
        """All rows of a table in the order of their first columns: decimals as numbers, booleans
        as 0 and 1, dates as text."""

    @abstractmethod
    def names(self) -> set[str]:
        """The names of all tables that are there."""

    @abstractmethod
    def indexed(self) -> list[str]:
        """For each key and index that a load has made, the table that it is of."""

    def leftovers(self) -> set[str]:
        """The names of tables that wait for a swap or a sweep."""
        return {name for name in self.names() if name.startswith(("tillwire_new", "tillwire_old"))}


class InFile(Behind):
    """A file of SQLite."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, tables: Sequence[Table]) -> Catalogue:
        return open_catalogue(self.path, tables)

    def rows(self, table: str) -> Tuples:
        return sorted(read(self.path, f"SELECT * FROM {table}"))  # noqa: S608

    def names(self) -> set[str]:
        found = read(self.path, "SELECT name FROM sqlite_master WHERE type = 'table'")
        return {row[0] for row in found}

    def indexed(self) -> list[str]:
        found = "SELECT tbl_name FROM sqlite_master WHERE name GLOB 'tillwire_[ki]*_[0-9]*'"
        return sorted(row[0] for row in read(self.path, found))


class InSchema(Behind):
    """A schema on the SQL Server of the tests."""

    def __init__(self, schema: str) -> None:
        self.schema = schema

    def open(self, tables: Sequence[Table]) -> Catalogue:
        return open_catalogue(on_sql_server(self.schema), tables)

    def rows(self, table: str) -> Tuples:
        found = self.ask(f"SELECT * FROM [{self.schema}].[{table}]")  # noqa: S608
        return sorted(tuple(map(plain, row)) for row in found)

    def names(self) -> set[str]:
        return {row[0] for row in self.ask(f"SELECT name {self._tables()}")}

    def indexed(self) -> list[str]:
        """Keys are counted with the tables: a load makes one for each."""
        live = [name for name in self.names() if not name.startswith("tillwire_")]
        found = self.ask(
            "SELECT OBJECT_NAME(object_id) FROM sys.indexes WHERE name LIKE "  # noqa: S608
            f"N'tillwire[_]index[_]%' AND object_id IN (SELECT object_id {self._tables()})"
        )
        return sorted([*live, *(row[0] for row in found)])

    def ask(self, statement: str) -> Tuples:
        """What another connection gets for an answer."""
        with closing(self.connect()) as connection:
            found = connection.execute(statement)
            return [tuple(row) for row in found.fetchall()] if found.description else []

    def connect(self) -> Any:
        """Another connection."""
        return odbc().connect(SERVER, autocommit=True)

    def clear(self) -> None:
        """Drops the schema with all that is in it."""
        for name in self.names():
            self.ask(f"DROP TABLE [{self.schema}].[{name}]")
        self.ask(f"DROP SCHEMA IF EXISTS [{self.schema}]")

    def _tables(self) -> str:
        return f"FROM sys.tables WHERE schema_id = SCHEMA_ID(N'{self.schema}')"


def plain(value: Any) -> Any:
    """A value of SQL Server as SQLite has it."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def read(path: Path, statement: str) -> Tuples:
    """What another connection sees in a file of SQLite."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def ignore(rows: int) -> None:
    """Nobody watches."""


def swept(catalogue: Catalogue, budget: float = 1.0) -> bool:
    """Sweeps until nothing is left, in a bounded number of goes."""
    return any(catalogue.sweep(budget) for _ in range(20))


def fill(catalogue: Catalogue, table: Table, version: int, rows: Tuples, at: float = 1.0) -> None:
    """A full load of one table."""
    with catalogue.load(at) as load:
        load.full(table, version, [rows], ignore)
        load.swap()


@contextmanager
def behind(name: str, path: Path) -> Iterator[Behind]:
    """A place of the kind ``name`` that nobody has used, cleared away at the end."""
    if name == "sqlite":
        yield InFile(path)
        return
    place = InSchema(f"c{next(_NUMBERS)}_{_RUN}")
    yield place
    place.clear()
