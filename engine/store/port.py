"""What the parts of the store ask of a database, whichever it is."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from engine.store.place import Place

Row = tuple[Any, ...]


class AnyDatabase(Protocol):
    """An open database. ``run`` and its siblings take the name of a statement and its parameters
    in the order that all dialects share. Every failure is a StoreError."""

    @property
    def place(self) -> Place:
        """Where it is; ``str`` of it is what a sentence calls it."""

    def run(self, name: str, *parameters: Any) -> int:
        """Runs a statement and returns how many rows it changed."""

    def run_many(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement once per row."""

    def run_rows(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        """As ``run_many``, in the way that is best for many rows with texts: SQLite takes them as
        one JSON array, in which the statement finds each column at its place."""

    def rows(self, name: str, *parameters: Any) -> Sequence[Row]:
        """All rows that a query answers with."""

    def row(self, name: str, *parameters: Any) -> Row | None:
        """The first row that a query answers with, or None."""

    def only_row(self, name: str, *parameters: Any) -> Row:
        """The row that is always there; Damaged when it is not."""

    def stream(self, name: str, *parameters: Any) -> Iterator[Row]:
        """The rows of a query one after the other; nothing may be written meanwhile."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, durable when the block ends without an error."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undoes the block alone when it raises; only inside a transaction."""

    def atomic(self) -> AbstractContextManager[None]:
        """A transaction of its own, or a savepoint where one is open."""

    def reading(self) -> AbstractContextManager[None]:
        """What is read inside is as it was at one moment; nothing may be written."""

    def check_schema(self) -> int:
        """The version of the schema; Damaged when it is none that this program can read."""

    def close(self) -> None:
        """Closes it, and lets another process have it; a second call does nothing."""
