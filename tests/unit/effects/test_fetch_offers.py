"""``fetch_offers``: what the server tells is kept for the time when it cannot be asked."""

from typing import Any

import pytest

from engine.effects.call import Answer
from engine.server.port import CallFailed, CallRejected, Reason
from tests.unit.effects.scripted import Till


def fetch(till: Till, customer: str = "C1") -> Answer:
    return till.run("fetch_offers", customer=customer)


def kept(till: Till, customer: str = "C1") -> list[str] | None:
    cached = till.store.offers.cached("01", customer)
    return None if cached is None else [offer.id for offer in cached.offers]


@pytest.fixture
def shop(till: Till) -> Till:
    """A till whose server has an offer for everybody and one for C1, and knows no C9."""
    till.server.rejected = CallRejected
    till.server.notices.put_offers([{"id": "o-1"}])
    till.server.notices.put_offers([{"id": "o-2"}], "C1")
    till.server.notices.forget_customers(["C9"])
    return till


def test_the_general_offers_and_the_customer_s_own_are_kept(shop: Till) -> None:
    """In place of what was kept before."""
    assert fetch(shop) == ("ok", {"offers": 2})
    assert kept(shop) == ["o-1", "o-2"]
    shop.server.notices.put_offers([], "C1")
    assert fetch(shop) == ("ok", {"offers": 1})
    assert kept(shop) == ["o-1"]


def test_without_a_customer_the_general_offers_alone_are_asked_for(shop: Till) -> None:
    """What is known of customers stays."""
    fetch(shop)
    assert fetch(shop, "") == ("ok", {"offers": 1})
    assert kept(shop) == ["o-1", "o-2"]


def test_an_unknown_customer_is_a_refusal_and_what_was_kept_of_it_goes(shop: Till) -> None:
    """The general offers stay."""
    fetch(shop)
    shop.server.notices.forget_customers(["C1"])
    assert fetch(shop).name == "rejected"
    assert kept(shop) == ["o-1"]


def test_a_call_that_fails_leaves_what_was_kept(shop: Till) -> None:
    """That is what the cache is for."""
    fetch(shop)

    def fail(*_: Any) -> list[Any]:
        raise CallFailed(Reason.UNREACHABLE, "the cable")

    shop.server.fetch_offers = fail  # type: ignore[assignment, method-assign]
    assert fetch(shop).name == "failed.unreachable"
    assert kept(shop) == ["o-1", "o-2"]


def test_a_server_that_tells_no_offers_is_not_asked(shop: Till) -> None:
    """Nor is the database."""
    shop.server.tells_offers = False
    assert fetch(shop) == ("ok", {"offers": 0})
    assert (kept(shop), shop.visits) == (None, 0)


def test_a_run_that_was_given_up_before_it_began_asks_nothing(shop: Till) -> None:
    """The link was lost while it waited for a worker."""
    shop.cancelled.set()
    assert fetch(shop) == ("ok", {"offers": 0})
    assert kept(shop) is None


def test_no_answer_holds_the_customer_s_code(shop: Till) -> None:
    """Answers end in logs and in the history."""
    answers = [fetch(shop, "C9")]
    shop.fail_visits = {1: OSError("the disk")}
    answers.insert(0, fetch(shop))
    assert [answer.name for answer in answers] == ["failed.local_error", "rejected"]
    assert not any(code in str(answer) for answer in answers for code in ("C1", "C9"))
