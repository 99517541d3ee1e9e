"""Tickets handed over by the till program."""

from typing import Any
from urllib.parse import quote

import pytest

from engine.api.access import Limits
from engine.api.port import StoreUnavailable
from engine.api.stand_in import StandIn

TICKETS = "/v1/tills/01/tickets"
NEEDED = (
    "must be a whole number from 0 to 9223372036854775807, in digits alone and without leading "
    "zeros; found"
)


def test_a_ticket_is_taken_with_its_bytes_unchanged(ask: Any, office: StandIn) -> None:
    """Whatever the bytes and the content type, the agent gets them as they were sent."""
    payload = bytes(range(256)) + b"\r\n\xff"
    for number, kind in enumerate(("application/json", "text/xml; charset=latin1", None)):
        headers = {"Content-Type": kind} if kind else {}
        reply = ask("POST", f"{TICKETS}?number={number}", content=payload, headers=headers)
        assert reply.status_code == 201
        assert reply.json() == {"till": "01", "number": number, "stored": "new"}
        assert office.tickets["01", number] == payload


def test_a_ticket_in_several_parts_is_put_together(ask: Any, office: StandIn) -> None:
    """A body in chunks, of no announced length, is one ticket."""

    async def parts() -> Any:
        for part in (b"one ", b"", b"two ", b"three"):
            yield part

    assert ask("POST", f"{TICKETS}?number=1", content=parts()).status_code == 201
    assert office.tickets["01", 1] == b"one two three"


def test_the_same_ticket_again_is_no_error(ask: Any) -> None:
    """The same number and bytes a second time: 200, and it says that it was there."""
    ask("POST", f"{TICKETS}?number=17", content=b"ticket")
    reply = ask("POST", f"{TICKETS}?number=17", content=b"ticket")
    assert (reply.status_code, reply.json()["stored"]) == (200, "same")


def test_the_same_number_with_other_bytes_is_a_conflict(refusal: Any, office: StandIn) -> None:
    """The first bytes are kept and the caller is told so."""
    refusal_of = f"{TICKETS}?number=17"
    office.tickets["01", 17] = b"first"
    assert refusal("POST", refusal_of, content=b"second") == (
        409,
        "different_ticket",
        "Ticket 17 of till '01' is stored already, with other bytes.",
        "The stored one was kept and this one was not. A ticket has a number of its own.",
    )
    assert office.tickets["01", 17] == b"first"


def test_tickets_of_two_tills_do_not_meet(ask: Any) -> None:
    """A number belongs to its till."""
    for till in ("01", "02"):
        reply = ask("POST", f"/v1/tills/{till}/tickets?number=1", content=till.encode())
        assert reply.status_code == 201


def test_an_empty_ticket_is_refused(refusal: Any, office: StandIn) -> None:
    """No bytes, no ticket."""
    assert refusal("POST", f"{TICKETS}?number=1") == (
        400,
        "empty_ticket",
        "The ticket is empty.",
        "The request's body is the ticket, as it is.",
    )
    assert office.tickets == {}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "The query parameter 'number' is missing."),
        *(
            (f"?number={quote(written)}", f"The query parameter 'number' {NEEDED} \"{written}\".")
            for written in ("", "1.5", "5.0", "-1", "+5", " 5", "5 ", "1_0", "007", "00", "0x5")
        ),
        ("?number=5%0A", f"The query parameter 'number' {NEEDED} \"5\\n\"."),
        ("?number=%D9%A5", f"The query parameter 'number' {NEEDED} \"\u0665\"."),
        (
            "?number=9223372036854775808",
            f"The query parameter 'number' {NEEDED} \"9223372036854775808\".",
        ),
        ("?number=6&number=7", "The query parameter 'number' is there 2 times."),
        ("?number=7&number=7", "The query parameter 'number' is there 2 times."),
    ],
)
def test_a_ticket_without_a_proper_number_is_refused(
    refusal: Any, office: StandIn, query: str, message: str
) -> None:
    """The number is what makes a ticket sendable exactly once: there is no default."""
    assert refusal("POST", TICKETS + query, content=b"x") == (422, "invalid_request", message, "")
    assert office.tickets == {}


@pytest.mark.parametrize("number", [0, 10, 2**63 - 1])
def test_a_number_is_the_one_that_was_written(ask: Any, office: StandIn, number: int) -> None:
    """From 0 to what 63 bits hold."""
    assert ask("POST", f"{TICKETS}?number={number}", content=b"x").json()["number"] == number
    assert list(office.tickets) == [("01", number)]


def test_a_number_of_absurd_length_is_refused(refusal: Any) -> None:
    """Five thousand digits are repeated cut."""
    status, _, message, _ = refusal("POST", f"{TICKETS}?number={'9' * 5000}", content=b"x")
    assert status == 422
    assert len(message) < 300


def test_a_ticket_of_the_largest_size_is_taken(ask: Any, limits: Limits) -> None:
    """The limit itself is allowed."""
    reply = ask("POST", f"{TICKETS}?number=1", content=b"x" * limits.ticket)
    assert reply.status_code == 201


def test_a_ticket_above_the_largest_size_is_refused_unread(
    ask: Any, limits: Limits, office: StandIn
) -> None:
    """An announced length above the limit is refused, and the connection is to be closed."""
    reply = ask("POST", f"{TICKETS}?number=1", content=b"x" * (limits.ticket + 1))
    assert (reply.status_code, reply.headers["connection"]) == (413, "close")
    assert reply.json() == {
        "error": "too_large",
        "message": "The body is larger than the 1000 bytes that are taken here.",
        "hint": "Nothing of it was kept.",
    }
    assert office.tickets == {}


def test_a_ticket_that_grows_above_the_limit_is_not_read_to_its_end(
    ask: Any, office: StandIn
) -> None:
    """In chunks, reading stops soon after the limit, whatever is still to come."""
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 100
            yield b"x" * 100

    reply = ask("POST", f"{TICKETS}?number=1", content=endless())
    assert (reply.status_code, reply.json()["error"]) == (413, "too_large")
    assert sent < 5000
    assert office.tickets == {}


def test_a_compressed_ticket_is_refused(refusal: Any, office: StandIn) -> None:
    """What is stored must be what the till program made, so there is no coding to undo."""
    coded = {"Content-Encoding": "gzip"}
    assert refusal("POST", f"{TICKETS}?number=1", content=b"x", headers=coded) == (
        415,
        "encoded_body",
        "The body is compressed or encoded.",
        "Send the bytes as they are, without Content-Encoding.",
    )
    assert office.tickets == {}


def test_a_ticket_of_an_unknown_till_is_not_found(refusal: Any) -> None:
    """A ticket is never taken for a till that nobody looks after."""
    assert refusal("POST", "/v1/tills/9/tickets?number=1", content=b"x")[:2] == (
        404,
        "unknown_till",
    )


def test_a_full_disk_is_not_now(ask: Any, office: StandIn) -> None:
    """The store's own sentence, and when to come again."""

    def full(_call: str) -> None:
        raise StoreUnavailable("The disk is full: free some space.", retry_after=30)

    office.before_each = full
    reply = ask("POST", f"{TICKETS}?number=1", content=b"x")
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "30")
    assert reply.json() == {
        "error": "store_unavailable",
        "message": "The disk is full: free some space.",
        "hint": "Try again in 30 s, with the same number and bytes if it is a ticket.",
    }
