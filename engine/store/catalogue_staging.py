"""What holds of a catalogue and its loads in any database: what may be staged, what joins on,
what goes live, what is swept up."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic, Self, TypeVar

from engine.catalogue.manifest import Gap, Unusable
from engine.catalogue.tables import Table
from engine.store.catalogue import KEEP_RECORDS, Loaded, LoadRecord, Progress, Rows
from engine.store.port import Row

SWEPT_ROWS = 2_000
"""Rows that one step of a sweep deletes: SQL Server locks a whole table from 5,000 on."""


@dataclass(slots=True)
class Staged:
    """What waits for the swap of one dataset: a whole table, tables of changes in order, or both.

    ``rows`` are those of the whole table, ``changed`` those of the tables of changes.
    """

    table: Table
    version: int = 0
    rows: int = 0
    whole: str | None = None
    changes: list[str] = field(default_factory=list)
    changed: int = 0


class StagedLoad(ABC):
    """A :class:`~engine.store.catalogue.Load` but for how a database does it.

    ``have`` holds the versions of the tables that can be changed.
    """

    def __init__(self, tables: Mapping[str, Table], have: Mapping[str, int], at: float) -> None:
        self._tables = tables
        self._have = dict(have)
        self._at = at
        self._of: dict[str, Staged] = {}
        self._fit = True
        self.staged: frozenset[str] = frozenset()
        """Names of the tables that wait for the swap: no sweep may touch them."""

    def full(self, table: Table, version: int, rows: Rows, progress: Progress) -> int:
        """See :class:`~engine.store.catalogue.Load`."""
        with self._whole_or_void(table):
            if table.name in self._of:
                raise RuntimeError(f"'{table.name}' is in this load already")
            name, count = self._stage_whole(table, rows, progress)
            self._of[table.name] = Staged(table, version, count, whole=name)
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
            staged = self._of.setdefault(table.name, Staged(table))
            count = self._stage_changes(staged, rows, progress)
            staged.changed += count
            staged.version = self._have[table.name] = version_to
        return count

    def swap(self) -> None:
        """See :class:`~engine.store.catalogue.Load`."""
        if not self._fit:
            raise RuntimeError("this load failed or was swapped in already")
        self._fit = False
        if self._of:
            self._go_live(list(self._of.values()))
            self.staged = frozenset()

    @abstractmethod
    def _stage_whole(self, table: Table, rows: Rows, progress: Progress) -> tuple[str, int]:
        """The name of a table with the rows, its key and its indexes; and how many they are."""

    @abstractmethod
    def _stage_changes(self, staged: Staged, rows: Rows, progress: Progress) -> int:
        """Puts rows into a table that ``staged.changes`` then names; how many."""

    @abstractmethod
    def _go_live(self, all_staged: Sequence[Staged]) -> None:
        """Makes all of it and its versions live, in one transaction."""

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


L = TypeVar("L", bound=StagedLoad)


class StagedCatalogue(ABC, Generic[L]):
    """A :class:`~engine.store.catalogue.Catalogue` but for how a database does it.

    ``_load`` is the load that is going on.
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = {table.name: table for table in tables}
        self._load: L | None = None

    def versions(self) -> dict[str, Loaded]:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        return {
            name: Loaded(version, at, rows)
            for name, shape, version, at, rows in self._read("loaded")
            if name in self._tables and self._tables[name].shape == shape
        }

    def sweep(self, budget: float = 0.05) -> bool:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        end = monotonic() + budget
        while name := self._leftover():
            self._sweep_some(name)
            if monotonic() >= end:
                return self._leftover() is None
        return True

    def note(self, record: LoadRecord) -> None:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        with self._durable():
            self._run(
                "record_add",
                record.started,
                record.ended,
                record.kind,
                record.outcome,
                record.sentence,
                record.rows,
                record.bytes,
            )
            self._run("records_forget", KEEP_RECORDS)

    def records(self, limit: int = 20) -> list[LoadRecord]:
        """See :class:`~engine.store.catalogue.Catalogue`."""
        return [LoadRecord(*row) for row in self._read("records", limit)]

    @abstractmethod
    def close(self) -> None:
        """See :class:`~engine.store.catalogue.Catalogue`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _leftover(self) -> str | None:
        load = self._load
        staged = load.staged if load is not None else frozenset()
        return next((row[0] for row in self._leftovers() if row[0] not in staged), None)

    @abstractmethod
    def _read(self, name: str, *parameters: object) -> list[Row]:
        """What a named query answers, beside whoever writes."""

    @abstractmethod
    def _run(self, name: str, *parameters: object) -> object:
        """Runs a named query as the one who writes."""

    @abstractmethod
    def _durable(self) -> AbstractContextManager[None]:
        """A transaction that is on the disk when it is done."""

    @abstractmethod
    def _leftovers(self) -> list[Row]:
        """The names of all tables that are not live."""

    @abstractmethod
    def _sweep_some(self, name: str) -> None:
        """One step of dropping a table."""


def shown_key(table: Table, values: Sequence[Any]) -> str:
    """A key for people."""
    return ", ".join(f"{name} {value!r}" for name, value in zip(table.key, values, strict=True))


def twice(table: Table, key: str, first: int, last: int, why: str = "") -> Unusable:
    """The sentence for a key that two rows have; ``why`` goes on from "twice"."""
    return Unusable(
        f"The export of '{table.name}' has the key {key} twice{why}, in its rows {first} and "
        f"{last} (the first row after the header is row 1)."
    )
