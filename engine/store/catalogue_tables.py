"""SQLite's statements for the tables of the datasets, made from their declarations alone.

A name comes from a declared Table or is one of ours with a number; each is checked again and
quoted. Values are parameters, always.
"""

import re
from collections.abc import Iterable, Sequence

from engine.catalogue.tables import ColumnKind, Table, TableColumn

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
CHANGE = "tillwire_change"
"""The column of a table of changes that says which; no declared column can be called that."""

TYPES = {
    ColumnKind.TEXT: "TEXT",
    ColumnKind.INTEGER: "INTEGER",
    ColumnKind.DECIMAL: "REAL",  # makes a number of the checked text, exact to 15 digits
    ColumnKind.BOOLEAN: "INTEGER",
    ColumnKind.DATE: "TEXT",
    ColumnKind.DATETIME: "TEXT",
}


def quoted(name: str) -> str:
    """A name as SQL has it; ValueError for what no declaration and no code of ours makes."""
    if not NAME.fullmatch(name):
        raise ValueError(f"'{name}' is no name of a table, a column or an index")
    return f'"{name}"'


def listed(names: Iterable[str]) -> str:
    """Names with commas between them."""
    return ", ".join(map(quoted, names))


def _column(column: TableColumn, required: bool) -> str:
    bound = " NOT NULL" if required else ""
    return f"{quoted(column.name)} {TYPES[column.kind]}{bound}"


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _insert(name: str, columns: Sequence[str], rows: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    values = ", ".join([row] * rows)
    return f"INSERT INTO {quoted(name)} ({listed(columns)}) VALUES {values}"  # noqa: S608


def create(table: Table, name: str) -> str:
    """The table of a dataset under another name, without its key and indexes."""
    columns = ", ".join(_column(column, column.required) for column in table.columns)
    return f"CREATE TABLE {quoted(name)} ({columns})"


def insert(table: Table, name: str, rows: int = 1) -> str:
    """Some rows in one statement, the values of each in the order of the columns."""
    return _insert(name, _names(table), rows)


def create_key(table: Table, name: str, number: int) -> str:
    """The index that makes the key unique."""
    return (
        f"CREATE UNIQUE INDEX {quoted(f'tillwire_key_{number}')} "
        f"ON {quoted(name)} ({listed(table.key)})"
    )


def create_indexes(table: Table, name: str, number: int) -> list[str]:
    """The other indexes that the dataset declares."""
    return [
        f"CREATE INDEX {quoted(f'tillwire_index_{number}_{place}')} "
        f"ON {quoted(name)} ({listed(columns)})"
        for place, columns in enumerate(table.indexes, 1)
    ]


def duplicate(table: Table, name: str) -> str:
    """One key that is there twice: its values, and the numbers of its first and last row."""
    key = listed(table.key)
    return (
        f"SELECT {key}, MIN(_rowid_), MAX(_rowid_) FROM {quoted(name)} "  # noqa: S608
        f"GROUP BY {key} HAVING COUNT(*) > 1 ORDER BY MIN(_rowid_) LIMIT 1"
    )


def create_changes(table: Table, name: str) -> str:
    """A table of changes; only the key has to be there."""
    columns = ", ".join(_column(each, each.name in table.key) for each in table.columns)
    return f"CREATE TABLE {quoted(name)} ({quoted(CHANGE)} TEXT NOT NULL, {columns})"


def insert_change(table: Table, name: str, rows: int = 1) -> str:
    """Some changes in one statement: what is done, then the values in the order of the columns."""
    return _insert(name, [CHANGE, *_names(table)], rows)


def keep_last(table: Table, name: str) -> str:
    """Of several changes of one key only the last stays."""
    changes = quoted(name)
    last = f"SELECT MAX(_rowid_) FROM {changes} GROUP BY {listed(table.key)}"  # noqa: S608
    return f"DELETE FROM {changes} WHERE _rowid_ NOT IN ({last})"  # noqa: S608


def apply(table: Table, changes: str) -> list[str]:
    """Makes the changes of a table of changes, one of each key, in the dataset's live table."""
    live, key, names = quoted(table.name), listed(table.key), listed(_names(table))
    others = [name for name in _names(table) if name not in table.key]
    update = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in others)
    what_else = f"UPDATE SET {update}" if update else "NOTHING"
    kept = f"FROM {quoted(changes)} WHERE {quoted(CHANGE)} ="
    upserted = f"SELECT {names} {kept} 'upsert' ON CONFLICT ({key}) DO {what_else}"
    return [
        f"DELETE FROM {live} WHERE ({key}) IN (SELECT {key} {kept} 'delete')",  # noqa: S608
        f"INSERT INTO {live} ({names}) {upserted}",
    ]


def count(name: str) -> str:
    """How many rows a table has."""
    return f"SELECT COUNT(*) FROM {quoted(name)}"  # noqa: S608


def rename(name: str, to: str) -> str:
    """Another name for a table."""
    return f"ALTER TABLE {quoted(name)} RENAME TO {quoted(to)}"


def delete_some(name: str) -> str:
    """Deletes the first rows of a table, as many as the parameter says."""
    table = quoted(name)
    return f"DELETE FROM {table} WHERE _rowid_ IN (SELECT _rowid_ FROM {table} LIMIT ?)"  # noqa: S608


def drop_table(name: str) -> str:
    """Drops a table and what indexes it still has."""
    return f"DROP TABLE {quoted(name)}"


def drop_index(name: str) -> str:
    """Drops an index."""
    return f"DROP INDEX {quoted(name)}"
