"""A program that loads the catalogue again and again, one that reads it, one that checks it.

    python catalogue_writer.py load CATALOGUE SEED ROWS     until it is killed
    python catalogue_writer.py watch CATALOGUE ROWS         until its input is closed
    python catalogue_writer.py check CATALOGUE ROWS SAID    exit 1 and a line per fault

What is in each table follows from its version alone, so that whoever reads it can tell. ``load``
says ``T version`` before it loads that version, full or as changes, and ``V version`` when it is
swapped in. ``watch`` and ``check`` read with SQLite alone; ``check`` then loads once more.
"""

import os
import random
import sqlite3
import sys
import threading
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.store.catalogue import Load
from engine.store.catalogue_sqlite import SqliteCatalogue

Rows = dict[tuple[Any, ...], tuple[Any, ...]]
"""Whole rows by their keys."""

ARTICLES = Table(
    "articles",
    (
        TableColumn("code", ColumnKind.TEXT, required=True, length=20),
        TableColumn("label", ColumnKind.TEXT, required=True),
        TableColumn("price", ColumnKind.DECIMAL, digits=9, decimals=2),
    ),
    ("code",),
    (("label",),),
)
OFFERS = Table(
    "offers",
    (
        TableColumn("shop", ColumnKind.INTEGER, required=True),
        TableColumn("article", ColumnKind.TEXT, required=True, length=20),
        TableColumn("percent", ColumnKind.INTEGER),
    ),
    ("shop", "article"),
)
TABLES = (ARTICLES, OFFERS)
GROUP = 500


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


def differences(table: Table, version: int, rows: int) -> list[tuple[Any, ...]]:
    """The changes from the version before to this one."""
    old, new = content(table, version - 1, rows), content(table, version, rows)
    gone = [key for key in old if key not in new]
    empty = (None,) * (len(table.columns) - len(table.key))
    return [("delete", *key, *empty) for key in gone] + [
        ("upsert", *row) for key, row in new.items() if old.get(key) != row
    ]


def groups(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows in groups."""
    each = iter(rows)
    while group := list(islice(each, GROUP)):
        yield group


def ignore(rows: int) -> None:
    """Nobody watches."""


def fill(load: Load, version: int, rows: int) -> None:
    """Both tables in full."""
    for table in TABLES:
        load.full(table, version, groups(list(content(table, version, rows).values())), ignore)


def change(load: Load, version: int, rows: int) -> None:
    """Both tables from the version before."""
    for table in TABLES:
        load.changes(table, version - 1, version, groups(differences(table, version, rows)), ignore)


def load_once(catalogue: SqliteCatalogue, chance: random.Random, rows: int) -> None:
    """The next version, in full or as changes; one in ten is given up before its swap."""
    have = catalogue.versions()
    version = have["articles"].version + 1 if have else 1
    say(f"T {version}")
    with catalogue.load(float(version)) as load:
        if not have or chance.random() < 0.5:
            fill(load, version, rows)
        else:
            change(load, version, rows)
        if chance.random() < 0.9:
            load.swap()
            say(f"V {version}")
    for _ in range(chance.randint(0, 10)):
        catalogue.sweep(0.002)


def load_for_ever(path: Path, seed: int, rows: int) -> None:
    """Loads for as long as it lives."""
    chance = random.Random(seed)
    with SqliteCatalogue.open(path, TABLES, reserve=0) as catalogue:
        say("open")
        while True:
            load_once(catalogue, chance, rows)


def faults(connection: sqlite3.Connection, rows: int) -> tuple[int, list[str]]:
    """The version that both tables have, 0 when there are none, and what is wrong with them."""
    connection.execute("BEGIN")
    try:
        loaded = connection.execute("SELECT dataset, version, row_count FROM tillwire_loaded")
        versions = {name: (version, count) for name, version, count in loaded}
        if not versions:
            return 0, []
        if len(set(versions.values())) > 1 and len({each[0] for each in versions.values()}) > 1:
            return 0, [f"the tables have different versions: {versions}"]
        version = versions["articles"][0]
        wrong: list[str] = []
        for table in TABLES:
            there = connection.execute(f"SELECT * FROM {table.name}").fetchall()  # noqa: S608
            wanted = content(table, version, rows)
            if table is ARTICLES:
                wanted = {key: (*row[:2], float(row[2])) for key, row in wanted.items()}
            if sorted(there) != sorted(wanted.values()):
                wrong.append(f"{table.name} is not what version {version} holds")
            if versions[table.name][1] != len(there):
                wrong.append(f"{table.name} is said to have {versions[table.name][1]} rows")
        return version, wrong
    finally:
        connection.execute("ROLLBACK")


def reader(path: Path) -> sqlite3.Connection:
    """A connection such as a till program's."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5, isolation_level=None)


def watch(path: Path, rows: int) -> None:
    """Reads until its input is closed; says what it saw."""
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    connection = reader(path)
    say("watching")
    reads, seen = 0, set()
    while not stop.is_set():
        version, wrong = faults(connection, rows)
        reads += 1
        seen.add(version)
        for fault in wrong:
            say(fault)
    connection.close()
    say(f"{reads} reads, {len(seen)} versions")


def check(path: Path, rows: int, said: Path) -> list[str]:
    """Every way in which the catalogue falls short of what was said."""
    words = [line.split() for line in said.read_text(encoding="utf-8").splitlines()]
    swapped = max((int(word[1]) for word in words if word[0] == "V"), default=0)
    tried = max((int(word[1]) for word in words if word[0] == "T"), default=0)
    connection = reader(path)  # first: a till program reads on while tillwire is down
    version, wrong = faults(connection, rows)
    wrong += [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    connection.close()
    if not swapped <= version <= tried:
        wrong.append(f"version {version} is live, {swapped} was swapped in, {tried} begun")
    with SqliteCatalogue.open(path, TABLES, reserve=0) as catalogue:
        told = {name: loaded.version for name, loaded in catalogue.versions().items()}
        if set(told.values()) != ({version} if version else set()):
            wrong.append(f"the catalogue tells of {told}")
        with catalogue.load(1.0) as load:
            fill(load, version + 1, rows)
            load.swap()
        say(f"V {version + 1}")
        while not catalogue.sweep():
            pass
    connection = reader(path)
    if (after := faults(connection, rows)) != (version + 1, []):
        wrong.append(f"the next load ends with {after}")
    connection.close()
    return wrong


def main(verb: str, catalogue: str, *rest: str) -> int:
    """Runs one of the verbs above."""
    path = Path(catalogue)
    if verb == "load":
        load_for_ever(path, int(rest[0]), int(rest[1]))
    elif verb == "watch":
        watch(path, int(rest[0]))
    else:
        wrong = check(path, int(rest[0]), Path(rest[1]))
        print("\n".join(wrong), file=sys.stderr)
        return bool(wrong)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
