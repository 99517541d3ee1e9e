"""One load into the catalogue's SQLite file: rows beside the live tables, then the swap."""

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain

from engine.catalogue.tables import Table
from engine.store import catalogue_tables as sql
from engine.store.catalogue import Progress, Rows
from engine.store.catalogue_file import CatalogueFile, Row
from engine.store.catalogue_staging import Staged, StagedLoad, shown_key, twice
from engine.store.errors import StoreError

VALUES_TOGETHER = 300
"""Values in one INSERT, of some 25 rows: it takes a fifth less time than as many of one row."""
NUMBERED = re.compile(r"tillwire_[a-z]+_([0-9]+)")


class SqliteLoad(StagedLoad):
    """A :class:`~engine.store.catalogue.Load` in SQLite."""

    def __init__(
        self,
        file: CatalogueFile,
        tables: Mapping[str, Table],
        have: Mapping[str, int],
        at: float,
    ) -> None:
        super().__init__(tables, have, at)
        self._file = file

    def _stage_whole(self, table: Table, rows: Rows, progress: Progress) -> tuple[str, int]:
        name, number = self._create(table, sql.create)
        count = self._fill(partial(sql.insert, table, name), rows, progress)
        self._build_key(table, name, number, lambda: progress(count))
        for statement in sql.create_indexes(table, name, number):
            self._build(statement, lambda: progress(count))
        return name, count

    def _stage_changes(self, staged: Staged, rows: Rows, progress: Progress) -> int:
        table = staged.table
        name, number = self._create(table, sql.create_changes)
        count = self._fill(partial(sql.insert_change, table, name), rows, progress)
        self._index_changes(table, name, number, lambda: progress(count))
        staged.changes.append(name)
        return count

    def _go_live(self, all_staged: Sequence[Staged]) -> None:
        with (
            self._file.transaction(durable=True, long=True),
            self._file.watched(self._file.check_room),
        ):
            for staged in all_staged:
                self._go_live_with(staged)

    def _go_live_with(self, staged: Staged) -> None:
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

    def _fill(self, insert: Callable[[int], str], rows: Rows, progress: Progress) -> int:
        count = 0
        for chunk in rows:
            self._file.check_room()
            with self._file.transaction():
                self._insert(insert, chunk)
            count += len(chunk)
            progress(count)
        return count

    def _insert(self, insert: Callable[[int], str], chunk: Sequence[Row]) -> None:
        """Several rows with each statement, and one by one those that are left."""
        together = max(1, VALUES_TOGETHER // len(chunk[0])) if chunk else 1
        whole = len(chunk) - len(chunk) % together
        several = (chunk[at : at + together] for at in range(0, whole, together))
        self._file.execute_many(
            insert(together), (tuple(chain.from_iterable(each)) for each in several)
        )
        self._file.execute_many(insert(1), chunk[whole:])

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
        raise twice(table, shown_key(table, key), first, last)

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
