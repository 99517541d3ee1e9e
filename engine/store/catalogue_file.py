"""The catalogue's SQLite file: opened alone, written in transactions, read beside them.

A write-ahead log lets the till program read while rows pour in. Staged rows are committed
without a wait for the disk (``synchronous=NORMAL`` keeps the file whole over a power cut, the
last of them may be missing); what makes them live is on the disk when it is done.
"""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from engine.store import files
from engine.store.catalogue_flush import Flusher
from engine.store.database import MAGIC, WAIT_FOR_OTHERS
from engine.store.errors import Damaged, DiskFull, StoreError, explain, explain_file
from engine.store.queries import Queries, load

Row = tuple[Any, ...]

MEBIBYTE = 1024 * 1024
RESERVE_BYTES = 64 * MEBIBYTE
"""So much of the disk a load leaves to others: a ticket that finds no room is worse than an old
catalogue."""
CACHE_KIB = 8 * 1024
LOG_BYTES = 16 * MEBIBYTE
"""The log gives back what it grew beyond this."""
INSTRUCTIONS = 500_000
"""SQLite's instructions between two looks at whether a long statement is still wanted."""

PRAGMAS = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA fullfsync=ON",  # macOS: fsync alone stays in the drive's cache
    "PRAGMA checkpoint_fullfsync=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA legacy_alter_table=ON",  # a view over a table stays over the new one of that name
    "PRAGMA secure_delete=OFF",  # Debian's default overwrites each page that a drop sets free
    f"PRAGMA cache_size=-{CACHE_KIB}",
    f"PRAGMA journal_size_limit={LOG_BYTES}",
)


class CatalogueFile:
    """An open file. Writing takes turns; ``read`` waits for nobody."""

    def __init__(self, path: Path, lock: files.OwnerLock, reserve: int) -> None:
        self.path = path
        self.queries = load("catalogue_sqlite")
        self._reserve = reserve
        self._turn = threading.RLock()
        self._reading = threading.Lock()
        self._failure: StoreError | None = None
        self._closed = False
        with ExitStack() as opened:  # closes from the last to the first
            opened.callback(lock.release)
            self._flusher = Flusher(path)
            opened.callback(self._flusher.close)
            self._writer = self._connect("rwc")
            opened.callback(self._writer.close)
            self._prepare()
            self._reader = self._connect("ro")
            opened.callback(self._reader.close)
            self._opened = opened.pop_all()

    @classmethod
    def open(cls, path: Path, reserve: int = RESERVE_BYTES) -> "CatalogueFile":
        """Opens ``path``, alone; creates it where no file is. Raises StoreError or a kind of it.

        ``reserve`` is how many bytes of its disk are left to others.
        """
        try:
            path = path.resolve()
            files.make_directory(path.parent)
        except (OSError, RuntimeError) as error:
            raise explain_file(error, path) from error
        lock = files.own(path)
        try:
            _check_header(path)
        except BaseException:
            lock.release()
            raise
        return cls(path, lock, reserve)

    def close(self) -> None:
        """Closes the file and gives its lock up; a second call does nothing.

        A statement that is running is interrupted. One that hangs, as on a dead disk, cannot
        be: then everything stays as it is until the process ends.
        """
        if self._closed:
            return
        self._writer.interrupt()
        if self._turn.acquire(timeout=WAIT_FOR_OTHERS):
            try:
                with self._reading:
                    self._closed = True
                    self._opened.close()
            finally:
                self._turn.release()

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Runs a statement on the connection that writes."""
        try:
            return self._writer.execute(statement, parameters)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """Runs a statement once per row; returns how many rows it changed."""
        try:
            return self._writer.executemany(statement, rows).rowcount
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def run(self, name: str, *parameters: Any) -> list[Row]:
        """The rows that a named statement answers with, on the connection that writes."""
        return self.execute(self.queries[name], parameters).fetchall()

    def read(self, name: str, *parameters: Any) -> list[Row]:
        """All rows that a named query answers with, as they were last committed."""
        try:
            with self._reading:
                if self._closed:
                    raise self._is_closed()
                return self._reader.execute(self.queries[name], parameters).fetchall()
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    @contextmanager
    def transaction(self, durable: bool = False, long: bool = False) -> Iterator[None]:
        """All or nothing; on the disk when the block ends, if it is to be ``durable``.

        What a ``long`` one writes goes to the disk bit by bit.
        """
        with self._turn:
            if self._closed:
                raise self._is_closed()
            self._failure = None
            self._check_flushed()
            if durable:
                self.execute("PRAGMA synchronous=FULL")
            try:
                with self._flusher.going() if long else nullcontext():
                    self.execute("BEGIN IMMEDIATE")
                    yield
                    self._check_flushed()
                    self._still_open()
                    self.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self.execute("ROLLBACK")
                raise
            finally:
                if durable:
                    self.execute("PRAGMA synchronous=NORMAL")

    def check_room(self) -> None:
        """DiskFull when what is left on the disk is for others."""
        try:
            free = shutil.disk_usage(self.path.parent).free
        except OSError as error:
            raise explain_file(error, self.path) from error
        if free < self._reserve:
            raise DiskFull(
                f"The disk of the catalogue {self.path} has {free // MEBIBYTE} MiB left, and "
                f"{self._reserve // MEBIBYTE} MiB are kept free for the till's tickets. Free "
                "some space on it, then load again."
            )

    @contextmanager
    def watched(self, look: Callable[[], None]) -> Iterator[None]:
        """Calls ``look`` now and then while a long statement runs; what it raises ends that."""
        raised: list[BaseException] = []

        def stop() -> int:
            try:
                look()
            except BaseException as error:  # noqa: BLE001 - goes on below, past SQLite
                raised.append(error)
            return bool(raised)

        self._writer.set_progress_handler(stop, INSTRUCTIONS)
        try:
            yield
        except StoreError:
            if raised:
                raise raised[0] from None
            raise
        finally:
            self._writer.set_progress_handler(None, 0)

    def _is_closed(self) -> StoreError:
        return StoreError(f"The catalogue {self.path} is closed.")

    def _check_flushed(self) -> None:
        failure = self._flusher.failure()
        if failure is not None:
            raise explain_file(failure, self.path) from failure

    def _failed(self, error: sqlite3.Error) -> StoreError:
        self._failure = explained(error, self.path)
        return self._failure

    def _still_open(self) -> None:
        """A full or failing disk makes SQLite roll back by itself: the block is then void."""
        if not self._writer.in_transaction:
            raise self._failure or StoreError(f"The database {self.path} undid a transaction.")

    def _connect(self, mode: str) -> sqlite3.Connection:
        try:
            return sqlite3.connect(
                f"{self.path.as_uri()}?mode={mode}",
                uri=True,
                timeout=WAIT_FOR_OTHERS,
                isolation_level=None,
                check_same_thread=False,  # any worker may load
            )
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    def _prepare(self) -> None:
        if self.run("foreign_tables")[0][0]:  # first: another program's file is left as it is
            raise unusable(self.path, "it is a database of another program")
        mode = self.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(
                f"The database {self.path} lies on a file system that SQLite's write-ahead log "
                "does not work on (a network share?). Put it on a local disk."
            )
        for pragma in PRAGMAS:
            self.execute(pragma)
        with self.transaction(durable=True):
            _bring_up(self, self.queries)


def _bring_up(file: CatalogueFile, queries: Queries) -> None:
    exists = file.run("table_exists", "tillwire_catalogue")[0][0]
    found = (file.run("schema_version")[0][0] or 0) if exists else 0
    if found > queries.latest:
        raise unusable(
            file.path,
            f"its schema has version {found} and this program knows versions up to "
            f"{queries.latest}",
        )
    for version, statements in queries.migrations(found):
        for statement in statements:
            file.execute(statement)
        file.run("schema_reached", version)


def explained(error: sqlite3.Error, path: Path) -> StoreError:
    """The sentence for what SQLite reported. Other than the till's database, the catalogue
    holds nothing that the server has not."""
    found = explain(error, path)
    return unusable(path, str(error)) if isinstance(found, Damaged) else found


def unusable(path: Path, why: str) -> Damaged:
    """The sentence for a file that is no catalogue of ours; ``why`` has no full stop."""
    return Damaged(
        f"The catalogue {path} cannot be used: {why}. If it is a catalogue, it holds only what "
        "the server has: stop what has it open, delete it and the files beside it that start "
        "with its name, and load everything. If it is not, name another file."
    )


def _check_header(path: Path) -> None:
    try:
        if not path.exists():
            return
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
    except OSError as error:
        raise explain_file(error, path) from error
    if start and start != MAGIC:
        raise unusable(path, "it is not an SQLite database")
