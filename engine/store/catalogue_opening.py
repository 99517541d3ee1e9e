"""The catalogue of either kind of database. What ODBC needs is imported only where it is used."""

from collections.abc import Sequence
from pathlib import Path

from engine.catalogue.tables import Table
from engine.store.catalogue import Catalogue
from engine.store.place import OdbcPlace, Place


def open_catalogue(place: Place, tables: Sequence[Table]) -> Catalogue:
    """Opens it, alone: a file of SQLite, or a schema on SQL Server; makes it where there is none.

    Raises StoreError or a kind of it.
    """
    if isinstance(place, OdbcPlace):
        from engine.store.catalogue_sqlserver import SqlServerCatalogue

        return SqlServerCatalogue.open(place, tables)
    from engine.store.catalogue_sqlite import SqliteCatalogue

    return SqliteCatalogue.open(Path(place), tables)
