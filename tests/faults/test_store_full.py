"""The disk fills up: a clear error, nothing said to be kept is lost, and it goes on with room."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("store_writer.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def program(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(WRITER), *map(str, words)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def holds(database: Path, result: subprocess.CompletedProcess[str], said: Path) -> None:
    """DiskFull was said, work went on afterwards, and every word was kept."""
    said.write_text(result.stdout, encoding="utf-8")
    assert result.stderr == ""
    assert f"failed DiskFull There is no room left for the database {database}." in result.stdout
    before, _, after = result.stdout.partition("failed")
    assert before.count("A 01 ") > 10
    assert after.count("A 01 ") >= 60
    assert result.stdout.endswith("went on\n")
    checked = program("check", database, said)
    assert (checked.returncode, checked.stdout.strip(), checked.stderr) == (0, "", "")


@pytest.mark.parametrize("limit", [400_000, 1_000_000, 6_000_000])
def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path, limit: int) -> None:
    """SQLite reports a write error and no lack of space: the cause is found all the same."""
    database = tmp_path / "till.db"
    holds(database, program("fill", database, limit), tmp_path / "said")


@pytest.fixture(params=[1_000, 3_000])
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of a few hundred kilobytes beside a filler that gives the rest back."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk)], check=True, timeout=20
    )
    try:
        free = shutil.disk_usage(disk).free
        (disk / "filler").write_bytes(bytes(free - request.param * 1024))
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True, timeout=20)


def full_disk(small_disk: Path, tmp_path: Path) -> None:
    """A real lack of space, in the log, in the database or in the memory file beside them."""
    database = small_disk / "till.db"
    holds(database, program("full", database, small_disk / "filler"), tmp_path / "said")


if os.name == "posix" and os.geteuid() == 0:
    # A mount needs root. Where there is none the limit above fills the disk in its place.
    test_a_full_disk_is_said_and_survived = full_disk
