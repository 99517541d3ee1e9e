"""The catalogue, whatever keeps it: full loads, changes, swaps, sweeps, versions and stories."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.catalogue.manifest import Gap, Unusable
from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.store.catalogue import KEEP_RECORDS, Catalogue, Loaded, LoadRecord
from engine.store.errors import Busy
from tests.unit.store.catalogue_backends import (
    ARTICLES,
    BACKENDS,
    OFFERS,
    SALT,
    TEA,
    Behind,
    Tuples,
    behind,
    fill,
    ignore,
    swept,
)


@pytest.fixture(params=BACKENDS)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Behind]:
    """Where the catalogue is."""
    with behind(request.param, tmp_path / "catalogue.db") as place:
        yield place


@pytest.fixture
def catalogue(there: Behind) -> Iterator[Catalogue]:
    """A new catalogue of two datasets."""
    with closing(there.open([ARTICLES, OFFERS])) as opened:
        yield opened


def change(catalogue: Catalogue, table: Table, versions: tuple[int, int], rows: Tuples) -> int:
    """Changes of one table, loaded."""
    with catalogue.load(2.0) as load:
        count = load.changes(table, *versions, [rows], ignore)
        load.swap()
    return count


def test_a_full_load_is_there_after_the_swap_and_not_before(
    catalogue: Catalogue, there: Behind
) -> None:
    """Decimals are numbers, booleans 0 and 1, dates text; empty fields are NULL."""
    seen: list[int] = []
    with catalogue.load(7.0) as load:
        assert load.full(ARTICLES, 5, [[TEA], [SALT]], seen.append) == 2
        assert catalogue.versions() == {}
        assert "articles" not in there.names()
        load.swap()

    assert seen == [1, 2]
    assert catalogue.versions() == {"articles": Loaded(5, 7.0, 2)}
    assert there.rows("articles") == [SALT, ("tea", "Thé", 12.5, 3, 1, "2026-11-24")]


def test_a_load_that_is_left_without_a_swap_changes_nothing(
    catalogue: Catalogue, there: Behind
) -> None:
    """Not even when it ends by an error in the middle of the rows; what it staged is swept."""
    fill(catalogue, ARTICLES, 5, [TEA])

    def rows() -> Iterator[Tuples]:
        yield [SALT]
        raise Unusable("articles.zip:3: no number")

    with pytest.raises(Unusable, match="no number"), catalogue.load(2.0) as load:
        load.full(ARTICLES, 6, rows(), ignore)

    assert catalogue.versions() == {"articles": Loaded(5, 1.0, 1)}
    assert [row[0] for row in there.rows("articles")] == ["tea"]
    assert there.leftovers()
    assert swept(catalogue)
    assert not there.leftovers()


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
    catalogue: Catalogue, there: Behind
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
        assert len(there.rows("articles")) == 2
        load.swap()

    assert there.rows("articles") == [("oil", "Huile", 8.0, 1, 0, None)]
    assert len(there.rows("offers")) == 3
    assert catalogue.versions() == {"articles": Loaded(8, 2.0, 1), "offers": Loaded(6, 2.0, 3)}


def test_changes_that_are_there_already_are_passed_over(
    catalogue: Catalogue, there: Behind
) -> None:
    """A second time and an older one alike; their rows are not even read."""
    fill(catalogue, OFFERS, 5, [(1, "tea")])
    assert change(catalogue, OFFERS, (5, 6), [("upsert", 2, "tea")]) == 1

    for versions in ((5, 6), (2, 4)):
        assert change(catalogue, OFFERS, versions, [("delete", 1, "tea")]) == 0
    assert there.rows("offers") == [(1, "tea"), (2, "tea")]
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


def test_a_table_of_another_shape_needs_a_full_load(catalogue: Catalogue, there: Behind) -> None:
    """The old table stays readable until the new one is there."""
    fill(catalogue, OFFERS, 5, [(1, "tea")])
    catalogue.close()
    rate = TableColumn("rate", ColumnKind.DECIMAL, digits=5, decimals=2)
    wider = Table("offers", (*OFFERS.columns, rate), OFFERS.key)
    with closing(there.open([wider])) as other:
        assert other.versions() == {}
        with pytest.raises(Gap, match="never been loaded"):
            change(other, wider, (5, 6), [])
        assert there.rows("offers") == [(1, "tea")]
        fill(other, wider, 5, [(1, "tea", "0.20")])
        assert there.rows("offers") == [(1, "tea", 0.2)]
        assert swept(other)
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


def test_a_sweep_leaves_what_a_running_load_has_staged(catalogue: Catalogue, there: Behind) -> None:
    """And what is live, with its indexes."""
    fill(catalogue, ARTICLES, 1, [TEA])
    fill(catalogue, ARTICLES, 2, [SALT])
    with catalogue.load(3.0) as load:
        load.full(OFFERS, 1, [[(1, "tea")]], ignore)
        assert swept(catalogue)
        load.swap()

    assert not there.leftovers()
    assert there.indexed() == ["articles", "articles", "offers"]


def test_a_sweep_goes_on_where_the_last_one_ended(catalogue: Catalogue, there: Behind) -> None:
    """With no budget it makes one step, of some rows at most."""
    fill(catalogue, OFFERS, 1, [(number, "tea") for number in range(3000)])
    fill(catalogue, OFFERS, 2, [(1, "salt")])

    assert not catalogue.sweep(0.0)
    assert there.leftovers()
    assert swept(catalogue, 0.0)
    assert not there.leftovers()
    assert there.rows("offers") == [(1, "salt")]


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


def test_one_process_at_a_time_has_the_catalogue(there: Behind) -> None:
    """The second is told so; what the first has loaded is there when it is opened again."""
    with closing(there.open([OFFERS])) as catalogue:
        fill(catalogue, OFFERS, 1, [(1, "tea")])
        with pytest.raises(Busy, match="in use by another tillwire"):
            there.open([OFFERS])
    with closing(there.open([OFFERS])) as catalogue:
        assert catalogue.versions() == {"offers": Loaded(1, 1.0, 1)}
