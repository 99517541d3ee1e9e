"""The rows of an export's CSV, block by block, and the sentence for the first that is at fault."""

import codecs
import csv
import io
from collections import deque
from collections.abc import Sequence
from itertools import compress, islice
from pathlib import Path
from typing import Any

from engine.catalogue.archive import Member, NulByte, TooMuch, opened
from engine.catalogue.fields import Field, Unfit, Values, fields_of
from engine.catalogue.manifest import Export, Unusable
from engine.catalogue.names import OPERATION
from engine.catalogue.tables import Table
from engine.problems import did_you_mean

UPSERT, DELETE = "upsert", "delete"
Row = tuple[Any, ...]
Texts = Sequence[str]

_GRANTED = 32 * 1024**2
"""Bytes that one block may take. A row has some hundred."""
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_TORN = {
    "unexpected end of data": "a quote that is opened here is never closed",
    "field larger": "a field here has more than {limit} characters; a quote may not be closed",
    "expected after": "something follows a closing quote; inside a field a quote is written twice",
}
"""What the csv module says, and what is meant."""


class Reading:
    """One pass over the CSV of an export. Reads the header at once; raises :class:`Unusable`."""

    def __init__(self, path: Path, member: Member, export: Export, table: Table) -> None:
        self._path, self._member, self._export, self._table = path, member, export, table
        self._changes = export.kind == "changes"
        self._count = 0
        self._line = 0
        text = io.TextIOWrapper(member, "utf-8-sig", newline="")
        self._reader = csv.reader(text, delimiter=table.delimiter, strict=True)
        fields = fields_of(table)
        names = self._header(fields)
        self._width = len(names)
        self._plan = [(names.index(name), field) for name, field in fields.items()]

    def block(self, most: int) -> list[Row]:
        """The next rows, at most so many; none at the end. Raises :class:`Unusable`."""
        rows, fault = self._read(most)
        missing = self._export.rows - self._count
        if len(rows) > missing:
            line = self._line_of(rows, missing)
            said = f"the manifest says {self._export.rows} rows, and here is one more"
            rows, fault = rows[:missing], self._unusable(line, said)
        self._count += len(rows)
        found = self._values(rows) if rows else []
        if fault is not None:
            raise fault
        self._line = self._reader.line_num
        if not found and self._count != self._export.rows:
            said = f"{self._export.file} has {self._count} rows"
            raise Unusable(f"{said}, the manifest says {self._export.rows}.")
        return found

    def _unusable(self, line: int, what: str) -> Unusable:
        return Unusable(f"{self._export.file}, line {line}: {what}.")

    def _read(self, most: int) -> tuple[list[list[str]], Unusable | None]:
        """Rows as they stand, and what ended them before there were so many."""
        rows: list[list[str]] = []
        self._member.granted = self._member.position + _GRANTED
        try:
            rows.extend(islice(self._reader, most))  # keeps what came before a fault
        except csv.Error as error:
            said = str(error)
            meant = next((words for sign, words in _TORN.items() if sign in said), said)
            meant = meant.format(limit=csv.field_size_limit())
            return rows, self._unusable(self._line_of(rows, len(rows)), meant)
        except (UnicodeDecodeError, NulByte):
            return rows, self._unreadable()
        except TooMuch:
            line = self._line_of(rows, len(rows))
            return rows, self._unusable(line, "the rows from here on are larger than any row is")
        return rows, None

    def _line_of(self, rows: Sequence[Texts], at: int) -> int:
        """The line on which a row of a block begins; ``len(rows)`` is the row behind it."""
        return self._line + 1 + sum(1 + _line_breaks(row) for row in rows[:at])

    def _unreadable(self) -> Unusable:
        """Reads again up to the byte that is no text, counting lines."""
        decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        lines = io.IncrementalNewlineDecoder(None, translate=True)
        line = 1
        nul = False
        with opened(self._path, self._export.file) as member:
            try:
                while not nul:
                    try:
                        block = member.read1()
                    except NulByte as error:
                        block, nul = error.before, True
                    line += lines.decode(decode(block, not block), nul).count("\n")
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode()
                line += lines.decode(before, True).count("\n")
                byte = error.object[error.start]
                return self._unusable(line, f"the byte 0x{byte:02x} is not UTF-8")
        return self._unusable(line, "there is a NUL, which no text has")

    def _header(self, fields: Sequence[str] | dict[str, Field]) -> list[str]:
        """The names of the columns, as the file has them."""
        rows, fault = self._read(1)
        if fault is not None:
            raise fault
        if not rows:
            raise Unusable(f"{self._export.file} holds an empty file: not even a header.")
        names, wanted = rows[0], [*fields]
        if self._changes:
            wanted.insert(0, OPERATION)
            if names[:1] != [OPERATION] and (OPERATION in names or {*names} & {*fields}):
                said = f"changes have '{OPERATION}' for their first column"
                raise self._unusable(1, said)
        for name in names:
            if name not in wanted:
                raise self._unusable(1, self._unknown(name, names, wanted))
            if names.count(name) > 1:
                raise self._unusable(1, f"the column '{name}' stands there twice")
        for name in wanted:
            if name not in names:
                raise self._unusable(1, f"the column '{name}' is missing")
        self._line = self._reader.line_num
        return names

    def _unknown(self, name: str, names: Texts, wanted: Texts) -> str:
        shown = "".join(sign if sign.isprintable() else "?" for sign in name[:60])
        delimiter = self._table.delimiter
        if len(names) == 1 and any(sign in name for sign in _DELIMITERS):
            return f"'{shown}' is one column; the delimiter here is {_DELIMITERS[delimiter]}"
        if name == OPERATION:
            return f"'{OPERATION}' belongs to changes, and this export is full"
        hint = did_you_mean(name, wanted).rstrip("?.")
        return f"'{self._table.name}' has no column '{shown}' ({hint[:1].lower()}{hint[1:]})"

    def _values(self, rows: list[list[str]]) -> list[Row]:
        """What the rows are for the store; raises :class:`Unusable` for the first at fault.

        Takes them out of their list.
        """
        if {*map(len, rows)} != {self._width}:
            raise self._first_fault(rows)
        columns = _columns(rows, self._width)
        rows.clear()  # less for the garbage collector to look through, which it does often here
        try:
            if self._changes:
                return self._changed(columns)
            return [*zip(*self._converted(columns), strict=True)]
        except Unfit:
            raise self._first_fault([*zip(*columns, strict=True)]) from None

    def _converted(self, columns: Sequence[Texts]) -> list[Values]:
        return [field.convert(columns[at]) for at, field in self._plan]

    def _changed(self, columns: Sequence[Texts]) -> list[Row]:
        operations = columns[0]
        found = {*operations}
        if not found <= {UPSERT, DELETE}:
            raise Unfit
        if DELETE not in found:
            return [*zip(operations, *self._converted(columns), strict=True)]
        gone = [[*compress(each, [op == DELETE for op in operations])] for each in columns]
        kept = [[*compress(each, [op == UPSERT for op in operations])] for each in columns]
        key, empty = self._table.key, [None] * len(gone[0])
        values = [f.convert(gone[at]) if f.name in key else empty for at, f in self._plan]
        deletes = zip(gone[0], *values, strict=True)
        upserts = zip(kept[0], *self._converted(kept), strict=True) if kept[0] else iter(())
        return [next(deletes if operation == DELETE else upserts) for operation in operations]

    def _first_fault(self, rows: Sequence[Texts]) -> Unusable:
        """What is wrong with the first row at fault."""
        for at, row in enumerate(rows):
            said = self._fault(row)
            if said:
                return self._unusable(self._line_of(rows, at), said)
        line = self._line_of(rows, 0)
        return self._unusable(line, "a field from here on is not as its column is declared")

    def _fault(self, row: Texts) -> str:
        if not row:
            return "the line is blank"
        if len(row) != self._width:
            fields = "is 1 field" if len(row) == 1 else f"are {len(row)} fields"
            return f"there {fields}, and {self._width} columns"
        delete = self._changes and row[0] == DELETE
        if self._changes and row[0] not in (UPSERT, DELETE):
            return f"'{OPERATION}' is neither {UPSERT} nor {DELETE}"
        for at, field in self._plan:
            said = field.fault(row[at])
            if said and not (delete and field.name not in self._table.key):
                return f"'{field.name}' {said}"
        return ""


def _columns(rows: list[list[str]], width: int) -> list[list[str]]:
    """Rows of one width turned into columns: twice as fast as zip, which makes iterators."""
    flat: list[str] = []
    deque(map(flat.extend, rows), maxlen=0)
    return [flat[at::width] for at in range(width)]


def _line_breaks(row: Texts) -> int:
    """The line breaks inside the fields of a row, as the reader of lines counts them."""
    return sum(
        field.count("\n") + field.count("\r") - field.count("\r\n")
        for field in row
        if "\n" in field or "\r" in field
    )
