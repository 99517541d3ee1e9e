"""An older database is brought up to this program's schema, or left as it was."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.store import Store, StoreError
from engine.store.database import Database
from engine.store.queries import load, parse

MORE = """
-- name: migration_2_extra
CREATE TABLE extra (name TEXT NOT NULL);
-- name: migration_2_extra_row
INSERT INTO extra (name) VALUES ('there');
-- name: migration_3_bad
{third};
"""


def newer(third: str) -> str:
    base = "".join(f"-- name: {name}\n{text};\n" for name, text in load().text.items())
    return base + MORE.format(third=third)


def test_an_older_database_is_brought_up_with_its_tickets(path: Path) -> None:
    """Forward through every version, in one transaction, once."""
    with Store.open(path) as store:
        store.tickets.accept("s", "01", 1, b"x", 1.0)
    queries = parse(newer("CREATE TABLE third (name TEXT)"))
    for _ in range(2):
        database = Database.open(path, create=False, queries=queries)
        assert database.only_row("schema_version") == (3,)
        assert database._execute("SELECT name FROM extra").fetchall() == [("there",)]
        assert database.row("counters_of", "01") == (1, 0, 0, 1, 1)
        database.close()


def test_a_migration_that_fails_leaves_the_old_schema(path: Path) -> None:
    """All or nothing: the older program still works."""
    Store.open(path).close()
    with pytest.raises(StoreError, match="no such table"):
        Database.open(path, queries=parse(newer("INSERT INTO nowhere VALUES (1)")))
    with Store.open(path) as store:
        assert store._database.only_row("schema_version") == (1,)


def test_an_unfinished_schema_counts_as_version_none(path: Path) -> None:
    """A schema table without a row is brought up from the start, and fails on what is there."""
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM tillwire_schema")
    with pytest.raises(StoreError, match="already exists"):
        Store.open(path)
