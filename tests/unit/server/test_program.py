"""What the server's program is told, and how its reply is judged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.server import CallRejected
from engine.server.actions import ActionSettings, PingAction, Success
from engine.server.program import Unfit, look_up, parameter, read, same, shown
from engine.server.reply import retry_after

DEEP = {"status": {"Code": 0}, "list": [{"x": 1}], "a": {"B": 1, "b": 2}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("status.Code", 0),
        ("STATUS.code", 0),
        ("list.0.x", 1),
        ("list.1.x", None),
        ("list.x", None),
        ("a.b", 2),
        ("a.B", 1),
        ("status.Code.more", None),
        ("missing", None),
    ],
)
def test_a_path_with_dots_finds_its_value(path: str, found: Any) -> None:
    assert look_up(DEEP, path) == found


@pytest.mark.parametrize(
    ("found", "wanted", "equal"),
    [
        (0, 0, True),
        ("0", 0, True),
        (" 0 ", 0, True),
        (0, "0", True),
        (0.0, 0, True),
        (False, 0, False),
        (0, False, False),
        (True, True, True),
        ("TRUE", True, True),
        ("OK", "OK", True),
        ("ok", "OK", False),
        (None, 0, False),
        ([], 0, False),
        ("", 0, False),
    ],
)
def test_values_are_the_same_across_the_types_of_the_two_wires(
    found: Any, wanted: Any, equal: bool
) -> None:
    assert same(found, wanted) is equal


def action(**more: Any) -> ActionSettings:
    return ActionSettings.model_validate({"action": "A", "parameters": {}, **more})


def test_a_json_reply_is_judged_by_its_field() -> None:
    asked = action(success={"field": "status.code", "equals": "OK", "message": "status.text"})
    assert read(asked, '{"status": {"code": "OK"}}').fields == {"status": {"code": "OK"}}
    with pytest.raises(CallRejected) as caught:
        read(asked, '{"status": {"code": 9, "text": "no\\nmore"}}')
    assert (caught.value.code, caught.value.message) == ("9", "no more")


def test_an_hmp_reply_is_judged_by_its_field() -> None:
    asked = action(reply="hmp")
    assert read(asked, "<RESULTCODE>0<X>1").fields == {"RESULTCODE": "0", "X": "1"}
    with pytest.raises(CallRejected) as caught:
        read(asked, "<resultcode>4<errormessage>R&amp;D closed")
    assert (caught.value.code, caught.value.message) == ("4", "R&D closed")


def test_a_text_reply_is_good_whatever_it_says() -> None:
    assert read(PingAction(), "anything").text == "anything"


def test_an_escaped_reply_is_unescaped_first() -> None:
    asked = action(escaped=True)
    assert read(asked, "{&quot;resultcode&quot;:0}").fields == {"resultcode": 0}


@pytest.mark.parametrize(
    ("asked", "text", "words"),
    [
        (action(), "{", "not JSON"),
        (action(), "[" * 200_000, "not JSON"),
        (action(), '{"resultcode":' + "9" * 5000 + "}", "not JSON"),
        (action(), "[]", "not an object"),
        (action(), "{}", "has no resultcode"),
        (action(reply="hmp"), "oops", "not HMP"),
        (action(reply="hmp"), "<A>1", "has no resultcode"),
    ],
)
def test_a_reply_of_another_form_is_unfit(asked: ActionSettings, text: str, words: str) -> None:
    with pytest.raises(Unfit, match=words):
        read(asked, text)


def test_without_a_field_no_reply_is_a_refusal() -> None:
    assert read(action(success={"field": None}), '{"resultcode": 9}').fields == {"resultcode": 9}
    assert Success().field == "resultcode"


def test_placeholders_are_filled_once_and_escaped() -> None:
    asked = PingAction.model_validate({"parameters": {"A": "{{{shop}}}", "B": "{till}"}})
    assert parameter(asked, {"shop": "<{till}>", "till": "01"}) == "<A>{&lt;{till}&gt;}<B>01"


def test_a_value_that_xml_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="the shop holds a character"):
        parameter(PingAction(), {"shop": "a\x00b", "till": "01"})
    assert "é\n" in parameter(PingAction(), {"shop": "é\n", "till": "01"})


@given(st.text() | st.integers() | st.lists(st.text()))
def test_the_servers_words_are_one_short_line(value: Any) -> None:
    words = shown(value)
    assert len(words) <= 300
    assert len(words.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("12", 12),
        (" 1.5 ", 1.5),
        ("-5", 0),
        ("soon", 0),
        ("1" * 12, 86400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400),
        ("Wed, 99 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(text: str | None, seconds: float) -> None:
    assert retry_after(text, None) == seconds
