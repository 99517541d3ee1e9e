"""An export: a zip that holds one CSV file, checked before and while it is read.

Each fault is told with the file and the line on which the row at fault begins. Whoever loads
the rows must have them all before any of them counts: a fault in the last one is a fault too.
"""

import hashlib
import io
from collections.abc import Generator
from pathlib import Path

from engine.catalogue.archive import opened
from engine.catalogue.manifest import Export, Unusable
from engine.catalogue.rows import Reading, Row
from engine.catalogue.tables import Table

_BLOCK = 200
"""Rows that are checked together: few enough that they stay in the processor's cache."""
_LARGE = 4 * 1024**2
"""Bytes after which rows are handed on, however few they are."""


def verify(path: Path, export: Export) -> None:
    """Compares size and SHA-256 with the manifest and looks at the zip's structure.

    Raises :class:`Unusable`, and :class:`OSError` when the disk does not answer.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            if size != export.size:
                message = f"{export.file} has {size} bytes, the manifest says {export.size}."
                raise Unusable(message)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise Unusable(f"{export.file} is not there.") from None
    if digest != export.sha256:
        raise Unusable(f"{export.file} is not the file of the manifest: its SHA-256 differs.")
    with opened(path, export.file):
        pass


def chunks(
    path: Path, export: Export, table: Table, size: int = 1_000
) -> Generator[list[Row], None, None]:
    """The rows of an export, in lists of at most ``size``. Raises :class:`Unusable`.

    Of a full export, tuples in the order of ``table.columns``; of changes, tuples that begin
    with ``upsert`` or ``delete``. A delete has None outside the key. What the values are is
    said at :class:`~engine.catalogue.tables.ColumnKind`. The rows are counted at the end.

    A thousand rows stay in the processor's caches until they are stored: with 10,000 a load
    takes a tenth longer.
    """
    if export.dataset != table.name:
        raise ValueError(f"an export of {export.dataset} is none of {table.name}")
    with opened(path, export.file) as member:
        reading = Reading(path, member, export, table)
        found: list[Row] = []
        begun = member.position
        while rows := reading.block(min(_BLOCK, size - len(found))):
            found += rows
            if len(found) >= size or member.position - begun > _LARGE:
                yield found
                found = []
                begun = member.position
        if found:
            yield found
