"""The disk fills up in the middle of a load: the old tables stay, and the next load succeeds."""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.store.catalogue import Load
from engine.store.catalogue_sqlite import SqliteCatalogue
from engine.store.errors import DiskFull
from tests.faults.catalogue_writer import TABLES, change, faults, fill, reader

TIMES = int(os.environ.get("TILLWIRE_TIMES", "1"))
ROWS = 4_000

Fill = Callable[[int], None]
"""Takes all room but so many bytes; gives it back when it is told of a negative number."""


def loads_through(path: Path, kind: str, room: int, leave: Fill) -> None:
    """A load without room for it, and one with room again."""
    stage = fill if kind == "full" else change
    with SqliteCatalogue.open(path, TABLES, reserve=0) as catalogue, catalogue.load(1.0) as load:
        fill(load, 1, ROWS)
        load.swap()
    with SqliteCatalogue.open(path, TABLES, reserve=0) as catalogue:
        before = catalogue.versions()
        leave(room)
        with pytest.raises(DiskFull) as caught:
            load_second(catalogue, stage)
        assert str(caught.value).startswith(f"There is no room left for the database {path}.")
        seen = reader(path)
        assert faults(seen, ROWS) == (1, [])
        assert catalogue.versions() == before

        leave(-1)
        load_second(catalogue, stage)
        while not catalogue.sweep():
            pass
        assert faults(seen, ROWS) == (2, [])
        assert set(catalogue.versions().values()) != set(before.values())
        seen.close()


def load_second(catalogue: SqliteCatalogue, stage: Callable[[Load, int, int], None]) -> None:
    """Version 2, in full or as changes."""
    with catalogue.load(2.0) as load:
        stage(load, 2, ROWS)
        load.swap()


@pytest.mark.parametrize(("kind", "most"), [("full", 400), ("changes", 150)])
def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path, kind: str, most: int) -> None:
    """Nothing is touched, the sentence says so, and with room it goes on in the same process."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    chance = random.Random(TIMES)
    for number in range(2 * TIMES):
        path = tmp_path / str(number) / "catalogue.db"

        def leave(room: int, path: Path = path) -> None:
            limit = hard if room < 0 else path.stat().st_size + room
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))

        try:
            loads_through(path, kind, chance.randint(1, most) * 1024, leave)
        finally:
            leave(-1)


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 20 MB in memory."""
    place.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(place)], check=True, timeout=20
    )
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True, timeout=20)


def full_disk(tmp_path: Path) -> None:
    """A real lack of room, at twenty places of loads and changes."""
    chance = random.Random(TIMES)
    for number in range(20 * TIMES):
        kind, most = [("full", 515), ("changes", 700)][number % 2]
        with small_disk(tmp_path / str(number)) as disk:

            def leave(room: int, filler: Path = disk / "filler") -> None:
                if room < 0:
                    filler.unlink()
                else:
                    filler.write_bytes(bytes(shutil.disk_usage(filler.parent).free - room))

            loads_through(disk / "catalogue.db", kind, chance.randint(1, most) * 1024, leave)


if os.name == "posix" and os.geteuid() == 0:
    # A mount needs root. Where there is none the limit above fills the disk in its place.
    test_a_full_disk_touches_nothing_and_the_next_load_succeeds = full_disk
