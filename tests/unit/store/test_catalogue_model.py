"""Random loads, changes, gaps, repeats and faults against plain dictionaries."""

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.catalogue.manifest import Gap, Unusable
from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.store.catalogue import Loaded
from engine.store.catalogue_sqlite import SqliteCatalogue

PRICES = Table(
    "prices",
    (
        TableColumn("article", ColumnKind.TEXT, required=True, length=20),
        TableColumn("price", ColumnKind.DECIMAL, digits=9, decimals=2),
        TableColumn("shop", ColumnKind.INTEGER, required=True),
    ),
    ("shop", "article"),
)
RATES = Table(
    "rates",
    (TableColumn("number", ColumnKind.INTEGER, required=True), TableColumn("x", ColumnKind.TEXT)),
    ("number",),
    (("x",),),
)
TABLES = {"prices": PRICES, "rates": RATES}
KEYS = {
    "prices": st.tuples(st.integers(0, 2), st.sampled_from(["tea", "salt", "é'\""])),
    "rates": st.tuples(st.integers(0, 5)),
}
VALUES = {
    "prices": st.one_of(st.none(), st.integers(0, 99999).map(lambda cents: f"{cents / 100:.2f}")),
    "rates": st.one_of(st.none(), st.text(max_size=5)),
}
NAMES = st.sampled_from(sorted(TABLES))
Row = tuple[Any, ...]


def row(name: str, key: Row, value: Any) -> Row:
    """The values in the order of the columns."""
    return (key[1], value, key[0]) if name == "prices" else (key[0], value)


def stored(name: str, key: Row, value: Any) -> Row:
    """The row as the database tells it."""
    return row(name, key, float(value) if name == "prices" and value is not None else value)


@st.composite
def wholes(draw: st.DrawFn) -> dict[str, dict[Row, Any]]:
    """The rows of one dataset or of both."""
    names = draw(st.sets(NAMES, min_size=1))
    return {
        name: draw(st.dictionaries(KEYS[name], VALUES[name], max_size=12)) for name in sorted(names)
    }


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, list[tuple[bool, Row, Any]]]:
    """A dataset's changes: whether a row stays, its key, its value."""
    name = draw(NAMES)
    each = st.tuples(st.booleans(), KEYS[name], VALUES[name])
    return name, draw(st.lists(each, max_size=15))


def groups(rows: list[Row]) -> Iterator[list[Row]]:
    """Four rows at a time."""
    for start in range(0, len(rows), 4):
        yield rows[start : start + 4]


def ignore(rows: int) -> None:
    """Nobody watches."""


class CatalogueModel(RuleBasedStateMachine):
    """The catalogue on one side; rows by key, and what was loaded, on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "catalogue.db"
        self.catalogue = SqliteCatalogue.open(self.path, list(TABLES.values()))
        self.reader = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)
        self.rows: dict[str, dict[Row, Any]] = {}
        self.loaded: dict[str, Loaded] = {}
        self.clock = 0.0

    @initialize(whole=wholes())
    def begin(self, whole: dict[str, dict[Row, Any]]) -> None:
        """One dataset is there, or both are."""
        self.full(whole, 1, swapped=True)

    @rule(whole=wholes(), version=st.integers(1, 9), swapped=st.booleans())
    def full(self, whole: dict[str, dict[Row, Any]], version: int, swapped: bool) -> None:
        """All of them at once, at whatever version, or none."""
        self.clock += 1
        with self.catalogue.load(self.clock) as load:
            for name, rows in whole.items():
                made = [row(name, key, value) for key, value in rows.items()]
                assert load.full(TABLES[name], version, groups(made), ignore) == len(rows)
            if swapped:
                load.swap()
        if swapped:
            for name, rows in whole.items():
                self.rows[name] = dict(rows)
                self.loaded[name] = Loaded(version, self.clock, len(rows))

    @rule(whole=wholes())
    def key_twice(self, whole: dict[str, dict[Row, Any]]) -> None:
        """Refused, and nothing of the load can go live."""
        with self.catalogue.load(0.0) as load:
            for name, rows in whole.items():
                made = [row(name, key, value) for key, value in rows.items()]
                if made:
                    with pytest.raises(Unusable, match="twice"):
                        load.full(TABLES[name], 1, groups([*made, made[0]]), ignore)
                    break

    @rule(change=changes(), split=st.integers(0, 15), step=st.integers(1, 3))
    def change(
        self, change: tuple[str, list[tuple[bool, Row, Any]]], split: int, step: int
    ) -> None:
        """In one export or in two that join on to each other; then once more, without harm."""
        name, several = change
        if name not in self.loaded:
            return
        self.clock += 1
        table, have = TABLES[name], self.loaded[name].version
        made = [
            ("upsert", *row(name, key, value)) if stays else ("delete", *row(name, key, None))
            for stays, key, value in several
        ]
        with self.catalogue.load(self.clock) as load:
            load.changes(table, have, have + step, groups(made[:split]), ignore)
            load.changes(table, have + step, have + step + 1, groups(made[split:]), ignore)
            load.swap()
        for stays, key, value in several:
            if stays:
                self.rows[name][key] = value
            else:
                self.rows[name].pop(key, None)
        self.loaded[name] = Loaded(have + step + 1, self.clock, len(self.rows[name]))
        with self.catalogue.load(0.0) as load:
            assert load.changes(table, have, have + step, groups(made), ignore) == 0
            assert load.changes(table, have + step, have + step + 1, groups(made), ignore) == 0
            load.swap()

    @rule(change=changes(), ahead=st.integers(1, 3))
    def gap(self, change: tuple[str, list[tuple[bool, Row, Any]]], ahead: int) -> None:
        """Changes from a version that is not there are refused."""
        name, _ = change
        version = self.loaded[name].version + ahead if name in self.loaded else ahead
        with self.catalogue.load(0.0) as load, pytest.raises(Gap, match="A full load is needed"):
            load.changes(TABLES[name], version, version + 1, [], ignore)

    @rule(budget=st.sampled_from([0.0, 0.0, 1.0]))
    def sweep(self, budget: float) -> None:
        """At any time."""
        self.catalogue.sweep(budget)

    @rule()
    def reopen(self) -> None:
        """Closing and opening changes nothing."""
        self.catalogue.close()
        self.catalogue = SqliteCatalogue.open(self.path, list(TABLES.values()))

    @invariant()
    def told(self) -> None:
        """Every table is the dictionary, row by row, and its version is told."""
        assert self.catalogue.versions() == self.loaded
        for name, rows in self.rows.items():
            there = self.reader.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
            wanted = [stored(name, key, value) for key, value in rows.items()]
            assert sorted(there, key=repr) == sorted(wanted, key=repr)

    def teardown(self) -> None:
        """What is left can be swept; then nothing but the live tables has a number."""
        assert self.catalogue.sweep(60)
        names = self.reader.execute(
            "SELECT DISTINCT tbl_name FROM sqlite_master WHERE name GLOB 'tillwire_*_[0-9]*'"
        )
        assert {name for (name,) in names} == set(self.loaded)
        self.reader.close()
        self.catalogue.close()
        self.directory.cleanup()


TestCatalogue = CatalogueModel.TestCase
TestCatalogue.settings = settings(
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
