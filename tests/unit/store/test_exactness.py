"""What goes in comes out to the last digit, byte and sign, on every database."""

import random

import pytest

from engine.store import HistoryRow, Store
from engine.store.odbc import OdbcDatabase
from engine.store.place import OdbcPlace, Place
from engine.store.queries import Queries, load, parse
from engine.store.tickets import LARGEST_NUMBER
from tests.unit.store.backends import BACKENDS
from tests.unit.store.test_messages import Told

EXACT = [name for name in BACKENDS if name != "odbc"]
"""SQLite's driver for ODBC gives numbers with a point as 15 digits."""
BY_ODBC = [name for name in BACKENDS if name != "sqlite"]
ODD = "é\u2028\U0001f600'\"\\{}[]%_\t\r\n\x01" * 1000
"""Texts that a driver could take for something else, longer than any short column."""


@pytest.mark.parametrize("place", EXACT, indirect=True)
def test_the_journal_holds_with_times_as_a_clock_tells_them(store: Store) -> None:
    """A time that came back one bit off would break the chain."""
    rng = random.Random(4)
    for number in range(60):
        at = 1_795_478_430 + rng.random() * 1e6
        store.tickets.accept("0042", "01", number, b"x", at)
        store.tickets.attempted("01", [number], "b", at + 0.1)
    assert store.journal.verify() == (120, None, "")
    first = store.tickets.batch("01", 1)[0]
    assert first.attempted_at is not None
    store.tickets.withdrawn("01", [(0, first.attempted_at)], "b", 1.0)
    assert store.tickets.batch("01", 1)[0].attempted_at == first.attempted_at


def test_a_large_ticket_of_any_bytes_comes_back(store: Store) -> None:
    payload = random.Random(1).randbytes(300_000)
    store.tickets.accept("0042", "01", 1, payload, 1.0)
    store.tickets.accept("0042", "01", 2, bytes(range(256)) * 40, 1.0)
    assert [ticket.payload for ticket in store.tickets.batch("01", 9)] == [
        payload,
        bytes(range(256)) * 40,
    ]


def test_the_largest_number_is_a_number(store: Store) -> None:
    store.tickets.accept("0042", "01", LARGEST_NUMBER, b"", 1.0)
    store.tickets.accept("0042", "01", 0, b"", 1.0)
    assert store.tickets.acknowledged("01", [LARGEST_NUMBER], "b", 2.0) == (LARGEST_NUMBER,)
    backlog = store.tickets.backlog("01")
    assert (backlog.last_number, backlog.missing) == (LARGEST_NUMBER, LARGEST_NUMBER - 1)


def test_texts_of_any_signs_and_length_come_back(store: Store) -> None:
    """In history, snapshots, messages, offers, journal and a server's words."""
    store.history.record([HistoryRow("01", 1.0, ODD, (ODD, "b"), "[]", False, ODD)])
    row = store.history.recent("01")[0]
    assert (row.event, row.states, row.detail) == (ODD, (ODD, "b"), ODD)
    store.snapshots.save([("01", ODD, 1.0)])
    assert store.snapshots.all() == {"01": ODD}
    store.messages.keep("01", [Told("m1", title=ODD, text=ODD)], 1.0)
    message = store.messages.all("01")[0]
    assert (message.title, message.text) == (ODD, ODD)
    store.journal.append("offline_began", "01", {"states": ODD}, 1.0)
    store.tickets.accept("0042", "01", 1, b"", 1.0)
    store.tickets.refused("01", [(1, "é\U0001f600", ODD)], "b", 2.0)
    assert store.journal.verify().broken_at is None


def test_names_that_differ_in_case_are_two(store: Store) -> None:
    """As on SQLite, whatever the collation of the database is."""
    store.tickets.accept("0042", "a", 1, b"x", 1.0)
    store.tickets.accept("0042", "A", 1, b"y", 1.0)
    store.tickets.accept("0042", "é", 1, b"z", 1.0)
    assert [store.tickets.batch(till, 9)[0].payload for till in ("a", "A", "é")] == [
        b"x",
        b"y",
        b"z",
    ]
    assert store.messages.keep("01", [Told("m"), Told("M"), Told("ḿ")], 1.0) == ["m", "M", "ḿ"]
    store.snapshots.save([("a", "1", 1.0), ("A", "2", 1.0)])
    store.snapshots.save([("a", "3", 1.0)])
    assert store.snapshots.all() == {"a": "3", "A": "2"}


@pytest.mark.parametrize("place", BY_ODBC, indirect=True)
def test_an_older_schema_is_brought_up_and_keeps_what_it_holds(place: Place) -> None:
    """Version 1 as its own program made it; the bad version after it changes nothing."""
    assert isinstance(place, OdbcPlace)
    whole = load(place.dialect.name, place.schema)
    first = Queries({name: text for name, text in whole.text.items() if "migration_2" not in name})
    old = OdbcDatabase.open(place, queries=first)
    assert old.only_row("schema_version") == (1,)
    with old.transaction():
        old.run("counters_begin", "01", 5, 9)
    old.close()
    bad = parse(
        "".join(f"-- name: {name}\n{text};\n" for name, text in whole.text.items())
        + "-- name: migration_3_bad\nINSERT INTO nowhere VALUES (1);\n"
    )
    with pytest.raises(Exception, match="nowhere"):
        OdbcDatabase.open(place, queries=bad)
    still = OdbcDatabase.open(place, queries=first)
    assert still.only_row("schema_version") == (1,)
    still.close()
    with Store.open(place, create=False) as store:
        backlog = store.tickets.backlog("01")
        assert (backlog.pending, backlog.last_number) == (1, 9)
        assert store.messages.keep("01", [Told("m1")], 1.0) == ["m1"]
    with Store.open(place, create=False) as store:
        assert store._database.only_row("schema_version") == (2,)
