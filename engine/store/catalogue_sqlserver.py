"""The catalogue on SQL Server, in a schema of its own beside the till's tables.

A dataset is staged in a table of another name, in the same schema; a swap renames. Replaced and
abandoned tables have names that no dataset can have, and ``sweep`` empties them bit by bit.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from engine.catalogue.tables import Table
from engine.store.catalogue_odbc import CatalogueDatabase, catalogue_place
from engine.store.catalogue_sqlserver_load import SqlServerLoad
from engine.store.catalogue_staging import SWEPT_ROWS, StagedCatalogue
from engine.store.catalogue_tsql import Statements
from engine.store.errors import Busy, StoreError
from engine.store.place import OdbcPlace
from engine.store.port import Row


class SqlServerCatalogue(StagedCatalogue[SqlServerLoad]):
    """A :class:`~engine.store.catalogue.Catalogue` on SQL Server."""

    def __init__(
        self, writer: CatalogueDatabase, reader: CatalogueDatabase, tables: Sequence[Table]
    ) -> None:
        super().__init__(tables)
        self.place = writer.where
        self._writer = writer
        self._reader = reader
        self._reading = threading.Lock()
        self._sql = Statements(writer.where.schema)
        self._one = threading.Lock()

    @classmethod
    def open(cls, place: OdbcPlace, tables: Sequence[Table]) -> "SqlServerCatalogue":
        """Opens the schema of ``place``, alone; makes it where there is none.

        Raises StoreError or a kind of it. What an interrupted load left behind stays until
        ``sweep``. A connection that breaks is made again with what is asked next.
        """
        place = catalogue_place(place)
        writer = CatalogueDatabase.open(place)
        try:
            reader = CatalogueDatabase.open(place, role="reads")
        except BaseException:
            writer.close()
            raise
        return cls(writer, reader, tables)

    @contextmanager
    def load(self, at: float) -> Iterator[SqlServerLoad]:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        if not self._one.acquire(blocking=False):
            raise Busy(
                f"A load into the schema {self.place.schema} of the database {self.place} is "
                "going on already: wait until it has ended."
            )
        try:
            self._load = self._begin(at)
            yield self._load
        finally:
            self._writer.release()
            self._load = None
            self._one.release()

    def _begin(self, at: float) -> SqlServerLoad:
        """Busy is for a load that is going on, not for a lock or a schema that others have."""
        try:
            have = {name: loaded.version for name, loaded in self.versions().items()}
            recorded = {name: (held, rows) for name, held, rows in self._writer.rows("recorded")}
        except Busy as fault:
            raise StoreError(str(fault)) from fault
        return SqlServerLoad(self._writer, self._sql, self._tables, have, recorded, at)

    def close(self) -> None:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        with self._reading:
            self._reader.close()
        self._writer.close()

    def _read(self, name: str, *parameters: object) -> list[Row]:
        with self._reading:
            return self._reader.rows(name, *parameters)

    def _run(self, name: str, *parameters: object) -> object:
        return self._writer.run(name, *parameters)

    def _durable(self) -> AbstractContextManager[None]:
        return self._writer.transaction()

    def _leftovers(self) -> list[Row]:
        return self._writer.rows("leftover_tables")

    def _sweep_some(self, name: str) -> None:
        """One step: some rows, or the empty table."""
        if self._writer.change(self._sql.delete_some(name, SWEPT_ROWS)) < SWEPT_ROWS:
            self._writer.ask(self._sql.drop_table(name))
