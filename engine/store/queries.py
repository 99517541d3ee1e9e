"""Named queries: one file per SQL dialect, each statement under a ``-- name:`` line.

A dialect is complete when it has every name of ``sqlite.sql`` with the same parameters in the
same order. Names that start with ``migration_<n>_`` are the steps to schema version ``n``, run
in the order in which the file has them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files

NAME = re.compile(r"^-- name: *(\S+) *$", re.MULTILINE)
SCHEMA = re.compile(r"\btillwire\.")
MIGRATION = re.compile(r"^migration_([1-9][0-9]*)_")


@dataclass(frozen=True, slots=True)
class Queries:
    """The statements of one dialect by name."""

    text: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.text[name]

    @property
    def latest(self) -> int:
        """The schema version that these statements were written for."""
        return max((number for number, _ in self._migrations()), default=0)

    def migrations(self, found: int) -> list[tuple[int, list[str]]]:
        """What leads from schema version ``found`` to the latest: (version, statements)."""
        steps: dict[int, list[str]] = {}
        for number, statement in self._migrations():
            if number > found:
                steps.setdefault(number, []).append(statement)
        return sorted(steps.items())

    def _migrations(self) -> list[tuple[int, str]]:
        return [
            (int(match[1]), statement)
            for name, statement in self.text.items()
            if (match := MIGRATION.match(name))
        ]


def parse(source: str) -> Queries:
    """Queries of a text; ValueError when a name is there twice or has no statement."""
    parts = NAME.split(source)
    found: dict[str, str] = {}
    for name, statement in zip(parts[1::2], parts[2::2], strict=True):
        if name in found:
            raise ValueError(f"the query {name} is there twice")
        # What is said about the next statement stands behind this one.
        lines = [line for line in statement.splitlines() if not line.startswith("--")]
        text = "\n".join(lines).strip().removesuffix(";")
        if not text:
            raise ValueError(f"the query {name} has no statement")
        found[name] = text
    return Queries(found)


def load(dialect: str = "sqlite", schema: str = "tillwire") -> Queries:
    """The queries of a dialect, from ``<dialect>.sql`` beside this module.

    ``schema`` takes the place of ``tillwire``, in which a dialect with schemas has its tables.
    """
    text = files("engine.store").joinpath(f"{dialect}.sql").read_text(encoding="utf-8")
    return parse(SCHEMA.sub(f"[{schema}].", text))


def bring_up(execute: Callable[..., object], queries: Queries, found: int) -> None:
    """Leads from schema version ``found`` to the latest; to be called in a transaction.

    ``execute(statement)`` runs one, ``execute(statement, parameters)`` one with parameters.
    """
    for version, statements in queries.migrations(found):
        for statement in statements:
            execute(statement)
        execute(queries["schema_reached"], (version,))
