"""The chain holds as written, and says where and why when another hand was at it."""

from hashlib import sha256
from json import dumps

import pytest

from engine.store import JournalReport, Store, StoreError
from engine.store.journal import FIRST_PREVIOUS, Mark, entry_hash
from tests.unit.store.backends import Hand


def filled(store: Store) -> None:
    for count in range(5):
        store.journal.append("offline_began", "01", {"count": count}, 10.0 + count)


def tamper(store: Store, statement: str, *parameters: object) -> None:
    """Another hand takes the triggers away first."""
    hand = Hand(store)
    for trigger in ("not_changed", "not_deleted", "not_replaced", "head_not_deleted"):
        hand(f"DROP TRIGGER journal_{trigger}")
    hand(statement, *parameters)


def test_an_empty_journal_holds(store: Store) -> None:
    """No entries, nothing broken."""
    assert store.journal.verify() == JournalReport(0)


def test_entries_are_numbered_from_one_and_hold(store: Store) -> None:
    """append gives the seq; verify counts what it read."""
    assert store.journal.append("offline_began", "01", {"reason": "timeout"}, 10) == 1
    assert store.journal.append("offline_ended", "02", {"seconds": 1.5, "caisse": "é"}, 11.5) == 2
    assert store.journal.verify() == JournalReport(2)


def test_the_hash_is_that_of_the_documented_text(store: Store) -> None:
    """Any program can recompute it: sorted keys, no spaces, UTF-8, SHA-256."""
    store.journal.append("offline_began", 'n"é\x01\u2028', {"b": 1, "a": "ü"}, 10)
    (row,) = store._database.rows("journal_entries")
    seq, at, till, kind, subject, previous, digest = row
    assert subject == '{"a":"ü","b":1}'
    entry = {
        "seq": seq,
        "at": at,
        "till": till,
        "kind": kind,
        "subject": subject,
        "previous": previous,
    }
    text = dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert digest == sha256(text.encode("utf-8")).hexdigest()
    assert previous == FIRST_PREVIOUS


@pytest.mark.parametrize("at", [float("nan"), float("inf")])
def test_what_is_no_time_is_refused(store: Store, at: float) -> None:
    """Such a time has no JSON text; nothing is written."""
    with pytest.raises(ValueError, match="is not a time"):
        store.journal.append("offline_began", "01", {}, at)
    assert store.journal.verify() == JournalReport(0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET at = 0 WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 5",
        "DELETE FROM journal_head",
    ],
)
def test_the_database_refuses_to_change_the_journal(
    store: Store, hand: Hand, statement: str
) -> None:
    """Update and delete abort."""
    filled(store)
    with pytest.raises(StoreError, match=r"journal is never"):
        hand(statement)
    assert store.journal.verify() == JournalReport(5)


def test_the_database_refuses_to_put_an_entry_in_the_middle(store: Store, hand: Hand) -> None:
    """Where one was taken out by a hand that can do that, none is put in its place."""
    filled(store)
    hand("DROP TRIGGER journal_not_deleted")
    hand("DELETE FROM journal WHERE seq = 3")
    with pytest.raises(StoreError, match="only ever added at its end"):
        hand(
            "INSERT INTO journal (seq, at, till, kind, subject, previous, hash) "
            "VALUES (3, 0, '01', 'k', 's', 'p', 'h')"
        )
    assert store.journal.verify().broken_at == 3


def test_sqlite_refuses_to_replace_an_entry(sqlite: Store) -> None:
    """Its INSERT can be told to take a row away first."""
    filled(sqlite)
    with pytest.raises(StoreError, match=r"journal is (never|only)"):
        Hand(sqlite)(
            "INSERT OR REPLACE INTO journal SELECT 3, 0, till, 'k', 's', 'p', 'h' FROM journal"
        )
    assert sqlite.journal.verify() == JournalReport(5)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET at = 99 WHERE seq = 3",
        "UPDATE journal SET till = '02' WHERE seq = 3",
        "UPDATE journal SET kind = 'refused' WHERE seq = 3",
        "UPDATE journal SET subject = '{}' WHERE seq = 3",
        "UPDATE journal SET hash = 'x' WHERE seq = 3",
    ],
)
def test_a_changed_entry_is_found(store: Store, statement: str) -> None:
    """Whichever field was changed, the entry's own hash does not match."""
    filled(store)
    tamper(store, statement)
    assert store.journal.verify() == JournalReport(2, 3, "entry 3 was changed: its hash differs")


@pytest.mark.parametrize("change", ["subject = x'ff'", "at = 'noon'"])
def test_a_field_of_another_type_is_found(file: Store, change: str) -> None:
    """SQLite keeps whatever it is given."""
    filled(file)
    tamper(file, f"UPDATE journal SET {change} WHERE seq = 3")  # noqa: S608 - two constants
    assert file.journal.verify() == JournalReport(2, 3, "entry 3 was changed: its hash differs")


def test_an_entry_that_was_hashed_anew_is_found_by_the_next(store: Store) -> None:
    """A forger who recomputes one hash breaks the link of the entry after it."""
    filled(store)
    seq, _, till, kind, subject, previous, _ = store._database.rows("journal_entries")[2]
    forged = entry_hash(seq, 99.0, till, kind, subject, previous)
    tamper(store, "UPDATE journal SET at = 99.0, hash = ? WHERE seq = 3", forged)
    assert store.journal.verify() == JournalReport(
        3, 4, "entry 4 does not follow from entry 3: its previous hash differs"
    )


@pytest.mark.parametrize(
    ("statement", "found", "following"),
    [
        ("DELETE FROM journal WHERE seq = 1", 1, 2),
        ("DELETE FROM journal WHERE seq = 3", 3, 4),
        ("DELETE FROM journal WHERE seq IN (2, 3)", 2, 4),
    ],
)
def test_a_gap_is_found(store: Store, statement: str, found: int, following: int) -> None:
    """The first entry that is not there is named."""
    filled(store)
    tamper(store, statement)
    assert store.journal.verify() == JournalReport(
        found - 1, found, f"entry {found} is missing: the next one there is {following}"
    )


def test_missing_last_entries_are_found(store: Store) -> None:
    """The head kept apart knows how many there were."""
    filled(store)
    tamper(store, "DELETE FROM journal WHERE seq > 3")
    assert store.journal.verify() == JournalReport(
        3, 4, "the last 2 entries are missing: 5 were written"
    )


def test_an_entry_behind_the_head_is_found(store: Store) -> None:
    """A well-chained entry that the head does not know was not written by the store."""
    filled(store)
    tamper(
        store, "UPDATE journal_head SET seq = 4, hash = (SELECT hash FROM journal WHERE seq = 4)"
    )
    assert store.journal.verify() == JournalReport(
        4, 5, "entry 5 was added by another hand: only 4 were written"
    )


def test_a_last_entry_that_was_hashed_anew_is_found_by_the_head(store: Store) -> None:
    """No entry follows the last one: the head does."""
    filled(store)
    seq, _, till, kind, subject, previous, _ = store._database.rows("journal_entries")[4]
    forged = entry_hash(seq, 99.0, till, kind, subject, previous)
    tamper(store, "UPDATE journal SET at = 99.0, hash = ? WHERE seq = 5", forged)
    assert store.journal.verify() == JournalReport(
        4, 5, "entry 5 is not the one that was written: the hash kept apart differs"
    )


def test_a_missing_head_is_a_damaged_database(store: Store) -> None:
    """The row that must be there is not: a sentence says so."""
    tamper(store, "DELETE FROM journal_head")
    with pytest.raises(StoreError, match="has no answer to journal_head"):
        store.journal.verify()


def test_text_that_is_no_text_is_a_damaged_database(file: Store) -> None:
    """Bytes that are not UTF-8 where text belongs come as a sentence too."""
    filled(file)
    tamper(file, "UPDATE journal SET till = CAST(x'ff' AS TEXT) WHERE seq = 2")
    with pytest.raises(StoreError, match="UTF-8"):
        file.journal.verify()
    with pytest.raises(StoreError, match="UTF-8"):
        file._database.rows("journal_entries")


def in_parts(store: Store, most: int) -> tuple[int, JournalReport]:
    """Walks the chain, so many entries at a time; how often it read, and what it found."""
    mark, report, reads = Mark(), None, 0
    while report is None:
        mark, report = store.journal.verify_part(mark, most)
        reads += 1
    return reads, report


@pytest.mark.parametrize(("most", "reads"), [(1, 5), (2, 3), (5, 1), (100, 1)])
def test_a_chain_read_in_parts_holds(store: Store, most: int, reads: int) -> None:
    """No part reads more than it was told; the last one knows that it is the last."""
    filled(store)
    assert in_parts(store, most) == (reads, JournalReport(5))


def test_an_empty_chain_holds_in_parts(store: Store) -> None:
    """It is at its end at once."""
    assert in_parts(store, 2) == (1, JournalReport(0))


def test_a_chain_is_followed_as_it_grows(store: Store) -> None:
    """Behind a mark only what came since is read."""
    filled(store)
    mark, _ = store.journal.verify_part(Mark(), 10)
    assert mark.seq == 5
    assert store.journal.verify_part(mark, 10) == (mark, JournalReport(5))
    filled(store)
    tamper(store, "UPDATE journal SET at = 99 WHERE seq = 2")
    later, report = store.journal.verify_part(mark, 10)
    assert (later.seq, report) == (10, JournalReport(10))


@pytest.mark.parametrize("most", [1, 2, 100])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET at = 99 WHERE seq = 3",
        "UPDATE journal SET previous = 'x' WHERE seq = 4",
        "DELETE FROM journal WHERE seq = 1",
        "DELETE FROM journal WHERE seq IN (2, 3)",
        "DELETE FROM journal WHERE seq > 3",
        "DELETE FROM journal WHERE seq = 5",
        "UPDATE journal_head SET hash = 'x'",
    ],
)
def test_what_is_wrong_is_found_in_parts_too(store: Store, statement: str, most: int) -> None:
    """Wherever the parts begin and end, the first that does not hold is named."""
    filled(store)
    tamper(store, statement)
    _, found = in_parts(store, most)
    assert found.broken_at == store.journal.verify().broken_at is not None
