"""Cuts the power under a writer: a file system of its own is shut down while it writes.

    python tests/faults/power_cut.py --runs 8

Each run makes an ext4 file system in a file, lets ``store_writer.py`` write on it, shuts the file
system down at a random moment without flushing anything (the ioctl EXT4_IOC_SHUTDOWN), mounts it
again and checks the writer's word: what it had said before the cut. A power cut stops the writer
too, but here it goes on for a moment, and a write that is under way when its file system dies
can come back as if it had succeeded; what is said then, nobody could have heard. Every second run
cuts while the database is being created.
Prints what it saw; exit code 0 when nothing was lost, 1 when something was or it could not run.
Needs root on Linux.
"""

import argparse
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("store_writer.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

SHUTDOWN = 0x8004587D
NO_FLUSH = struct.pack("I", 2)
IMAGE_BYTES = 64 * 1024 * 1024
LONGEST_WAIT = 20.0


def system(*words: object) -> None:
    """Runs a program of the system; CalledProcessError with its words when it fails."""
    subprocess.run(
        [str(word) for word in words], check=True, capture_output=True, text=True, timeout=60
    )


@contextmanager
def mounted(image: Path, disk: Path) -> Iterator[None]:
    """The file system of the image at ``disk`` for the length of the block."""
    system("mount", "-o", "loop", image, disk)
    try:
        yield
    finally:
        system("umount", disk)


def cut(disk: Path) -> None:
    """What is not on the disk now never will be."""
    import fcntl

    descriptor = os.open(disk, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, SHUTDOWN, NO_FLUSH)
    finally:
        os.close(descriptor)


def wait_for(said: Path, word: str, process: subprocess.Popen[bytes]) -> None:
    """Until the writer has said ``word``; TimeoutError when it never does."""
    end = time.monotonic() + LONGEST_WAIT
    while word not in said.read_text(encoding="utf-8").splitlines():
        if process.poll() is not None or time.monotonic() > end:
            raise TimeoutError(f"the writer never said '{word}'")
        time.sleep(0.0005)


def one_run(work: Path, seed: int, word: str, seconds: float) -> tuple[str, list[str]]:
    """What was seen, and what is wrong, after a cut ``seconds`` after the writer's ``word``."""
    image, disk, said = work / "image", work / "disk", work / "said"
    disk.mkdir()
    said.touch()
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    system("mkfs.ext4", "-q", image)
    database = disk / "till.db"
    with mounted(image, disk):
        with said.open("ab") as output:
            writer = subprocess.Popen(
                [sys.executable, str(WRITER), "write", str(database), str(seed)],
                env=ENVIRONMENT,
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
        try:
            wait_for(said, word, writer)
            time.sleep(seconds)
            heard = said.read_bytes()
            cut(disk)
        finally:
            writer.kill()
            writer.wait()
    said.write_bytes(heard[: heard.rfind(b"\n") + 1])
    with mounted(image, disk):
        size = database.stat().st_size if database.exists() else None
        checked = subprocess.run(
            [sys.executable, str(WRITER), "check", str(database), str(said)],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    wrong = (checked.stdout + checked.stderr).split("\n") if checked.returncode else []
    lines = said.read_text(encoding="utf-8").splitlines()
    counts = ", ".join(
        f"{sum(line.startswith(kind) for line in lines)} {name}"
        for kind, name in (("A ", "accepted"), ("S ", "sent"), ("R ", "refused"))
    )
    where = "no database yet" if size is None else f"database of {size} bytes"
    return f"cut {seconds * 1000:.1f} ms after '{word}': {counts}, {where}", wrong


def main() -> int:
    """Runs and reports."""
    parser = argparse.ArgumentParser(description="Cuts the power under a writer.")
    parser.add_argument("--runs", type=int, default=8, help="how many cuts (default 8)")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (default 1)")
    options = parser.parse_args()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        print("A power cut needs root on Linux: it mounts a file system of its own.")
        return 1
    chance = random.Random(options.seed)
    failed = 0
    for number in range(1, options.runs + 1):
        word, longest = ("open", 0.8) if number % 2 else ("creating", 0.03)
        with tempfile.TemporaryDirectory() as work:
            try:
                seen, wrong = one_run(Path(work), number, word, chance.uniform(0, longest))
            except (OSError, subprocess.SubprocessError) as error:
                said = getattr(error, "stderr", None) or error
                print(f"run {number}: could not be made: {said}")
                return 1
        failed += bool(wrong)
        print(f"run {number}: {seen}: {'LOST' if wrong else 'all kept'}")
        for line in wrong:
            print(f"  {line}")
    print(f"{options.runs} power cuts, {failed} with a loss")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
