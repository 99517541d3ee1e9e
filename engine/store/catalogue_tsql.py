"""SQL Server's statements for the tables of the datasets, made from their declarations alone.

A name comes from a declared Table or is one of ours with a number; each is checked again and
quoted. Values are parameters, always. What is said here is known to every version from 2016 on.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.store.catalogue_tables import CHANGE, NAME

ROW = "tillwire_row"
"""The column of a staged table that counts its rows; no declared column can be called that."""
EXACT = "COLLATE Latin1_General_BIN2"
"""How texts are told apart where the database's own collation might take them for the same."""
SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")

_TYPES = {
    ColumnKind.INTEGER: "BIGINT",
    ColumnKind.BOOLEAN: "BIT",
    ColumnKind.DATE: "DATE",
    ColumnKind.DATETIME: "DATETIME2(0)",
}


def quoted(name: str) -> str:
    """A name as SQL has it; ValueError for what no declaration and no code of ours makes."""
    if not NAME.fullmatch(name):
        raise ValueError(f"'{name}' is no name of a table, a column or an index")
    return f"[{name}]"


def listed(names: Iterable[str]) -> str:
    """Names with commas between them."""
    return ", ".join(map(quoted, names))


def encoded(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as the parameter of ``insert`` and ``insert_changes``."""
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def escaped(text: str) -> bool:
    """Whether something in a parameter of this kind stands for another sign."""
    return "\\" in text


def _type(column: TableColumn) -> str:
    if column.kind is ColumnKind.TEXT:
        return f"NVARCHAR({column.length or 'MAX'})"
    if column.kind is ColumnKind.DECIMAL:
        return f"DECIMAL({column.digits}, {column.decimals})"
    return _TYPES[column.kind]


def _column(column: TableColumn, required: bool) -> str:
    """In the collation of the database, so that the till program can join it with its own."""
    return f"{quoted(column.name)} {_type(column)} {'NOT NULL' if required else 'NULL'}"


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _same(table: Table, one: str, other: str) -> str:
    """The same key: found as the index finds it, and then told apart to the last sign."""
    texts = {each.name for each in table.columns if each.kind is ColumnKind.TEXT}
    found = [f"{one}.{quoted(name)} = {other}.{quoted(name)}" for name in table.key]
    exactly = [
        f"{one}.{quoted(name)} {EXACT} = {other}.{quoted(name)} {EXACT}"
        for name in table.key
        if name in texts
    ]
    return " AND ".join([*found, *exactly])


class Insert(NamedTuple):
    """How rows are put into a table: ``many`` with one parameter that holds them all, ``one``
    with a parameter for each value."""

    many: str
    one: str


class Statements:
    """The statements for the tables in one schema."""

    def __init__(self, schema: str) -> None:
        if not SCHEMA.fullmatch(schema):
            raise ValueError(f"'{schema}' is no name of a schema")
        self._schema = f"[{schema}]"

    def _in_schema(self, name: str) -> str:
        return f"{self._schema}.{quoted(name)}"

    def create(self, table: Table, name: str) -> str:
        """The table of a dataset under another name, without its key and indexes."""
        columns = ", ".join(_column(each, each.required) for each in table.columns)
        return f"CREATE TABLE {self._in_schema(name)} ({quoted(ROW)} BIGINT NOT NULL, {columns})"

    def insert(self, table: Table, name: str) -> Insert:
        """Rows, of which the parameter holds the numbers and then the values of the columns."""
        given = [(ROW, "BIGINT"), *((each.name, _type(each)) for each in table.columns)]
        return Insert(self._insert_many(name, given), self._insert_one(name, given))

    def _insert_one(self, name: str, given: Sequence[tuple[str, str]]) -> str:
        names, marks = listed(each for each, _ in given), ", ".join("?" * len(given))
        return f"INSERT INTO {self._in_schema(name)} ({names}) VALUES ({marks})"  # noqa: S608

    def _insert_many(self, name: str, given: Sequence[tuple[str, str]]) -> str:
        names = listed(each for each, _ in given)
        shape = ", ".join(
            f"{quoted(each)} {kind} '$[{at}]'" for at, (each, kind) in enumerate(given)
        )
        return (
            f"INSERT INTO {self._in_schema(name)} ({names}) "  # noqa: S608
            f"SELECT {names} FROM OPENJSON(CAST(? AS NVARCHAR(MAX))) WITH ({shape})"
        )

    def create_key(self, table: Table, name: str, number: int) -> str:
        """The key. Its name is one of its own in the schema, so that renaming leaves it."""
        return (
            f"ALTER TABLE {self._in_schema(name)} ADD CONSTRAINT "
            f"{quoted(f'tillwire_key_{number}')} PRIMARY KEY CLUSTERED ({listed(table.key)})"
        )

    def forget_rows(self, name: str) -> str:
        """Leaves out the column that counts rows."""
        return f"ALTER TABLE {self._in_schema(name)} DROP COLUMN {quoted(ROW)}"

    def create_indexes(self, table: Table, name: str, number: int) -> list[str]:
        """The other indexes that the dataset declares."""
        return [
            f"CREATE INDEX {quoted(f'tillwire_index_{number}_{place}')} "
            f"ON {self._in_schema(name)} ({listed(columns)})"
            for place, columns in enumerate(table.indexes, 1)
        ]

    def duplicate(self, table: Table, name: str) -> str:
        """The numbers of the first and the last row of a key that is there twice."""
        key, row = listed(table.key), quoted(ROW)
        return (
            f"SELECT TOP (1) MIN({row}), MAX({row}) FROM {self._in_schema(name)} "  # noqa: S608
            f"GROUP BY {key} HAVING COUNT(*) > 1 ORDER BY MIN({row})"
        )

    def key_of(self, table: Table, name: str) -> str:
        """The key of the row whose number is the parameter."""
        return (
            f"SELECT {listed(table.key)} FROM {self._in_schema(name)} "  # noqa: S608
            f"WHERE {quoted(ROW)} = ?"
        )

    def create_changes(self, table: Table, name: str) -> str:
        """A table of changes; only the key has to be there."""
        columns = ", ".join(_column(each, each.name in table.key) for each in table.columns)
        return (
            f"CREATE TABLE {self._in_schema(name)} ({quoted(ROW)} BIGINT NOT NULL, "
            f"{quoted(CHANGE)} NVARCHAR(6) NOT NULL, {columns})"
        )

    def insert_changes(self, table: Table, name: str) -> Insert:
        """Changes, of which the parameter holds the numbers, what is to be done, and the values."""
        values = [(each.name, _type(each)) for each in table.columns]
        given = [(ROW, "BIGINT"), (CHANGE, "NVARCHAR(6)"), *values]
        return Insert(self._insert_many(name, given), self._insert_one(name, given))

    def create_order(self, table: Table, name: str, number: int) -> str:
        """The index by which the last change of a key is found."""
        return (
            f"CREATE UNIQUE CLUSTERED INDEX {quoted(f'tillwire_order_{number}')} "
            f"ON {self._in_schema(name)} ({listed([*table.key, ROW])})"
        )

    def keep_last(self, table: Table, name: str) -> str:
        """Leaves of several changes of one key the last one."""
        changes, row = self._in_schema(name), quoted(ROW)
        return (
            f"DELETE earlier FROM {changes} AS earlier WHERE EXISTS ("  # noqa: S608
            f"SELECT 1 FROM {changes} AS later WHERE {_same(table, 'later', 'earlier')} "
            f"AND later.{row} > earlier.{row})"
        )

    def delete(self, table: Table, live: str, changes: str) -> str:
        """Takes from the live table, ``live`` by name, what the changes say is gone."""
        return (
            f"DELETE live FROM {self._in_schema(live)} AS live WHERE EXISTS ("  # noqa: S608
            f"SELECT 1 FROM {self._in_schema(changes)} AS change WHERE "
            f"change.{quoted(CHANGE)} = N'delete' AND {_same(table, 'change', 'live')})"
        )

    def update(self, table: Table, live: str, changes: str) -> str:
        """Gives rows that the live table has their new values; empty where all is key."""
        others = [name for name in _names(table) if name not in table.key]
        if not others:
            return ""
        values = ", ".join(f"{quoted(name)} = change.{quoted(name)}" for name in others)
        return (
            f"UPDATE live SET {values} FROM {self._in_schema(live)} AS live "  # noqa: S608
            f"JOIN {self._in_schema(changes)} AS change ON {_same(table, 'change', 'live')} "
            f"WHERE change.{quoted(CHANGE)} = N'upsert'"
        )

    def add(self, table: Table, live: str, changes: str) -> str:
        """Puts rows into the live table that it does not have."""
        names = _names(table)
        values = ", ".join(f"change.{quoted(name)}" for name in names)
        rows = self._in_schema(live)
        return (
            f"INSERT INTO {rows} ({listed(names)}) SELECT {values} "  # noqa: S608
            f"FROM {self._in_schema(changes)} AS change "
            f"WHERE change.{quoted(CHANGE)} = N'upsert' AND NOT EXISTS ("
            f"SELECT 1 FROM {rows} AS live WHERE {_same(table, 'live', 'change')})"
        )

    def rename(self, name: str, to: str) -> str:
        """Another name for a table, and whether that failed: a row with 0 if not."""
        quoted(to)
        return (
            "DECLARE @failed INT; EXEC @failed = sp_rename "
            f"N'{self._in_schema(name)}', N'{to}', N'OBJECT'; SELECT @failed"
        )

    def delete_some(self, name: str, rows: int) -> str:
        """Deletes some rows of a table."""
        return f"DELETE TOP ({rows:d}) FROM {self._in_schema(name)}"

    def drop_table(self, name: str) -> str:
        """Drops a table with its key and indexes."""
        return f"DROP TABLE {self._in_schema(name)}"
