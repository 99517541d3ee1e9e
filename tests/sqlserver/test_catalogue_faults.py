"""Small doses of the fault programs of the catalogue, on the server that is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.catalogue_rounds import run_rounds
from tests.faults.catalogue_server import kill_loads
from tests.unit.store.catalogue_backends import InSchema, behind


@pytest.fixture
def there(tmp_path: Path) -> Iterator[InSchema]:
    """A schema that nobody has used."""
    with behind("sqlserver", tmp_path) as place:
        assert isinstance(place, InSchema)
        yield place


def test_tables_are_as_random_rounds_have_made_them(there: InSchema) -> None:
    """Full loads, changes, repeats, gaps and loads that are given up, in any order."""
    assert run_rounds(there, rounds=12, seed=3) == []


def test_a_load_that_is_killed_leaves_one_version_of_all_tables(there: InSchema) -> None:
    """Whoever reads meanwhile sees one version of all, too; the next load succeeds."""
    assert kill_loads(there, kills=2, seed=3, waiting=False) == []
