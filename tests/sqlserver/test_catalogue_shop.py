"""Exports of the lab's shop, as they are published, loaded into SQL Server row by row."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.catalogue.datasets import load_datasets
from engine.catalogue.export import chunks, verify
from engine.catalogue.manifest import Kind, choose, read_manifest
from engine.catalogue.tables import ColumnKind, Table
from engine.lab.exports import MANIFEST, Shop
from engine.shipped import shipped_machine
from engine.store.catalogue import Catalogue
from tests.unit.store.catalogue_backends import InSchema, behind, ignore

TABLES = load_datasets(shipped_machine().with_name("datasets.yaml"))


@pytest.fixture
def there(tmp_path: Path) -> Iterator[InSchema]:
    """A schema that nobody has used."""
    with behind("sqlserver", tmp_path) as place:
        assert isinstance(place, InSchema)
        yield place


def load(catalogue: Catalogue, folder: Path, kind: Kind) -> int:
    """Loads what the folder holds, as the till does; how many rows."""
    exports = read_manifest((folder / MANIFEST).read_bytes(), TABLES)
    have = {name: loaded.version for name, loaded in catalogue.versions().items()}
    tables = {table.name: table for table in TABLES}
    count = 0
    with catalogue.load(1.0) as going:
        for export in choose(exports, kind, dict(have), TABLES):
            path, table = folder / export.file, tables[export.dataset]
            verify(path, export)
            rows = chunks(path, export, table)
            if export.version_from is None:
                count += going.full(table, export.version_to, rows, ignore)
            else:
                versions = export.version_from, export.version_to
                count += going.changes(table, *versions, rows, ignore)
        going.swap()
    return count


def plain(table: Table, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of the shop as another hand reads it: decimals are numbers."""
    return tuple(
        float(value) if value is not None and column.kind is ColumnKind.DECIMAL else value
        for column, value in zip(table.columns, row, strict=True)
    )


def test_all_tables_are_those_of_the_shop_after_each_load(there: InSchema, tmp_path: Path) -> None:
    """In full first, then as changes, of which some are missed and come together."""
    shop = Shop(tmp_path, seed=4)
    shop.publish()
    with closing(there.open(TABLES)) as catalogue:
        assert load(catalogue, tmp_path, "full") == sum(map(len, shop.tables.values()))
        for number in range(6):
            shop.evolve(60)
            shop.publish(full=False)
            if number % 3 == 1:
                continue
            assert load(catalogue, tmp_path, "changes") > 0
            for table in TABLES:
                wanted = sorted(plain(table, row) for row in shop.rows(table.name))
                assert there.rows(table.name) == wanted, table.name
        assert load(catalogue, tmp_path, "changes") == 0
