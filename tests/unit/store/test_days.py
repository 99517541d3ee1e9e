"""A day's tickets are counted, their gaps named, its time without the server told."""

import tempfile
from hashlib import sha256
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.store import Counted, OfflinePeriod, Store

EMPTY = sha256(b"").hexdigest()


def payload(number: int) -> bytes:
    return f"ticket {number}".encode()


def digest(*numbers: int) -> str:
    """What the documentation says, written down once more."""
    lines = "".join(f"{each} {sha256(payload(each)).hexdigest()}\n" for each in sorted(numbers))
    return sha256(lines.encode()).hexdigest()


def accept(store: Store, at: float, *numbers: int, till: str = "01") -> None:
    for number in numbers:
        store.tickets.accept("0042", till, number, payload(number), at)


def test_a_day_is_counted_by_state_with_both_digests(store: Store) -> None:
    accept(store, 100.0, 3, 1, 2, 4)
    store.tickets.acknowledged("01", [1, 3], "b", 101.0)
    store.tickets.refused("01", [(2, "E", "no")], "b", 101.0)
    day = store.days.summary("01", 0.0, 200.0)
    assert (day.first, day.last, day.count) == (1, 4, 4)
    assert (day.pending, day.refused, day.sent) == (1, 1, 2)
    assert day.bytes == sum(len(payload(number)) for number in (1, 2, 3, 4))
    assert day.digest == digest(1, 2, 3, 4)
    assert (day.acknowledged_count, day.acknowledged_digest) == (2, digest(1, 3))
    assert day.gaps == ""


def test_a_day_reaches_from_its_first_moment_to_before_its_last(store: Store) -> None:
    for at, number in ((99.9, 1), (100.0, 2), (199.9, 3), (200.0, 4)):
        accept(store, at, number)
    accept(store, 150.0, 7, till="02")
    day = store.days.summary("01", 100.0, 200.0)
    assert (day.first, day.last, day.count) == (2, 3, 2)


def test_a_day_without_tickets_has_no_numbers(store: Store) -> None:
    day = store.days.summary("01", 0.0, 200.0)
    assert (day.first, day.last, day.count, day.gaps, day.bytes) == (None, None, 0, "", 0)
    assert day.digest == day.acknowledged_digest == EMPTY


def test_gaps_are_numbers_that_never_came_on_whatever_day(store: Store) -> None:
    """Late ones of another day are none; those after the day before are."""
    accept(store, 50.0, 1, 2)
    accept(store, 150.0, 5, 6, 9, 20)
    accept(store, 250.0, 10)
    assert store.days.summary("01", 100.0, 200.0).gaps == "3-4,7-8,11-19"
    assert store.days.summary("01", 0.0, 100.0).gaps == ""


def test_the_first_number_of_all_misses_nothing_before_it(store: Store) -> None:
    accept(store, 150.0, 500, 502)
    assert store.days.summary("01", 100.0, 200.0).gaps == "501"


def test_what_is_acknowledged_is_counted_by_number(store: Store) -> None:
    """Whatever day a ticket is of, as the server counts."""
    accept(store, 100.0, 1, 2, 3)
    accept(store, 900.0, 4, 5)
    store.tickets.acknowledged("01", [1, 3, 4], "b", 901.0)
    assert store.days.acknowledged("01", 2, 5) == Counted(2, 3, 4, digest(3, 4))
    assert store.days.acknowledged("01", 6, 9) == Counted(0, None, None, EMPTY)


def test_the_day_agrees_with_what_a_server_counts(store: Store) -> None:
    """The lab's own digest, which shares no code with ours, is the same."""
    from engine.lab.ledger import Ledger, Parcel

    ledger = Ledger(True, None, lambda: 0.0)
    numbers = (2, 3, 7)
    accept(store, 1.0, *numbers)
    ledger.receive(
        [
            Parcel(
                "0042",
                "01",
                each,
                f"0042/01/{each}",
                payload(each),
                sha256(payload(each)).hexdigest(),
            )
            for each in numbers
        ],
        "b",
    )
    store.tickets.acknowledged("01", numbers, "b", 2.0)
    held = ledger.held("01", 1, 9)
    ours = store.days.acknowledged("01", 1, 9)
    assert (ours.count, ours.first, ours.last, ours.digest) == (
        held.count, held.first, held.last, held.digest,
    )  # fmt: skip
    day = store.days.summary("01", 0.0, 2.0)
    assert day.acknowledged_digest == held.digest


def test_offline_periods_are_those_that_reach_into_the_span(store: Store) -> None:
    for at, till, kind in (
        (10.0, "01", "offline_began"),
        (20.0, "01", "offline_ended"),
        (90.0, "01", "offline_began"),
        (95.0, "02", "offline_began"),
        (120.0, "01", "offline_ended"),
        (210.0, "02", "offline_ended"),
        (220.0, "02", "offline_began"),
    ):
        store.journal.append(kind, till, {}, at)  # type: ignore[arg-type]
        accept(store, at, int(at))
    first = OfflinePeriod("01", 90.0, 120.0)
    second = OfflinePeriod("02", 95.0, 210.0)
    assert store.days.offline_periods(100.0, 200.0) == [first, second]
    assert store.days.offline_periods(200.0, 300.0) == [second, OfflinePeriod("02", 220.0, None)]
    assert store.days.offline_periods(25.0, 90.0) == []


def test_a_period_that_was_noted_twice_began_once(store: Store) -> None:
    """A restart may note its beginning again; an end without a beginning is no period."""
    store.journal.append("offline_ended", "01", {}, 1.0)
    store.journal.append("offline_began", "01", {}, 2.0)
    store.journal.append("offline_began", "01", {}, 3.0)
    assert store.days.offline_periods(0.0, 9.0) == [OfflinePeriod("01", 2.0, None)]


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.integers(1, 40), st.tuples(st.integers(0, 2), st.booleans()), max_size=15)
)
def test_any_day_is_what_counting_by_hand_gives(tickets: dict[int, tuple[int, bool]]) -> None:
    """Numbers on three days, some sent: the middle day's summary."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Store.open(Path(directory) / "till.db") as store,
        store.transaction(),
    ):
        for number, (on, _) in tickets.items():
            accept(store, float(on), number)
        store.tickets.acknowledged("01", [n for n, (_, sent) in tickets.items() if sent], "b", 9.0)
        day = store.days.summary("01", 1.0, 2.0)
    there = sorted(number for number, (on, _) in tickets.items() if on == 1)
    sent = [number for number in there if tickets[number][1]]
    assert (day.count, day.sent, day.pending) == (len(there), len(sent), len(there) - len(sent))
    assert (day.digest, day.acknowledged_digest) == (digest(*there), digest(*sent))
    missing: set[int] = set()
    if there:
        lower = [number for number in tickets if number < there[0]]
        missing = set(range(max(lower) + 1 if lower else there[0], there[-1])) - set(tickets)
    assert named(day.gaps) == missing


def named(gaps: str) -> set[int]:
    """The numbers that ``5,9-11`` names."""
    found: set[int] = set()
    for run in gaps.split(",") if gaps else ():
        low, _, high = run.partition("-")
        found |= set(range(int(low), int(high or low) + 1))
    return found
