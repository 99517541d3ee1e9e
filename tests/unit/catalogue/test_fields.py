"""What may stand in a column: the fast way and the way that finds the fault hold the same rules."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalogue.fields import Field, Unfit, fields_of
from engine.catalogue.tables import ColumnKind, Dates, Table, TableColumn

TEXT, INTEGER, DECIMAL = ColumnKind.TEXT, ColumnKind.INTEGER, ColumnKind.DECIMAL
BOOLEAN, DATE, DATETIME = ColumnKind.BOOLEAN, ColumnKind.DATE, ColumnKind.DATETIME


def field(
    kind: ColumnKind,
    *,
    required: bool = False,
    length: int | None = None,
    digits: int = 0,
    decimals: int = 0,
    in_key: bool = False,
    mark: str = ".",
    dates: Dates = "iso",
) -> Field:
    """A column of a table with nothing else."""
    column = TableColumn("it", kind, required or in_key, length, digits, decimals)
    key = ("it",) if in_key else ()
    return fields_of(Table("t", (column,), key, decimal_mark=mark, dates=dates))["it"]


def good(kind: ColumnKind, texts: list[str], **more: Any) -> list[Any]:
    """The values of texts that are taken."""
    one = field(kind, **more)
    assert [one.fault(text) for text in texts] == [""] * len(texts)
    return list(one.convert(texts))


def bad(kind: ColumnKind, text: str, **more: Any) -> str:
    """What is wrong with a text; among others too."""
    one = field(kind, **more)
    with pytest.raises(Unfit):
        one.convert([text])
    assert one.fault(text)
    return one.fault(text)


def test_values_are_what_the_store_is_promised() -> None:
    """Text, 64-bit number, decimal as text, truth, day and moment in ISO form; None for empty."""
    assert good(TEXT, ["a", "", " é "]) == ["a", None, " é "]
    assert good(INTEGER, ["7", "", "-0", "007", str(2**63 - 1), str(-(2**63))]) == (
        [7, None, 0, 7, 2**63 - 1, -(2**63)]
    )
    assert good(DECIMAL, ["12.50", "", "-3", "0012.5"], digits=10, decimals=2) == (
        ["12.50", None, "-3", "0012.5"]
    )
    values = good(BOOLEAN, ["0", "1", "false", "true", ""])
    assert values == [False, True, False, True, None]
    assert [type(value) for value in values[:4]] == [bool] * 4
    assert good(DATE, ["2024-02-29", ""]) == ["2024-02-29", None]
    assert good(DATETIME, ["2024-02-29T23:59:59", "", "2026-11-24 00:00:00"]) == (
        ["2024-02-29T23:59:59", None, "2026-11-24T00:00:00"]
    )


def test_other_forms_come_out_in_the_same_form() -> None:
    """A decimal comma becomes a point; French and compact dates become ISO."""
    assert good(DECIMAL, ["12,50", "7"], digits=9, decimals=2, mark=",") == ["12.50", "7"]
    assert good(DECIMAL, ["12,50", ""], digits=9, decimals=2, mark=",") == ["12.50", None]
    assert good(DATE, ["24/11/2026", ""], dates="french") == ["2026-11-24", None]
    assert good(DATE, ["20261124"], dates="compact") == ["2026-11-24"]
    assert good(DATETIME, ["24/11/2026 10:00:59"], dates="french") == ["2026-11-24T10:00:59"]
    assert good(DATETIME, ["20261124100059", ""], dates="compact") == ["2026-11-24T10:00:59", None]


@pytest.mark.parametrize(
    ("kind", "text", "more", "said"),
    [
        (TEXT, "", {"required": True}, "is empty, and it is required"),
        (TEXT, "abcd", {"length": 3}, "has 4 characters; at most 3"),
        (TEXT, "a🍎", {"length": 2}, "has 3 characters; at most 2"),
        (TEXT, "a ", {"in_key": True}, "begins or ends with a blank, which a key cannot"),
        (TEXT, " a", {"in_key": True}, "begins or ends with a blank, which a key cannot"),
        (TEXT, "a\nb", {"in_key": True}, "has a line break, which a key cannot have"),
        (TEXT, "a\rb", {"in_key": True}, "has a line break, which a key cannot have"),
        (INTEGER, "", {"required": True}, "is empty, and it is required"),
        (INTEGER, "1_0", {}, "is '1_0', which is no whole number of at most 19 digits"),
        (INTEGER, "+1", {}, "is '+1', which is no whole number of at most 19 digits"),
        (INTEGER, "１", {}, "is '１', which is no whole number of at most 19 digits"),
        (INTEGER, "1\n2", {}, "is '1?2', which is no whole number of at most 19 digits"),
        (INTEGER, str(2**63), {}, f"is '{2**63}', which takes more than 64 bits"),
        (INTEGER, str(-(2**63) - 1), {}, f"is '{-(2**63) - 1}', which takes more than 64 bits"),
        (BOOLEAN, "yes", {}, "is 'yes', which is none of 0, 1, false and true"),
        (BOOLEAN, "", {"required": True}, "is empty, and it is required"),
        (DATE, "2026-02-29", {}, "is '2026-02-29', which is no day as 2026-11-24"),
        (DATE, "0000-01-01", {}, "is '0000-01-01', which is no day as 2026-11-24"),
        (DATE, "20261124", {}, "is '20261124', which is no day as 2026-11-24"),
        (DATE, "", {"required": True}, "is empty, and it is required"),
        (
            DATE,
            "2026-11-24",
            {"dates": "french"},
            "is '2026-11-24', which is no day as 24/11/2026",
        ),
        (
            DATETIME,
            "2026-02-29T10:00:00",
            {},
            "is '2026-02-29T10:00:00', which is no day and time as 2026-11-24T10:00:00",
        ),
        (
            DATETIME,
            "0000-01-01T10:00:00",
            {},
            "is '0000-01-01T10:00:00', which is no day and time as 2026-11-24T10:00:00",
        ),
        (
            DATETIME,
            "2026-11-24T10:00:00.5",
            {},
            "is '2026-11-24T10:00:00.5', which is no day and time as 2026-11-24T10:00:00",
        ),
        (
            DATETIME,
            "20261124250000",
            {"dates": "compact"},
            "is '20261124250000', which is no day and time as 20261124100000",
        ),
    ],
)
def test_a_bad_field_is_told(kind: ColumnKind, text: str, more: Any, said: str) -> None:
    """One field, one exact sentence."""
    assert bad(kind, text, **more) == said


@pytest.mark.parametrize("text", ["abc", "1.234", "1.", ".5", "1e3", "1,5", "12345", "1\n2", "NaN"])
def test_a_decimal_has_its_digits_and_no_more(text: str) -> None:
    """Four digits in all, two of them behind the point."""
    wanted = "at most 2 digits before and 2 behind the '.'"
    said = bad(DECIMAL, text, digits=4, decimals=2)
    shown = text.replace("\n", "?")
    assert said == f"is '{shown}', which is no decimal number with {wanted}"


@pytest.mark.parametrize("texts", [["a", " b", "c"], ["a", "b ", "c"], ["a", "b", "c "]])
def test_a_blank_at_the_end_of_a_key_is_found_in_any_row(texts: list[str]) -> None:
    """At either end; one inside is fine."""
    one = field(TEXT, in_key=True)
    with pytest.raises(Unfit):
        one.convert(texts)
    assert one.convert(["a b", "c"]) == ["a b", "c"]


def test_a_long_text_is_not_shown_whole() -> None:
    """Nor what cannot be printed."""
    assert bad(INTEGER, "\x1b" + "9" * 90).startswith(f"is '?{'9' * 23}...', which")


SOME: dict[str, tuple[ColumnKind, dict[str, Any]]] = {
    "text": (TEXT, {}),
    "bounded text": (TEXT, {"length": 4, "required": True}),
    "key": (TEXT, {"length": 4, "in_key": True}),
    "integer": (INTEGER, {}),
    "number of a key": (INTEGER, {"in_key": True}),
    "decimal": (DECIMAL, {"digits": 5, "decimals": 2}),
    "decimal of decimals": (DECIMAL, {"digits": 2, "decimals": 2, "required": True}),
    "whole decimal": (DECIMAL, {"digits": 3, "decimals": 0}),
    "decimal with a comma": (DECIMAL, {"digits": 5, "decimals": 2, "mark": ","}),
    "boolean": (BOOLEAN, {}),
    "date": (DATE, {}),
    "required date": (DATE, {"required": True}),
    "french date": (DATE, {"dates": "french"}),
    "datetime": (DATETIME, {}),
    "compact datetime": (DATETIME, {"dates": "compact", "required": True}),
}
WORTH_TRYING = st.one_of(
    st.sampled_from(["", "0", "1", "-1", "true", "12.50", "0.5", "0,5", "999", "9" * 19, "a\r\nb"]),
    st.sampled_from(["2024-02-29", "2023-02-29", "2026-04-31", "31/12/2026", "20261231", "0\n1"]),
    st.sampled_from(["2024-02-29T00:00:00", "2026-11-24 10:00:00", "20261124100000", "🍎🍎", " a"]),
    st.text("0123456789-.,:T /é\n\r", max_size=6),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds")),
)


@pytest.mark.parametrize("name", SOME)
@settings(max_examples=25)
@given(blocks=st.lists(st.lists(WORTH_TRYING, min_size=1, max_size=6), min_size=1, max_size=4))
def test_many_at_once_are_judged_as_one_by_one(name: str, blocks: list[list[str]]) -> None:
    """A block passes if each of its fields does, with the values that each has alone."""
    kind, more = SOME[name]
    one = field(kind, **more)
    for texts in blocks:
        told = [one.fault(text) for text in texts]
        try:
            values = list(one.convert(texts))
        except Unfit:
            assert any(told), texts
        else:
            assert not any(told), texts
            alone = [field(kind, **more).convert([text])[0] for text in texts]
            assert values == alone


def test_what_is_remembered_of_a_column_is_bounded() -> None:
    """A column of ever new dates or numbers does not grow in memory, and is still judged."""
    days, numbers = field(DATE), field(INTEGER)
    for year in range(1900, 2026):
        days.convert(
            [f"{year}-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
        )
        numbers.convert([str(year * 1000 + at) for at in range(1000)])

    assert len(vars(days)["_known"]) < 21_000
    assert len(vars(numbers)["_known"]) < 6000
    with pytest.raises(Unfit):
        days.convert(["2026-02-29"])
