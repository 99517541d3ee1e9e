"""An open store in a directory of its own, and the raw connection beneath it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's database is, once it is created."""
    return tmp_path / "till.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A new store that keeps five real steps and two dull ones per till."""
    with Store.open(path, keep=5, keep_dull=2) as opened:
        yield opened
