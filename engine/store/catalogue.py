"""What the catalogue of a till answers to, whichever database holds it.

The catalogue is the till's copy of what the server publishes: one table per dataset. The till
program reads those tables and sees the old ones or the new ones, never half. Everything here is
used by one thread at a time, but for ``versions`` and ``records``, which any thread may call.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from engine.catalogue.tables import Table

Rows = Iterable[Sequence[tuple[Any, ...]]]
"""Rows in groups, as ``engine.catalogue.export.chunks`` makes them."""

Progress = Callable[[int], None]
"""Told how many rows are there so far; called now and then while indexes are built, too. What
it raises stops the load and comes out of it."""

KEEP_RECORDS = 200
"""So many loads are remembered."""


class Loaded(NamedTuple):
    """What is in a table now: the dataset's ``version``, when it was loaded (wall-clock seconds
    since 1970), and how many rows it has."""

    version: int
    at: float
    rows: int


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """The story of one load: when (wall-clock seconds since 1970), which (``full`` or
    ``changes``), its outcome in a word and a sentence, how many rows and how many bytes."""

    started: float
    ended: float
    kind: str
    outcome: str
    sentence: str
    rows: int
    bytes: int


class Load(Protocol):
    """One load in progress. Nothing that the till program sees changes before ``swap``."""

    def full(self, table: Table, version: int, rows: Rows, progress: Progress) -> int:
        """Puts a whole dataset beside the live table; returns how many rows.

        Each row has the values of ``table.columns`` in their order. Raises Unusable when a key
        is there twice, StoreError, and whatever ``rows`` and ``progress`` raise.
        """

    def changes(
        self, table: Table, version_from: int, version_to: int, rows: Rows, progress: Progress
    ) -> int:
        """Puts changes aside, to be made by ``swap``; returns how many.

        Each row is (``upsert`` or ``delete``, the values of ``table.columns``); a delete needs
        only those of the key. Of several changes of one key the last one holds. Changes up to
        a version that the table already has are passed over: 0, and ``rows`` is not read.
        Raises Gap when they do not join on to what the table has, StoreError, and whatever
        ``rows`` and ``progress`` raise.
        """

    def swap(self) -> None:
        """Makes everything of this load and its versions live, in one transaction.

        It is on the disk when this returns. Raises StoreError, with the old tables untouched;
        RuntimeError after an error in ``full`` or ``changes``, or a second time.
        """


class Catalogue(Protocol):
    """The tables of a till's datasets, their versions, and the stories of their loads."""

    def versions(self) -> dict[str, Loaded]:
        """What each declared table holds, by its name. A table is missing here when it was
        never loaded, or was built for another shape: it needs a full load."""

    def load(self, at: float) -> AbstractContextManager[Load]:
        """A load, of which ``at`` is the time that ``versions`` tells (wall-clock seconds).

        Leaving the block without ``swap`` leaves the live tables and their versions untouched.
        Raises Busy when another load is going on.
        """

    def sweep(self, budget: float = 0.05) -> bool:
        """Drops some of what loads have left behind, for about ``budget`` seconds.

        True when nothing is left. Call it again after a pause until it is. Raises StoreError.
        """

    def note(self, record: LoadRecord) -> None:
        """Keeps the story of a load; the oldest go when there are more than KEEP_RECORDS."""

    def records(self, limit: int = 20) -> list[LoadRecord]:
        """The last ``limit`` stories, the newest first."""

    def close(self) -> None:
        """Lets another process have the catalogue; a second call does nothing."""
