"""Every damage of the lab is refused with a sentence that says where; what is whole passes."""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.catalogue.datasets import load_datasets
from engine.catalogue.export import chunks, verify
from engine.catalogue.manifest import Kind, Unusable, choose, read_manifest
from engine.lab.damage import DAMAGES
from engine.lab.exports import MANIFEST, SIZES, Shop
from engine.shipped import shipped_machine

TIMES = int(os.environ.get("TILLWIRE_TIMES", "1"))
SOLD = ("articles", "prices", "customers", "staff")
TABLES = {
    table.name: table for table in load_datasets(shipped_machine("datasets")) if table.name in SOLD
}
CASES = [(name, kind) for name, damage in DAMAGES.items() for kind in damage.kinds]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, int]]]:
    """A folder with exports of some datasets, and versions that changes begin at."""
    folder = tmp_path_factory.mktemp("published")
    shop = Shop(folder, 3, {name: SIZES[name] // 10 + 3 for name in SOLD})
    shop.publish()
    versions = dict(shop.versions)
    for _ in range(2):
        shop.evolve(60)
        shop.publish()
    yield folder, versions
    shutil.rmtree(folder)


def said(folder: Path, kind: Kind, versions: dict[str, int]) -> str:
    """Why a load of that kind is refused; empty when all of it can be read."""
    try:
        exports = read_manifest((folder / MANIFEST).read_bytes(), [*TABLES.values()])
        for export in choose(exports, kind, versions, [*TABLES.values()]):
            verify(folder / export.file, export)
            for _ in chunks(folder / export.file, export, TABLES[export.dataset]):
                pass
    except Unusable as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize("kind", ["full", "changes"])
def test_what_is_whole_passes(kind: Kind, published: tuple[Path, dict[str, int]]) -> None:
    """The same folder without damage."""
    assert said(published[0], kind, published[1]) == ""


@pytest.mark.parametrize(("name", "kind"), CASES, ids=lambda part: part)
def test_damage_is_told(
    name: str, kind: Kind, published: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    """With the file, the line where there is one, and what is wrong there."""
    folder, versions = published
    damage = DAMAGES[name]
    for seed in range(TIMES):
        copy = tmp_path / str(seed)
        shutil.copytree(folder, copy)
        words = damage.do(copy, random.Random(f"{name} {kind} {seed}"), kind)
        sentence = said(copy, kind, versions)
        shutil.rmtree(copy)
        if damage.loaded:
            assert sentence == ""
            continue
        assert sentence.endswith((".", "?"))
        assert [word for word in words if word not in sentence] == [], sentence
        assert words


def test_there_are_a_hundred_ways_to_damage_an_export() -> None:
    """Each has a name of its own."""
    assert len(DAMAGES) >= 90
