"""How durations and other values are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.values import (
    NotOfType,
    convert,
    describe,
    format_duration,
    parse_duration,
    show,
    type_of,
)
from engine.definition.vocabulary import Type, Value

YEAR_MS = 366 * 86_400_000


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30.0),
        ("2min", 120.0),
        ("1h30", 5400.0),
        ("1h30min", 5400.0),
        ("2min15", 135.0),
        ("1d", 86400.0),
        ("1d12h", 129600.0),
        ("1.5s", 1.5),
        ("0.25h", 900.0),
        ("0s", 0.0),
        ("366d", 366 * 86400.0),
    ],
)
def test_a_duration_is_seconds(written: str, seconds: float) -> None:
    """Every way to write a duration gives its seconds."""
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("30sec", "'30sec' is not a duration.", "Did you mean '30s'?"),
        ("5 Minutes", "'5 Minutes' is not a duration.", "Did you mean '5min'?"),
        ("1,5 h", "'1,5 h' is not a duration.", "Did you mean '1.5h'?"),
        ("2 jours", "'2 jours' is not a duration.", "Did you mean '2d'?"),
        ("10 millis", "'10 millis' is not a duration.", "Did you mean '10ms'?"),
        ("30", "'30' is not a duration.", "Did you mean '30s'?"),
        (
            "soon",
            "'soon' is not a duration.",
            "A duration is written 500ms, 30s, 2min, 1h30 or 1d.",
        ),
        (
            "30s1h",
            "'30s1h' is not a duration: units go from long to short.",
            "A duration is written 500ms, 30s, 2min, 1h30 or 1d.",
        ),
        (
            "5s30",
            "'5s30' is not a duration: units go from long to short.",
            "A duration is written 500ms, 30s, 2min, 1h30 or 1d.",
        ),
        (
            "-5s",
            "'-5s' is negative; a duration is zero or longer.",
            "A duration is written 500ms, 30s, 2min, 1h30 or 1d.",
        ),
        (
            "367d",
            "'367d' is longer than a year.",
            "A duration is written 500ms, 30s, 2min, 1h30 or 1d.",
        ),
    ],
)
def test_what_is_no_duration_is_said_so(written: str, message: str, hint: str) -> None:
    """A sentence and a hint for each kind of slip."""
    with pytest.raises(NotOfType) as caught:
        parse_duration(written)
    assert (str(caught.value), caught.value.hint) == (message, hint)


@given(st.integers(min_value=0, max_value=YEAR_MS))
def test_a_duration_survives_being_written(milliseconds: int) -> None:
    """What format_duration writes, parse_duration reads back, to the millisecond."""
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.text(max_size=30))
def test_any_text_is_a_duration_or_not_of_type(text: str) -> None:
    """Random text never raises anything else, and never gives a negative or endless wait."""
    try:
        assert 0 <= parse_duration(text) <= YEAR_MS / 1000
    except NotOfType as error:
        message = str(error)
    else:
        return
    assert message.endswith(".")


def test_less_than_a_millisecond_is_written_as_zero() -> None:
    """Durations are shown to the millisecond."""
    assert format_duration(0.0001) == "0s"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (True, "boolean"),
        (1, "integer"),
        (1.5, "number"),
        ("30s", "duration"),
        ("30x", "text"),
    ],
)
def test_a_value_tells_its_type(raw: Value, kind: Type) -> None:
    """The type of a parameter is that of its default."""
    assert type_of(raw) == kind


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("30s", "duration", 30.0),
        (3, "number", 3.0),
        (2.5, "number", 2.5),
        (3, "integer", 3),
        (False, "boolean", False),
        ("x", "text", "x"),
    ],
)
def test_a_value_is_converted_only_as_far_as_it_means_the_same(
    raw: Value, kind: Type, value: Value
) -> None:
    """A duration to seconds, a whole number to a number; nothing else changes."""
    found = convert(raw, kind)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("raw", "kind", "message", "hint"),
    [
        (30, "duration", "Expected a duration, found the number 30 without a unit.",
         "Did you mean '30s'?"),
        (-1, "duration", "Expected a duration, found the number -1 without a unit.",
         "A duration is written 500ms, 30s, 2min, 1h30 or 1d."),
        (True, "duration", "Expected a duration, found true without a unit.",
         "A duration is written 500ms, 30s, 2min, 1h30 or 1d."),
        ("no", "boolean", "Expected true or false, found the text 'no'.", "Write false."),
        ("Oui", "boolean", "Expected true or false, found the text 'Oui'.", "Write true."),
        ("maybe", "boolean", "Expected true or false, found the text 'maybe'.", ""),
        (True, "integer", "Expected a whole number, found true.", ""),
        (1.0, "integer", "Expected a whole number, found the number 1.0.", ""),
        (5, "text", "Expected a text, found the number 5.", "Write it in quotes: '5'."),
        (False, "text", "Expected a text, found false.", "Write it in quotes: 'false'."),
    ],
)  # fmt: skip
def test_what_is_of_another_type_is_said_so(
    raw: Value, kind: Type, message: str, hint: str
) -> None:
    """What was wanted, what was found, and how to write it where that can be told."""
    with pytest.raises(NotOfType) as caught:
        convert(raw, kind)
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_values_are_shown_as_a_file_would_write_them() -> None:
    """Durations with units, truth values in small letters."""
    assert [show(90.0, "duration"), show(True, "boolean"), show(3, "integer")] == [
        "1min30s",
        "true",
        "3",
    ]


def test_long_texts_are_cut_in_sentences() -> None:
    """A sentence stays a sentence whatever was typed."""
    assert describe("x" * 50) == f"the text '{'x' * 37}...'"
    assert (describe(None), describe({}), describe([])) == ("nothing", "a mapping", "a list")
