"""The catalogue in SQLite: what only a file has."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.catalogue import Loaded
from engine.store.catalogue_sqlite import SqliteCatalogue
from engine.store.errors import Damaged
from tests.unit.store.catalogue_backends import ARTICLES, OFFERS, SALT, TEA, fill, read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the catalogue is."""
    return tmp_path / "catalogue.db"


@pytest.fixture
def catalogue(path: Path) -> Iterator[SqliteCatalogue]:
    """A new catalogue of two datasets."""
    with SqliteCatalogue.open(path, [ARTICLES, OFFERS]) as opened:
        yield opened


def test_values_have_the_types_of_their_columns(catalogue: SqliteCatalogue, path: Path) -> None:
    """Decimals are numbers, whatever SQLite would let in."""
    fill(catalogue, ARTICLES, 1, [TEA, SALT])

    types = "SELECT typeof(label), typeof(price), typeof(stock), typeof(sold) FROM articles"
    assert read(path, types) == [("text", "real", "integer", "integer"), ("null",) * 4]


def test_views_over_a_table_show_the_new_one_after_a_swap(
    catalogue: SqliteCatalogue, path: Path
) -> None:
    """A till program may have made some."""
    fill(catalogue, ARTICLES, 1, [TEA])
    read(path, "CREATE VIEW codes AS SELECT code FROM articles")
    fill(catalogue, ARTICLES, 2, [SALT])

    assert read(path, "SELECT * FROM codes") == [("salt",)]


def test_progress_can_stop_a_load_while_an_index_is_built(
    catalogue: SqliteCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error comes out as it is."""
    monkeypatch.setattr("engine.store.catalogue_file.INSTRUCTIONS", 100)
    asked: list[int] = []

    def stop(rows: int) -> None:
        asked.append(rows)
        if asked.count(2000) > 3:
            raise InterruptedError("enough")

    rows = [(number, "tea") for number in range(2000)]
    with pytest.raises(InterruptedError, match="enough"), catalogue.load(1.0) as load:
        load.full(OFFERS, 1, [rows], stop)
    fill(catalogue, OFFERS, 1, rows)

    assert catalogue.versions()["offers"].rows == 2000


def test_what_is_no_catalogue_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """Another database, another file, and a catalogue of a newer program."""
    other, text, newer = tmp_path / "other.db", tmp_path / "text", tmp_path / "newer.db"
    read(other, "CREATE TABLE theirs (a)")
    text.write_text("not a database at all")
    SqliteCatalogue.open(newer, []).close()
    connection = sqlite3.connect(newer)
    connection.execute("INSERT INTO tillwire_catalogue VALUES (99)")
    connection.commit()
    connection.close()
    before = [each.read_bytes() for each in (other, text, newer)]

    for path, why in (
        (other, "a database of another program"),
        (text, "not an SQLite database"),
        (newer, "schema has version 99"),
    ):
        with pytest.raises(Damaged, match=why) as caught:
            SqliteCatalogue.open(path, [])
        assert "load everything" in str(caught.value)
    assert [each.read_bytes() for each in (other, text, newer)] == before


def test_an_empty_file_is_a_catalogue_that_holds_nothing_yet(path: Path) -> None:
    """Unlike the till's database it holds nothing that could be lost."""
    path.touch()
    with SqliteCatalogue.open(path, [OFFERS]) as catalogue:
        fill(catalogue, OFFERS, 1, [(1, "tea")])
    with SqliteCatalogue.open(path, [OFFERS]) as catalogue:
        assert catalogue.versions() == {"offers": Loaded(1, 1.0, 1)}
