"""What a transaction keeps and undoes, on every database."""

import pytest

from engine.store import Backlog, Store, StoreError


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    """What came before the error goes with it, whatever the error is."""

    def half() -> None:
        with store.transaction():
            store.tickets.accept("s", "01", 1, b"", 1.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert store.tickets.backlog("01") == Backlog()
    assert store.journal.verify().entries == 0


def test_savepoints_nest_and_undo_their_own_block(store: Store) -> None:
    """The inner one goes, the outer one stays."""

    def inner() -> None:
        with store.savepoint():
            store.tickets.accept("s", "01", 2, b"", 1.0)
            raise LookupError

    with store.transaction(), store.savepoint():
        store.tickets.accept("s", "01", 1, b"", 1.0)
        with pytest.raises(LookupError):
            inner()
    assert [ticket.number for ticket in store.tickets.batch("01", 9)] == [1]


def test_transactions_do_not_nest_and_savepoints_need_one(store: Store) -> None:
    """Both are faults of the caller and say so."""
    with (
        store.transaction(),
        pytest.raises(RuntimeError, match="open already"),
        store.transaction(),
    ):
        pass
    with pytest.raises(RuntimeError, match="no transaction is open"), store.savepoint():
        pass


def test_a_row_that_breaks_a_rule_is_a_sentence_and_takes_the_others_with_it(store: Store) -> None:
    """One bad row among many: none of them is kept."""
    rows = [("01", "a", 1.0), ("02", None, 1.0)]
    with pytest.raises(StoreError, match=r"refused: .*(NOT NULL|NULL into column|null value)"):
        store.snapshots.save(rows)  # type: ignore[arg-type]
    assert store.snapshots.all() == {}
