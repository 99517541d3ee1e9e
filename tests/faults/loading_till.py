"""A till that loads its catalogue by FTP, and what stands in its tables, read by SQLite alone.

As a program it loads without end, until it is killed: FOLDER PORT DOWNLOADS SEED. It says ``begun``
before each load, and what became of it after.
"""

import random
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from typing import Any

from engine.catalogue.datasets import load_datasets
from engine.catalogue.tables import ColumnKind, Table
from engine.effects.call import Answer, Call, Patience
from engine.effects.loading import Loading
from engine.effects.table import perform
from engine.lab.exports import Shop
from engine.lab.stub import StubServer
from engine.server.ftp import FtpSource
from engine.server.ftp_settings import FtpSettings
from engine.store.catalogue import LoadRecord
from engine.store.catalogue_sqlite import SqliteCatalogue
from engine.store.errors import StoreError

ROOT = Path(__file__).resolve().parents[2]
TABLES = load_datasets(ROOT / "machines" / "datasets.yaml")
LIMIT = 120.0

Rows = dict[str, set[tuple[Any, ...]]]
"""The rows of each table, as SQLite has them."""


class LoadingTill:
    """A till with the shipped datasets. ``records`` is the story of its loads."""

    def __init__(self, folder: Path, port: int, downloads: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "catalogue.db"
        self.folder = downloads or folder / "downloads"
        self.records: list[LoadRecord] = []
        self._catalogue: SqliteCatalogue | None = None
        settings = FtpSettings(host="127.0.0.1", port=port, tls="none")
        self._source = FtpSource(settings, folder, pace=0.05)

    def load(self, kind: str) -> Answer:
        """Performs the effect, as a machine starts it."""
        call = Call(
            "0042",
            "01",
            {"timeout": 10.0, "kind": kind, "limit": LIMIT},
            StubServer(),
            None,  # type: ignore[arg-type] # a load asks nothing of the till's tickets
            Patience(),
            Event(),
            time.time,
            time.monotonic,
            lambda _till, _backlog: None,
            loading=Loading(
                TABLES,
                self._open,
                self._source,
                self.folder,
                lambda _till, _progress: None,
                lambda _till, record: self.records.append(record),
            ),
        )
        return perform("load", call)

    def sweep(self) -> None:
        """Drops what loads have left behind."""
        while not self._open().sweep():
            pass

    def close(self) -> None:
        """Lets another process load."""
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    def seen(self) -> tuple[Rows, dict[str, int]]:
        """All rows and versions as another program reads them, empty before the first load."""
        if not self.path.exists():
            return {}, {}
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as reader:
            reader.execute("BEGIN")
            there = {row[0] for row in reader.execute("SELECT name FROM sqlite_master")}
            rows = {
                table.name: set(reader.execute(_select(table)))
                for table in TABLES
                if table.name in there
            }
            return rows, dict(reader.execute("SELECT dataset, version FROM tillwire_loaded"))

    def _open(self) -> SqliteCatalogue:
        if self._catalogue is None:
            self._catalogue = SqliteCatalogue.open(self.path, TABLES, reserve=0)
        return self._catalogue


def expected(shop: Shop) -> tuple[Rows, dict[str, int]]:
    """What :meth:`LoadingTill.seen` is to be after a load of what the shop has published."""
    rows = {
        table.name: {
            tuple(
                _kept(column.kind, value) for column, value in zip(table.columns, row, strict=True)
            )
            for row in shop.rows(table.name)
        }
        for table in TABLES
    }
    return rows, dict(shop.versions)


def _kept(kind: ColumnKind, value: Any) -> Any:
    """A value of the shop as SQLite keeps it."""
    if value is None:
        return None
    if kind is ColumnKind.DECIMAL:
        return float(value)
    return int(value) if kind is ColumnKind.BOOLEAN else value


def _select(table: Table) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'SELECT {columns} FROM "{table.name}"'  # noqa: S608 - names of our own file


def main(folder: str, port: str, downloads: str, seed: str) -> None:
    """Loads until it is killed."""
    chance = random.Random(int(seed))
    till = LoadingTill(Path(folder), int(port), Path(downloads))
    while True:
        kind = chance.choice(["full", "changes"])
        print("begun", kind, flush=True)
        print(till.load(kind).name, flush=True)
        if chance.random() < 0.5:
            with suppress(StoreError):
                till.sweep()


if __name__ == "__main__":
    main(*sys.argv[1:])
