"""Brings a file that grows fast to the disk bit by bit.

A long transaction and the checkpoint after it write tens of megabytes, and end with one wait
until all of them are on the disk. Whoever else waits for that disk meanwhile, as the till's
tickets do, waits for them too. Many small waits in another thread leave little for the last one.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.store.errors import explain_file

INTERVAL = 0.01
"""Seconds between two flushes."""

sync = getattr(os, "fdatasync", os.fsync)


class Flusher:
    """Flushes a database and its log while ``going``.

    The descriptor of the database stays open until ``close``: closing it would take SQLite's
    own locks away, on POSIX. That of the log must not: Windows could not delete the log.
    """

    def __init__(self, database: Path) -> None:
        self._log = database.with_name(database.name + "-wal")
        try:
            self._database = os.open(database, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise explain_file(error, database) from error
        self._failure: OSError | None = None

    @contextmanager
    def going(self) -> Iterator[None]:
        """Flushes now and then until the block ends."""
        try:
            log = os.open(self._log, os.O_RDWR)
        except OSError as error:
            raise explain_file(error, self._log) from error
        stop = threading.Event()
        thread = threading.Thread(
            target=self._flush, args=((log, self._database), stop), daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            os.close(log)

    def failure(self) -> OSError | None:
        """What the disk said to a flush, told once: SQLite may then never hear of it."""
        found, self._failure = self._failure, None
        return found

    def close(self) -> None:
        """Closes the database's descriptor; call it once, when SQLite has closed its own."""
        os.close(self._database)

    def _flush(self, descriptors: Sequence[int], stop: threading.Event) -> None:
        try:
            while not stop.wait(INTERVAL):
                for descriptor in descriptors:
                    sync(descriptor)
        except OSError as error:
            self._failure = error
