"""Offers are kept by customer, replaced by each answer, and hold between their dates."""

from datetime import date
from pathlib import Path
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from engine.store import KeptOffer, Store, valid
from engine.store.offers import Offers

DAYS = st.dates(date(2026, 11, 1), date(2026, 12, 31))


def offer(name: str, customer: str = "", starts: str = "", ends: str = "") -> KeptOffer:
    return KeptOffer(name, customer, "-10 %", "é", starts, ends, '{"a":1}')


def kept(store: Store, customer: str, till: str = "01") -> list[str]:
    cached = store.offers.cached(till, customer)
    assert cached is not None
    return [each.id for each in cached.offers]


def test_nothing_is_cached_at_first(store: Store) -> None:
    assert store.offers.cached("01", "") is None
    assert store.offers.cached("01", "C7") is None


def test_an_answer_is_kept_as_it_came_with_its_time(store: Store) -> None:
    offers = [offer("g"), offer("o", "C7", "2026-11-01", "2026-11-30")]
    store.offers.keep("01", "C7", offers, 5.0)
    cached = store.offers.cached("01", "C7")
    assert cached == (tuple(offers), 5.0, True)


def test_an_answer_replaces_the_one_before_and_leaves_other_customers(store: Store) -> None:
    store.offers.keep("01", "C7", [offer("g1"), offer("o1", "C7")], 1.0)
    store.offers.keep("01", "C8", [offer("g2"), offer("o8", "C8")], 2.0)
    store.offers.keep("01", "C7", [offer("g3")], 3.0)
    assert kept(store, "C7") == ["g3"]
    assert kept(store, "C8") == ["g3", "o8"]
    assert kept(store, "") == ["g3"]
    assert store.offers.cached("02", "C7") is None


def test_the_age_is_that_of_the_older_part(store: Store) -> None:
    store.offers.keep("01", "C7", [offer("o", "C7")], 1.0)
    store.offers.keep("01", "", [offer("g")], 9.0)
    cached = store.offers.cached("01", "C7")
    assert cached is not None
    assert (cached.as_of, cached.own) == (1.0, True)


def test_a_customer_never_asked_about_gets_the_general_offers_and_it_is_said(store: Store) -> None:
    store.offers.keep("01", "", [offer("g")], 9.0)
    cached = store.offers.cached("01", "C1")
    assert cached is not None
    assert ([each.id for each in cached.offers], cached.own) == (["g"], False)
    general = store.offers.cached("01", "")
    assert general is not None
    assert general.own


def test_a_customer_can_be_forgotten(store: Store) -> None:
    store.offers.keep("01", "C7", [offer("g"), offer("o", "C7")], 1.0)
    store.offers.forget("01", "C7")
    assert kept(store, "C7") == ["g"]


def test_the_customers_asked_about_the_longest_ago_go(store: Store) -> None:
    """The bound is per till, and the general offers are not counted."""
    offers = Offers(store._database, keep_customers=3)
    offers.keep("02", "A", [], 0.0)
    for customer in ("A", "B", "C", "A", "D"):
        offers.keep("01", customer, [offer(customer, customer)], 1.0)
    found = {each: offers.cached("01", each) for each in ("A", "B", "C", "D")}
    assert {each for each, cached in found.items() if cached and cached.own} == {"A", "C", "D"}
    other = offers.cached("02", "A")
    assert other is not None
    assert other.own
    assert kept(store, "") == []


def test_offers_outlive_the_process(path: Path) -> None:
    with Store.open(path) as store:
        store.offers.keep("01", "C7", [offer("o", "C7")], 1.0)
    with Store.open(path) as store:
        assert kept(store, "C7") == ["o"]


def test_a_customers_code_is_in_no_journal_and_no_history(store: Store) -> None:
    store.offers.keep("01", "SECRET9", [offer("o", "SECRET9")], 1.0)
    assert store.journal.verify().entries == 0
    assert store.history.recent("01") == []


class Span(NamedTuple):
    """Anything with two dates."""

    starts: str
    ends: str


def test_both_days_are_included_and_none_is_no_limit() -> None:
    day = date(2026, 11, 24)
    spans = [
        Span("", ""),
        Span("2026-11-24", "2026-11-24"),
        Span("2026-11-25", ""),
        Span("", "2026-11-23"),
        Span("2026-11-30", "2026-11-01"),
    ]
    assert valid(spans, day) == spans[:2]


@given(st.none() | DAYS, st.none() | DAYS, DAYS)
def test_an_offer_holds_just_from_its_first_day_to_its_last(
    starts: date | None, ends: date | None, day: date
) -> None:
    span = Span(starts.isoformat() if starts else "", ends.isoformat() if ends else "")
    holds = (starts is None or starts <= day) and (ends is None or day <= ends)
    assert bool(valid([span], day)) is holds
