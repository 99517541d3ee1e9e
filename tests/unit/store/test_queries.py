"""Statements are found by name, migrations in their order."""

import re
from importlib.resources import files
from itertools import chain
from pathlib import Path

import pytest

import engine.store
from engine.store.queries import load, parse


def test_a_name_holds_the_statement_below_it() -> None:
    """Without its closing semicolon; text before the first name is a comment."""
    queries = parse("-- about\n-- name: one\nSELECT 1;\n\n-- name: two\nSELECT\n  2;\n")
    assert queries["one"] == "SELECT 1"
    assert queries["two"] == "SELECT\n  2"
    assert queries.latest == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;", "one is there twice"),
        ("-- name: one\n\n-- name: two\nSELECT 2;", "one has no statement"),
    ],
)
def test_a_bad_file_of_queries_is_refused(text: str, said: str) -> None:
    """A name twice or a name with nothing below it."""
    with pytest.raises(ValueError, match=said):
        parse(text)


def test_migrations_lead_from_any_version_to_the_latest() -> None:
    """Grouped by version, in the order of the file, numbers as numbers."""
    text = "".join(
        f"-- name: migration_{name}\nSELECT '{name}';\n" for name in ("1_a", "10_a", "2_a", "2_b")
    )
    queries = parse(text)
    assert queries.latest == 10
    assert queries.migrations(1) == [(2, ["SELECT '2_a'", "SELECT '2_b'"]), (10, ["SELECT '10_a'"])]
    assert queries.migrations(10) == []


def test_every_query_has_a_caller() -> None:
    """No statement is left behind when the code that ran it goes."""
    source = chain.from_iterable(
        re.findall(r'"([a-z]+(?:_[a-z]+)+)"', path.read_text(encoding="utf-8"))
        for path in Path(str(files(engine.store))).glob("*.py")
    )
    named = {name for name in load().text if not name.startswith("migration_")}
    assert named - set(source) == set()
