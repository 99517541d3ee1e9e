"""An export: a zip that holds one CSV file, checked before and while it is read."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from engine.catalogue.manifest import Export, Unusable
from engine.catalogue.tables import ColumnKind, Table

OPERATION = "change"
"""The first column of an export of changes: ``upsert`` or ``delete``."""
UPSERT, DELETE = "upsert", "delete"


def verify(path: Path, export: Export) -> None:
    """Compares size and SHA-256 and looks at the zip's structure. Raises :class:`Unusable`."""
    size = path.stat().st_size
    if size != export.size:
        raise Unusable(f"{export.file} has {size} bytes, the manifest says {export.size}.")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != export.sha256:
            raise Unusable(f"{export.file} is not what the manifest says: its SHA-256 differs.")


def chunks(
    path: Path, export: Export, table: Table, size: int = 10_000
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of an export, in lists of at most ``size``. Raises :class:`Unusable`.

    Of a full export, tuples in the order of ``table.columns``; of changes, tuples that begin
    with ``upsert`` or ``delete``. A delete has None outside the key. What the values are is
    said at :class:`~engine.catalogue.tables.ColumnKind`.
    """
    convert: dict[ColumnKind, Callable[[str], Any]] = {
        ColumnKind.INTEGER: int,
        ColumnKind.BOOLEAN: {"0": False, "1": True}.__getitem__,
    }
    ways = [convert.get(column.kind, str) for column in table.columns]
    if export.kind == "changes":
        ways.insert(0, str)
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as raw:
        text = io.TextIOWrapper(raw, "utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=table.delimiter, strict=True)
        next(reader)
        while rows := list(islice(reader, size)):
            yield [
                tuple(way(value) if value else None for way, value in zip(ways, row, strict=True))
                for row in rows
            ]
