"""Random loads, changes, gaps and repeats into SQL Server against plain dictionaries.

    TILLWIRE_TEST_SQLSERVER=... python -m tests.faults.catalogue_rounds --rounds 200

After each round the tables are compared row by row, and what is told of them. ``--waiting`` takes
the server for one whose readers wait for who writes. Exit code 0 when nothing was wrong.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from typing import Any

from engine.catalogue.manifest import Gap
from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.store.catalogue import Catalogue, Load
from engine.store.catalogue_odbc import CatalogueDatabase
from engine.store.errors import Busy
from tests.unit.store.catalogue_backends import InSchema, Tuples, ignore

GROUP = 400
PATIENCE = 30.0
"""Seconds in which the server gives up the connection of a process that was killed."""

Rows = dict[tuple[Any, ...], tuple[Any, ...]]
"""Whole rows by their keys."""

ARTICLES = Table(
    "articles",
    (
        TableColumn("code", ColumnKind.TEXT, required=True, length=20),
        TableColumn("label", ColumnKind.TEXT, required=True, length=40),
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


def differences(old: Rows, new: Rows, width: int) -> Tuples:
    """The changes that make the new rows of the old ones, in any order."""
    gone = [("delete", *key, *(None,) * (width - len(key))) for key in old if key not in new]
    return gone + [("upsert", *row) for key, row in new.items() if old.get(key) != row]


def groups(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The rows in groups."""
    for start in range(0, len(rows), GROUP):
        yield rows[start : start + GROUP]


def opened(there: InSchema) -> Catalogue:
    """The catalogue, when the connection of a process that was killed has been given up."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return there.open(TABLES)
        except Busy:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def run_rounds(there: InSchema, rounds: int, seed: int) -> list[str]:
    """Random loads, changes, gaps and repeats against plain dictionaries, row by row."""
    chance, wrong = random.Random(seed), list[str]()
    truth: dict[str, Rows] = {"articles": {}, "offers": {}}
    versions: dict[str, int] = {}
    kinds = {"full": 0, "changes": 0, "repeat": 0, "gap": 0, "given up": 0}
    with closing(opened(there)) as catalogue:
        for number in range(1, rounds + 1):
            kind = chance.choice(list(kinds)) if len(versions) == len(TABLES) else "full"
            kinds[kind] += 1
            several = 1 if kind == "gap" else chance.randint(1, len(TABLES))
            tables = chance.sample(TABLES, several) if versions else TABLES
            new = {table.name: drawn(table, truth[table.name], chance) for table in tables}
            with catalogue.load(float(number)) as load:
                for table in tables:
                    one_load(load, kind, table, (truth[table.name], new[table.name]), versions)
                if kind not in ("given up", "gap"):
                    load.swap()
            if kind in ("full", "changes"):
                truth |= new
                for table in tables:
                    versions[table.name] = versions.get(table.name, 0) + 1
            if chance.random() < 0.3:
                catalogue.sweep(0.02)
            told = {name: (each.version, each.rows) for name, each in catalogue.versions().items()}
            if told != {name: (versions[name], len(truth[name])) for name in versions}:
                wrong.append(f"round {number}, {kind}: {told} is told")
            for name in versions:
                wanted = sorted(map(tuple, map(as_read, truth[name].values())))
                if there.rows(name) != wanted:
                    wrong.append(f"round {number}, {kind}: {name} has other rows")
    print(f"{rounds} rounds: {kinds}, {sum(map(len, truth.values()))} rows at the end", flush=True)
    return wrong


def one_load(
    load: Load, kind: str, table: Table, rows: tuple[Rows, Rows], versions: dict[str, int]
) -> None:
    """One table of a round: in full, as changes, as changes that are there, or that do not fit."""
    old, new = rows
    have = versions.get(table.name, 0)
    made = list(groups(differences(old, new, len(table.columns))))
    if kind == "gap":
        with suppress(Gap):
            load.changes(table, have + 1, have + 2, made, ignore)
            raise AssertionError("changes that do not join on were taken")
    elif kind == "repeat":
        if load.changes(table, have - 1, have, made, ignore):
            raise AssertionError("changes that are there already were taken")
    elif kind == "changes" or (kind == "given up" and have):
        load.changes(table, have, have + 1, made, ignore)
    else:
        load.full(table, have + 1, groups(list(new.values())), ignore)


def drawn(table: Table, old: Rows, chance: random.Random) -> Rows:
    """Some rows come, some go, some change."""
    new = {key: row for key, row in old.items() if chance.random() < 0.9}
    for _ in range(chance.randint(0, 300)):
        number = chance.randint(0, 2000)
        sign = chance.choice(["é", "'", '"', "\\", "😀", "%", "\t", ""])
        label, price = f"{sign}{number}{sign}", f"{chance.randint(0, 99999)}.50"
        row: tuple[Any, ...] = (f"{number:05d}", label, chance.choice([None, price]))
        if table is OFFERS:
            row = (number % 5, f"{number:05d}", chance.choice([None, number]))
        new[row[: len(table.key)]] = row
    return new


def as_read(row: tuple[Any, ...]) -> Iterator[Any]:
    """A row as another hand reads it: decimals are numbers."""
    return (
        float(each) if at == 2 and isinstance(each, str) else each for at, each in enumerate(row)
    )


def take_for_waiting() -> None:
    """As if readers waited for who writes: tables have another name while they change."""
    only_row = CatalogueDatabase.only_row

    def answered(self: CatalogueDatabase, name: str, *parameters: Any) -> tuple[Any, ...]:
        return (0,) if name == "reads_versions" else only_row(self, name, *parameters)

    CatalogueDatabase.only_row = answered  # type: ignore[method-assign,assignment]


def main() -> int:
    """Runs and reports."""
    parser = argparse.ArgumentParser(description="Random loads into SQL Server.")
    parser.add_argument("--rounds", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default 1)")
    parser.add_argument("--waiting", action="store_true", help="as if readers waited for writers")
    options = parser.parse_args()
    if options.waiting:
        take_for_waiting()
    there = InSchema(f"rounds_{os.getpid()}")
    try:
        wrong = run_rounds(there, options.rounds, options.seed)
    finally:
        there.clear()
    print("\n".join(wrong) if wrong else "nothing was wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
