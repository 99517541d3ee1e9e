"""The tables of the catalogue: their columns, what may stand in them, and their keys."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Dates = Literal["iso", "french", "compact"]


class ColumnKind(StrEnum):
    """What stands in a column, as datasets.yaml names it.

    Values are handed to the store as: text ``str``; integer ``int`` of 64 bits; decimal its
    checked text, as ``'12.50'``; boolean ``bool``; date ``'2026-11-24'`` and datetime
    ``'2026-11-24T10:00:00'`` as ``str``. An empty field is ``None`` in all of them.
    """

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column.

    ``length`` is the most characters of a text, 1 to 4000, or None for no bound; a character
    beyond U+FFFF counts as two. ``digits`` (in total, at most 15) and ``decimals`` (of them
    behind the point) are those of a decimal, 0 for other kinds.
    """

    name: str
    kind: ColumnKind
    required: bool = False
    length: int | None = None
    digits: int = 0
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """One dataset: the table that is made of it, and how its files are written.

    ``key`` and ``indexes`` hold names of columns. Columns of the key are required.
    ``delimiter`` and ``decimal_mark`` are the signs in the CSV; ``dates`` how dates stand in
    it: ``2026-11-24`` (iso), ``24/11/2026`` (french), ``20261124`` (compact).
    """

    name: str
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    delimiter: str = ","
    decimal_mark: str = "."
    dates: Dates = "iso"

    @property
    def shape(self) -> str:
        """SHA-256, in hex, of all that matters to the table that is built.

        A table of another shape has to be loaded in full. How the files are written is no
        part of it.
        """
        columns = [
            [each.name, each.kind, each.required, each.length, each.digits, each.decimals]
            for each in self.columns
        ]
        data = [self.name, columns, self.key, self.indexes]
        return hashlib.sha256(json.dumps(data).encode()).hexdigest()
