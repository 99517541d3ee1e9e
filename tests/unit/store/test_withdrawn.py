"""An attempt that cannot have reached the server is taken back, and stays in the journal."""

from json import loads

from engine.store import Store


def accept(store: Store, *numbers: int) -> None:
    for number in numbers:
        store.tickets.accept("0042", "01", number, b"x", 1.0)


def attempts(store: Store) -> dict[int, tuple[float | None, int]]:
    return {t.number: (t.attempted_at, t.attempts) for t in store.tickets.batch("01", 9)}


def entries(store: Store) -> list[dict[str, object]]:
    rows = store._database.stream("journal_entries")
    return [loads(row[4]) for row in rows if row[3] == "withdrawn"]


def test_a_ticket_is_again_one_that_was_never_sent(store: Store) -> None:
    """The attempt still counts: it was made."""
    accept(store, 1, 2)
    store.tickets.attempted("01", [1, 2], "b", 5.0)
    assert store.tickets.withdrawn("01", [(1, None)], "b", 6.0) == (1,)
    assert attempts(store) == {1: (None, 1), 2: (5.0, 1)}


def test_an_older_doubt_comes_back(store: Store) -> None:
    """A request before it may have arrived: its time is what counts."""
    accept(store, 1)
    store.tickets.attempted("01", [1], "b", 5.0)
    store.tickets.attempted("01", [1], "c", 8.0)
    store.tickets.withdrawn("01", [(1, 5.0)], "c", 9.0)
    assert attempts(store) == {1: (5.0, 2)}


def test_the_journal_says_which_tickets_were_taken_back(store: Store) -> None:
    """In one entry, which the chain holds."""
    accept(store, 1, 2, 3, 5)
    store.tickets.attempted("01", [1, 2, 3, 5], "b", 5.0)
    store.tickets.withdrawn("01", [(n, None) for n in (5, 1, 2, 3)], "b", 6.0)
    assert entries(store) == [{"batch": "b", "count": 4, "numbers": "1-3,5"}]
    assert store.journal.verify().broken_at is None


def test_a_ticket_of_a_later_request_is_left_alone(store: Store) -> None:
    """That one may have arrived."""
    accept(store, 1)
    store.tickets.attempted("01", [1], "b", 5.0)
    store.tickets.attempted("01", [1], "c", 8.0)
    assert store.tickets.withdrawn("01", [(1, None)], "b", 9.0) == ()
    assert attempts(store) == {1: (8.0, 2)}
    assert entries(store) == []


def test_a_settled_ticket_is_left_alone(store: Store) -> None:
    """Sent or refused: its outcome is known."""
    accept(store, 1, 2)
    store.tickets.attempted("01", [1, 2], "b", 5.0)
    store.tickets.acknowledged("01", [1], "b", 6.0)
    store.tickets.refused("01", [(2, "1", "no")], "b", 6.0)
    assert store.tickets.withdrawn("01", [(1, None), (2, None)], "b", 7.0) == ()
    assert entries(store) == []


def test_nothing_to_take_back_writes_nothing(store: Store) -> None:
    """Nor do tickets that nobody knows."""
    assert store.tickets.withdrawn("01", [], "b", 6.0) == ()
    assert store.tickets.withdrawn("01", [(99, None)], "b", 6.0) == ()
    assert entries(store) == []


def test_a_withdrawal_inside_a_transaction_that_fails_is_undone(store: Store) -> None:
    """The attempt stands."""
    accept(store, 1)
    store.tickets.attempted("01", [1], "b", 5.0)
    try:
        with store.transaction():
            store.tickets.withdrawn("01", [(1, None)], "b", 6.0)
            raise KeyError
    except KeyError:
        pass
    assert attempts(store) == {1: (5.0, 1)}
    assert entries(store) == []
