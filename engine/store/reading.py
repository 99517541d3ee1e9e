"""A second look at an open database, which only reads.

Who reads here waits for no transaction and for no disk that is slow to make something durable:
with SQLite's write-ahead log readers see what was last committed, whatever is being written.
It never checkpoints and never writes, so there is still one connection that does.
"""

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from engine.store.database import Database
from engine.store.errors import StoreError, explain
from engine.store.files import OwnerLock
from engine.store.messages import Messages
from engine.store.offers import Offers
from engine.store.queries import load

WAIT = 0.1
"""Seconds to wait where SQLite has to stop readers, as while it recovers a log."""


class NoLock(OwnerLock):
    """A reader owns nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = None


class ReadingStore:
    """The parts of a store that the API reads: ``messages`` and ``offers``.

    Used by one thread at a time, while the store of the same path is open elsewhere. What
    writes raises StoreError.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.messages = Messages(database)
        self.offers = Offers(database)

    @classmethod
    def open(cls, path: Path) -> "ReadingStore":
        """Opens the database of a store that is open. Raises StoreError."""
        path = path.resolve()
        try:
            connection = sqlite3.connect(
                f"{path.as_uri()}?mode=ro",
                uri=True,
                timeout=WAIT,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
            connection.execute("PRAGMA query_only=ON")
            connection.execute("PRAGMA trusted_schema=OFF")
        except sqlite3.Error as error:
            raise explain(error, path) from error
        return cls(Database(path, connection, load(), NoLock(path)))

    def transaction(self) -> AbstractContextManager[None]:
        """Refused: nothing is written here."""
        raise StoreError("This connection to the database only reads.")

    savepoint = transaction

    def close(self) -> None:
        """Closes the connection."""
        self._database.close()

    def __enter__(self) -> "ReadingStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
