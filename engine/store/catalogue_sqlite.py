"""The catalogue in an SQLite file of its own, so that the till's tickets never wait for a load.

A dataset is staged in a table of another name, in the same file; a swap renames. Replaced and
abandoned tables have names that no dataset can have, and ``sweep`` drops them bit by bit.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from engine.catalogue.tables import Table
from engine.store import catalogue_tables as sql
from engine.store.catalogue import KEEP_RECORDS, Loaded, LoadRecord
from engine.store.catalogue_file import RESERVE_BYTES, CatalogueFile
from engine.store.catalogue_load import SqliteLoad
from engine.store.errors import Busy

SWEPT_ROWS = 2_000
"""Rows that one step of a sweep deletes."""


class SqliteCatalogue:
    """A :class:`~engine.store.catalogue.Catalogue` in SQLite."""

    def __init__(self, file: CatalogueFile, tables: Sequence[Table]) -> None:
        self.path = file.path
        self._file = file
        self._tables = {table.name: table for table in tables}
        self._one = threading.Lock()
        self._load: SqliteLoad | None = None

    @classmethod
    def open(
        cls, path: Path, tables: Sequence[Table], reserve: int = RESERVE_BYTES
    ) -> "SqliteCatalogue":
        """Opens the file, alone; creates it where none is. Raises StoreError or a kind of it.

        What an interrupted load left behind stays until ``sweep``. A load ends with DiskFull
        when fewer than ``reserve`` bytes are left on the disk.
        """
        return cls(CatalogueFile.open(path, reserve), tables)

    def versions(self) -> dict[str, Loaded]:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        return {
            name: Loaded(version, at, rows)
            for name, shape, version, at, rows in self._file.read("loaded")
            if name in self._tables and self._tables[name].shape == shape
        }

    @contextmanager
    def load(self, at: float) -> Iterator[SqliteLoad]:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        if not self._one.acquire(blocking=False):
            raise Busy(f"A load into {self.path} is going on already: wait until it has ended.")
        try:
            have = {name: loaded.version for name, loaded in self.versions().items()}
            self._load = SqliteLoad(self._file, self._tables, have, at)
            yield self._load
        finally:
            self._load = None
            self._one.release()

    def sweep(self, budget: float = 0.05) -> bool:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        end = monotonic() + budget
        while name := self._leftover():
            self._sweep_some(name)
            if monotonic() >= end:
                return self._leftover() is None
        return True

    def note(self, record: LoadRecord) -> None:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        with self._file.transaction(durable=True):
            self._file.run(
                "record_add",
                record.started,
                record.ended,
                record.kind,
                record.outcome,
                record.sentence,
                record.rows,
                record.bytes,
            )
            self._file.run("records_forget", KEEP_RECORDS)

    def records(self, limit: int = 20) -> list[LoadRecord]:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        return [LoadRecord(*row) for row in self._file.read("records", limit)]

    def close(self) -> None:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        self._file.close()

    def __enter__(self) -> "SqliteCatalogue":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _leftover(self) -> str | None:
        load = self._load
        staged = load.staged if load is not None else frozenset()
        names = [row[0] for row in self._file.read("leftover_tables")]
        return next((name for name in names if name not in staged), None)

    def _sweep_some(self, name: str) -> None:
        """One step: an index, or some rows, or the empty table."""
        with self._file.transaction():
            indexes = self._file.run("indexes_of", name)
            if indexes:
                self._file.execute(sql.drop_index(indexes[0][0]))
            elif self._file.execute(sql.delete_some(name), (SWEPT_ROWS,)).rowcount < SWEPT_ROWS:
                self._file.execute(sql.drop_table(name))
