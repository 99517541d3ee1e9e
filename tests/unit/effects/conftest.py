"""Tills for the tests of effects."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.effects.scripted import Make, ScriptedServer, Till


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A till with a server of the kind asked for."""
    tills: list[Till] = []

    def made(deduplicates: bool = True, tells: bool = True) -> Till:
        path = tmp_path / f"{len(tills)}.db"
        till = Till(path, ScriptedServer(deduplicates, tells))
        tills.append(till)
        return till

    yield made
    for till in tills:
        till.store.close()


@pytest.fixture
def till(make: Make) -> Till:
    """A till whose server deduplicates and tells the status of tickets."""
    return make()
