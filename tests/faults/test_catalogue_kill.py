"""Loads of the catalogue are killed, and read while they go on."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from engine.store.catalogue_sqlite import SqliteCatalogue
from tests.faults.catalogue_kill import ENVIRONMENT, WRITER, kill, moment
from tests.faults.catalogue_writer import TABLES, load_once

TIMES = int(os.environ.get("TILLWIRE_TIMES", "1"))
ROWS = 600


def test_a_killed_load_leaves_the_old_tables_or_the_new_ones(tmp_path: Path) -> None:
    """Wholly, with their versions; the next load succeeds and leaves nothing behind."""
    chance = random.Random(os.environ.get("TILLWIRE_TIMES", "4"))
    catalogue, said = tmp_path / "catalogue.db", tmp_path / "said"
    for seed in range(5 * TIMES):
        assert kill(catalogue, said, seed, moment(chance) / 3, ROWS) == []
    assert said.read_text(encoding="utf-8").count("T ") >= 5


def test_a_reader_in_another_process_sees_the_old_tables_or_the_new_ones(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Over full loads, changes and loads that are given up: never half of one."""
    path = tmp_path / "catalogue.db"
    chance = random.Random(TIMES)
    with SqliteCatalogue.open(path, TABLES) as catalogue:
        load_once(catalogue, chance, ROWS)
        watcher = subprocess.Popen(
            [sys.executable, str(WRITER), "watch", str(path), str(ROWS)],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert watcher.stdout is not None
            assert watcher.stdout.readline() == "watching\n"
            for _ in range(60 * TIMES):
                load_once(catalogue, chance, ROWS)
            told, _ = watcher.communicate(timeout=60)
        finally:
            watcher.kill()
            watcher.wait()

    summary = told.splitlines()
    assert len(summary) == 1, summary
    assert int(summary[0].split()[2]) > 10
    assert capfd.readouterr().out.count("V ") > 40
