"""The parts of the store on one database."""

from contextlib import AbstractContextManager
from types import TracebackType

from engine.store.days import Days
from engine.store.history import History
from engine.store.journal import Journal
from engine.store.messages import Messages
from engine.store.offers import Offers
from engine.store.opening import open_database
from engine.store.place import Place
from engine.store.port import AnyDatabase
from engine.store.snapshots import Snapshots
from engine.store.tickets import Tickets

KEEP_STEPS, MOST_STEPS, SHARED_STEPS = 1000, 5000, 50_000
KEEP_DULL_STEPS, MOST_DULL_STEPS, SHARED_DULL_STEPS = 200, 12_000, 120_000
"""The least that is kept of a till, the most, and what all tills of a process share in between:
one till that pings twice a minute, and looks as often whether tickets are to be sent, has two
days of it when it does nothing else. A step takes about half a kilobyte of disk."""


def kept_steps(tills: int) -> tuple[int, int]:
    """How many real and how many dull steps are kept of each of so many tills."""
    return (
        max(KEEP_STEPS, min(MOST_STEPS, SHARED_STEPS // tills)),
        max(KEEP_DULL_STEPS, min(MOST_DULL_STEPS, SHARED_DULL_STEPS // tills)),
    )


class Store:
    """An open database: ``tickets``, ``journal``, ``history``, ``snapshots``, ``messages``,
    ``offers`` and ``days``.

    Used by one thread at a time. Each call is durable when it returns, unless it is made inside
    ``transaction``: then all of them are when the block ends.
    """

    def __init__(self, database: AnyDatabase, keep: int, keep_dull: int) -> None:
        self._database = database
        self.place = database.place
        self.journal = Journal(database)
        self.tickets = Tickets(database, self.journal)
        self.history = History(database, keep, keep_dull)
        self.snapshots = Snapshots(database)
        self.messages = Messages(database)
        self.offers = Offers(database)
        self.days = Days(database)

    @classmethod
    def open(
        cls,
        place: Place,
        create: bool = True,
        *,
        keep: int = KEEP_STEPS,
        keep_dull: int = KEEP_DULL_STEPS,
    ) -> "Store":
        """Opens the database, alone; creates it where no file, or no schema, is.

        ``keep`` and ``keep_dull`` bound the history of each till. Raises StoreError.
        """
        return cls(open_database(place, create), keep, keep_dull)

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, one wait for the disk: for many calls at once."""
        return self._database.transaction()

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside a transaction: undoes its block alone when that raises."""
        return self._database.savepoint()

    def close(self) -> None:
        """Closes the database and lets another process have it."""
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
