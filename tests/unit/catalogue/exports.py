"""Exports for the tests: written by hand, so that each byte can be another."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.catalogue.export import chunks, verify
from engine.catalogue.manifest import Export, Unusable
from engine.catalogue.tables import ColumnKind, Table, TableColumn

ARTICLES = Table(
    "articles",
    (
        TableColumn("code", ColumnKind.TEXT, required=True, length=10),
        TableColumn("name", ColumnKind.TEXT),
        TableColumn("price", ColumnKind.DECIMAL, digits=8, decimals=2),
    ),
    ("code",),
)


def sheet(*rows: Sequence[object]) -> bytes:
    """Rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def zipped(path: Path, content: bytes, rows: int, kind: Any = "full") -> Export:
    """Writes an export of the articles with that CSV."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("articles.csv", content)
    return sealed(path, rows, kind)


def stored(path: Path, content: bytes, rows: int) -> Export:
    """The same without compression."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("articles.csv", content)
    return sealed(path, rows)


def sealed(path: Path, rows: int, kind: Any = "full") -> Export:
    """An export that says of a file what it is."""
    raw = path.read_bytes()
    before = None if kind == "full" else 1
    digest = hashlib.sha256(raw).hexdigest()
    return Export("articles", kind, before, 2, path.name, len(raw), rows, digest)


def rows_of(path: Path, export: Export, table: Table = ARTICLES) -> list[tuple[Any, ...]]:
    """All rows of an export."""
    verify(path, export)
    return [row for rows in chunks(path, export, table) for row in rows]


def told(path: Path, export: Export, table: Table = ARTICLES) -> str:
    """Why an export is refused."""
    with pytest.raises(Unusable) as raised:
        rows_of(path, export, table)
    return str(raised.value)
