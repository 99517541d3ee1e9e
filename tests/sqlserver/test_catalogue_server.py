"""The catalogue on SQL Server: what only a server has."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from engine.catalogue.manifest import Unusable
from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.store.catalogue import Loaded
from engine.store.catalogue_sqlserver import SqlServerCatalogue
from engine.store.errors import Busy, Damaged, StoreError, Unreachable
from tests.unit.store.catalogue_backends import (
    ARTICLES,
    OFFERS,
    SALT,
    TEA,
    InSchema,
    behind,
    fill,
    ignore,
    swept,
)

KINDS = Table(
    "kinds",
    (
        TableColumn("number", ColumnKind.INTEGER, required=True),
        TableColumn("short", ColumnKind.TEXT, length=20),
        TableColumn("long", ColumnKind.TEXT),
        TableColumn("price", ColumnKind.DECIMAL, digits=15, decimals=4),
        TableColumn("sold", ColumnKind.BOOLEAN),
        TableColumn("day", ColumnKind.DATE),
        TableColumn("moment", ColumnKind.DATETIME),
    ),
    ("number",),
)


@pytest.fixture
def there(tmp_path: Any) -> Iterator[InSchema]:
    """A schema that nobody has used."""
    with behind("sqlserver", tmp_path) as place:
        assert isinstance(place, InSchema)
        yield place


@pytest.fixture
def catalogue(there: InSchema) -> Iterator[SqlServerCatalogue]:
    """A new catalogue of two datasets."""
    with closing(there.open([ARTICLES, OFFERS])) as opened:
        assert isinstance(opened, SqlServerCatalogue)
        yield opened


def change(catalogue: SqlServerCatalogue, *rows: tuple[Any, ...]) -> None:
    """Changes of the articles by one version."""
    version = catalogue.versions()["articles"].version
    with catalogue.load(2.0) as load:
        load.changes(ARTICLES, version, version + 1, [list(rows)], ignore)
        load.swap()


def codes(there: InSchema) -> list[str]:
    """The codes of the articles."""
    return sorted(row[0] for row in there.rows("articles"))


def test_values_of_all_kinds_come_back_as_they_were(there: InSchema) -> None:
    """The largest and smallest, every sign, and nothing at all."""
    strange = "é'\"\\[]{}%_\t😀\u2028"
    rows = [
        (2**63 - 1, strange, strange * 200, "99999999999.9999", True, "9999-12-31", None),
        (-(2**63), "", None, "-0.0001", False, "0001-01-01", "2026-11-24T23:59:59"),
        (0, None, " ", "0.0000", None, None, "1900-01-01T00:00:00"),
    ]
    with closing(there.open([KINDS])) as catalogue:
        fill(catalogue, KINDS, 1, rows)
        expected = [(*row[:3], float(row[3]), *row[4:]) for row in rows]
        assert there.rows("kinds") == sorted(expected)
        with catalogue.load(2.0) as load:
            load.changes(KINDS, 1, 2, [[("upsert", 1, *row[1:]) for row in rows]], ignore)
            load.swap()
        assert (1, *expected[2][1:]) in there.rows("kinds")


def test_keys_that_the_collation_takes_for_the_same_are_told_apart_or_refused(
    catalogue: SqlServerCatalogue, there: InSchema
) -> None:
    """Where the database tells case apart, both are there; never one in place of the other."""
    fill(catalogue, ARTICLES, 5, [TEA, SALT])
    change(catalogue, ("upsert", "TEA", *TEA[1:]), ("delete", "tea", *SALT[1:]))
    assert codes(there) == ["TEA", "salt"]
    change(catalogue, ("delete", "TEA", *SALT[1:]), ("upsert", "Tea", *TEA[1:]))
    assert codes(there) == ["Tea", "salt"]

    if not tells_case(there):
        with pytest.raises(Unusable, match="the two differ in case or accents only"):
            change(catalogue, ("upsert", "SALT", *SALT[1:]))
        with pytest.raises(Unusable, match=r"'oil' twice \(code 'OIL' is the same to") as caught:
            fill(catalogue, ARTICLES, 9, [TEA, ("oil", *SALT[1:]), ("OIL", *SALT[1:])])
        assert "in its rows 2 and 3" in str(caught.value)
    assert "Tea" in codes(there)


def tells_case(there: InSchema) -> bool:
    """Whether the collation of the database does."""
    found = there.ask("SELECT CASE WHEN N'a' = N'A' THEN 0 ELSE 1 END")
    return bool(found[0][0])


def test_changes_are_the_same_where_readers_have_to_wait(
    catalogue: SqlServerCatalogue, there: InSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is out of reach while it changes, and has its name again."""
    fill(catalogue, ARTICLES, 5, [TEA, SALT])
    only_row = catalogue._writer.only_row
    monkeypatch.setattr(
        catalogue._writer,
        "only_row",
        lambda name, *given: (0,) if name == "reads_versions" else only_row(name, *given),
    )
    change(catalogue, ("delete", "salt", *SALT[1:]), ("upsert", "oil", *TEA[1:]))

    assert codes(there) == ["oil", "tea"]
    assert catalogue.versions()["articles"] == Loaded(6, 2.0, 2)
    assert swept(catalogue)
    assert there.names() >= {"articles"}
    assert not there.leftovers()


def test_a_schema_with_tables_of_another_program_is_refused(there: InSchema) -> None:
    """One of them might have the name of a dataset."""
    there.ask(f"EXEC('CREATE SCHEMA [{there.schema}]')")
    there.ask(f"CREATE TABLE [{there.schema}].[articles] (a INT)")
    with pytest.raises(Damaged, match=r"holds other tables already\. .* catalogue\.schema"):
        there.open([ARTICLES])
    assert there.names() == {"articles"}


def test_a_table_that_somebody_made_later_is_not_replaced(
    catalogue: SqlServerCatalogue, there: InSchema
) -> None:
    """Nor is anything else of that load live."""
    there.ask(f"CREATE TABLE [{there.schema}].[offers] (theirs INT)")
    with catalogue.load(1.0) as load:
        load.full(ARTICLES, 1, [[TEA]], ignore)
        load.full(OFFERS, 1, [[(1, "tea")]], ignore)
        with pytest.raises(StoreError, match=r"a table 'offers' .* that no load has made"):
            load.swap()
    assert catalogue.versions() == {}
    assert "articles" not in there.names()
    assert there.rows("offers") == []


def test_a_catalogue_of_a_newer_program_is_left_alone(there: InSchema) -> None:
    there.open([]).close()
    there.ask(f"INSERT INTO [{there.schema}].tillwire_catalogue VALUES (99)")  # noqa: S608
    with pytest.raises(Damaged, match=r"schema has version 99 .* load everything"):
        there.open([])


def test_a_version_that_somebody_changed_meanwhile_ends_the_swap(
    catalogue: SqlServerCatalogue, there: InSchema
) -> None:
    """Nothing of the load is live then."""
    fill(catalogue, ARTICLES, 5, [TEA])
    with catalogue.load(2.0) as load:
        load.full(ARTICLES, 6, [[SALT]], ignore)
        there.ask(f"UPDATE [{there.schema}].tillwire_loaded SET version = 7")  # noqa: S608
        with pytest.raises(StoreError, match="'articles' was changed by another program"):
            load.swap()
    assert codes(there) == ["tea"]


def test_a_load_ends_with_its_connection_and_the_next_one_has_a_new_one(
    catalogue: SqlServerCatalogue, there: InSchema
) -> None:
    """Another tillwire may have had the schema meanwhile, and swept."""
    fill(catalogue, ARTICLES, 5, [TEA])
    with catalogue.load(2.0) as load:
        load.full(ARTICLES, 6, [[SALT]], ignore)
        catalogue._writer._drop()
        with pytest.raises(Unreachable, match="broke during a load"):
            load.swap()
    assert codes(there) == ["tea"]
    fill(catalogue, ARTICLES, 6, [SALT])
    assert codes(there) == ["salt"]


def test_a_schema_that_somebody_else_has_by_then_is_no_load_that_is_going_on(
    catalogue: SqlServerCatalogue, there: InSchema
) -> None:
    """Another tillwire took it while the connection was gone: that is told as it is."""
    catalogue._writer._drop()
    with closing(there.open([OFFERS])) as other:
        with pytest.raises(StoreError, match="in use by another") as caught, catalogue.load(1.0):
            pass
        assert not isinstance(caught.value, Busy)
        fill(other, OFFERS, 1, [(1, "tea")])


def test_progress_can_stop_a_key_from_being_built(
    catalogue: SqlServerCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error comes out as it is; the catalogue can be used at once."""
    monkeypatch.setattr("engine.store.odbc_line.LOOKS", 0.001)
    monkeypatch.setattr("engine.store.odbc_line.TO_CANCEL", 30.0)
    asked: list[int] = []

    def stop(rows: int) -> None:
        asked.append(rows)
        if asked.count(20_000) > 1:
            raise InterruptedError("enough")

    rows = [(number, "tea") for number in range(20_000)]
    with pytest.raises(InterruptedError, match="enough"), catalogue.load(1.0) as load:
        load.full(OFFERS, 1, [rows], stop)
    assert catalogue.versions() == {}
    fill(catalogue, OFFERS, 1, [(1, "tea")])
    assert catalogue.versions() == {"offers": Loaded(1, 1.0, 1)}


def test_versions_are_told_to_any_thread_while_a_load_goes_on(
    catalogue: SqlServerCatalogue,
) -> None:
    """By a connection of its own."""
    fill(catalogue, OFFERS, 5, [(1, "tea")])
    told: list[dict[str, Loaded]] = []
    with catalogue.load(2.0) as load:
        load.full(OFFERS, 6, [[(2, "tea")]], ignore)
        thread = threading.Thread(target=lambda: told.append(catalogue.versions()))
        thread.start()
        thread.join(20)
        load.swap()
    assert told == [{"offers": Loaded(5, 1.0, 1)}]


def test_two_places_in_one_database_are_in_nobodys_way(there: InSchema, tmp_path: Any) -> None:
    """The lock is that of the schema."""
    with behind("sqlserver", tmp_path) as other:
        with closing(there.open([OFFERS])) as one, closing(other.open([OFFERS])) as two:
            fill(one, OFFERS, 1, [(1, "tea")])
            fill(two, OFFERS, 1, [(2, "tea")])
            with pytest.raises(Busy):
                there.open([OFFERS])
        assert other.rows("offers") == [(2, "tea")]
