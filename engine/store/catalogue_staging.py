"""What holds of a load into any database: what may be staged, what joins on, what goes live."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine.catalogue.manifest import Gap, Unusable
from engine.catalogue.tables import Table
from engine.store.catalogue import Progress, Rows


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


def shown_key(table: Table, values: Sequence[Any]) -> str:
    """A key for people."""
    return ", ".join(f"{name} {value!r}" for name, value in zip(table.key, values, strict=True))


def twice(table: Table, key: str, first: int, last: int, why: str = "") -> Unusable:
    """The sentence for a key that two rows have; ``why`` goes on from "twice"."""
    return Unusable(
        f"The export of '{table.name}' has the key {key} twice{why}, in its rows {first} and "
        f"{last} (the first row after the header is row 1)."
    )
