"""Kills loads into SQL Server at random moments while another process reads.

    TILLWIRE_TEST_SQLSERVER=... python -m tests.faults.catalogue_server --kills 100
    TILLWIRE_TEST_SQLSERVER=... python -m tests.faults.catalogue_server --kills 100 --waiting

What is in each table follows from its version alone, so that whoever reads it can tell. A reader
in a process of its own asks for both tables and their versions in one statement, all the while:
it must see one version of all. After each kill the tables are of one version, that one either the
last that was said to be swapped in or the one that was being loaded; the next load succeeds and
nothing is left behind. ``--waiting`` takes the server for one whose readers wait for who writes.
Prints what it saw; exit code 0 when nothing was wrong.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.catalogue.tables import Table
from engine.store.catalogue import Load
from engine.store.odbc_driver import odbc
from tests.faults.catalogue_rounds import (
    ARTICLES,
    OFFERS,
    TABLES,
    Rows,
    differences,
    groups,
    opened,
    take_for_waiting,
)
from tests.unit.store.catalogue_backends import InSchema, Tuples, ignore

ROOT = Path(__file__).resolve().parents[2]
ROWS = 1_500
LONGEST = 3.0
"""Seconds until a kill: some loads and sweeps of this many rows."""


def say(line: str) -> None:
    """One write: no line is ever half there."""
    os.write(1, f"{line}\n".encode())


@lru_cache(maxsize=16)
def content(table: Table, version: int, rows: int) -> Rows:
    """What a version of a table holds: a third of the rows differ from the version before."""
    found: Rows = {}
    for number in range(rows):
        if (number * 31 + version * 17) % 5 == 0:
            continue
        text, step = f"{number:06d}", (number + version) // 3
        if table is ARTICLES:
            found[(text,)] = (text, f"label {step}", f"{step % 1000}.25")
        else:
            found[(number % 7, text)] = (number % 7, text, step % 100)
    return found


def fill(load: Load, version: int, rows: int) -> None:
    """Both tables in full."""
    for table in TABLES:
        load.full(table, version, groups(list(content(table, version, rows).values())), ignore)


def change(load: Load, version: int, rows: int) -> None:
    """Both tables from the version before."""
    for table in TABLES:
        made = differences(
            content(table, version - 1, rows), content(table, version, rows), len(table.columns)
        )
        load.changes(table, version - 1, version, groups(made), ignore)


def load_for_ever(there: InSchema, seed: int, rows: int) -> None:
    """The next version, in full or as changes; one in ten is given up before its swap."""
    chance = random.Random(seed)
    with closing(opened(there)) as catalogue:
        say("open")
        while True:
            have = catalogue.versions()
            version = have["articles"].version + 1 if have else 1
            say(f"T {version}")
            with catalogue.load(float(version)) as load:
                (change if have and chance.random() < 0.5 else fill)(load, version, rows)
                if chance.random() < 0.9:
                    load.swap()
                    say(f"V {version}")
            for _ in range(chance.randint(0, 5)):
                catalogue.sweep(0.01)


def seen(there: InSchema, connection: Any, rows: int) -> tuple[int, list[str]]:
    """The version that both tables have, 0 when there are none, and what is wrong with them."""
    exact = "COLLATE Latin1_General_BIN2"
    statement = (
        f"SELECT 'loaded', dataset {exact}, CAST(version AS NVARCHAR(40)) {exact}, "  # noqa: S608
        f"CAST(row_count AS NVARCHAR(40)) {exact} FROM [{there.schema}].tillwire_loaded UNION ALL "
        f"SELECT 'articles', code {exact}, label {exact}, CAST(price AS NVARCHAR(40)) {exact} "
        f"FROM [{there.schema}].articles UNION ALL "
        f"SELECT 'offers', CAST(shop AS NVARCHAR(40)) {exact}, article {exact}, "
        f"CAST(percent AS NVARCHAR(40)) {exact} FROM [{there.schema}].offers"
    ).replace("percent", "[percent]")
    found: dict[str, Tuples] = {"loaded": [], "articles": [], "offers": []}
    for kind, *row in connection.execute(statement).fetchall():
        found[kind].append(tuple(row))
    versions = {name: int(version) for name, version, _ in found["loaded"]}
    if len(set(versions.values())) != 1:
        return 0, [f"the tables have different versions: {versions}"]
    version = versions["articles"]
    wrong: list[str] = []
    for name, _, count in found["loaded"]:
        table = ARTICLES if name == "articles" else OFFERS
        wanted = [tuple(map(str, row)) for row in content(table, version, rows).values()]
        if sorted(found[name]) != sorted(wanted):
            wrong.append(f"{name} is not what version {version} holds")
        if int(count) != len(found[name]):
            wrong.append(f"{name} is said to have {count} rows and has {len(found[name])}")
    return version, wrong


def watch(there: InSchema, rows: int) -> None:
    """Reads until its input is closed; says what it saw."""
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    versions: set[int] = set()
    reads, longest, deadlocks = 0, 0.0, 0
    with closing(there.connect()) as connection:
        say("watching")
        while not stop.is_set():
            began = time.monotonic()
            try:
                version, wrong = seen(there, connection, rows)
            except odbc().Error as error:
                if "1205" not in str(error):
                    say(f"wrong: {error}")
                deadlocks += 1
                continue
            reads, longest = reads + 1, max(longest, time.monotonic() - began)
            versions.add(version)
            for fault in wrong:
                say(f"wrong: {fault}")
    say(f"{reads} reads, {len(versions)} versions, longest {longest:.2f} s, {deadlocks} deadlocks")


class Process:
    """One of the roles above in a process of its own."""

    def __init__(self, folder: Path, *words: object) -> None:
        self.said = folder / f"{words[0]}-{time.monotonic_ns()}"
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.catalogue_server", *map(str, words)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def lines(self) -> list[str]:
        """What it has said so far, without a line that is half there."""
        return self.said.read_text(encoding="utf-8").splitlines()

    def wait_for(self, word: str) -> None:
        """Until it has said so."""
        end = time.monotonic() + 60
        while word not in self.lines():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"it never said '{word}': {self.lines()[-5:]}")
            time.sleep(0.01)

    def end(self) -> list[str]:
        """Lets it end by itself; what it said."""
        self.process.communicate()
        return self.lines()

    def kill(self) -> None:
        """At once."""
        self.process.kill()
        self.process.communicate()


def kill_loads(there: InSchema, kills: int, seed: int, waiting: bool) -> list[str]:
    """Kills loads, while another process reads; what is wrong."""
    chance, wrong, middle = random.Random(seed), list[str](), 0
    with closing(opened(there)) as catalogue, catalogue.load(1.0) as load:
        fill(load, 1, ROWS)
        load.swap()
    version = 1
    with tempfile.TemporaryDirectory() as folder:
        reader = Process(Path(folder), "watch", there.schema, ROWS)
        try:
            reader.wait_for("watching")
            for number in range(1, kills + 1):
                loader = Process(
                    Path(folder), "load", there.schema, seed * 1000 + number, ROWS, waiting
                )
                try:
                    loader.wait_for("open")
                    time.sleep(chance.uniform(0, LONGEST))
                    if loader.process.poll() is not None:
                        wrong.append(f"kill {number}: it ended by itself: {loader.lines()[-3:]}")
                finally:
                    loader.kill()
                lines = loader.lines()
                middle += lines[-1].startswith("T")
                version, faults = after(there, lines, version)
                wrong += [f"kill {number}: {fault}" for fault in faults]
        finally:
            told = reader.end()
    wrong += [line for line in told if line.startswith("wrong")][:20]
    print(f"{kills} kills, {middle} in the middle of a load; the reader: {told[-1]}", flush=True)
    return wrong


def after(there: InSchema, lines: list[str], before: int) -> tuple[int, list[str]]:
    """The version that the next load brings after a kill, and what is wrong."""
    words = [line.split() for line in lines]
    swapped = max((int(word[1]) for word in words if word[0] == "V"), default=before)
    tried = max((int(word[1]) for word in words if word[0] == "T"), default=before)
    with closing(there.connect()) as connection:
        version, wrong = seen(there, connection, ROWS)
        if not swapped <= version <= tried:
            wrong.append(f"version {version} is live, {swapped} was swapped in, {tried} begun")
        with closing(opened(there)) as catalogue:
            told = {name: loaded.version for name, loaded in catalogue.versions().items()}
            # What the server had to say about the commit may have come after the kill.
            version, more = seen(there, connection, ROWS)
            wrong += more
            if set(told.values()) != {version}:
                wrong.append(f"the catalogue tells of {told}, and {version} is there")
            with catalogue.load(1.0) as load:
                fill(load, version + 1, ROWS)
                load.swap()
            while not catalogue.sweep():
                pass
        reached, more = seen(there, connection, ROWS)
    if reached != version + 1 or more or there.leftovers():
        wrong.append(f"the next load ends with {reached}, {more}, {there.leftovers()}")
    return version + 1, wrong


def main() -> int:
    """Runs and reports."""
    if sys.argv[1:2] == ["load"]:
        schema, seed, rows, waiting = sys.argv[2:]
        if waiting == "True":
            take_for_waiting()
        load_for_ever(InSchema(schema), int(seed), int(rows))
    if sys.argv[1:2] == ["watch"]:
        watch(InSchema(sys.argv[2]), int(sys.argv[3]))
        return 0
    parser = argparse.ArgumentParser(description="Kills loads into SQL Server.")
    parser.add_argument("--kills", type=int, default=100, help="how many kills (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default 1)")
    parser.add_argument("--waiting", action="store_true", help="as if readers waited for writers")
    options = parser.parse_args()
    if options.waiting:
        take_for_waiting()
    there = InSchema(f"faults_{os.getpid()}")
    try:
        wrong = kill_loads(there, options.kills, options.seed, options.waiting)
    finally:
        there.clear()
    print("\n".join(wrong) if wrong else "nothing was wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
