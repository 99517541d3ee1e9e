"""An older database is brought up to this program's schema, or left as it was."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.store import Store, StoreError
from engine.store.database import Database
from engine.store.queries import load, parse
from tests.unit.store.test_messages import Told

LATEST = load().latest
MORE = """
-- name: migration_{next}_extra
CREATE TABLE extra (name TEXT NOT NULL);
-- name: migration_{next}_extra_row
INSERT INTO extra (name) VALUES ('there');
-- name: migration_{last}_bad
{third};
"""
OLD = Path(__file__).with_name("version_1.db.gz")
"""A database that the program of version 1 wrote: seven tickets of till 01 (two sent, one
refused), one of till 02, a journal of thirteen entries, a step and a snapshot."""


def newer(third: str) -> str:
    base = "".join(f"-- name: {name}\n{text};\n" for name, text in load().text.items())
    return base + MORE.format(third=third, next=LATEST + 1, last=LATEST + 2)


def contents(path: Path) -> dict[str, list[object]]:
    """Every row of every table of version 1."""
    tables = ("journal", "journal_head", "tickets", "payloads", "counters", "history", "snapshots")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608
            for table in tables
        }


@pytest.fixture
def old(path: Path) -> Path:
    """A real database of version 1."""
    path.write_bytes(gzip.decompress(OLD.read_bytes()))
    return path


def test_a_database_of_version_1_keeps_everything(old: Path) -> None:
    """Not one row of any table is other than before, and the chain still holds."""
    before = contents(old)
    assert [len(before[table]) for table in ("tickets", "payloads", "journal")] == [8, 8, 13]
    with Store.open(old, create=False) as store:
        assert store._database.only_row("schema_version") == (LATEST,)
        assert contents(old) == before
        assert store.journal.verify() == (13, None, "")
        assert store.tickets.backlog("01")[:3] == (4, 1, 2)
        assert [ticket.number for ticket in store.tickets.batch("01", 9)] == [4, 5, 6, 7]
        assert store.tickets.batch("02", 9)[0].payload == b"\xff\x00 not text"
        assert store.history.recent("01")[0].event == "ping.failed.timeout"
        assert "offline-cooldown" in store.snapshots.all()["01"]


def test_a_database_of_version_1_can_do_all_that_is_new(old: Path) -> None:
    """Messages and offers are kept, and its days are summed up."""
    with Store.open(old, create=False) as store:
        assert store.messages.keep("01", [Told("m1")], 1.0) == ["m1"]
        store.offers.keep("01", "", [], 1.0)
        day = store.days.summary("01", 1_795_478_400.0, 1_795_564_800.0)
        assert (day.first, day.last, day.count, day.sent, day.refused) == (1, 7, 7, 2, 1)
        period = store.days.offline_periods(0.0, 2e9)[0]
        assert (period.till, period.began_at, period.ended_at) == ("01", 1_795_478_430.0, None)
    with Store.open(old, create=False) as store:
        assert store.messages.unread_count("01") == 1


def test_a_new_database_has_the_schema_of_one_that_was_brought_up(old: Path) -> None:
    """There is one schema, whichever way it came about."""
    Store.open(old).close()
    new = old.with_name("new.db")
    Store.open(new).close()
    schemas = []
    for path in (old, new):
        with closing(sqlite3.connect(path)) as connection:
            schemas.append(
                connection.execute(
                    "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
                ).fetchall()
            )
    assert schemas[0] == schemas[1]


def test_an_older_database_is_brought_up_with_its_tickets(path: Path) -> None:
    """Forward through every version, in one transaction, once."""
    with Store.open(path) as store:
        store.tickets.accept("s", "01", 1, b"x", 1.0)
    queries = parse(newer("CREATE TABLE third (name TEXT)"))
    for _ in range(2):
        database = Database.open(path, create=False, queries=queries)
        assert database.only_row("schema_version") == (LATEST + 2,)
        assert database._execute("SELECT name FROM extra").fetchall() == [("there",)]
        assert database.row("counters_of", "01") == (1, 0, 0, 1, 1)
        database.close()


def test_a_migration_that_fails_leaves_the_old_schema(path: Path) -> None:
    """All or nothing: the older program still works."""
    Store.open(path).close()
    with pytest.raises(StoreError, match="no such table"):
        Database.open(path, queries=parse(newer("INSERT INTO nowhere VALUES (1)")))
    with Store.open(path) as store:
        assert store._database.only_row("schema_version") == (LATEST,)


def test_an_unfinished_schema_counts_as_version_none(path: Path) -> None:
    """A schema table without a row is brought up from the start, and fails on what is there."""
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM tillwire_schema")
    with pytest.raises(StoreError, match="already exists"):
        Store.open(path)
