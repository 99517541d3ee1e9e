"""One load into the catalogue's SQLite file: rows beside the live tables, then the swap."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from engine.catalogue.manifest import Gap, Unusable
from engine.catalogue.tables import Table
from engine.store import catalogue_tables as sql
from engine.store.catalogue import Progress, Rows
from engine.store.catalogue_file import CatalogueFile
from engine.store.errors import StoreError

NUMBERED = re.compile(r"tillwire_[a-z]+_([0-9]+)")


@dataclass(slots=True)
class _Staged:
    """What waits for the swap of one dataset: a whole table, tables of changes in order."""

    table: Table
    version: int = 0
    rows: int = 0
    whole: str | None = None
    changes: list[str] = field(default_factory=list)


class SqliteLoad:
    """A :class:`~engine.store.catalogue.Load` in SQLite."""

    def __init__(
        self,
        file: CatalogueFile,
        tables: Mapping[str, Table],
        have: Mapping[str, int],
        at: float,
    ) -> None:
        self._file = file
        self._tables = tables
        self._have = dict(have)
        self._at = at
        self._of: dict[str, _Staged] = {}
        self._fit = True
        self.staged: frozenset[str] = frozenset()
        """Names of the tables that wait for the swap: no sweep may touch them."""

    def full(self, table: Table, version: int, rows: Rows, progress: Progress) -> int:
        """See :class:`~engine.store.catalogue.Load`."""
        with self._whole_or_void(table):
            if table.name in self._of:
                raise RuntimeError(f"'{table.name}' is in this load already")
            name, number = self._create(table, sql.create)
            count = self._fill(sql.insert(table, name), rows, progress)
            self._build_key(table, name, number, lambda: progress(count))
            for statement in sql.create_indexes(table, name, number):
                self._build(statement, lambda: progress(count))
            self._of[table.name] = _Staged(table, version, count, whole=name)
            self._have[table.name] = version
        return count

    def changes(
        self, table: Table, version_from: int, version_to: int, rows: Rows, progress: Progress
    ) -> int:
        """See :class:`~engine.store.catalogue.Load`."""
        with self._whole_or_void(table):
            have = self._have.get(table.name)
            if have is not None and version_to <= have:
                return 0
            if have is None or version_from != have:
                there = "has never been loaded" if have is None else f"is at version {have}"
                raise Gap(
                    f"The changes of '{table.name}' from version {version_from} to {version_to} "
                    f"do not join on: the table {there}. A full load is needed."
                )
            name, number = self._create(table, sql.create_changes)
            count = self._fill(sql.insert_change(table, name), rows, progress)
            self._index_changes(table, name, number, lambda: progress(count))
            staged = self._of.setdefault(table.name, _Staged(table))
            staged.changes.append(name)
            staged.version = self._have[table.name] = version_to
        return count

    def swap(self) -> None:
        """See :class:`~engine.store.catalogue.Load`."""
        if not self._fit:
            raise RuntimeError("this load failed or was swapped in already")
        self._fit = False
        if not self._of:
            return
        with (
            self._file.transaction(durable=True, long=True),
            self._file.watched(self._file.check_room),
        ):
            for staged in self._of.values():
                self._go_live(staged)
        self.staged = frozenset()

    def _go_live(self, staged: _Staged) -> None:
        table, rows = staged.table, staged.rows
        if staged.whole is not None:
            if self._file.run("table_exists", table.name)[0][0]:
                old = f"tillwire_old_{self._next_number()}"
                self._file.execute(sql.rename(table.name, old))
            self._file.execute(sql.rename(staged.whole, table.name))
        for changes in staged.changes:
            for statement in sql.apply(table, changes):
                self._file.execute(statement)
        if staged.changes:
            rows = self._file.execute(sql.count(table.name)).fetchone()[0]
        self._file.run("loaded_now", table.name, table.shape, staged.version, self._at, rows)

    @contextmanager
    def _whole_or_void(self, table: Table) -> Iterator[None]:
        """After an error in the block nothing of this load can go live."""
        if self._tables.get(table.name) != table:
            raise ValueError(f"'{table.name}' is not a table of this catalogue")
        if not self._fit:
            raise RuntimeError("this load failed or was swapped in already")
        self._fit = False
        yield
        self._fit = True

    def _create(self, table: Table, statement: Callable[[Table, str], str]) -> tuple[str, int]:
        with self._file.transaction():
            number = self._next_number()
            name = f"tillwire_new_{number}"
            self._file.execute(statement(table, name))
            self.staged |= {name}
        return name, number

    def _next_number(self) -> int:
        """Live tables keep the names that their indexes had while they were staged."""
        names = [row[0] for row in self._file.run("numbered_names")]
        numbers = [int(match[1]) for name in names if (match := NUMBERED.match(name))]
        return max(numbers, default=0) + 1

    def _fill(self, statement: str, rows: Rows, progress: Progress) -> int:
        count = 0
        for chunk in rows:
            self._file.check_room()
            with self._file.transaction():
                self._file.execute_many(statement, chunk)
            count += len(chunk)
            progress(count)
        return count

    def _index_changes(
        self, table: Table, name: str, number: int, look: Callable[[], None]
    ) -> None:
        key = sql.create_key(table, name, number)
        if not self._build_unique(key, look):
            self._build(sql.keep_last(table, name), look)
            self._build(key, look)

    def _build_key(self, table: Table, name: str, number: int, look: Callable[[], None]) -> None:
        if self._build_unique(sql.create_key(table, name, number), look):
            return
        with self._file.transaction(), self._file.watched(look):
            *key, first, last = self._file.execute(sql.duplicate(table, name)).fetchone()
        values = ", ".join(
            f"{column} {value!r}" for column, value in zip(table.key, key, strict=True)
        )
        raise Unusable(
            f"The export of '{table.name}' has the key {values} twice, in its rows {first} "
            f"and {last} (the first row after the header is row 1)."
        )

    def _build_unique(self, statement: str, look: Callable[[], None]) -> bool:
        """Builds a unique index; False when a key is there twice."""
        try:
            self._build(statement, look)
        except StoreError as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError):
                return False
            raise
        return True

    def _build(self, statement: str, look: Callable[[], None]) -> None:
        def looked() -> None:
            self._file.check_room()
            look()

        with self._file.transaction(long=True), self._file.watched(looked):
            self._file.execute(statement)
