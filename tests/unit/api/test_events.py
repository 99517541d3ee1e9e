"""Events posted by the till program and by people."""

from typing import Any

import pytest

from engine.api.port import EventFailed, StoreUnavailable
from engine.api.stand_in import StandIn

HINT = 'Send it as application/json: {"event": "sync.now", "data": {}}.'
EVENTS = "/v1/tills/01/events"


def test_an_event_is_handled_before_the_answer_tells_what_it_did(ask: Any) -> None:
    """The answer has the states before and after and the transitions taken."""
    reply = ask("POST", EVENTS, json={"event": "sync.now"})
    assert reply.status_code == 200
    assert reply.json() == {
        "till": "01",
        "event": "sync.now",
        "state_before": "online",
        "state_after": "syncing",
        "taken": [{"event": "sync.now", "source": "online", "target": "syncing", "stays": False}],
        "refused": [],
        "unhandled": False,
        "closing": None,
    }


def test_an_event_that_nobody_handles_is_said_to_be_unhandled(ask: Any) -> None:
    """A known event without a transition is no error and is told as unhandled."""
    reply = ask("POST", EVENTS, json={"event": "load.full"})
    assert (reply.status_code, reply.json()["unhandled"]) == (200, True)


def test_the_data_of_an_event_keeps_its_types(ask: Any, office: StandIn) -> None:
    """Numbers, true, and text reach the agent as they were sent."""
    data = {"number": 17, "total": 9.5, "paid": True, "by": "é"}
    ask("POST", EVENTS, json={"event": "ticket.closed", "data": data})
    got = office.steps[0].detail["data"]
    assert got == data
    assert [type(value) for value in got.values()] == [int, float, bool, str]


def test_json_without_a_content_type_is_taken(ask: Any) -> None:
    """A till program that forgets the header is understood."""
    assert ask("POST", EVENTS, content=b'{"event": "sync.now"}').status_code == 200


def test_an_unknown_event_gets_a_suggestion(refusal: Any) -> None:
    """The nearest event that may be posted is named."""
    assert refusal("POST", EVENTS, json={"event": "sync.mow"}) == (
        422,
        "unknown_event",
        "There is no event 'sync.mow' that may be posted.",
        "Did you mean 'sync.now'?",
    )


def test_data_that_the_event_does_not_carry_is_refused_in_the_words_of_the_agent(
    refusal: Any,
) -> None:
    """The agent's sentence reaches the caller unchanged."""
    assert refusal("POST", EVENTS, json={"event": "ticket.customer"}) == (
        422,
        "bad_data",
        "'ticket.customer' carries 'customer', a text.",
        "",
    )


def test_an_event_for_an_unknown_till_is_not_found(refusal: Any) -> None:
    """An event needs a till that is there."""
    assert refusal("POST", "/v1/tills/9/events", json={"event": "sync.now"})[:2] == (
        404,
        "unknown_till",
    )


def test_an_event_that_the_machine_cannot_play_is_no_matter_of_trying_again(
    ask: Any, office: StandIn
) -> None:
    """It has a code of its own, says why, and points to the machine file."""

    def fail(_: str) -> None:
        raise EventFailed("The machine could not play an event: it raises without end.")

    office.before_each = fail
    reply = ask("POST", EVENTS, json={"event": "sync.now"})
    assert reply.status_code == 500
    assert "retry-after" not in reply.headers
    assert reply.json() == {
        "error": "step_failed",
        "message": "The machine could not play an event: it raises without end.",
        "hint": "The machine file is at fault: look for what it raises endlessly. "
        "The till goes on.",
    }


def test_an_event_while_the_store_is_away_is_not_now(ask: Any, office: StandIn) -> None:
    """The agent may need its store to handle an event."""

    def away(_call: str) -> None:
        raise StoreUnavailable("The disk is full.")

    office.before_each = away
    reply = ask("POST", EVENTS, json={"event": "sync.now"})
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "The field 'event' is missing."),
        ({"event": ""}, "The field 'event' must not be empty."),
        ({"event": 5}, "The field 'event' must be a text; found 5."),
        ({"event": "x" * 129}, "The field 'event' must have at most 128 characters."),
        ({"event": "sync.now", "dta": {}}, "The field 'dta' is not known."),
        (
            {"event": "sync.now", "data": [1]},
            "The field 'data' must be a JSON object of names and values; found [1].",
        ),
        (
            {"event": "sync.now", "data": {"lines": [1, 2]}},
            (
                "The field 'data.lines' must be a number of up to 64 bits, true, false or a text; "
                "found [1, 2]."
            ),
        ),
        (
            {"event": "sync.now", "data": {"by": None}},
            (
                "The field 'data.by' must be a number of up to 64 bits, true, false or a text; "
                "found null."
            ),
        ),
        ([1], "The body is not a JSON object."),
    ],
)
def test_a_body_that_is_not_as_documented_is_explained(
    refusal: Any, body: object, message: str
) -> None:
    """Each fault is one sentence that names the field, what was found and what is allowed."""
    assert refusal("POST", EVENTS, json=body) == (422, "invalid_request", message, HINT)


@pytest.mark.parametrize(
    "body",
    [
        b'{"event": "sync.now", "data": {"x": NaN}}',
        b'{"event": "sync.now", "data": {"x": -Infinity}}',
        b'{"event": "sync.now", "data": {"x": "\\ud800"}}',
        b'{"event": "sync.now", "data": {"\\ud800": 1}}',
        b'{"event": "sync\\ud800"}',
        b'{"event": "sync.now", "data": {"x": 9223372036854775808}}',
    ],
)
def test_values_that_could_not_be_stored_are_refused(refusal: Any, body: bytes) -> None:
    """Infinite numbers, half characters and integers beyond 64 bits never reach the agent."""
    assert refusal("POST", EVENTS, content=body)[:2] == (422, "invalid_request")


def test_a_body_that_is_no_json_is_told_where(refusal: Any) -> None:
    """The place of the fault is given."""
    assert refusal("POST", EVENTS, content=b'{"event": sync}') == (
        400,
        "bad_json",
        "The body is not JSON: Expecting value at character 10.",
        HINT,
    )


@pytest.mark.parametrize(
    "body", [b'{"event": "\xff"}', b"[" * 550, b'{"event": 1' + b"1" * 500, b"9" * 599]
)
def test_hostile_json_is_refused_like_any_other(refusal: Any, body: bytes) -> None:
    """Broken UTF-8, deep nesting and endless numbers are the caller's fault, not ours."""
    assert refusal("POST", EVENTS, content=body)[0] in (400, 422)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"event": "load.full", "event": "sync.now"}', "event"),
        (b'{"event": "ticket.closed", "data": {"number": 6, "number": 7}}', "number"),
        (b'{"event": "ticket.closed", "data": {"number": 6, "n\\u0075mber": 6}}', "number"),
    ],
)
def test_what_is_said_twice_is_not_guessed(
    refusal: Any, office: StandIn, body: bytes, name: str
) -> None:
    """Neither the first nor the last of a repeated name is taken."""
    assert refusal("POST", EVENTS, content=body) == (
        422,
        "invalid_request",
        f"The body has '{name}' more than once in one object.",
        "Send each name once.",
    )
    assert office.steps == []


def test_a_missing_body_is_said_to_be_missing(refusal: Any) -> None:
    """No body at all has a sentence of its own."""
    assert refusal("POST", EVENTS)[:3] == (422, "invalid_request", "The body is missing.")


def test_a_body_of_another_content_type_is_refused(refusal: Any) -> None:
    """What a web form can send without being asked about is not read as JSON."""
    status, _, message, _ = refusal(
        "POST", EVENTS, content=b'{"event": "sync.now"}', headers={"Content-Type": "text/plain"}
    )
    assert (status, message) == (422, "The body is not a JSON object.")


def test_an_event_larger_than_the_limit_is_not_read(refusal: Any) -> None:
    """Events have a limit of their own, below that of tickets."""
    assert refusal("POST", EVENTS, json={"event": "x" * 700}) == (
        413,
        "too_large",
        "The body is larger than the 600 bytes that are taken here.",
        "Nothing of it was kept.",
    )
