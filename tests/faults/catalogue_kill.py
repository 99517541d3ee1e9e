"""Kills a program that loads the catalogue at random moments, or cuts its power.

    python -m tests.faults.catalogue_kill --kills 100
    python -m tests.faults.catalogue_kill --power 8

After each, SQLite alone finds both tables wholly of one version, that one either the last that
was said to be swapped in or the one that was being loaded; the next load succeeds and nothing is
left behind. A power cut needs root on Linux: it is that of ``power_cut.py``, on a file system
of its own. Prints what it saw; exit code 0 when nothing was wrong.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.power_cut import cut, mounted, system, wait_for

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("catalogue_writer.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
ROWS = 3_000
LONGEST = 0.7
"""Seconds: some loads and sweeps of this many rows."""
IMAGE_BYTES = 128 * 1024 * 1024


def start(catalogue: Path, said: Path, seed: int, rows: int) -> subprocess.Popen[bytes]:
    """The program that loads until it is killed, writing its words to ``said``."""
    with said.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, str(WRITER), "load", str(catalogue), str(seed), str(rows)],
            env=ENVIRONMENT,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )


def checked(catalogue: Path, said: Path, rows: int) -> list[str]:
    """What is wrong; the load that the check makes is added to what was said."""
    done = subprocess.run(
        [sys.executable, str(WRITER), "check", str(catalogue), str(rows), str(said)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    with said.open("a", encoding="utf-8") as words:
        words.write(done.stdout)
    return done.stderr.strip().splitlines() if done.returncode else []


def kill(catalogue: Path, said: Path, seed: int, wait: float, rows: int = ROWS) -> list[str]:
    """Kills a writer ``wait`` seconds after it has opened the catalogue; what is wrong then."""
    before = said.stat().st_size if said.exists() else 0
    writer = start(catalogue, said, seed, rows)
    try:
        end = time.monotonic() + 60
        while b"open\n" not in said.read_bytes()[before:]:
            if writer.poll() is not None or time.monotonic() > end:
                return ["the writer never opened the catalogue"]
            time.sleep(0.001)
        time.sleep(wait)
        ended = writer.poll()
    finally:
        writer.kill()
        writer.wait()
    alone = [] if ended is None else [f"the writer ended by itself with {ended}"]
    return alone + checked(catalogue, said, rows)


def cut_once(work: Path, seed: int, wait: float) -> list[str]:
    """Cuts the power ``wait`` seconds after the first swap; what is wrong then."""
    image, disk, said = work / "image", work / "disk", work / "said"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    system("mkfs.ext4", "-q", image)
    catalogue = disk / "catalogue.db"
    with mounted(image, disk):
        writer = start(catalogue, said, seed, ROWS)
        try:
            wait_for(said, "V 1", writer)
            time.sleep(wait)
            heard = said.read_bytes()
            cut(disk)
        finally:
            writer.kill()
            writer.wait()
    said.write_bytes(heard[: heard.rfind(b"\n") + 1])
    begun = int(heard.rsplit(b"T ", 1)[1].split()[0])
    with said.open("a", encoding="utf-8") as words:
        words.write(f"T {begun + 1}\n")  # what it began between its last word and the cut
    with mounted(image, disk):
        return checked(catalogue, said, ROWS)


def main() -> int:
    """Runs and reports."""
    parser = argparse.ArgumentParser(description="Kills loads of the catalogue.")
    parser.add_argument("--kills", type=int, default=0, help="how many kills")
    parser.add_argument("--power", type=int, default=0, help="how many power cuts (as root)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (default 1)")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    failed = middle = 0
    with tempfile.TemporaryDirectory() as work:
        catalogue, said = Path(work) / "catalogue.db", Path(work) / "said"
        for number in range(1, options.kills + 1):
            failed += report(f"kill {number}", kill(catalogue, said, number, moment(chance)))
            middle += said.read_bytes().rsplit(b"open\n", 1)[1].split()[-4:-3] == [b"T"]
    for number in range(1, options.power + 1):
        with tempfile.TemporaryDirectory() as work:
            failed += report(f"cut {number}", cut_once(Path(work), number, moment(chance)))
    print(
        f"{options.kills} kills ({middle} in the middle of a load) and {options.power} power "
        f"cuts, {failed} with a fault"
    )
    return bool(failed)


def moment(chance: random.Random) -> float:
    """Seconds until the fault."""
    return chance.uniform(0, LONGEST)


def report(what: str, wrong: list[str]) -> bool:
    """Prints what became of one fault; whether anything is wrong."""
    if wrong:
        print(f"{what}: " + "; ".join(wrong), flush=True)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
