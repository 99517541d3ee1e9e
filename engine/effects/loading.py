"""What a load of the catalogue works with, and how far it tells it has got."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from engine.catalogue.tables import Table
from engine.store.catalogue import Catalogue, LoadRecord

Kind = Literal["full", "changes"]
Stage = Literal["asking", "downloading", "loading", "swapping"]


class Source(Protocol):
    """Where files come from: :class:`engine.server.ftp.FtpSource`. Raises CallFailed."""

    def read(
        self, name: str, limit: int, *, timeout: float, cancelled: Callable[[], bool]
    ) -> bytes:
        """A small file, of ``limit`` bytes at most; ``timeout`` in seconds in total."""

    def fetch(
        self,
        name: str,
        target: Path,
        size: int,
        sha256: str,
        *,
        deadline: float,
        cancelled: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> None:
        """A whole file to ``target``, proven by size and digest; ``deadline`` in seconds."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far a load has got. ``table`` is the one it is at, empty while there is none; what is
    not known yet is 0. Rows count while tables are loaded, bytes while files are downloaded."""

    kind: Kind
    stage: Stage
    table: str = ""
    tables_done: int = 0
    tables_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    rows_done: int = 0
    rows_total: int = 0


@dataclass(frozen=True, slots=True)
class Loading:
    """What a load needs, the same for all tills of a process: they share one catalogue.

    ``open`` gives the catalogue, the same one each time; it raises StoreError. Files come from
    ``source`` and are downloaded to ``folder``. ``progress`` is told a till and how far its load
    has got, a few times a second; ``ended`` a till and the story of its load. Both are called in
    the thread that loads.
    """

    tables: tuple[Table, ...]
    open: Callable[[], Catalogue]
    source: Source
    folder: Path
    progress: Callable[[str, LoadProgress], None]
    ended: Callable[[str, LoadRecord], None]
