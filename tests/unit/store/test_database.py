"""Opening, creating, and what a transaction keeps."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.store import (
    Backlog,
    Busy,
    Damaged,
    DiskFull,
    Missing,
    NotWritable,
    Store,
    StoreError,
    files,
)
from engine.store.database import Database
from engine.store.queries import load


@pytest.fixture
def database(file: Store) -> Database:
    """What is beneath the store."""
    found = file._database
    assert isinstance(found, Database)
    return found


def raw(path: Path, *statements: str) -> None:
    """What another program does to the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def refused(path: Path, kind: type[StoreError], *words: str, create: bool = True) -> None:
    """Opening raises this kind, names the file and says these words; nothing stays locked."""
    with pytest.raises(StoreError) as caught:
        Store.open(path, create=create)
    assert type(caught.value) is kind
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_a_new_database_is_durable_and_checked(database: Database) -> None:
    """WAL, FULL, foreign keys, triggers on replace: as opened, not as left by chance."""
    ask = database._connection.execute
    found = {
        name: ask(f"PRAGMA {name}").fetchone()[0]
        for name in (
            "journal_mode",
            "synchronous",
            "foreign_keys",
            "recursive_triggers",
            "trusted_schema",
        )
    }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "trusted_schema": 0,
    }


def test_a_database_is_created_with_the_directories_above_it(tmp_path: Path) -> None:
    """And nothing of its making is left beside it."""
    path = tmp_path / "a" / "b" / "till.db"
    Store.open(path).close()
    assert sorted(each.name for each in path.parent.iterdir()) == ["till.db", "till.db.lock"]
    Store.open(path, create=False).close()


def test_a_name_with_odd_characters_is_a_name(tmp_path: Path) -> None:
    """Percent, question mark and hash are no part of an address."""
    path = tmp_path / "caisse n°1 100%?#é.db"
    with Store.open(path) as store:
        store.snapshots.save([("01", "a", 1.0)])
    with Store.open(path, create=False) as store:
        assert store.snapshots.all() == {"01": "a"}


def test_a_missing_database_is_not_created_unasked(path: Path) -> None:
    """create=False: a sentence, and no file."""
    refused(path, Missing, "There is no database", create=False)
    assert not path.exists()


@pytest.mark.parametrize("create", [True, False])
def test_an_empty_file_is_never_taken_for_no_tickets(path: Path, create: bool) -> None:
    """Zero bytes are refused and left as they are."""
    path.touch()
    refused(path, Damaged, "the file is empty (zero bytes)", "restore a copy", create=create)
    assert path.read_bytes() == b""


def test_another_file_is_refused(path: Path) -> None:
    """A text is no database."""
    path.write_text("not a database at all")
    refused(path, Damaged, "it is not an SQLite database")


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    """Not one byte of it changes, the journal mode included."""
    raw(path, "CREATE TABLE articles (id)")
    before = path.read_bytes()
    refused(path, Damaged, "it is a database of another program")
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(path: Path) -> None:
    """The sentence says which versions and what to do."""
    Store.open(path).close()
    raw(path, "INSERT INTO tillwire_schema VALUES (99)")
    known = f"up to {load().latest}"
    refused(path, Damaged, "its schema has version 99", known, "install that one again")


def test_a_file_cut_short_is_refused(path: Path) -> None:
    """Half a database is damaged, not smaller."""
    Store.open(path).close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(path, Damaged, "malformed")


def test_a_header_alone_is_refused(path: Path) -> None:
    """The right first bytes do not make a database."""
    path.write_bytes(b"SQLite format 3\x00" + bytes(84))
    refused(path, Damaged, "not a database")


def test_damage_inside_comes_as_a_sentence(path: Path) -> None:
    """Pages overwritten behind the header are found when they are read."""
    with Store.open(path) as store, store.transaction():
        for number in range(400):
            store.tickets.accept("s", "01", number, bytes(500), 1.0)
    with path.open("r+b") as file:
        file.seek(4096 * 40)  # behind the pages of the schema
        file.write(b"\xaa" * (path.stat().st_size - 4096 * 40))
    with Store.open(path) as store:
        with pytest.raises(Damaged, match="keep the file"):
            store.journal.verify()
        with pytest.raises(Damaged, match="keep the file"):
            store.tickets.batch("01", 1000)


def test_a_log_without_its_database_is_refused(path: Path) -> None:
    """A new database beside an old log would swallow it: the tickets in the log would go."""
    log = path.with_name("till.db-wal")
    log.write_bytes(b"pages")
    refused(path, Damaged, "till.db-wal, which belongs to it, is still there")
    log.write_bytes(b"")
    Store.open(path).close()


def test_a_creation_that_was_interrupted_is_started_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left under the temporary name is replaced; no empty file has the real name."""

    def cut(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(files, "sync_file", cut)
        with pytest.raises(KeyboardInterrupt):
            Store.open(path)
    new = path.with_name("till.db.new")
    assert new.exists()
    assert not path.exists()
    new.write_bytes(b"half of it")
    path.with_name("till.db.new-journal").write_bytes(b"half of it")
    Store.open(path).close()
    assert not new.exists()
    assert not path.with_name("till.db.new-journal").exists()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PermissionError(13, "Permission denied"), NotWritable),
        (OSError(28, "No space left on device"), DiskFull),
        (sqlite3.OperationalError("no such function"), StoreError),
    ],
)
def test_a_creation_that_fails_is_a_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[StoreError]
) -> None:
    """And the next one, when the cause is gone, works."""

    def fail(_: Path) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(files, "sync_file", fail)
        refused(path, kind)
    Store.open(path).close()


def test_a_directory_that_cannot_be_made_is_a_sentence(path: Path) -> None:
    """A file stands where the directory should be."""
    path.touch()
    with pytest.raises(NotWritable, match=r"Not a directory|exists"):
        Store.open(path / "deeper" / "till.db")


def test_a_directory_in_the_database_s_place_is_refused(path: Path) -> None:
    """It cannot be read as a file."""
    path.mkdir()
    refused(path, NotWritable)


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    """A name that leads to itself is a sentence."""
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(NotWritable, match=r"[Ss]ymlink loop|symbolic links"):
        Store.open(tmp_path / "a")


def test_a_connection_that_cannot_be_made_is_a_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own refusal to open is explained like any other, and the lock is free again."""
    Store.open(path).close()

    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", fail)
        refused(path, StoreError, "unable to open database file")
    Store.open(path).close()


def test_a_file_system_without_shared_memory_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the write-ahead log cannot be had, the sentence asks for a local disk."""
    Store.open(path).close()
    execute = Database._execute

    def without_log(
        self: Database, statement: str, parameters: tuple[object, ...] = ()
    ) -> sqlite3.Cursor:
        return execute(self, statement.replace("=WAL", "=DELETE"), parameters)

    with monkeypatch.context() as patched:
        patched.setattr(Database, "_execute", without_log)
        refused(path, StoreError, "Put it on a local disk")


def test_a_second_owner_is_refused_until_the_first_closes(path: Path) -> None:
    """Through a link too; the sentence names the process that has it."""
    link = path.with_name("link.db")
    with Store.open(path) as store:
        store.close()
        store.close()
    with Store.open(path):
        link.symlink_to(path)
        with pytest.raises(Busy, match=r"in use by another tillwire \(process \d+\)"):
            Store.open(link)
    Store.open(link).close()


def test_a_database_held_by_another_program_is_busy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser with a transaction open: a sentence after the wait, and it works afterwards."""
    monkeypatch.setattr("engine.store.database.WAIT_FOR_OTHERS", 0.01)
    with Store.open(path) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="locked by another program"):
            store.tickets.accept("s", "01", 1, b"", 1.0)
        other.rollback()
        assert store.tickets.accept("s", "01", 1, b"", 1.0) == "new"


def _accept_group(store: Store) -> None:
    with store.transaction():
        store.tickets.accept("s", "01", 2, b"y", 1.0)
        store.tickets.accept("s", "01", 3, bytes(100_000), 1.0)


def test_a_full_disk_undoes_the_transaction_and_work_goes_on_with_space(
    file: Store, database: Database
) -> None:
    """DiskFull for the whole group; what was durable before stays; then it goes on."""
    store, limit = file, database._connection.execute
    store.tickets.accept("s", "01", 1, b"x", 1.0)
    pages = limit("PRAGMA page_count").fetchone()[0]
    limit(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(DiskFull, match="Free some space"):
        _accept_group(store)
    assert [ticket.number for ticket in store.tickets.batch("01", 9)] == [1]
    limit("PRAGMA max_page_count = 100000")
    store.tickets.accept("s", "01", 3, bytes(100_000), 1.0)
    assert store.journal.verify() == (2, None, "")


@pytest.mark.parametrize("known", [True, False])
def test_a_transaction_that_sqlite_undid_cannot_pass_for_kept(
    file: Store, database: Database, known: bool
) -> None:
    """A caller that swallows the error of one ticket still hears of it at the end."""
    store, why = file, DiskFull("no room left") if known else None

    def swallowed() -> None:
        with store.transaction():
            store.tickets.accept("s", "01", 1, b"", 1.0)
            database._failure = why
            database._connection.rollback()
            with pytest.raises(StoreError), store.savepoint():
                store.tickets.accept("s", "01", 2, b"", 1.0)

    with pytest.raises(StoreError, match="no room left" if known else "undid a transaction"):
        swallowed()
    assert store.tickets.backlog("01") == Backlog()


def test_a_read_only_database_is_a_sentence(file: Store, database: Database) -> None:
    """The account may read and not write."""
    database._execute("PRAGMA query_only = ON")
    with pytest.raises(NotWritable, match="Let the account"):
        file.snapshots.save([("01", "a", 1.0)])
