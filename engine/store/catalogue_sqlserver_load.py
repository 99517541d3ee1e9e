"""One load into the catalogue on SQL Server: rows beside the live tables, then the swap.

A reader sees the old rows or the new ones, under any isolation level. A rename locks the names
until the transaction ends, so a statement binds all of them before or after it. Changes are made
in the live table: where readers see what was last committed (READ_COMMITTED_SNAPSHOT) that is
enough. Elsewhere a scan could pass rows before and after they change, so the table has another
name while it changes, and who asks for it waits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import sleep

from engine.catalogue.manifest import Unusable
from engine.catalogue.tables import Table
from engine.store.catalogue import Progress, Rows
from engine.store.catalogue_odbc import CatalogueDatabase
from engine.store.catalogue_staging import Staged, StagedLoad, shown_key, twice
from engine.store.catalogue_tsql import Insert, Statements, encoded, escaped
from engine.store.errors import Busy, KeyTwice, StoreError, Undone
from engine.store.port import Row

ROWS_AT_ONCE = 2_000
"""Rows in one parameter, and in one transaction while they are staged."""

SIGNS = "".join(map(chr, range(1, 32))) + '"\\/\x7f\u2028'
"""What JSON may write in another way."""

ATTEMPTS, PAUSE = 10, 0.5
"""How often a swap is tried that others stand in the way of, and the seconds in between: in
these nobody waits for it."""


class SqlServerLoad(StagedLoad):
    """A :class:`~engine.store.catalogue.Load` on SQL Server."""

    def __init__(
        self,
        database: CatalogueDatabase,
        statements: Statements,
        tables: Mapping[str, Table],
        have: Mapping[str, int],
        recorded: Mapping[str, tuple[int, int]],
        at: float,
    ) -> None:
        super().__init__(tables, have, at)
        self._database = database
        self._sql = statements
        self._recorded = recorded
        self._escapes: bool | None = None

    def _stage_whole(self, table: Table, rows: Rows, progress: Progress) -> tuple[str, int]:
        name, number = self._create(lambda new: self._sql.create(table, new))
        count = self._fill(self._sql.insert(table, name), 0, rows, progress)

        def look() -> None:
            progress(count)

        self._build_key(table, name, number, look)
        self._database.build(self._sql.forget_rows(name), look)
        for statement in self._sql.create_indexes(table, name, number):
            self._database.build(statement, look)
        return name, count

    def _stage_changes(self, staged: Staged, rows: Rows, progress: Progress) -> int:
        table = staged.table
        if not staged.changes:
            name, number = self._create(lambda new: self._sql.create_changes(table, new))
            self._database.ask(self._sql.create_order(table, name, number))
            staged.changes.append(name)
        (name,) = staged.changes
        insert = self._sql.insert_changes(table, name)
        count = self._fill(insert, staged.changed, rows, progress)
        self._database.build(self._sql.keep_last(table, name), lambda: progress(count))
        return count

    def _go_live(self, all_staged: Sequence[Staged]) -> None:
        """A deadlock or a reader that takes its time is no reason to stage everything again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._database.transaction():
                    self._swap_in(all_staged)
                return
            except (Busy, Undone):
                if attempt == ATTEMPTS:
                    raise
            sleep(PAUSE)

    def _swap_in(self, all_staged: Sequence[Staged]) -> None:
        aside: dict[str, str] = {}
        wait = not self._database.only_row("reads_versions")[0]
        for staged in all_staged:
            name = staged.table.name
            if staged.whole is not None:
                self._put_away(name)
                self._rename(staged.whole, name)
            elif wait:
                aside[name] = f"tillwire_new_{self._next_number()}"
                self._rename(name, aside[name])
        for staged in all_staged:
            grown = sum(self._apply(staged, aside, each) for each in staged.changes)
            self._record(staged, grown)
        for name, other in aside.items():
            self._rename(other, name)

    def _put_away(self, name: str) -> None:
        """What has the name of a dataset and is not ours stays where it is."""
        if not self._database.only_row("table_exists", name)[0]:
            return
        if name not in self._recorded:
            raise StoreError(
                f"There is a table '{name}' in the schema of the catalogue, in the database "
                f"{self._database.where}, that no load has made. Give it another name or another "
                "schema."
            )
        self._rename(name, f"tillwire_old_{self._next_number()}")

    def _apply(self, staged: Staged, aside: Mapping[str, str], changes: str) -> int:
        """Makes changes; how many rows more there are."""
        table = staged.table
        live = aside.get(table.name, table.name)
        gone = self._database.change(self._sql.delete(table, live, changes))
        update = self._sql.update(table, live, changes)
        if update:
            self._database.change(update)
        try:
            return self._database.change(self._sql.add(table, live, changes)) - gone
        except KeyTwice:
            raise Unusable(
                f"The changes of '{table.name}' bring a key that the collation of this database "
                "takes for one that is there: the two differ in case or accents only. Give the "
                "catalogue a database whose collation tells them apart."
            ) from None

    def _record(self, staged: Staged, grown: int) -> None:
        """Nobody but this load may have changed the version meanwhile."""
        table = staged.table
        now = (table.shape, staged.version, self._at)
        if table.name not in self._recorded:
            self._database.run("loaded_first", table.name, *now, staged.rows + grown)
            return
        version, rows = self._recorded[table.name]
        rows = grown + (rows if staged.whole is None else staged.rows)
        if not self._database.run("loaded_again", *now, rows, table.name, version):
            raise StoreError(
                f"The version of '{table.name}' was changed by another program during a load. "
                "What is live is as it was; load again."
            )

    def _create(self, statement: Callable[[str], str]) -> tuple[str, int]:
        self._database.hold()
        number = self._next_number()
        name = f"tillwire_new_{number}"
        self.staged |= {name}
        self._database.ask(statement(name))
        return name, number

    def _next_number(self) -> int:
        return int(self._database.only_row("next_number")[0])

    def _rename(self, name: str, to: str) -> None:
        failed = self._database.ask(self._sql.rename(name, to))[0][0]
        if failed:
            raise StoreError(f"SQL Server did not rename {name} to {to} (sp_rename: {failed}).")

    def _fill(self, insert: Insert, before: int, rows: Rows, progress: Progress) -> int:
        count = 0
        for chunk in rows:
            for part in _parts(chunk):
                self._put(insert, [(at, *row) for at, row in enumerate(part, before + count + 1)])
                count += len(part)
                progress(count)
        return count

    def _put(self, insert: Insert, rows: list[Row]) -> None:
        text = encoded(rows)
        if not escaped(text) or self._reads_escapes():
            self._database.change(insert.many, text)
            return
        plain = [row for row in rows if not escaped(encoded([row]))]
        if plain:
            self._database.change(insert.many, encoded(plain))
        self._database.change_many(insert.one, [row for row in rows if escaped(encoded([row]))])

    def _reads_escapes(self) -> bool:
        """Servers that speak the language of SQL Server need not read JSON as it does."""
        if self._escapes is None:
            self._escapes = self._database.row("reads_escapes", encoded([(SIGNS,)])) == (SIGNS,)
        return self._escapes

    def _build_key(self, table: Table, name: str, number: int, look: Callable[[], None]) -> None:
        try:
            self._database.build(self._sql.create_key(table, name, number), look)
        except KeyTwice:
            ((first, last),) = self._database.build(self._sql.duplicate(table, name), look)
            one, other = (
                shown_key(table, self._database.found(self._sql.key_of(table, name), row)[0])
                for row in (first, last)
            )
            why = "" if one == other else f" ({other} is the same to this database's collation)"
            raise twice(table, one, first, last, why) from None


def _parts(chunk: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(chunk), ROWS_AT_ONCE):
        yield chunk[start : start + ROWS_AT_ONCE]
