"""The catalogue in an SQLite file of its own, so that the till's tickets never wait for a load.

A dataset is staged in a table of another name, in the same file; a swap renames. Replaced and
abandoned tables have names that no dataset can have, and ``sweep`` drops them bit by bit.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from engine.catalogue.tables import Table
from engine.store import catalogue_tables as sql
from engine.store.catalogue_file import RESERVE_BYTES, CatalogueFile
from engine.store.catalogue_load import SqliteLoad
from engine.store.catalogue_staging import SWEPT_ROWS, StagedCatalogue
from engine.store.errors import Busy
from engine.store.port import Row


class SqliteCatalogue(StagedCatalogue[SqliteLoad]):
    """A :class:`~engine.store.catalogue.Catalogue` in SQLite."""

    def __init__(self, file: CatalogueFile, tables: Sequence[Table]) -> None:
        super().__init__(tables)
        self.path = file.path
        self._file = file
        self._one = threading.Lock()

    @classmethod
    def open(
        cls, path: Path, tables: Sequence[Table], reserve: int = RESERVE_BYTES
    ) -> "SqliteCatalogue":
        """Opens the file, alone; creates it where none is. Raises StoreError or a kind of it.

        What an interrupted load left behind stays until ``sweep``. A load ends with DiskFull
        when fewer than ``reserve`` bytes are left on the disk.
        """
        return cls(CatalogueFile.open(path, reserve), tables)

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

    def close(self) -> None:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        self._file.close()

    def _read(self, name: str, *parameters: object) -> list[Row]:
        return self._file.read(name, *parameters)

    def _run(self, name: str, *parameters: object) -> object:
        return self._file.run(name, *parameters)

    def _durable(self) -> AbstractContextManager[None]:
        return self._file.transaction(durable=True)

    def _leftovers(self) -> list[Row]:
        return self._file.read("leftover_tables")

    def _sweep_some(self, name: str) -> None:
        """One step: an index, or some rows, or the empty table."""
        with self._file.transaction():
            indexes = self._file.run("indexes_of", name)
            if indexes:
                self._file.execute(sql.drop_index(indexes[0][0]))
            elif self._file.execute(sql.delete_some(name), (SWEPT_ROWS,)).rowcount < SWEPT_ROWS:
                self._file.execute(sql.drop_table(name))
