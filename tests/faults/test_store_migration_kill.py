"""A migration that is killed leaves the old database or the new one, with every ticket."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from engine.store import Store
from engine.store.queries import load

ROOT = Path(__file__).resolve().parents[2]
MIGRATOR = Path(__file__).with_name("store_migrator.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
LATEST = load().latest
STATEMENTS = sum(len(texts) + 1 for _, texts in load().migrations(1))
"""What is executed between BEGIN and COMMIT: the steps, and the note of each version."""
TICKETS = 2000
KILLS = 10


def command(*words: object) -> list[str]:
    return [sys.executable, str(MIGRATOR), *map(str, words)]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of version 1 that takes a moment to bring up."""
    path = tmp_path_factory.mktemp("old") / "till.db"
    subprocess.run(command("old", path, TICKETS), env=ENVIRONMENT, timeout=60, check=True)
    return path


def copy(old: Path, directory: Path, name: str) -> Path:
    path = directory / name / "till.db"
    path.parent.mkdir()
    shutil.copyfile(old, path)
    return path


def version(path: Path) -> int:
    """As any program finds it, after SQLite's own recovery."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found: int = connection.execute("SELECT MAX(version) FROM tillwire_schema").fetchone()[0]
        names = connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'messages'")
        assert names.fetchone()[0] == (found >= 2), "the schema is not that of its version"
    return found


def check_whole(path: Path) -> None:
    """The next start brings it up, and nothing of what was there is lost."""
    with Store.open(path, create=False) as store:
        assert store._database.only_row("schema_version") == (LATEST,)
        backlog = store.tickets.backlog("01")
        assert (backlog.pending, backlog.sent) == (TICKETS // 2, TICKETS // 2)
        waiting = store.tickets.batch("01", TICKETS)
        assert [ticket.number for ticket in waiting] == list(range(2, TICKETS + 1, 2))
        assert all(ticket.payload == f"ticket {ticket.number}".encode() * 50 for ticket in waiting)
        report = store.journal.verify()
        assert (report.broken_at, report.entries) == (None, TICKETS + TICKETS // 2)
        assert store.messages.unread("01") == []


def test_ten_kills_between_the_statements_of_a_migration_leave_the_old_one(
    old: Path, tmp_path: Path
) -> None:
    """From the first statement to the one before the commit."""
    steps = sorted({round(each * STATEMENTS / (KILLS - 1)) for each in range(KILLS)})
    assert len(steps) == KILLS
    for step in steps:
        path = copy(old, tmp_path, f"step-{step}")
        ended = subprocess.run(
            command("kill", path, step), env=ENVIRONMENT, timeout=60, check=False
        )
        assert ended.returncode != 0, f"there are fewer than {step} statements"
        assert version(path) == 1
        check_whole(path)


def test_ten_kills_at_random_moments_leave_the_old_or_the_new(old: Path, tmp_path: Path) -> None:
    """Wherever it is by then: opening, building an index, committing, closing."""
    chance = random.Random(3)
    found = set()
    for kill in range(KILLS):
        path = copy(old, tmp_path, f"kill-{kill}")
        with subprocess.Popen(
            command("bring", path), env=ENVIRONMENT, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begins\n"
            try:
                process.wait(chance.uniform(0.0, 0.03))
            except subprocess.TimeoutExpired:
                process.kill()
        found.add(version(path))
        check_whole(path)
    assert found <= {1, LATEST}
