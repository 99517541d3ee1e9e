"""The catalogue in SQLite: full loads, changes, swaps, sweeps, versions and stories."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.catalogue.manifest import Gap, Unusable
from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.store.catalogue import KEEP_RECORDS, Catalogue, Loaded, LoadRecord
from engine.store.catalogue_sqlite import SqliteCatalogue
from engine.store.errors import Busy, Damaged

Tuples = list[tuple[Any, ...]]

ARTICLES = Table(
    "articles",
    (
        TableColumn("code", ColumnKind.TEXT, required=True, length=20),
        TableColumn("label", ColumnKind.TEXT),
        TableColumn("price", ColumnKind.DECIMAL, digits=9, decimals=2),
        TableColumn("stock", ColumnKind.INTEGER),
        TableColumn("sold", ColumnKind.BOOLEAN),
        TableColumn("since", ColumnKind.DATE),
    ),
    ("code",),
    (("label", "stock"),),
)
OFFERS = Table(
    "offers",
    (
        TableColumn("shop", ColumnKind.INTEGER, required=True),
        TableColumn("article", ColumnKind.TEXT, required=True, length=20),
    ),
    ("shop", "article"),
)
TEA = ("tea", "Thé", "12.50", 3, True, "2026-11-24")
SALT = ("salt", None, None, None, None, None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the catalogue is."""
    return tmp_path / "catalogue.db"


@pytest.fixture
def catalogue(path: Path) -> Iterator[SqliteCatalogue]:
    """A new catalogue of two datasets."""
    with SqliteCatalogue.open(path, [ARTICLES, OFFERS]) as opened:
        yield opened


def ignore(rows: int) -> None:
    """Nobody watches."""


def fill(catalogue: Catalogue, table: Table, version: int, rows: Tuples, at: float = 1.0) -> None:
    """A full load of one table."""
    with catalogue.load(at) as load:
        load.full(table, version, [rows], ignore)
        load.swap()


def change(catalogue: Catalogue, table: Table, versions: tuple[int, int], rows: Tuples) -> int:
    """Changes of one table, loaded."""
    with catalogue.load(2.0) as load:
        count = load.changes(table, *versions, [rows], ignore)
        load.swap()
    return count


def read(path: Path, statement: str) -> Tuples:
    """What another connection sees."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_a_full_load_is_there_after_the_swap_and_not_before(
    catalogue: Catalogue, path: Path
) -> None:
    """Decimals are numbers, booleans 0 and 1, dates text; empty fields are NULL."""
    seen: list[int] = []
    with catalogue.load(7.0) as load:
        assert load.full(ARTICLES, 5, [[TEA], [SALT]], seen.append) == 2
        assert catalogue.versions() == {}
        assert not read(path, "SELECT 1 FROM sqlite_master WHERE name = 'articles'")
        load.swap()

    assert seen == [1, 2]
    assert catalogue.versions() == {"articles": Loaded(5, 7.0, 2)}
    assert read(path, "SELECT *, typeof(price) FROM articles") == [
        ("tea", "Thé", 12.5, 3, 1, "2026-11-24", "real"),
        (*SALT, "null"),
    ]


def test_a_load_that_is_left_without_a_swap_changes_nothing(
    catalogue: Catalogue, path: Path
) -> None:
    """Not even when it ends by an error in the middle of the rows; what it staged is swept."""
    fill(catalogue, ARTICLES, 5, [TEA])

    def rows() -> Iterator[Tuples]:
        yield [SALT]
        raise Unusable("articles.zip:3: no number")

    with pytest.raises(Unusable, match="no number"), catalogue.load(2.0) as load:
        load.full(ARTICLES, 6, rows(), ignore)

    assert catalogue.versions() == {"articles": Loaded(5, 1.0, 1)}
    assert read(path, "SELECT code FROM articles") == [("tea",)]
    assert read(path, "SELECT name FROM sqlite_master WHERE name LIKE 'tillwire_new%'")
    assert catalogue.sweep()
    assert not read(path, "SELECT name FROM sqlite_master WHERE name LIKE 'tillwire_new%'")


def test_what_failed_can_never_be_swapped_in(catalogue: Catalogue) -> None:
    """Also when whoever loads goes on after the error, or swaps twice."""
    with catalogue.load(1.0) as load:
        load.full(OFFERS, 1, [[(1, "tea")]], ignore)
        with pytest.raises(Unusable):
            load.full(ARTICLES, 1, [[TEA, TEA]], ignore)
        with pytest.raises(RuntimeError, match="failed"):
            load.swap()
    with catalogue.load(1.0) as load:
        load.swap()
        with pytest.raises(RuntimeError, match="swapped"):
            load.swap()

    assert catalogue.versions() == {}


def test_a_key_that_is_there_twice_is_named_with_its_rows(catalogue: Catalogue) -> None:
    """Rows count from the one after the header, over all groups."""
    rows = [[(1, "tea"), (2, "tea")], [(2, "salt"), (2, "tea")]]
    with catalogue.load(1.0) as load, pytest.raises(Unusable) as caught:
        load.full(OFFERS, 1, rows, ignore)

    assert str(caught.value) == (
        "The export of 'offers' has the key shop 2, article 'tea' twice, in its rows 2 and 4 "
        "(the first row after the header is row 1)."
    )


def test_changes_are_upserts_and_deletes_of_which_the_last_of_a_key_holds(
    catalogue: Catalogue, path: Path
) -> None:
    """A table that is all key takes changes as well."""
    fill(catalogue, ARTICLES, 5, [TEA, SALT])
    fill(catalogue, OFFERS, 5, [(1, "tea"), (2, "tea")])
    gone = (None,) * 5
    changes = [
        ("delete", "salt", *gone),
        ("upsert", "oil", "Huile", "7.00", 1, False, None),
        ("delete", "oil", *gone),
        ("upsert", "oil", "Huile", "8.00", 1, False, None),
        ("upsert", "tea", "Thé", "13.00", 2, True, None),
        ("delete", "nothing", *gone),
    ]
    with catalogue.load(2.0) as load:
        assert load.changes(ARTICLES, 5, 6, [changes[:2], changes[2:]], ignore) == 6
        assert load.changes(ARTICLES, 6, 8, [[("delete", "tea", *gone)]], ignore) == 1
        load.changes(OFFERS, 5, 6, [[("upsert", 2, "tea"), ("upsert", 3, "oil")]], ignore)
        assert read(path, "SELECT count(*) FROM articles") == [(2,)]
        load.swap()

    assert read(path, "SELECT * FROM articles") == [("oil", "Huile", 8.0, 1, 0, None)]
    assert len(read(path, "SELECT * FROM offers")) == 3
    assert catalogue.versions() == {"articles": Loaded(8, 2.0, 1), "offers": Loaded(6, 2.0, 3)}


def test_changes_that_are_there_already_are_passed_over(catalogue: Catalogue, path: Path) -> None:
    """A second time and an older one alike; their rows are not even read."""
    fill(catalogue, OFFERS, 5, [(1, "tea")])
    assert change(catalogue, OFFERS, (5, 6), [("upsert", 2, "tea")]) == 1

    for versions in ((5, 6), (2, 4)):
        assert change(catalogue, OFFERS, versions, [("delete", 1, "tea")]) == 0
    assert read(path, "SELECT * FROM offers") == [(1, "tea"), (2, "tea")]
    assert catalogue.versions()["offers"].version == 6


def test_changes_that_do_not_join_on_are_refused(catalogue: Catalogue) -> None:
    """Neither to another version nor to a table that was never loaded."""
    with pytest.raises(Gap, match=r"'offers' from version 1 to 2 .* has never been loaded"):
        change(catalogue, OFFERS, (1, 2), [])
    fill(catalogue, OFFERS, 5, [])
    with pytest.raises(Gap, match=r"from version 6 to 7 .* is at version 5"):
        change(catalogue, OFFERS, (6, 7), [])
    with pytest.raises(Gap, match=r"from version 4 to 7"):
        change(catalogue, OFFERS, (4, 7), [])


def test_a_table_of_another_shape_needs_a_full_load(catalogue: Catalogue, path: Path) -> None:
    """The old table stays readable until the new one is there."""
    fill(catalogue, OFFERS, 5, [(1, "tea")])
    catalogue.close()
    wider = Table("offers", (*OFFERS.columns, TableColumn("rate", ColumnKind.DECIMAL)), OFFERS.key)
    with SqliteCatalogue.open(path, [wider]) as other:
        assert other.versions() == {}
        with pytest.raises(Gap, match="never been loaded"):
            change(other, wider, (5, 6), [])
        assert read(path, "SELECT * FROM offers") == [(1, "tea")]
        fill(other, wider, 5, [(1, "tea", "0.20")])
        assert read(path, "SELECT * FROM offers") == [(1, "tea", 0.2)]
        assert other.sweep()
        with pytest.raises(ValueError, match="not a table of this catalogue"):
            fill(other, OFFERS, 6, [])


def test_one_load_at_a_time(catalogue: Catalogue) -> None:
    """The second is told so; after the first there is room again."""
    with (
        catalogue.load(1.0),
        pytest.raises(Busy, match="going on already"),
        catalogue.load(1.0),
    ):
        pass
    fill(catalogue, OFFERS, 1, [])


def test_a_sweep_leaves_what_a_running_load_has_staged(catalogue: Catalogue, path: Path) -> None:
    """And what is live, with its indexes."""
    fill(catalogue, ARTICLES, 1, [TEA])
    fill(catalogue, ARTICLES, 2, [SALT])
    with catalogue.load(3.0) as load:
        load.full(OFFERS, 1, [[(1, "tea")]], ignore)
        assert catalogue.sweep()
        load.swap()

    names = read(path, "SELECT tbl_name FROM sqlite_master WHERE name GLOB 'tillwire_*_[0-9]*'")
    assert sorted(set(names)) == [("articles",), ("offers",)]
    assert len(names) == 3


def test_a_sweep_goes_on_where_the_last_one_ended(catalogue: Catalogue, path: Path) -> None:
    """With no budget it makes one step: indexes, rows, the table."""
    fill(catalogue, ARTICLES, 1, [TEA])
    fill(catalogue, ARTICLES, 2, [SALT])

    answers = [catalogue.sweep(0.0) for _ in range(3)]

    assert answers == [False, False, True]
    assert read(path, "SELECT code FROM articles") == [("salt",)]


def test_views_over_a_table_show_the_new_one_after_a_swap(catalogue: Catalogue, path: Path) -> None:
    """A till program may have made some."""
    fill(catalogue, ARTICLES, 1, [TEA])
    read(path, "CREATE VIEW codes AS SELECT code FROM articles")
    fill(catalogue, ARTICLES, 2, [SALT])

    assert read(path, "SELECT * FROM codes") == [("salt",)]


def test_progress_can_stop_a_load_while_an_index_is_built(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
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


def test_the_stories_of_the_last_loads_are_kept(catalogue: Catalogue) -> None:
    """The newest first, and no more than KEEP_RECORDS."""
    stories = [
        LoadRecord(float(each), each + 0.5, "full", "ok", "Loaded.", each, 10 * each)
        for each in range(KEEP_RECORDS + 5)
    ]
    for story in stories:
        catalogue.note(story)

    assert catalogue.records(3) == stories[:-4:-1]
    assert len(catalogue.records(1000)) == KEEP_RECORDS


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
        with pytest.raises(Busy, match="in use by another tillwire"):
            SqliteCatalogue.open(path, [OFFERS])
    with SqliteCatalogue.open(path, [OFFERS]) as catalogue:
        assert catalogue.versions() == {"offers": Loaded(1, 1.0, 1)}
