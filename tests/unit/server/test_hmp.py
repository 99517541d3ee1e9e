"""HMP: what goes in comes out, and what is not HMP is said to be so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.server import hmp

NAMES = st.text("ABCxyz_", min_size=1) | st.sampled_from(["A1", "a.b", "A-B_c"])


@given(st.dictionaries(NAMES, st.text()))
def test_every_value_comes_back_as_it_was(parameters: dict[str, str]) -> None:
    assert hmp.decode(hmp.encode(parameters)) == parameters


@given(st.text())
def test_an_escaped_value_has_no_bracket_and_comes_back(value: str) -> None:
    assert not set("<>") & set(hmp.escape(value))
    assert hmp.unescape(hmp.escape(value)) == value


@given(st.text(alphabet="<>&;ampltg A1"))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        found = hmp.decode(text)
    except ValueError as error:
        refusal = str(error)
        found = {}
    else:
        refusal = ""
    assert bool(refusal) is (not found and bool(text.lstrip()))
    assert hmp.decode(hmp.encode(found)) == found


def test_the_example_of_the_format_is_read() -> None:
    assert hmp.decode("<NAME1>value1<NAME2>value2") == {"NAME1": "value1", "NAME2": "value2"}


def test_order_is_kept_and_pairs_may_be_given() -> None:
    assert hmp.encode([("B", "1"), ("A", "x<y & z")]) == "<B>1<A>x&lt;y &amp; z"


def test_an_ampersand_that_escapes_nothing_stays() -> None:
    assert hmp.decode("<A>R&D &eacute; &amp;lt;") == {"A": "R&D &eacute; &lt;"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("value", "from character 1 on"),
        ("<A>1>2", "from character 5 on"),
        ("<A>1<B", "from character 5 on"),
        ("<>1", "a name"),
        ("<A>1</A>", "a name"),
        ("<A>1<A>2", "A comes twice"),
    ],
)
def test_what_is_not_hmp_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        hmp.decode(text)


def test_a_name_that_hmp_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be a parameter's name"):
        hmp.encode({"A>B": "1"})
