"""Messages, offers and the closing of the day, as callers get them."""

from typing import Any

import pytest

from engine.api.port import BadData, StoreUnavailable
from engine.api.shop import MessageView, OffersView
from engine.api.stand_in import BEGAN, StandIn

TILL = "/v1/tills/01"


def notice(name: str) -> MessageView:
    """An unread message."""
    return MessageView(
        id=name, at="", level="info", title="t", text="x", received=BEGAN, shown=None, read=None
    )


def test_messages_are_told_unread_or_all(ask: Any, office: StandIn) -> None:
    """With ``unread`` those that wait, else every one, newest first."""
    office.notices = [notice("m-1").model_copy(update={"read": BEGAN}), notice("m-2")]
    told = ask("GET", f"{TILL}/messages", token=None).json()["messages"]
    assert [message["id"] for message in told] == ["m-2", "m-1"]
    told = ask("GET", f"{TILL}/messages?unread=true", token=None).json()["messages"]
    assert [(message["id"], message["read"]) for message in told] == [("m-2", None)]


@pytest.mark.parametrize("name", ["m-1", "a/b", "100 %", "é"])
def test_a_message_is_marked_read_once(ask: Any, office: StandIn, name: str) -> None:
    """The second time it is said to have been, whatever signs its id has."""
    office.notices = [notice(name)]
    path = f"{TILL}/messages/{name.replace('%', '%25').replace('/', '%2F')}/read"
    for result in ("read", "again"):
        reply = ask("POST", path)
        assert (reply.status_code, reply.json()) == (
            200,
            {"till": "01", "message": name, "result": result},
        )


def test_reading_needs_the_token(ask: Any, office: StandIn) -> None:
    """Without it the message stays unread."""
    office.notices = [notice("m-1")]
    assert ask("POST", f"{TILL}/messages/m-1/read", token=None).status_code == 401
    assert office.notices[0].read is None


def test_a_message_that_is_not_there_is_said_so(refusal: Any) -> None:
    """404, with where to look."""
    assert refusal("POST", f"{TILL}/messages/m-9/read") == (
        404,
        "unknown_message",
        "Till '01' has no message 'm-9'.",
        f"GET {TILL}/messages lists them; read ones go after 90 days.",
    )


def test_offers_come_with_their_age_and_the_reason(ask: Any, office: StandIn) -> None:
    """The customer's code and the time go to the agent; the answer does not repeat the code."""
    office.on_offer = OffersView(offers=(), as_of=BEGAN, own=True, fresh=False, reason="late")
    reply = ask("GET", f"{TILL}/offers?customer=C-1007&within=250ms", token=None)
    assert reply.json() == {
        "offers": [],
        "as_of": "2026-03-14T09:26:53Z",
        "own": True,
        "fresh": False,
        "reason": "late",
    }
    assert office.wanted == [("C-1007", 0.25)]
    assert "C-1007" not in reply.text


def test_offers_without_a_customer_are_the_general_ones_within_a_second_and_a_half(
    ask: Any, office: StandIn
) -> None:
    """What is not said has a default that a cashier can bear."""
    assert ask("GET", f"{TILL}/offers", token=None).status_code == 200
    assert office.wanted == [("", 1.5)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("within=soon", "The query parameter 'within': 'soon' is not a duration."),
        ("within=2min", "The query parameter 'within' must be at most 60s; found '2min'."),
        (
            f"customer={'C' * 201}",
            "The query parameter 'customer' must have at most 200 characters.",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(
    refusal: Any, office: StandIn, query: str, message: str
) -> None:
    """422, the machine hears nothing, and a code that is too long is not repeated."""
    status, error, sentence, _hint = refusal("GET", f"{TILL}/offers?{query}")
    assert (status, error, sentence) == (422, "invalid_request", message)
    assert office.wanted == []


def test_the_closing_says_what_waits(ask: Any, office: StandIn) -> None:
    """As a question of its own and in the answer to the event."""
    office.tickets["01", 1] = b"x"
    expected = {
        "pending": 1,
        "refused": 0,
        "complete": False,
        "reasons": ["1 not acknowledged."],
    }
    assert ask("GET", f"{TILL}/closing", token=None).json() == expected
    posted = ask("POST", f"{TILL}/events", json={"event": "till.day_closed"})
    assert posted.json()["closing"] == expected


@pytest.mark.parametrize("path", ["messages", "offers", "closing"])
def test_a_till_that_is_not_there_is_said_so(refusal: Any, path: str) -> None:
    """404 for each of them."""
    assert refusal("GET", f"/v1/tills/07/{path}")[:2] == (404, "unknown_till")


@pytest.mark.parametrize("path", ["messages", "offers", "closing"])
def test_a_disk_that_does_not_answer_is_503(refusal: Any, office: StandIn, path: str) -> None:
    """With the sentence of the store."""

    def stalled(_call: str) -> None:
        raise StoreUnavailable("The database does not answer.", 7)

    office.before_each = stalled
    assert refusal("GET", f"{TILL}/{path}")[:3] == (
        503,
        "store_unavailable",
        "The database does not answer.",
    )


def test_a_code_that_the_agent_does_not_take_is_422(refusal: Any, office: StandIn) -> None:
    """The agent's own sentence."""

    def refused(_call: str) -> None:
        raise BadData("A customer's code has 200 characters at the most.")

    office.before_each = refused
    assert refusal("GET", f"{TILL}/offers?customer=C")[:3] == (
        422,
        "bad_data",
        "A customer's code has 200 characters at the most.",
    )
