"""The catalogue when the disk or the agent is in trouble."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.store import catalogue_flush
from engine.store.catalogue import Loaded
from engine.store.catalogue_flush import Flusher
from engine.store.catalogue_sqlite import SqliteCatalogue
from engine.store.errors import DiskFailing, DiskFull, NotWritable, StoreError

STAFF = Table("staff", (TableColumn("number", ColumnKind.INTEGER, required=True),), ("number",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A catalogue that holds one row."""
    found = tmp_path / "deep" / "catalogue.db"
    with SqliteCatalogue.open(found, [STAFF]) as catalogue:
        fill(catalogue, 1, [(1,)])
    return found


def ignore(rows: int) -> None:
    """Nobody watches."""


def fill(catalogue: SqliteCatalogue, version: int, rows: list[tuple[Any, ...]]) -> None:
    """A full load."""
    with catalogue.load(1.0) as load:
        load.full(STAFF, version, [rows], ignore)
        load.swap()


def test_a_load_leaves_room_for_the_tickets(path: Path) -> None:
    """The sentence says how much, for a full load and for changes; nothing is touched."""
    with SqliteCatalogue.open(path, [STAFF], reserve=2**60) as catalogue:
        with pytest.raises(DiskFull, match=r"MiB left, and 1099511627776 MiB are kept free for"):
            fill(catalogue, 2, [(2,)])
        with pytest.raises(DiskFull), catalogue.load(1.0) as load:
            load.changes(STAFF, 1, 2, [[("upsert", 2)]], ignore)
        assert catalogue.versions() == {"staff": Loaded(1, 1.0, 1)}
        assert catalogue.sweep()


def test_what_a_flush_was_told_by_the_disk_is_not_lost(path: Path) -> None:
    """SQLite's own flush after it may be told nothing, so the load ends."""
    with SqliteCatalogue.open(path, [STAFF]) as catalogue:
        with catalogue.load(1.0) as load:
            load.full(STAFF, 2, [[(2,)]], ignore)
            catalogue._file._flusher._failure = OSError(errno.EIO, "Input/output error")
            with pytest.raises(DiskFailing, match="Check the disk"):
                load.swap()
        assert catalogue.versions() == {"staff": Loaded(1, 1.0, 1)}
        fill(catalogue, 2, [(2,)])


def test_a_flush_that_fails_in_the_middle_of_a_swap_undoes_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What SQLite would commit after it might not be on the disk."""
    with SqliteCatalogue.open(path, [STAFF]) as catalogue:
        flusher = catalogue._file._flusher

        @contextmanager
        def fails() -> Iterator[None]:
            flusher._failure = OSError(errno.EIO, "Input/output error")
            yield

        with catalogue.load(1.0) as load:
            load.full(STAFF, 2, [[(2,)]], ignore)
            monkeypatch.setattr(flusher, "going", fails)
            with pytest.raises(DiskFailing, match="Check the disk"):
                load.swap()
        assert catalogue.versions() == {"staff": Loaded(1, 1.0, 1)}


def test_a_flusher_flushes_log_and_database_until_the_disk_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its failure is told once."""
    flushed: list[int] = []
    failed = threading.Event()

    def sync(descriptor: int) -> None:
        flushed.append(descriptor)
        if len(flushed) == 3:
            failed.set()
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(catalogue_flush, "sync", sync)
    monkeypatch.setattr(catalogue_flush, "INTERVAL", 0)
    with SqliteCatalogue.open(path, [STAFF]):
        flusher = Flusher(path)
        with flusher.going():
            assert failed.wait(30)
        assert isinstance(flusher.failure(), OSError)
        assert flusher.failure() is None
        flusher.close()
    assert len(set(flushed)) == 2


def test_closing_ends_a_load_that_another_thread_makes(path: Path) -> None:
    """As when the agent stops: the load fails with a sentence, and nothing was swapped in."""
    catalogue = SqliteCatalogue.open(path, [STAFF])
    staged, closed = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    def rows() -> Iterator[list[tuple[int]]]:
        yield [(2,)]
        staged.set()
        closed.wait(30)
        yield [(3,)]

    def work() -> None:
        try:
            with catalogue.load(2.0) as load:
                load.full(STAFF, 2, rows(), ignore)
        except StoreError as error:
            raised.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    assert staged.wait(30)
    catalogue.close()
    closed.set()
    worker.join(30)

    assert str(raised[0]) == f"The catalogue {path} is closed."
    with pytest.raises(StoreError, match="is closed"):
        catalogue.versions()
    catalogue.close()
    with SqliteCatalogue.open(path, [STAFF]) as again:
        assert again.versions() == {"staff": Loaded(1, 1.0, 1)}
        assert again.sweep()


def test_a_path_that_cannot_be_a_file_is_refused_with_a_sentence(path: Path) -> None:
    """A folder of that name, say."""
    with pytest.raises(NotWritable, match="cannot be opened for writing"):
        SqliteCatalogue.open(path.parent, [STAFF])
    with pytest.raises(NotWritable, match="cannot be opened for writing"):
        SqliteCatalogue.open(path / "catalogue.db", [STAFF])
