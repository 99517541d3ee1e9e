"""Who only looks sees what was committed, beside whoever writes, and changes nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.store import Missing, Store, StoreError
from engine.store.examining import Examination, Held
from engine.store.place import Place
from engine.store.reading import ReadingStore
from tests.unit.store.backends import BACKENDS, fresh
from tests.unit.store.test_messages import Told

SNAPSHOTS = [name for name in BACKENDS if name != "odbc"]
"""Where one moment can be seen while another is written; SQLite's driver for ODBC cannot begin a
transaction that only reads in another way than one that writes."""


@pytest.fixture
def shelf(store: Store, place: Place) -> Iterator[ReadingStore]:
    """What the API reads from."""
    with ReadingStore.open(place) as opened:
        yield opened


def test_a_reader_sees_what_is_committed_and_nothing_else(
    store: Store, shelf: ReadingStore
) -> None:
    """It waits for no transaction that is open."""
    store.messages.keep("01", [Told("m1")], 1.0)
    with store.transaction():
        store.messages.keep("01", [Told("m2")], 2.0)
        assert [message.id for message in shelf.messages.all("01")] == ["m1"]
        assert shelf.offers.cached("01", "") is None
    assert [message.id for message in shelf.messages.all("01")] == ["m2", "m1"]


def test_a_reader_writes_nothing(shelf: ReadingStore) -> None:
    writes: tuple[Callable[[], object], ...] = (
        lambda: shelf.messages.keep("01", [Told("m1")], 1.0),
        lambda: shelf.messages.shown("01", ["m1"], 1.0),
        lambda: shelf.offers.forget("01", "C1"),
        shelf.transaction,
        shelf.savepoint,
    )
    for write in writes:
        with pytest.raises(StoreError):
            write()
    assert shelf.messages.all("01") == []


def test_evidence_is_taken_beside_a_store_that_is_open(store: Store, place: Place) -> None:
    """Its tickets, its journal and its days; it takes no lock and gives none up."""
    for number in (1, 2, 5):
        store.tickets.accept("0042", "01", number, b"ticket %d" % number, 10.0 + number)
    store.tickets.acknowledged("01", [2], "b", 20.0)
    with Examination.open(place) as evidence:
        assert evidence.journal.verify() == (4, None, "")
        found = evidence.day("01", 0.0, 100.0)
        assert {number: held.state for number, held in found.items()} == {
            1: "pending",
            2: "sent",
            5: "pending",
        }
        assert isinstance(found[1], Held)
        assert list(evidence.numbered("01", 2, 9)) == [2, 5]
        assert evidence.around("01", 2, 4) == (1, 5)
        assert evidence.changed("01", 0.0, 100.0) == []
        kinds = [(entry.kind, entry.number) for entry in evidence.entries()]
        assert kinds == [("accepted", 1), ("accepted", 2), ("accepted", 5), ("acknowledged", 2)]
        summary = evidence.days.summary("01", 0.0, 100.0)
        assert (summary.count, summary.gaps, summary.bytes) == (3, "3-4", 24)
    store.tickets.accept("0042", "01", 6, b"", 30.0)


@pytest.mark.parametrize("place", SNAPSHOTS, indirect=True)
def test_evidence_is_of_one_moment_while_tickets_are_written(store: Store, place: Place) -> None:
    store.tickets.accept("0042", "01", 1, b"x", 10.0)
    with Examination.open(place) as evidence:
        with evidence.one_moment():
            assert evidence.journal.verify().entries == 1
            store.tickets.accept("0042", "01", 2, b"x", 11.0)
            assert list(evidence.day("01", 0.0, 99.0)) == [1]
            assert evidence.journal.verify() == (1, None, "")
        assert list(evidence.day("01", 0.0, 99.0)) == [1, 2]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("opened", [Examination, ReadingStore])
def test_what_is_not_there_is_not_made_by_who_looks(
    backend: str, opened: Any, tmp_path: Path
) -> None:
    place = fresh(backend, tmp_path / "till.db")
    with pytest.raises(StoreError):
        opened.open(place)


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "sqlite"])
def test_a_schema_that_is_not_there_is_missing(backend: str, tmp_path: Path) -> None:
    """Unless it may be made."""
    with pytest.raises(Missing, match="no tables of tillwire in a schema"):
        Store.open(fresh(backend, tmp_path / "till.db"), create=False)
