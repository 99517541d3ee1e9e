"""The newest steps of each till are kept; snapshots are replaced."""

from engine.store import HistoryRow, Store
from engine.store.history import AGENT, TRIM_EVERY, Ending
from engine.store.store import kept_steps


def step(till: str, count: int, dull: bool = False) -> HistoryRow:
    return HistoryRow(
        till, float(count), f"event {count}", ("reachable", "online"), "[]", dull, '{"a":1}'
    )


def test_a_step_comes_back_as_it_was_recorded(store: Store) -> None:
    """Only the seq is added."""
    store.history.record([step("01", 1)])
    assert store.history.recent("01") == [step("01", 1)._replace(seq=1)]


def test_recent_steps_come_newest_first_page_by_page(store: Store) -> None:
    """``before`` the last seen seq gives the next page, of this till alone."""
    store.history.record([step("01", 1), step("02", 2), step("01", 3), step("01", 4)])
    first = store.history.recent("01", limit=2)
    assert [row.at for row in first] == [4.0, 3.0]
    rest = store.history.recent("01", limit=2, before=first[-1].seq)
    assert [row.at for row in rest] == [1.0]
    assert store.history.recent("03") == []


def test_dull_steps_push_no_real_transition_out(store: Store) -> None:
    """Two bounds: five real ones stay although many dull ones came after them."""
    store.history.record([step("01", count) for count in range(7)])
    store.history.record([step("02", 7)])
    for count in range(10, 10 + 3 * TRIM_EVERY):
        store.history.record([step("01", count, dull=True)])
    dull = [row.at for row in store.history.recent("01", limit=10**6) if row.dull]
    assert dull[:2] == [9.0 + 3 * TRIM_EVERY, 8.0 + 3 * TRIM_EVERY]
    assert len(dull) < 2 + TRIM_EVERY
    assert [row.at for row in store.history.recent("01", dull=False)] == [6.0, 5.0, 4.0, 3.0, 2.0]
    assert [row.at for row in store.history.recent("02")] == [7.0]


def test_many_tills_are_bounded_in_one_go(store: Store) -> None:
    """Each till keeps its own newest steps of both kinds, however they come mixed."""
    tills = ["01", "02", "03"]
    store.history.record(
        [step(till, count, dull) for count in range(50) for till in tills for dull in (False, True)]
    )
    for till in tills:
        kept = [(row.at, row.dull) for row in store.history.recent(till)]
        assert [at for at, dull in kept if not dull] == [49.0, 48.0, 47.0, 46.0, 45.0]
        assert [at for at, dull in kept if dull] == [49.0, 48.0]


def test_nothing_to_record_is_nothing_recorded(store: Store) -> None:
    """An empty list is no error."""
    store.history.record([])
    assert store.history.recent("01") == []


def test_the_last_snapshot_of_each_till_is_kept(store: Store) -> None:
    """Saving again replaces the text of that till alone."""
    assert store.snapshots.all() == {}
    store.snapshots.save([("01", "a", 1.0), ("02", "b", 1.0)])
    store.snapshots.save([("01", "c", 2.0)])
    assert store.snapshots.all() == {"01": "c", "02": "b"}


def test_how_the_process_before_ended_is_found(store: Store) -> None:
    """The agent's own newest row, and the last sign of life of all."""
    assert store.history.ending() == Ending(None, None)
    store.history.record([step(AGENT, 1), step("01", 2)])
    assert store.history.ending() == Ending(step(AGENT, 1)._replace(seq=1), 2.0)
    assert [row.till for row in store.history.recent("01")] == ["01"]


def test_tills_of_a_process_share_what_history_is_kept() -> None:
    """A lone till has days of pings, ten thousand have no more of each than before."""
    assert [kept_steps(tills) for tills in (1, 20, 10_000)] == [
        (5000, 12_000),
        (2500, 6000),
        (1000, 200),
    ]
