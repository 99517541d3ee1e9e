"""What a reply tells of messages, offers and counts is taken, cut or refused with a sentence."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.server import Message, Offer, TicketCount
from engine.server.program import Said, Unfit
from engine.server.replies import (
    LONGEST_DATA,
    LONGEST_TEXT,
    MOST_ROWS,
    acknowledged,
    messages,
    offers,
    ticket_count,
)

DIGEST = "ab" * 32
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def said(**fields: Any) -> Said:
    return Said("", fields)


def test_a_message_has_its_fields_and_defaults() -> None:
    told = said(
        messages=[
            {
                "id": "m-1",
                "at": "2026-11-24T10:00:00Z",
                "level": "urgent",
                "title": "a",
                "text": "b",
            },
            {"id": "m-2"},
        ]
    )
    assert messages(told) == [
        Message("m-1", "2026-11-24T10:00:00Z", "urgent", "a", "b"),
        Message("m-2", "", "info", "", ""),
    ]


def test_texts_keep_their_lines_and_lose_what_no_page_or_database_takes() -> None:
    """Line ends are one kind, half characters and controls go, a title is one line."""
    row = {"id": "m", "title": "two\r\nlines", "text": "a\r\nb\rc\x00\x1b[31m\ud800é "}
    assert messages(said(messages=[row]))[0][3:] == ("two lines", "a\nb\nc[31mé")


def test_a_text_that_is_too_long_is_cut() -> None:
    cut = messages(said(messages=[{"id": "m", "text": "x" * (LONGEST_TEXT + 1)}]))[0].text
    assert (len(cut), cut[-2:]) == (LONGEST_TEXT, "x…")


def test_the_same_message_twice_is_one_message() -> None:
    assert len(messages(said(messages=[{"id": "m"}, {"id": "m"}]))) == 1


def test_an_hmp_reply_carries_its_list_as_json() -> None:
    assert messages(said(messages='[{"id": "m"}]'))[0].id == "m"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "no list of messages"),
        ({"messages": {}}, "no list of messages"),
        ({"messages": "[{"}, "not JSON"),
        ({"messages": [{"id": str(n)} for n in range(MOST_ROWS + 1)]}, "it has 1001 messages"),
        ({"messages": ["m"]}, "a message that is not an object"),
        ({"messages": [{"title": "x"}]}, "the id of a message is no text"),
        ({"messages": [{"id": 7}]}, "the id of a message is no text"),
        ({"messages": [{"id": ""}]}, "the id of a message is no text"),
        ({"messages": [{"id": " m"}]}, "the id of a message is no text"),
        ({"messages": [{"id": "m\n"}]}, "the id of a message is no text"),
        ({"messages": [{"id": "\ud800"}]}, "the id of a message is no text"),
        ({"messages": [{"id": "m" * 101}]}, "the id of a message is no text"),
        ({"messages": [{"id": "m", "level": "loud"}]}, "none of info, warning, urgent"),
        ({"messages": [{"id": "m", "level": []}]}, "none of info, warning, urgent"),
        ({"messages": [{"id": "m", "at": 5}]}, "the 'at' of a message"),
        ({"messages": [{"id": "m", "at": "\ud800"}]}, "the 'at' of a message"),
        ({"messages": [{"id": "m", "text": ["x"]}]}, "the text of a message is no text"),
        ({"messages": [{"id": "m"}, {"id": "m", "text": "x"}]}, "two messages of one id"),
    ],
)
def test_messages_of_another_form_are_unfit(fields: Any, words: str) -> None:
    with pytest.raises(Unfit, match=words):
        messages(said(**fields))


def test_what_is_acknowledged_was_told() -> None:
    assert acknowledged(said(acknowledged=["b", "a", "b"]), ["a", "b", "c"]) == ["b", "a"]
    assert acknowledged(said(acknowledged='["a"]'), ["a"]) == ["a"]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (None, "no list of what it acknowledged"),
        ({"a": 1}, "no list of what it acknowledged"),
        (["d"], "that was not told"),
        ([1], "that was not told"),
        ([["a"]], "that was not told"),
    ],
)
def test_an_acknowledgement_of_something_else_is_unfit(told: Any, words: str) -> None:
    with pytest.raises(Unfit, match=words):
        acknowledged(said(acknowledged=told), ["a"])


def test_an_offer_has_its_fields_and_defaults() -> None:
    told = said(
        customer="C7",
        offers=[
            {"id": "o1", "title": "t", "until": "2026-11-30", "data": {"é": [1]}},
            {"id": "o2", "customer": "C7", "from": "2026-11-01", "text": "x"},
        ],
    )
    assert offers(told, "C7") == [
        Offer("o1", "", "t", "", "", "2026-11-30", '{"\\u00e9":[1]}'),
        Offer("o2", "C7", "", "x", "2026-11-01", "", "{}"),
    ]
    assert offers(said(customer="", offers=[]), "") == []


def test_a_number_is_a_customers_code_as_well() -> None:
    told = said(customer=17, offers=[{"id": "o", "customer": 17}])
    assert offers(told, "17")[0].customer == "17"


def test_one_id_may_be_general_and_the_customers_own() -> None:
    told = said(customer="C", offers=[{"id": "o"}, {"id": "o", "customer": "C", "text": "x"}])
    assert [offer.customer for offer in offers(told, "C")] == ["", "C"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"customer": None, "offers": []}, "not about the customer"),
        ({"customer": "OTHER", "offers": []}, "not about the customer"),
        ({"customer": "", "offers": []}, "not about the customer"),
        ({"offers": None}, "no list of offers"),
        ({"offers": [1]}, "an offer that is not an object"),
        ({"offers": [{}]}, "the id of an offer"),
        ({"offers": [{"id": "o", "customer": "OTHER"}]}, "an offer for another customer"),
        ({"offers": [{"id": "o", "from": "2026-02-30"}]}, "the 'from' of an offer is no date"),
        ({"offers": [{"id": "o", "until": "20261130"}]}, "the 'until' of an offer is no date"),
        ({"offers": [{"id": "o", "until": 2026}]}, "the 'until' of an offer is no date"),
        ({"offers": [{"id": "o", "title": 1}]}, "the title of an offer is no text"),
        ({"offers": [{"id": "o", "data": float("nan")}]}, "cannot be written as JSON"),
        ({"offers": [{"id": "o", "data": "x" * LONGEST_DATA}]}, "more than 20000 characters"),
        ({"offers": [{"id": "o"}, {"id": "o", "text": "x"}]}, "two offers of one id"),
        ({"offers": [{"id": "o"}] * (MOST_ROWS + 1)}, "it has 1001 offers"),
    ],
)
def test_offers_of_another_form_are_unfit_and_the_code_is_not_said(fields: Any, words: str) -> None:
    with pytest.raises(Unfit, match=words) as caught:
        offers(said(**{"customer": "SECRET9", **fields}), "SECRET9")
    assert "SECRET9" not in str(caught.value)
    assert "OTHER" not in str(caught.value)


def test_a_count_is_taken_from_json_and_from_hmp() -> None:
    expected = TicketCount(2, 3, 9, DIGEST, "1-2,4-8,10")
    told = {"count": 2, "first": 3, "last": 9, "digest": DIGEST.upper(), "missing": "1-2,4-8,10"}
    assert ticket_count(said(**told), 1, 10) == expected
    assert (
        ticket_count(said(**{name: str(value) for name, value in told.items()}), 1, 10) == expected
    )
    assert ticket_count(said(count=0), 1, 10) == TicketCount(0, None, None, "", "")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"count": None}, "has no count"),
        ({"count": True}, "its count is no whole number"),
        ({"count": -1}, "its count is no whole number"),
        ({"count": 1.0}, "its count is no whole number"),
        ({"count": 2**63}, "its count is no whole number"),
        ({"first": None}, "does not say which is the first or last"),
        ({"first": 0}, "from 0 to 9, where it was asked about 1 to 10"),
        ({"last": 11}, "from 3 to 11, where it was asked about 1 to 10"),
        ({"first": 9, "last": 3}, "from 9 to 3"),
        ({"count": 8}, "it counts 8 tickets from 3 to 9"),
        ({"digest": "xy"}, "no SHA-256"),
        ({"digest": 5}, "its digest is no text"),
        ({"missing": [1]}, "its missing is no text"),
        ({"missing": "1;2"}, "not written as 5,9-11"),
        ({"missing": "1,"}, "not written as 5,9-11"),
        ({"missing": "1-2-3"}, "not written as 5,9-11"),
    ],
)
def test_a_count_of_another_form_is_unfit(fields: Any, words: str) -> None:
    whole = {"count": 2, "first": 3, "last": 9, "digest": DIGEST, "missing": ""}
    with pytest.raises(Unfit, match=words):
        ticket_count(said(**{**whole, **fields}), 1, 10)


@given(
    st.dictionaries(
        st.sampled_from(
            ["id", "at", "level", "title", "text", "customer", "from", "until", "data"]
        ),
        JSON,
    )
)
def test_whatever_a_row_holds_it_is_unfit_or_can_be_stored(row: Any) -> None:
    """Every text that gets through is UTF-8, every id, time and level is printable."""
    for read in (
        lambda rows: messages(said(messages=rows)),
        lambda rows: offers(said(customer="C", offers=rows), "C"),
    ):
        try:
            found: Any = read([{"id": "x", **row}])[0]
        except Unfit:
            continue
        for text in found:
            text.encode("utf-8")
        assert found.id.isprintable()
        json.loads(getattr(found, "data", "{}"))


@given(JSON, JSON, JSON, JSON, JSON)
def test_whatever_a_count_holds_it_is_unfit_or_within_what_was_asked(
    count: Any, first: Any, last: Any, digest: Any, missing: Any
) -> None:
    told = said(count=count, first=first, last=last, digest=digest, missing=missing)
    try:
        found = ticket_count(told, 1, 10)
    except Unfit:
        return
    assert found.first is None or 1 <= found.first <= 10
