"""A second look at an open database, which only reads.

Who reads here waits for no transaction and for no disk that is slow to make something durable:
with SQLite's write-ahead log readers see what was last committed, whatever is being written.
It never checkpoints and never writes, so there is still one connection that does.
"""

from contextlib import AbstractContextManager
from types import TracebackType

from engine.store.errors import StoreError
from engine.store.journal import Journal
from engine.store.messages import Messages
from engine.store.offers import Offers
from engine.store.opening import open_beside
from engine.store.place import Place
from engine.store.port import AnyDatabase


class ReadingStore:
    """The parts of a store that the API reads: ``messages`` and ``offers``; and the ``journal``,
    to look whether its chain holds.

    Used by one thread at a time, while the store of the same path is open elsewhere. What
    writes raises StoreError.
    """

    def __init__(self, database: AnyDatabase) -> None:
        self._database = database
        self.messages = Messages(database)
        self.offers = Offers(database)
        self.journal = Journal(database)

    @property
    def place(self) -> Place:
        """Where it is."""
        return self._database.place

    @classmethod
    def open(cls, place: Place) -> "ReadingStore":
        """Opens the database of a store that is open. Raises StoreError."""
        return cls(open_beside(place))

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
