"""A writer is killed at random moments: what it said was kept is kept."""

import os
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from engine.store import Store

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("store_writer.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def command(*words: object) -> list[str]:
    return [sys.executable, str(WRITER), *map(str, words)]


def check(database: Path, said: Path) -> None:
    result = subprocess.run(
        command("check", database, said),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "", "")


def run_and_kill(database: Path, said: Path, seed: int, wait: float) -> None:
    with said.open("ab") as output:
        process = subprocess.Popen(command("write", database, seed), env=ENVIRONMENT, stdout=output)
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait)
        assert process.poll() is None, "the writer ended by itself"
        process.kill()
        process.wait()


def test_thirty_kills_lose_nothing_that_was_said_to_be_kept(tmp_path: Path) -> None:
    """Accepted tickets are there with their bytes, marks hold, counters and chain agree."""
    chance = random.Random(20)
    database, said = tmp_path / "till.db", tmp_path / "said"
    for seed in range(30):
        run_and_kill(database, said, seed, chance.uniform(0.05, 0.3))
        check(database, said)
    spoken = said.read_text(encoding="utf-8")
    assert spoken.count("A ") > 100
    assert spoken.count("S ") > 100


def test_a_kill_while_creating_leaves_nothing_that_refuses_to_start(tmp_path: Path) -> None:
    """The half-made file has another name and is replaced by the next start."""
    database = tmp_path / "till.db"
    process = subprocess.run(
        command("create-killed", database), env=ENVIRONMENT, timeout=60, check=False
    )
    assert process.returncode != 0
    assert not database.exists()
    assert database.with_name("till.db.new").exists()
    Store.open(database).close()
    assert not database.with_name("till.db.new").exists()


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    """The sentence names the first process; the system takes its lock back when it is killed."""
    database, said = tmp_path / "till.db", tmp_path / "said"
    with Store.open(database):
        second = subprocess.run(
            command("write", database, 1),
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert f"in use by another tillwire (process {os.getpid()})" in second.stderr
    run_and_kill(database, said, 1, 0.5)
    Store.open(database, create=False).close()
