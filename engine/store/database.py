"""One SQLite file: opened, created, brought to the newest schema, written in transactions.

WAL with ``synchronous=FULL``: what was committed survives a power cut. One connection, used by
one thread at a time. Every statement has a name in the dialect's file.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import Any

from engine.store import files
from engine.store.errors import Missing, StoreError, damaged, explain, explain_file
from engine.store.port import Row
from engine.store.queries import Queries, bring_up, load
from engine.store.transactions import SQLITE, Transactions
from engine.swapping import rename

MAGIC = b"SQLite format 3\x00"
WAIT_FOR_OTHERS = 5.0
"""Seconds to wait for a backup or a database browser that holds the file."""

PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=ON",  # macOS: fsync alone stays in the drive's cache
    "PRAGMA checkpoint_fullfsync=ON",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",  # REPLACE asks the triggers on DELETE
    "PRAGMA trusted_schema=OFF",
    "PRAGMA journal_size_limit=67108864",  # a WAL that grew in a rush gives its room back
)


class Database(Transactions):
    """An open SQLite database. ``run`` and its siblings take the name of a statement."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, queries: Queries, lock: files.OwnerLock
    ) -> None:
        super().__init__(path, SQLITE)
        self.path = path
        self.queries = queries
        self._connection = connection
        self._lock = lock

    @classmethod
    def open(cls, path: Path, create: bool = True, queries: Queries | None = None) -> "Database":
        """Opens ``path`` for writing, alone; creates it only where no file is.

        Raises StoreError or one of its kinds, with nothing left open.
        """
        queries = load() if queries is None else queries
        try:
            path = path.resolve()  # the lock of a link must be the lock of what it points to
            if not path.exists():
                if not create:
                    raise Missing(f"There is no database {path}: name the right file or create it.")
                files.make_directory(path.parent)
        except (OSError, RuntimeError) as error:  # RuntimeError: links that run in a circle
            raise explain_file(error, path) from error
        lock = files.own(path)
        try:
            if not path.exists():
                _create(path, queries)
            check_header(path)
            database = cls(path, _connect(path), queries, lock)
        except BaseException:
            lock.release()
            raise
        try:
            database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        """Closes the file and gives its lock up; a second call does nothing."""
        try:
            self._connection.close()
        finally:
            self._lock.release()

    def run(self, name: str, *parameters: Any) -> int:
        """Runs a statement and returns how many rows it changed."""
        return self._execute(self.queries[name], parameters).rowcount

    def run_many(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement once per row."""
        try:
            self._connection.executemany(self.queries[name], rows)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def run_rows(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement that takes all rows as one JSON array: between two statements the
        thread that runs them may have to wait for its turn, and does not within one."""
        self.run(name, dumps(rows))

    def rows(self, name: str, *parameters: Any) -> list[Row]:
        """All rows that a query answers with."""
        try:
            return self._connection.execute(self.queries[name], parameters).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def row(self, name: str, *parameters: Any) -> Row | None:
        """The first row that a query answers with, or None."""
        rows = self.rows(name, *parameters)
        return rows[0] if rows else None

    def only_row(self, name: str, *parameters: Any) -> Row:
        """The row that is always there; Damaged when it is not."""
        row = self.row(name, *parameters)
        if row is None:
            raise damaged(self.path, f"it has no answer to {name}")
        return row

    def stream(self, name: str, *parameters: Any) -> Iterator[Row]:
        """The rows of a query one after the other; nothing may be written meanwhile."""
        cursor = self._execute(self.queries[name], parameters)
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, parameters)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> StoreError:
        self._failure = explain(error, self.path)
        return self._failure

    def _say(self, statement: str) -> sqlite3.Cursor:
        return self._execute(statement)

    def _alive(self) -> bool:
        return self._connection.in_transaction

    def _prepare(self) -> None:
        found = self.check_schema()  # first: a file of another program is left as it is
        mode = self._execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(
                f"The database {self.path} lies on a file system that SQLite's write-ahead log "
                "does not work on (a network share?). Put it on a local disk."
            )
        for pragma in PRAGMAS:
            self._execute(pragma)
        if found < self.queries.latest:
            with self.transaction():
                bring_up(self._execute, self.queries, found)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside is as it was at one moment; nothing may be written."""
        self._execute("BEGIN")
        try:
            yield
        finally:
            self._undo("ROLLBACK")

    def check_schema(self) -> int:
        """The version of the schema; Damaged when it is none that this program can read."""
        if not self.only_row("schema_exists")[0]:
            raise damaged(self.path, "it is a database of another program")
        found: int = self.only_row("schema_version")[0] or 0
        if found > self.queries.latest:
            raise damaged(
                self.path,
                f"its schema has version {found} and this program knows versions up to "
                f"{self.queries.latest}; a newer tillwire wrote it, so install that one again",
            )
        return found


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{path.as_uri()}?mode=rw",  # never creates: an empty database is not "no tickets"
            uri=True,
            timeout=WAIT_FOR_OTHERS,
            isolation_level=None,
            check_same_thread=False,  # opened by one thread, then handed to the one that owns it
            cached_statements=256,
        )
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _create(path: Path, queries: Queries) -> None:
    """Builds the database under another name first: it is there whole, or not at all."""
    for companion in ("-wal", "-journal"):
        left = path.with_name(path.name + companion)
        if left.exists() and left.stat().st_size:
            raise damaged(path, f"it is gone, and {left.name}, which belongs to it, is still there")
    new = path.with_name(path.name + ".new")
    try:
        for leftover in (new, new.with_name(new.name + "-journal")):
            leftover.unlink(missing_ok=True)
        new.touch()
        connection = _connect(new)
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            bring_up(connection.execute, queries, 0)
            connection.execute("COMMIT")
        finally:
            connection.close()
        files.sync_file(new)
        rename(new, path)
        files.sync_directory(path.parent)
    except OSError as error:
        raise explain_file(error, path) from error
    except sqlite3.Error as error:
        raise explain(error, path) from error


def check_header(path: Path) -> None:
    """Refuses what SQLite would take for an empty database, and says what it is."""
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
            length = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise explain_file(error, path) from error
    if length == 0:
        raise damaged(path, "the file is empty (zero bytes), which no database of tillwire ever is")
    if start != MAGIC:
        raise damaged(path, "it is not an SQLite database")
