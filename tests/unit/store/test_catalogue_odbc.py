"""The catalogue's connection: made again when it broke, but never in the middle of a load.

SQLite by ODBC plays the part of the server, with the statements of the store.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.store.catalogue_odbc import CatalogueDatabase, catalogue_place
from engine.store.catalogue_opening import open_catalogue
from engine.store.errors import StoreError, Unreachable
from engine.store.odbc_driver import odbc
from engine.store.odbc_session import Session
from engine.store.place import OdbcPlace
from tests.unit.store.backends import sqlite_by_odbc
from tests.unit.store.catalogue_backends import OFFERS


@pytest.fixture
def database(path: Path) -> Iterator[CatalogueDatabase]:
    """A new one."""
    with closing(CatalogueDatabase.open(sqlite_by_odbc(path))) as opened:
        yield opened


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """States of ODBC, of which the next statement that fetches something fails with the last."""
    states: list[str] = []
    fetched = Session.fetched

    def fails(self: Session, *words: Any, **named: Any) -> Any:
        if states:
            state = states.pop()
            raise odbc().OperationalError(state, f"[{state}] broken (0) (SQLExecDirectW)")
        return fetched(self, *words, **named)

    monkeypatch.setattr(Session, "fetched", fails)
    return states


def test_a_connection_that_broke_while_nothing_was_asked_of_it_is_made_again_at_once(
    database: CatalogueDatabase, breaks: list[str]
) -> None:
    """As in the night, when the server is started anew."""
    before = database._line
    breaks.append("08S01")
    assert database.rows("schema_version") == [(database.queries.latest,)]
    assert database._line is not before


def test_it_is_made_again_once_only(database: CatalogueDatabase, breaks: list[str]) -> None:
    """A server that is not there is said to be so."""
    breaks += ["08S01", "08S01"]
    with pytest.raises(Unreachable, match="cannot be reached"):
        database.rows("schema_version")


def test_a_call_that_hung_is_not_made_again(database: CatalogueDatabase, breaks: list[str]) -> None:
    """It may have taken long already."""
    breaks.append("HYT00")
    with pytest.raises(Unreachable, match="does not answer"):
        database.rows("schema_version")


def test_a_load_does_not_go_on_on_another_connection(
    database: CatalogueDatabase, breaks: list[str]
) -> None:
    """With the first one the lock is gone; the next load has a new one."""
    database.hold()
    breaks.append("08S01")
    with pytest.raises(Unreachable, match="broke during a load"):
        database.rows("schema_version")
    with pytest.raises(Unreachable, match="broke during a load"), database.transaction():
        pass
    database.release()
    assert database.rows("schema_version")


def test_a_statement_that_takes_long_is_looked_after(
    database: CatalogueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is raised then comes out as it is, and the database can be used on."""
    monkeypatch.setattr("engine.store.odbc_line.LOOKS", 0.005)

    def look() -> None:
        raise InterruptedError("enough")

    long = (
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 30000000) "
        "SELECT COUNT(*) FROM n"
    )
    with pytest.raises(InterruptedError, match="enough"):
        database.build(long, look)
    assert database.build("SELECT 1", look) == [(1,)]
    assert database.rows("schema_version")


def test_a_swap_waits_for_a_lock_for_a_short_time_only(path: Path) -> None:
    """Others queue behind it while it does."""
    assert catalogue_place(sqlite_by_odbc(path)).lock_timeout == 1.0
    quick = OdbcPlace("quick", str, lock_timeout=0.5)
    assert catalogue_place(quick).lock_timeout == 0.5
    assert catalogue_place(quick).dialect.name == "catalogue_sqlserver"


def test_the_kind_of_place_says_what_is_opened(path: Path) -> None:
    """A file is a file; a place is asked for its server, and here there is no driver for it."""
    with closing(open_catalogue(path, [OFFERS])) as catalogue:
        assert catalogue.versions() == {}
    nowhere = OdbcPlace("nowhere", lambda: "Driver=/nowhere/libnothing.so")
    with pytest.raises(StoreError, match=r"driver for the database nowhere cannot be loaded"):
        open_catalogue(nowhere, [OFFERS])
