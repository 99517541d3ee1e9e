"""The reader: scalars, places, and what it refuses."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.model import Machine
from engine.definition.reader import LARGEST_FILE, parse, read, read_file
from engine.problems import Problem, Refused

MACHINE = (Path(__file__).parent / "good" / "guards.yaml").read_text(encoding="utf-8")


def refused(text: str) -> list[tuple[int, int, str]]:
    """Line, column and code of all that is wrong with a text."""
    with pytest.raises(Refused) as caught:
        read(text, "f.yaml")
    return [(problem.line, problem.column, problem.code) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("12:30", "12:30"),
        ("010", 10), ("0o17", 15), ("0x1F", 31), ("-7", -7), ("+7", 7), ("1_000", "1_000"),
        ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("-2.", -2.0), ("1.2.3", "1.2.3"),
        ("true", True), ("True", True), ("FALSE", False), ("tRUE", "tRUE"),
        ("null", None), ("~", None), ("", None), ("'1'", "1"), ('"true"', "true"),
        ("2001-12-14", "2001-12-14"), ("=", "="), ("-", None), ("- x", None), (".", "."),
        ("+", "+"), ("1h30", "1h30"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2_core(written: str, value: object) -> None:
    """Neither yes nor 12:30 nor 010 is what YAML 1.1 makes of it."""
    if written.startswith("- ") or written == "-":
        assert isinstance(read(f"a:\n  {written}\n", "f").data["a"], list)
        return
    found = read(f"a: {written}\n", "f").data["a"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_always_texts() -> None:
    """on, 1 and null are names like any other."""
    assert read("{on: 1, 1: 2, null: 3, true: 4, '': 5}", "f").data == {
        "on": 1,
        "1": 2,
        "null": 3,
        "true": 4,
        "": 5,
    }


def test_every_value_and_key_has_its_place() -> None:
    """Block and flow style, after accents and wide characters, with any line end."""
    text = "a:\r\n  - é: x\r  - {ü: '😀', k: [1, 22]}\n"
    document = read(text, "f")
    assert document.place(("a",), key=True) == (1, 1)
    assert document.place(("a", 0, "é")) == (2, 8)
    assert document.place(("a", 1, "k"), key=True) == (3, 14)
    assert document.place(("a", 1, "k", 1)) == (3, 21)
    assert document.lines == ("a:", "  - é: x", "  - {ü: '😀', k: [1, 22]}", "")


def test_json_is_read_with_its_places() -> None:
    """JSON is YAML, tabs and all."""
    document = read('{\n\t"machine": "lamp",\n\t"states": {"a": {}, "b": {"on": {"x": 1}}}\n}', "f")
    assert document.data["states"]["b"] == {"on": {"x": 1}}
    assert document.place(("states", "b"), key=True) == (3, 22)
    assert document.place(("states", "b", "on", "x")) == (3, 40)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    """Windows editors write one."""
    assert read("\ufeffa: 1", "f").data == {"a": 1}


@pytest.mark.parametrize(
    ("loc", "place"),
    [
        (("on", "e", 0, "target"), (2, 6)),
        (("on", "f", 0, "targt"), (3, 14)),
        (("on", "f", 0, "actions", 0, "start"), (3, 34)),
        (("on", "g", 1, "target"), (4, 10)),
        (("on", "g", 7, "target"), (4, 6)),
        (("after", 0, "delay"), (7, 3)),
        (("after", 0, "delay", "str"), (7, 3)),
        (("after", 0, "target"), (7, 7)),
        (("after", 1, "target"), (8, 17)),
        (("after", 2, "target"), (8, 30)),
        (("after", 2, "delay"), (8, 3)),
        (("after", 3, "target"), (9, 16)),
        (("after", 9, "target"), (7, 3)),
        (("every", 0, "actions", 0, "log"), (11, 13)),
        (("every", 1, "actions", 1, "log"), (12, 24)),
        (("on", "after", 0, "target"), (5, 19)),
        (("entry", 0, "log"), (13, 14)),
    ],
)
def test_locations_of_the_models_lead_back_to_the_text(
    loc: tuple[str | int, ...], place: tuple[int, int]
) -> None:
    """Through short forms, counted mappings and members of unions."""
    text = """\
on:
  e: x
  f: {targt: x, actions: {start: ping}}
  g: [x, y]
  after: {target: x}
after:
  1s: x
  2s: [{target: a}, {target: b}]
  3s: {target: c}
every:
  1s: {log: x}
  2s: [{log: x}, {log: y}]
entry: {log: x}
"""
    assert read(text, "f").place(loc) == place


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: &x 1\nb: &y 2\na: 3\nc: !!int 4", [
            (1, 4, "anchor"), (2, 4, "anchor"), (3, 1, "duplicate-key"), (4, 4, "tag")]),
        ("a: *x\n*x : 2", [(1, 4, "alias"), (2, 1, "alias")]),
        ("a: ! b", [(1, 4, "tag")]),
        ("%TAG ! x\n---\na: 1", [(1, 1, "directive")]),
        ("{a: {<<: 1}, '<<': 2}", [(1, 6, "merge-key")]),
        ("a\x01b: 1\n\x7f\nc: \u2028", [
            (1, 2, "character"), (2, 1, "character"), (3, 4, "character")]),
        ("x: \udc00", [(1, 4, "character")]),
        ("- " * 65 + "x", [(1, 129, "too-deep")]),
        ("a: [" + "1," * 100_001 + "]", [(1, 199_999, "too-large")]),
        ("a: 1\n---\nb: &x 2\n", [(2, 1, "documents")]),
        ("a: 'x", [(1, 6, "yaml")]),
        ("a: [", [(1, 5, "yaml")]),
        ("? {a: 1}\n: x", [(1, 3, "key")]),
    ],
)  # fmt: skip
def test_what_is_no_plain_yaml_is_refused(text: str, found: list[tuple[int, int, str]]) -> None:
    """All at once as far as the text can be read."""
    assert refused(text) == found


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """One byte more than a mebibyte, from a text or from a file."""
    text = "a: " + "x" * (LARGEST_FILE - 2)
    assert refused(text) == [(0, 0, "too-large")]
    assert read(text[:-1], "f").data == {"a": "x" * (LARGEST_FILE - 3)}
    path = tmp_path / "large.yaml"
    path.write_text(text, encoding="utf-8")
    assert file_problem(path).code == "too-large"


def file_problem(path: Path) -> Problem:
    """The one problem with a file."""
    with pytest.raises(Refused) as caught:
        read_file(path)
    (problem,) = caught.value.problems
    return problem


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    """Missing, a directory, or not UTF-8."""
    assert file_problem(tmp_path / "none.yaml").message == (
        "The file cannot be read: no such file or directory."
    )
    assert file_problem(tmp_path).code == "unreadable"
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: 1\r\nb: café\r\n".encode("latin-1"))
    problem = file_problem(path)
    assert problem.sentence() == (
        f"{path}:2:7: error: The byte 0xe9 is not UTF-8. Save the file as UTF-8. [not-utf-8]"
    )


def test_a_file_is_read_under_its_own_name(tmp_path: Path) -> None:
    """So that its problems name it."""
    path = tmp_path / "good.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    document = read_file(path)
    assert (document.file, document.data, document.text) == (str(path), {"a": 1}, "a: 1\n")


def test_secrets_are_not_repeated() -> None:
    """The line of a problem shows the keys that may hold a secret, not what they hold."""
    with pytest.raises(Refused) as caught:
        read("{user: x, password: hunter2, x: 1}\napi_key: a b\n  token: 'c\n", "f")
    assert [problem.text for problem in caught.value.problems] == ["api_key: ***"]
    document = read("{user: x, password: hunter2, x: 1}", "f")
    assert document.problem("x", ("x",), "x").text == "{user: x, password: ***"


def test_an_empty_document_is_refused_by_parse() -> None:
    """There is nothing to make a model of."""
    with pytest.raises(Refused) as caught:
        parse(read("# only a remark\n", "f"), Machine)
    assert [problem.code for problem in caught.value.problems] == ["empty"]


def read_and_parse(text: str) -> None:
    """Reads a text all the way to a model; only Refused may come out."""
    try:
        parse(read(text, "f"), Machine)
    except Refused as error:
        problems = error.problems
    else:
        return
    lines = text.count("\n") + text.count("\r") + 1
    assert problems
    assert all(each.message.endswith(".") and each.line <= lines for each in problems)


@given(st.text(max_size=80))
def test_random_text_is_read_or_refused(text: str) -> None:
    """Nothing else ever comes out of the reader."""
    read_and_parse(text)


@given(st.binary(max_size=80))
def test_random_bytes_are_read_or_refused(tmp_path_factory: Any, raw: bytes) -> None:
    """From a file, whatever its bytes are."""
    path = tmp_path_factory.getbasetemp() / "random.yaml"
    path.write_bytes(raw)
    with suppress(Refused):
        assert read_file(path).file == str(path)


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, len(MACHINE)),
        st.integers(0, 12),
        st.sampled_from(["", "x", ": ", "\n", "  ", "[", "}", "*a", "&a ", "- ", "5", "'", "\t"]),
    ),
    min_size=1,
    max_size=4,
)


@given(MUTATIONS)
def test_a_damaged_machine_is_read_or_refused(mutations: list[tuple[int, int, str]]) -> None:
    """Characters lost, added and changed anywhere in a good file."""
    text = MACHINE
    for at, lost, added in mutations:
        text = text[:at] + added + text[at + lost :]
    read_and_parse(text)
