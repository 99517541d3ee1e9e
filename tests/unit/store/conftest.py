"""An open store in a directory or a schema of its own, and the raw connection beneath it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store import Store
from engine.store.place import Place
from tests.unit.store.backends import BACKENDS, SQLITES, Hand, place_for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's database is, once it is created."""
    return tmp_path / "till.db"


@pytest.fixture(params=BACKENDS)
def place(request: pytest.FixtureRequest, path: Path) -> Iterator[Place]:
    """Where the test's database is, once it is created, on each of the databases."""
    with place_for(request.param, path) as found:
        yield found


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """A new store that keeps five real steps and two dull ones per till, on each database."""
    with Store.open(place, keep=5, keep_dull=2) as opened:
        yield opened


@pytest.fixture
def hand(store: Store) -> Hand:
    """Another hand at that store's database."""
    return Hand(store)


@pytest.fixture(params=SQLITES)
def sqlite(request: pytest.FixtureRequest, path: Path) -> Iterator[Store]:
    """A new store in a file of SQLite, opened by Python's module or by ODBC."""
    with place_for(request.param, path) as found, Store.open(found) as opened:
        yield opened


@pytest.fixture
def file(path: Path) -> Iterator[Store]:
    """A new store in a file of SQLite, opened by Python's own module."""
    with Store.open(path, keep=5, keep_dull=2) as opened:
        yield opened
