"""A database of either kind, opened for who writes, who reads beside, and who wants proof.

What ODBC needs is imported only for a database that needs it.
"""

from pathlib import Path

from engine.store.place import OdbcPlace, Place
from engine.store.port import AnyDatabase


def open_database(place: Place, create: bool = True) -> AnyDatabase:
    """For writing, alone; created where there is none. Raises StoreError."""
    if isinstance(place, OdbcPlace):
        from engine.store.odbc import OdbcDatabase

        return OdbcDatabase.open(place, create)
    from engine.store.database import Database

    return Database.open(Path(place), create)


def open_beside(place: Place) -> AnyDatabase:
    """For reading, while it is open for writing elsewhere in this process. Raises StoreError."""
    if isinstance(place, OdbcPlace):
        from engine.store.odbc import OdbcDatabase

        return OdbcDatabase.open(place, role="reads")
    from engine.store.looking import open_file_beside

    return open_file_beside(Path(place))


def open_for_proof(place: Place) -> AnyDatabase:
    """For reading, whoever else has it. Raises StoreError."""
    if isinstance(place, OdbcPlace):
        from engine.store.odbc import OdbcDatabase

        return OdbcDatabase.open(place, role="reads")
    from engine.store.looking import open_file_for_proof

    return open_file_for_proof(Path(place))
