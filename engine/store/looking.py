"""A SQLite file opened to be read alone: beside the agent, or as evidence. Nothing is locked."""

import sqlite3
from pathlib import Path

from engine.store.database import WAIT_FOR_OTHERS, Database, check_header
from engine.store.errors import Missing, explain, explain_file
from engine.store.files import OwnerLock
from engine.store.queries import load

WAIT = 0.1
"""Seconds to wait where SQLite has to stop readers, as while it recovers a log."""


class NoLock(OwnerLock):
    """A reader owns nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = None


def open_file_beside(path: Path) -> Database:
    """Opens the database of a store that is open in this process. Raises StoreError."""
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
    return Database(path, connection, load(), NoLock(path))


def open_file_for_proof(path: Path) -> Database:
    """Opens a database that is there, whoever else has it. Raises StoreError."""
    try:
        path = path.resolve()
        if not path.exists():
            raise Missing(f"There is no database {path}: name the right till.yaml.")
    except (OSError, RuntimeError) as error:
        raise explain_file(error, path) from error
    check_header(path)
    try:
        connection = _connect(path)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    database = Database(path, connection, load(), NoLock(path))
    try:
        database.check_schema()
    except BaseException:
        database.close()
        raise
    return database


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that cannot write.

    SQLite reads a write-ahead log by way of a file beside it. Where that may not be made, as for
    a copy on a disk that nobody may write to, the database is read as it stands, provided that
    there is no log: then nobody has it open.
    """
    try:
        return _attempt(f"{path.as_uri()}?mode=ro")
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _attempt(f"{path.as_uri()}?mode=ro&immutable=1")


def _attempt(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=WAIT_FOR_OTHERS, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
