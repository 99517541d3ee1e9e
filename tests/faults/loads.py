"""Loads of the catalogue by FTP against all that can go wrong with one.

    python -m tests.faults.loads --damaged 500 --rounds 200 --kills 100 --full 20

A shop that changes publishes its exports, the lab serves them, and the effect loads them as an
agent does. Damaged exports, kills and a full disk (a tmpfs: root on Linux) leave live tables and
their versions untouched, which SQLite alone tells; the reason is told, and the next load brings
all rows of the shop. Rounds are random full loads, changes, gaps and repeats. Exit code 0 when
nothing was wrong.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.lab.damage import DAMAGES
from engine.lab.exports import Entry, Shop, read_entries, write_manifest
from engine.lab.ftp import FtpLab
from tests.faults.loading_till import LIMIT, ROOT, LoadingTill, expected

LONGEST = 0.6
"""Seconds until a kill: about one load and its sweep."""
DISK = "96m"
EVERYWHERE = 400
"""Rows that change so that every dataset has some: most damages need a column of some kind."""
MOST_ROOM = 400_000
"""Bytes: in most cases too little for a full load; changes get a quarter of that."""

SEEN_BY_FTP = {
    "SHA-256 differs": "another SHA-256",
    "bytes, the manifest says": "were announced",
    "manifest": "were announced",
    "is not there": "550",
}
"""What a download tells in place of what is told of a file that lies there."""


class Bench:
    """A shop, what it publishes, what is served of that, and a till."""

    def __init__(self, work: Path, seed: int, disk: Path | None = None) -> None:
        self.published, self.served = work / "published", work / "served"
        self.published.mkdir()
        self.served.mkdir()
        self.shop = Shop(self.published, seed)
        self.chance = random.Random(seed)
        self.wrong: list[str] = []
        self.met: Counter[str] = Counter()
        self.lab = FtpLab(self.served)
        self.lab.start()
        self.till = LoadingTill(disk or work / "till", self.lab.port, work / "downloads")

    def close(self) -> None:
        self.till.close()
        self.lab.stop()

    def change(self, most: int = 60, *, full: bool = True, changes: bool = True) -> None:
        """The shop changes up to so many rows and publishes; that is served."""
        self.shop.evolve(self.chance.randrange(most // 2, most))
        self.shop.publish(full=full, changes=changes)
        self.serve()

    def serve(self, wanted: Callable[[Entry], bool] = lambda _entry: True) -> None:
        """Serves what is published, or so much of it."""
        shutil.rmtree(self.served)
        shutil.copytree(self.published, self.served)
        write_manifest(self.served, [each for each in read_entries(self.served) if wanted(each)])

    def succeeds(self, what: str, kind: str = "full") -> None:
        """The load brings all rows of the shop, and leaves no file behind."""
        answer = self.till.load(kind)
        if answer.name != "ok" or answer.data["gap"]:
            self.wrong.append(f"{what}: the load after it answered {answer}")
        elif self.till.seen() != expected(self.shop):
            self.wrong.append(f"{what}: the tables are not those of the shop")
        elif any(self.till.folder.iterdir()):
            self.wrong.append(f"{what}: downloads are left behind")
        self.till.sweep()

    def untouched(self, what: str, kind: str, *words: str) -> None:
        """A load that cannot succeed changes nothing and says why."""
        before = self.till.seen()
        answer = self.till.load(kind)
        record = self.till.records[-1]
        self.met[record.outcome] += 1
        if record.outcome == "ok":
            self.wrong.append(f"{what}: it was loaded")
        if answer.name == "ok" and not answer.data["gap"]:
            self.wrong.append(f"{what}: the answer is {answer}")
        if self.till.seen() != before:
            self.wrong.append(f"{what}: the live tables were touched")
        said = record.sentence
        missing = [
            word for word in words if word not in said and SEEN_BY_FTP.get(word, word) not in said
        ]
        if missing:
            self.wrong.append(f"{what}: {missing} is not in the sentence {said!r}")


def damaged(bench: Bench, times: int) -> None:
    """Every damage in turn, to full exports and to changes that the till needs."""
    ways = [(each, kind) for each in DAMAGES.values() for kind in each.kinds]
    bench.chance.shuffle(ways)
    for number in range(times):
        damage, kind = ways[number % len(ways)]
        bench.change(EVERYWHERE)
        have = bench.till.seen()[1]
        bench.serve(lambda entry, kind=kind, have=have: _needed(entry, kind, have))  # type: ignore[misc]
        words = damage.do(bench.served, bench.chance, kind)
        what = f"damage {number + 1}, {damage.name} in {kind}"
        bench.untouched(what, kind, *words)
        bench.serve()
        bench.succeeds(what, kind)


def _needed(entry: Entry, kind: str, have: dict[str, int]) -> bool:
    """Whether a load of that kind takes the export."""
    joins = kind == "full" or bool(entry["version_to"] > have[entry["dataset"]])
    return bool(entry["kind"] == kind) and joins


def rounds(bench: Bench, times: int) -> None:
    """Random full loads, changes, gaps and repeats, compared row by row."""
    for number in range(times):
        what = bench.chance.choice(["full", "changes", "changes", "changes", "gap", "repeat"])
        bench.met[what] += 1
        if what == "gap":
            bench.change(full=False, changes=False)
            bench.change()
            bench.untouched(f"round {number + 1}", "changes", "full load")
            bench.succeeds(f"round {number + 1}, after a gap")
            continue
        for _ in range(bench.chance.randrange(1, 4)):
            bench.change(full=what != "changes")
        kind = "full" if what == "full" else "changes"
        bench.succeeds(f"round {number + 1}, {what}", kind)
        if what == "repeat":
            bench.succeeds(f"round {number + 1}, again", kind)


def kills(bench: Bench, times: int) -> None:
    """Kills whoever loads at random moments: all tables old or all new."""
    program = [sys.executable, "-m", "tests.faults.loading_till"]
    words = [str(bench.till.path.parent), str(bench.lab.port), str(bench.till.folder)]
    for number in range(times):
        before = bench.till.seen()
        bench.change()
        bench.till.close()
        child = subprocess.Popen(
            [*program, *words, str(number)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        said = [child.stdout.readline()]
        time.sleep(bench.chance.uniform(0, LONGEST))
        child.kill()
        said += child.communicate(timeout=LIMIT)[0].splitlines()
        bench.met["in a load" if said[-1].startswith("begun") else "between two"] += 1
        if not said[0].startswith("begun"):
            bench.wrong.append(f"kill {number + 1}: the program ended before its first load")
        if bench.till.seen() not in (before, expected(bench.shop)):
            bench.wrong.append(f"kill {number + 1}: the tables are neither the old nor the new")
        bench.succeeds(f"kill {number + 1}")


def full_disks(bench: Bench, disk: Path, times: int) -> None:
    """Loads with too little room, and again with room."""
    filler = disk / "filler"
    for number in range(times):
        # A new catalogue each time: the room of an earlier one's pages is used again.
        bench.till.close()
        shutil.rmtree(bench.till.path.parent)
        bench.till = LoadingTill(bench.till.path.parent, bench.lab.port, bench.till.folder)
        bench.succeeds(f"the load before full disk {number + 1}")
        bench.change()
        bench.till.close()
        kind = bench.chance.choice(["full", "changes"])
        free = shutil.disk_usage(disk).free
        most = MOST_ROOM if kind == "full" else MOST_ROOM // 4
        filler.write_bytes(bytes(max(0, free - bench.chance.randrange(most))))
        before = bench.till.seen()
        bench.till.load(kind)
        record = bench.till.records[-1]
        bench.met[record.outcome] += 1
        what = f"full disk {number + 1}"
        if record.outcome != "ok" and bench.till.seen() != before:
            bench.wrong.append(f"{what}: the live tables were touched")
        if record.outcome != "ok" and "room" not in record.sentence:
            bench.wrong.append(f"{what}: it says {record.sentence!r}")
        filler.unlink()
        bench.succeeds(what, kind)


@contextmanager
def bench(seed: int, small: bool = False) -> Iterator[tuple[Bench, Path]]:
    """A bench with everything loaded once, its till on a small disk of its own if asked for."""
    with tempfile.TemporaryDirectory() as work:
        disk = Path(work) / "disk"
        disk.mkdir()
        if small:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(disk)]
            subprocess.run(mount, check=True, timeout=20)
        made = Bench(Path(work), seed, disk / "till" if small else None)
        try:
            made.change()
            made.succeeds("the first load")
            yield made, disk
        finally:
            made.close()
            if small:
                subprocess.run(["umount", str(disk)], check=True, timeout=20)


def main() -> int:
    """Runs and reports."""
    parser = argparse.ArgumentParser(description="Loads a catalogue against all faults.")
    parser.add_argument("--damaged", type=int, default=0, help="how many damaged exports")
    parser.add_argument("--rounds", type=int, default=0, help="how many random rounds")
    parser.add_argument("--kills", type=int, default=0, help="how many kills")
    parser.add_argument("--full", type=int, default=0, help="how many full disks (as root)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default 1)")
    options = parser.parse_args()
    failed = 0
    for name, times in (
        ("damaged", options.damaged),
        ("rounds", options.rounds),
        ("kills", options.kills),
        ("full", options.full),
    ):
        if not times:
            continue
        began = time.monotonic()
        with bench(options.seed, small=name == "full") as (made, disk):
            if name == "full":
                full_disks(made, disk, times)
            else:
                {"damaged": damaged, "rounds": rounds, "kills": kills}[name](made, times)
            print(*made.wrong, sep="\n", end="\n" if made.wrong else "")
            met = ", ".join(f"{what} {count}" for what, count in sorted(made.met.items()))
            seconds = time.monotonic() - began
            print(f"{times} {name} in {seconds:.0f} s ({met}): {len(made.wrong)} wrong", flush=True)
            failed += len(made.wrong)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
