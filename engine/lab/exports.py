"""Exports as a central server publishes them: zips with a CSV, and a manifest written last.

The lab shares no code with whoever reads them. What it writes is what docs/catalogue.md says.
"""

import csv
import hashlib
import io
import json
import os
import random
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.lab.goods import GOODS, Row, Value

MANIFEST = "manifest.json"
FORMAT = "tillwire-exports/1"
SIZES: Mapping[str, int] = {
    "articles": 300,
    "barcodes": 400,
    "prices": 200,
    "customers": 150,
    "offers": 40,
    "staff": 12,
    "tax_rates": 4,
}
"""How many rows a shop begins with."""

Entry = dict[str, Any]


def write_export(
    folder: Path,
    dataset: str,
    rows: Iterable[Sequence[Value]],
    *,
    versions: tuple[int | None, int] = (None, 1),
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
) -> Entry:
    """Writes one export and gives its entry for the manifest.

    ``versions`` are those that it leads from (None: it is full) and to. The rows of changes
    begin with ``upsert`` or ``delete``. ``columns`` are those of the lab's dataset by default.
    """
    before, after = versions
    kind = "full" if before is None else "changes"
    stem = f"{dataset}-full-{after}" if before is None else f"{dataset}-changes-{before}-{after}"
    header = [*(GOODS[dataset].columns if columns is None else columns)]
    path = folder / f"{stem}.zip"
    unfinished = folder / f"{stem}.zip.tmp"
    count = 0
    with (
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        archive.open(f"{stem}.csv", "w") as member,
        io.TextIOWrapper(member, "utf-8", newline="") as text,
    ):
        writer = csv.writer(text, delimiter=delimiter)
        writer.writerow(["change", *header] if kind == "changes" else header)
        for row in rows:
            writer.writerow(
                [int(value) if value is True or value is False else value for value in row]
            )
            count += 1
    unfinished.replace(path)
    return {
        "dataset": dataset,
        "kind": kind,
        "version_from": before,
        "version_to": after,
        "file": path.name,
        "rows": count,
        **fingerprint(path),
    }


def fingerprint(path: Path) -> Entry:
    """The size and the digest of a file, as the manifest has them."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"size": path.stat().st_size, "sha256": digest}


def write_manifest(folder: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Writes the manifest at once, in place of the one before."""
    data = {"format": FORMAT, "exports": [*entries]}
    unfinished = folder / f"{MANIFEST}.tmp"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / MANIFEST)


def read_entries(folder: Path) -> list[Entry]:
    """The entries of the manifest in a folder."""
    entries: list[Entry] = json.loads((folder / MANIFEST).read_bytes())["exports"]
    return entries


class Shop:
    """A shop whose data changes, and which publishes it into a folder.

    ``tables`` holds the rows of each dataset by key, as the values that a till should have:
    texts, whole numbers, decimals as texts, truth values, None for nothing.
    """

    def __init__(
        self, folder: Path, seed: int = 0, sizes: Mapping[str, int] = SIZES, kept: int = 6
    ) -> None:
        self.folder = folder
        self.versions = dict.fromkeys(sizes, 1)
        self.tables: dict[str, dict[Row, Row]] = {}
        self._rng = random.Random(seed)  # noqa: S311 - chance for tests, which guards nothing
        self._made = dict(sizes)
        self._touched: dict[str, dict[Row, None]] = {name: {} for name in sizes}
        self._entries: dict[str, list[Entry]] = {name: [] for name in sizes}
        self._kept = kept
        for name, count in sizes.items():
            goods = GOODS[name]
            rows = goods.rows(count, self._rng.randrange(2**32))
            self.tables[name] = {row[: goods.key]: row for row in rows}

    def rows(self, dataset: str) -> list[Row]:
        """What the till should have, sorted by key."""
        return [row for _, row in sorted(self.tables[dataset].items())]

    def evolve(self, times: int = 20) -> None:
        """So many rows come, change or go, in datasets chosen by chance."""
        for _ in range(times):
            name = self._rng.choice([*self.tables])
            goods, table = GOODS[name], self.tables[name]
            chance = self._rng.random()
            if chance < 0.4 or not table:
                self._made[name] += 1
                row = goods.make(self._made[name], self._rng)
                key = row[: goods.key]
            else:
                key = self._rng.choice([*table])
                row = key + goods.make(1, self._rng)[goods.key :]
            if chance >= 0.8 and key in table:
                del table[key]
            else:
                table[key] = row
            self._touched[name][key] = None

    def publish(self, *, full: bool = True, changes: bool = True) -> None:
        """Publishes what there is: a new version of each dataset that has changed.

        Without ``changes``, a till with an older version cannot join on: that is a gap.
        """
        for name in self.tables:
            entries, before = self._entries[name], self.versions[name]
            if self._touched[name]:
                self.versions[name] = before + self._rng.randrange(1, 4)
                if changes:
                    entries.append(self._changes(name, before))
                self._touched[name].clear()
            version = self.versions[name]
            stands = any(e["kind"] == "full" and e["version_to"] == version for e in entries)
            if full and not stands:
                rows = self.tables[name].values()
                entries.append(write_export(self.folder, name, rows, versions=(None, version)))
            self._entries[name] = self._recent(entries)
        listed = [entry for entries in self._entries.values() for entry in entries]
        write_manifest(self.folder, listed)
        names = {entry["file"] for entry in listed}
        for path in self.folder.glob("*.zip"):
            if path.name not in names:
                path.unlink()

    def _changes(self, name: str, before: int) -> Entry:
        goods, table = GOODS[name], self.tables[name]
        nothing = (None,) * (len(goods.columns) - goods.key)
        rows = [
            ("upsert", *table[key]) if key in table else ("delete", *key, *nothing)
            for key in self._touched[name]
        ]
        versions = (before, self.versions[name])
        return write_export(self.folder, name, rows, versions=versions)

    def _recent(self, entries: Sequence[Entry]) -> list[Entry]:
        fulls = [entry for entry in entries if entry["kind"] == "full"]
        changes = [entry for entry in entries if entry["kind"] == "changes"]
        return [*fulls[-1:], *changes[-self._kept :]]
