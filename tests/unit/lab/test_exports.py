"""The lab's shop: what it publishes is what it has, and what changed leads from one to the next."""

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.lab.exports import MANIFEST, Shop, read_entries, write_export
from engine.lab.goods import GOODS, Value

SIZES = {"articles": 40, "prices": 30, "tax_rates": 4}


def sheet(folder: Path, entry: dict[str, Any]) -> list[list[str]]:
    """The rows of an export's CSV, the header first."""
    with zipfile.ZipFile(folder / entry["file"]) as archive:
        text = archive.read(archive.namelist()[0]).decode("utf-8")
    return [*csv.reader(io.StringIO(text, newline=""))]


def written(row: tuple[Value, ...]) -> list[str]:
    """A row as it stands in the CSV."""
    return ["" if v is None else str(int(v)) if isinstance(v, bool) else str(v) for v in row]


def test_a_full_export_is_what_the_shop_has(tmp_path: Path) -> None:
    """Header, rows, count, size and digest."""
    shop = Shop(tmp_path, 1, SIZES)
    shop.publish()
    entries = read_entries(tmp_path)

    assert [entry["dataset"] for entry in entries] == [*SIZES]
    for entry in entries:
        header, *rows = sheet(tmp_path, entry)
        raw = (tmp_path / entry["file"]).read_bytes()
        assert tuple(header) == GOODS[entry["dataset"]].columns
        assert sorted(rows) == sorted(map(written, shop.rows(entry["dataset"])))
        assert (entry["kind"], entry["version_from"], entry["version_to"]) == ("full", None, 1)
        assert (entry["rows"], entry["size"]) == (len(rows), len(raw))
        assert entry["sha256"] == hashlib.sha256(raw).hexdigest()


def test_changes_lead_from_one_version_to_the_next(tmp_path: Path) -> None:
    """Who applies them in turn has what the shop has, for any number of rounds."""
    shop = Shop(tmp_path, 2, SIZES)
    shop.publish()
    have = {name: as_written(shop, name) for name in SIZES}
    versions = dict(shop.versions)
    for _ in range(12):
        shop.evolve(10)
        shop.publish(full=False)
        for entry in read_entries(tmp_path):
            name = entry["dataset"]
            if entry["kind"] == "changes" and entry["version_from"] == versions[name]:
                versions[name] = entry["version_to"]
                key = GOODS[name].key
                for operation, *fields in sheet(tmp_path, entry)[1:]:
                    # A row that came and went since the last version is deleted as well.
                    have[name].pop(tuple(fields[:key]), None)
                    if operation == "upsert":
                        have[name][tuple(fields[:key])] = fields
        assert versions == shop.versions
        assert have == {name: as_written(shop, name) for name in SIZES}


def as_written(shop: Shop, name: str) -> dict[tuple[str, ...], list[str]]:
    """The rows of a dataset by key, as they stand in the CSV."""
    key = GOODS[name].key
    return {tuple(written(row)[:key]): written(row) for row in shop.rows(name)}


def test_nothing_new_is_no_new_version(tmp_path: Path) -> None:
    """The manifest stays as it is."""
    shop = Shop(tmp_path, 3, SIZES)
    shop.publish()
    before = (tmp_path / MANIFEST).read_bytes()
    shop.publish()
    assert (tmp_path / MANIFEST).read_bytes() == before


def test_without_changes_there_is_a_gap(tmp_path: Path) -> None:
    """A version that only a full load leads to."""
    shop = Shop(tmp_path, 4, {"staff": 5})
    shop.publish()
    shop.evolve(3)
    shop.publish(changes=False)
    (entry,) = read_entries(tmp_path)
    assert (entry["kind"], entry["version_to"]) == ("full", shop.versions["staff"])
    assert shop.versions["staff"] > 1


def test_old_files_go(tmp_path: Path) -> None:
    """What the manifest does not list is deleted: one full export and the last changes stay."""
    shop = Shop(tmp_path, 5, {"staff": 5}, kept=3)
    for _ in range(8):
        shop.evolve(2)
        shop.publish()
    entries = read_entries(tmp_path)
    assert [entry["kind"] for entry in entries] == ["full", *["changes"] * 3]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {MANIFEST, *[entry["file"] for entry in entries]}


def test_the_same_seed_is_the_same_shop(tmp_path: Path) -> None:
    """A run can be repeated."""
    shops = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shop = Shop(tmp_path / name, 6, SIZES)
        shop.evolve(50)
        shops.append(shop.tables)
    assert shops[0] == shops[1]


@pytest.mark.parametrize("dataset", GOODS)
def test_rows_have_different_keys(dataset: str) -> None:
    """As many as are asked for."""
    goods = GOODS[dataset]
    rows = [*goods.rows(500)]
    assert len({row[: goods.key] for row in rows}) == 500
    assert {len(row) for row in rows} == {len(goods.columns)}


def test_an_export_may_have_columns_and_signs_of_its_own(tmp_path: Path) -> None:
    """For datasets that are not the lab's."""
    entry = write_export(
        tmp_path,
        "mine",
        [("upsert", "a", True)],
        versions=(3, 4),
        columns=("x", "y"),
        delimiter=";",
    )
    assert entry["file"] == "mine-changes-3-4.zip"
    with zipfile.ZipFile(tmp_path / entry["file"]) as archive:
        assert archive.read("mine-changes-3-4.csv") == b"change;x;y\r\nupsert;a;1\r\n"
    assert json.loads(json.dumps(entry)) == entry
