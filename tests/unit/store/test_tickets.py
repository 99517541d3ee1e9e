"""Tickets are kept once, sent in the order they came, and settled once."""

from hashlib import sha256
from json import loads

import pytest

from engine.store import Backlog, Store, StoreError, Ticket
from engine.store.database import Database
from engine.store.tickets import ranges
from tests.unit.store.backends import Hand


def accept(store: Store, *numbers: int, till: str = "01") -> None:
    for number in numbers:
        assert store.tickets.accept("0042", till, number, b"ticket %d" % number, 10.0) == "new"


def journal(store: Store, kind: str) -> list[dict[str, object]]:
    return [loads(row[4]) for row in store._database.stream("journal_entries") if row[3] == kind]


def test_an_accepted_ticket_waits_with_its_bytes_key_and_digest(store: Store) -> None:
    """What went in comes out unchanged, zero bytes and bad UTF-8 included."""
    payload = b"\x00\xff\xfe caf\xe9"
    assert store.tickets.accept("0042", "01", 17, payload, 10.0) == "new"
    assert store.tickets.batch("01", 5) == [
        Ticket("01", 17, "0042/01/17", payload, sha256(payload).hexdigest(), None, 0)
    ]


def test_an_empty_ticket_is_a_ticket(store: Store) -> None:
    """No bytes at all are kept like any others."""
    store.tickets.accept("0042", "01", 1, b"", 10.0)
    assert store.tickets.batch("01", 1)[0].payload == b""


def test_the_same_ticket_again_changes_nothing(store: Store) -> None:
    """A till program that asks twice gets 'same', and the journal has one entry."""
    accept(store, 1)
    assert store.tickets.accept("0042", "01", 1, b"ticket 1", 99.0) == "same"
    assert len(journal(store, "accepted")) == 1
    assert store.tickets.backlog("01") == Backlog(1, 0, 0, 10.0, 1, 0)


def test_a_sent_ticket_is_still_known_as_the_same(store: Store) -> None:
    """Acceptance stays idempotent after the ticket has left."""
    accept(store, 1)
    store.tickets.acknowledged("01", [1], "b", 11.0)
    assert store.tickets.accept("0042", "01", 1, b"ticket 1", 12.0) == "same"
    assert store.tickets.accept("0042", "01", 1, b"other", 12.0) == "different"


@pytest.mark.parametrize(("shop", "payload"), [("0042", b"other bytes"), ("0043", b"ticket 1")])
def test_a_taken_number_is_refused_for_another_ticket(
    store: Store, shop: str, payload: bytes
) -> None:
    """Other bytes or another shop under a number already there: nothing is kept."""
    accept(store, 1)
    assert store.tickets.accept(shop, "01", 1, payload, 11.0) == "different"
    assert [ticket.payload for ticket in store.tickets.batch("01", 9)] == [b"ticket 1"]


@pytest.mark.parametrize("number", [-1, 2**63])
def test_a_number_that_no_database_can_hold_is_refused(store: Store, number: int) -> None:
    """The sentence names the number and the range; nothing is kept."""
    with pytest.raises(ValueError, match=f"the ticket number {number} is not from 0 to"):
        store.tickets.accept("0042", "01", number, b"", 10.0)
    assert store.tickets.backlog("01") == Backlog()


def test_a_batch_is_the_oldest_by_arrival_of_one_till(store: Store) -> None:
    """Order of arrival, not of number; the other till's tickets stay out of it."""
    accept(store, 5, 3, 9)
    accept(store, 4, till="02")
    assert [ticket.number for ticket in store.tickets.batch("01", 2)] == [5, 3]
    assert [ticket.number for ticket in store.tickets.batch("02", 2)] == [4]
    assert store.tickets.batch("03", 2) == []


def test_an_attempt_is_counted_before_the_request_leaves(store: Store) -> None:
    """The tickets stay pending; the journal has one entry with compact ranges."""
    accept(store, 1, 2, 3, 7)
    assert store.tickets.attempted("01", [7, 2, 1, 99], "b1", 20.0) == (1, 2, 7)
    assert store.tickets.attempted("01", [1], "b2", 21.0) == (1,)
    waiting = {
        each.number: (each.attempts, each.attempted_at) for each in store.tickets.batch("01", 9)
    }
    assert waiting == {1: (2, 21.0), 2: (1, 20.0), 3: (0, None), 7: (1, 20.0)}
    assert journal(store, "attempted") == [
        {"batch": "b1", "count": 3, "numbers": "1-2,7"},
        {"batch": "b2", "count": 1, "numbers": "1"},
    ]


def test_nothing_is_attempted_where_nothing_waits(store: Store) -> None:
    """Unknown and settled tickets are left alone and make no entry."""
    accept(store, 1)
    store.tickets.acknowledged("01", [1], "b", 11.0)
    assert store.tickets.attempted("01", [1, 2], "b", 12.0) == ()
    assert journal(store, "attempted") == []


def test_an_acknowledged_ticket_is_sent_once(store: Store) -> None:
    """The second acknowledgement marks nothing and writes nothing."""
    accept(store, 1, 2)
    store.tickets.attempted("01", [1], "b1", 11.0)
    assert store.tickets.acknowledged("01", [1, 8], "b1", 12.0) == (1,)
    assert store.tickets.acknowledged("01", [1], "b2", 13.0) == ()
    assert store.tickets.backlog("01") == Backlog(1, 0, 1, 10.0, 2, 0)
    digest = sha256(b"ticket 1").hexdigest()
    assert journal(store, "acknowledged") == [
        {"attempts": 1, "batch": "b1", "key": "0042/01/1", "number": 1, "sha256": digest}
    ]


def test_a_refused_ticket_is_set_aside_and_lets_the_others_pass(store: Store) -> None:
    """It is in no batch any more, counted apart, and the journal has the server's words."""
    accept(store, 1, 2)
    assert store.tickets.refused("01", [(1, "E7", "no such article")], "b1", 11.0) == (1,)
    assert store.tickets.refused("01", [(1, "E8", "again")], "b2", 12.0) == ()
    assert [ticket.number for ticket in store.tickets.batch("01", 9)] == [2]
    assert store.tickets.backlog("01") == Backlog(1, 1, 0, 10.0, 2, 0)
    (entry,) = journal(store, "refused")
    assert (entry["number"], entry["code"], entry["message"]) == (1, "E7", "no such article")


def test_a_refused_ticket_that_the_server_has_after_all_is_sent(store: Store) -> None:
    """An acknowledgement wins over an earlier refusal, and never the other way round."""
    accept(store, 1)
    store.tickets.refused("01", [(1, "", "")], "b1", 11.0)
    assert store.tickets.acknowledged("01", [1], "b2", 12.0) == (1,)
    assert store.tickets.refused("01", [(1, "", "")], "b3", 13.0) == ()
    assert store.tickets.backlog("01") == Backlog(0, 0, 1, None, 1, 0)


def test_a_server_s_words_are_kept_whatever_they_hold(store: Store) -> None:
    """Half a surrogate pair and a novel neither stop the mark nor fill the disk."""
    accept(store, 1)
    assert store.tickets.refused("01", [(1, "\ud800", "x" * 5000)], "b", 11.0) == (1,)
    (entry,) = journal(store, "refused")
    assert (entry["code"], entry["message"]) == ("\\ud800", "x" * 2000)
    assert store.journal.verify().broken_at is None


def test_gaps_in_the_numbering_are_counted(store: Store) -> None:
    """Numbers between the lowest and the highest that never came are missing."""
    accept(store, 5, 9, 7)
    assert store.tickets.backlog("01").missing == 2
    accept(store, 6, 8, 3)
    assert store.tickets.backlog("01").missing == 1


def _accept_and_overwrite(store: Store) -> None:
    with store.savepoint():
        accept(store, 2)
        store._database.run("payload_add", 1, b"other")


def test_a_failed_ticket_in_a_group_leaves_the_others(store: Store) -> None:
    """In one transaction, a savepoint per ticket: the bad one is undone alone."""
    with store.transaction():
        accept(store, 1)
        with pytest.raises(StoreError, match=r"never replaced|PRIMARY KEY|unique"):
            _accept_and_overwrite(store)
        accept(store, 3)
    assert [ticket.number for ticket in store.tickets.batch("01", 9)] == [1, 3]
    assert store.journal.verify() == (2, None, "")


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("tickets_pending", "tickets_pending"),
        ("oldest_pending", "tickets_pending"),
        ("tickets_by_number", "tickets_by_number"),
    ],
)
def test_what_waits_is_found_without_reading_what_was_sent(
    file: Store, name: str, index: str
) -> None:
    """The queries of the hot path go through an index and sort nothing they could read sorted."""
    database = file._database
    assert isinstance(database, Database)
    statement = database.queries[name]
    parameters = ("01",) if name == "oldest_pending" else ("01", "[1]")
    plan = database._connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    steps = " / ".join(row[3] for row in plan)
    assert f"USING INDEX {index} (till=?" in steps
    assert name == "tickets_by_number" or "TEMP B-TREE" not in steps


def test_ranges_are_short() -> None:
    """Neighbours become a range, each number is there once, in ascending order."""
    assert ranges([105, *range(1, 101), 5]) == "1-100,105"
    assert ranges([]) == ""


REPLACED = """INSERT OR REPLACE INTO tickets
(arrival, till, number, key, sha256, accepted_at, state, attempts)
VALUES ({arrival}, '01', {number}, 'k', 's', 0, 'pending', 0)"""
CHANGES = [
    ("UPDATE tickets SET number = 2", "what identifies a ticket is never changed"),
    ("UPDATE tickets SET key = 'x'", "what identifies a ticket is never changed"),
    ("UPDATE tickets SET sha256 = 'x'", "what identifies a ticket is never changed"),
    ("UPDATE tickets SET accepted_at = 0", "what identifies a ticket is never changed"),
    ("UPDATE payloads SET payload = x'00'", "the bytes of a ticket are never changed"),
    ("DELETE FROM tickets", "never deleted|REFERENCE|foreign key"),
    ("DELETE FROM payloads", "the bytes of a ticket that was not sent are never deleted"),
    ("INSERT INTO payloads (arrival, payload) VALUES (1, x'00')", "never replaced|PRIMARY|unique"),
]
REPLACEMENTS = [
    ("INSERT OR REPLACE INTO payloads VALUES (1, x'00')", "the bytes of a ticket are never"),
    (REPLACED.format(arrival=9, number=1), "a ticket is never replaced"),
    (REPLACED.format(arrival=1, number=9), "a ticket is never replaced"),
]


@pytest.mark.parametrize(("statement", "reason"), CHANGES)
@pytest.mark.parametrize("state", ["pending", "refused"])
def test_nothing_unsent_is_changed_or_deleted_by_any_statement(
    store: Store, hand: Hand, statement: str, reason: str, state: str
) -> None:
    """The database itself aborts, for tickets set aside as well."""
    accept(store, 1)
    if state == "refused":
        store.tickets.refused("01", [(1, "", "")], "b", 11.0)
    with pytest.raises(StoreError, match=reason):
        hand(statement)


@pytest.mark.parametrize(("statement", "reason"), REPLACEMENTS)
def test_nothing_is_replaced_by_an_insert_of_sqlite(
    sqlite: Store, statement: str, reason: str
) -> None:
    """Which could take a row away first, and ask no other trigger."""
    accept(sqlite, 1)
    with pytest.raises(StoreError, match=reason):
        Hand(sqlite)(statement)


def test_a_sent_ticket_never_waits_again_but_may_be_cleared_away(store: Store, hand: Hand) -> None:
    """Its state is final; only then may the row and its bytes go."""
    accept(store, 1)
    store.tickets.acknowledged("01", [1], "b", 11.0)
    with pytest.raises(StoreError, match="stays sent"):
        hand("UPDATE tickets SET state = 'pending'")
    hand("DELETE FROM payloads")
    hand("DELETE FROM tickets")
    assert store.tickets.backlog("01") == Backlog(0, 0, 1, None, 1, 0)
