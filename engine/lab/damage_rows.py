"""Damage to the rows of an export, in a zip and a manifest that fit them."""

import csv
import io
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.lab.damage_files import pack, unpacked
from engine.lab.exports import Entry, read_entries
from engine.lab.goods import GOODS

Strike = Callable[[Path, Entry, random.Random], tuple[str, ...]]
_LINE_END = b"\r\n"


class Sheet:
    """The CSV of an export, to be changed and written back."""

    def __init__(self, folder: Path, entry: Entry) -> None:
        self.folder, self.entry = folder, entry
        text = unpacked(folder, entry).decode("utf-8")
        self.header, *self.rows = csv.reader(io.StringIO(text, newline=""))
        self.changes = entry["kind"] == "changes"
        goods = GOODS[entry["dataset"]]
        self.key = goods.columns[: goods.key]

    def written(self, rows: Sequence[Sequence[str]]) -> bytes:
        """Rows as CSV."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue().encode("utf-8")

    def line(self, row: int) -> int:
        """The line on which a row begins."""
        return self.written([self.header, *self.rows[:row]]).count(b"\n") + 1

    def filled(self, column: int) -> list[int]:
        """The rows with something in a column."""
        return [at for at, row in enumerate(self.rows) if row[column]]

    def columns(self, pattern: str) -> list[int]:
        """The columns whose filled fields are all like that."""
        looks = re.compile(pattern)
        return [
            at
            for at in range(self.changes, len(self.header))
            if any(row[at] for row in self.rows)
            and all(looks.fullmatch(row[at]) for row in self.rows if row[at])
        ]

    def save(self, content: bytes | None = None) -> None:
        """Writes the export with the rows as they are now, or with another CSV."""
        if content is None:
            content = self.written([self.header, *self.rows])
        pack(self.folder, self.entry, {f"{self.entry['dataset']}.csv": content})

    def words(self, row: int | None, *words: str) -> tuple[str, ...]:
        """Words for a fault in a row; None: in the header."""
        line = 1 if row is None else self.line(row)
        return (self.entry["file"], f"line {line}:", *words)


def _on_sheet(work: Callable[[Sheet, random.Random], tuple[str, ...]]) -> Strike:
    return lambda folder, entry, rng: work(Sheet(folder, entry), rng)


def _field(pattern: str, value: Callable[[str, random.Random], str], words: str) -> Strike:
    """A field of a column of that look gets another value: in another export, if need be."""

    def strike(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
        others = [each for each in read_entries(folder) if each["kind"] == entry["kind"]]
        sheets = (Sheet(folder, each) for each in (entry, *others) if each["rows"])
        sheet = next(sheet for sheet in sheets if sheet.columns(pattern))
        at = rng.choice(sheet.columns(pattern))
        row = rng.choice(sheet.filled(at))
        return _spoil(sheet, row, at, value(sheet.rows[row][at], rng), words)

    return strike


def _spoil(sheet: Sheet, row: int, at: int, value: str, words: str) -> tuple[str, ...]:
    told = sheet.words(row, f"'{sheet.header[at]}'", words)
    sheet.rows[row][at] = value
    sheet.save()
    return told


def _key_empty(sheet: Sheet, rng: random.Random) -> tuple[str, ...]:
    name = rng.choice(sheet.key)
    row = rng.randrange(len(sheet.rows))
    return _spoil(sheet, row, sheet.header.index(name), "", "is empty")


def _columns(change: Callable[[Sheet, int, random.Random], str]) -> Strike:
    """The header and all rows get other columns."""

    def work(sheet: Sheet, rng: random.Random) -> tuple[str, ...]:
        at = rng.randrange(sheet.changes, len(sheet.header))
        words = change(sheet, at, rng)
        sheet.save()
        return sheet.words(None, words)

    return _on_sheet(work)


def _unknown(sheet: Sheet, _: int, __: random.Random) -> str:
    for row in (sheet.header, *sheet.rows):
        row.append("colour" if row is sheet.header else "red")
    return "'colour'"


def _missing(sheet: Sheet, at: int, _: random.Random) -> str:
    name = sheet.header[at]
    for row in (sheet.header, *sheet.rows):
        del row[at]
    return f"'{name}' is missing"


def _double(sheet: Sheet, at: int, _: random.Random) -> str:
    for row in (sheet.header, *sheet.rows):
        row.append(row[at])
    return f"'{sheet.header[at]}' stands there twice"


def _renamed(sheet: Sheet, at: int, _: random.Random) -> str:
    sheet.header[at] = sheet.header[at].upper()
    return f"'{sheet.header[at]}'"


def _no_header(sheet: Sheet, _: random.Random) -> tuple[str, ...]:
    sheet.save(sheet.written(sheet.rows))
    return sheet.entry["file"], "line 1:"


def _delimiter(sheet: Sheet, _: random.Random) -> tuple[str, ...]:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows([sheet.header, *sheet.rows])
    sheet.save(text.getvalue().encode())
    return sheet.words(None, "delimiter")


def _width(change: Callable[[list[str]], list[str]], words: str) -> Strike:
    """A row has more or fewer fields than the header."""

    def work(sheet: Sheet, rng: random.Random) -> tuple[str, ...]:
        row = rng.randrange(len(sheet.rows))
        told = sheet.words(row, words)
        sheet.rows[row] = change(sheet.rows[row])
        sheet.save()
        return told

    return _on_sheet(work)


def _line(change: Callable[[bytes], bytes], words: str) -> Strike:
    """The bytes of a row are others."""

    def work(sheet: Sheet, rng: random.Random) -> tuple[str, ...]:
        row = rng.randrange(len(sheet.rows))
        before = sheet.written([sheet.header, *sheet.rows[:row]])
        after = sheet.written(sheet.rows[row + 1 :])
        sheet.save(before + change(sheet.written([sheet.rows[row]])) + after)
        return sheet.words(row, words)

    return _on_sheet(work)


def _quote_open(line: bytes) -> bytes:
    """The row's last field begins with a quote that nothing closes."""
    plain = line.replace(b'"', b"").replace(b"\n", b"").strip()
    return plain + b',"' + _LINE_END


def _count(change: Callable[[Sheet, int], Any]) -> Strike:
    """There are more or fewer rows than the manifest says."""

    def work(sheet: Sheet, rng: random.Random) -> tuple[str, ...]:
        change(sheet, rng.randrange(len(sheet.rows)))
        sheet.save()
        return sheet.entry["file"], f"the manifest says {sheet.entry['rows']}"

    return _on_sheet(work)


def _text(change: Callable[[bytes], bytes], *words: str) -> Strike:
    """The whole CSV is another text."""

    def work(sheet: Sheet, _: random.Random) -> tuple[str, ...]:
        sheet.save(change(sheet.written([sheet.header, *sheet.rows])))
        return sheet.entry["file"], *words

    return _on_sheet(work)


def _operation(sheet: Sheet, rng: random.Random) -> tuple[str, ...]:
    row = rng.randrange(len(sheet.rows))
    return _spoil(sheet, row, 0, rng.choice(("", "insert", "DELETE", "U")), "neither upsert nor")


def _no_operation(sheet: Sheet, _: random.Random) -> tuple[str, ...]:
    for row in (sheet.header, *sheet.rows):
        del row[0]
    sheet.save()
    return sheet.words(None, "'change'")


def _key_twice(sheet: Sheet, rng: random.Random) -> tuple[str, ...]:
    """Two rows have one key."""
    first, second = rng.sample(range(len(sheet.rows)), 2)
    for name in sheet.key:
        at = sheet.header.index(name)
        sheet.rows[second][at] = sheet.rows[first][at]
    sheet.save()
    return sheet.entry["dataset"], "twice"


_DECIMAL, _WHOLE = r"-?\d+\.\d+", r"\d{1,3}"
_WORDS = r"(?s).*[A-Za-z].*(?<!T\d\d:\d\d:\d\d)"
_DAY, _MOMENT = r"\d{4}-\d\d-\d\d", r"\d{4}-\d\d-\d\dT[\d:]+"

ROWS: Mapping[str, Strike] = {
    "decimal is a word": _field(_DECIMAL, lambda _, __: "abc", "no decimal"),
    "decimal has a comma": _field(_DECIMAL, lambda v, _: v.replace(".", ","), "no decimal"),
    "decimal has an exponent": _field(_DECIMAL, lambda v, _: f"{v}e3", "no decimal"),
    "decimal has too many decimals": _field(_DECIMAL, lambda v, _: f"{v}00001", "no decimal"),
    "decimal has too many digits": _field(_DECIMAL, lambda v, _: "9" * 14 + v, "no decimal"),
    "decimal has a line break": _field(_DECIMAL, lambda v, _: f"{v}\n1", "no decimal"),
    "number has a point": _field(_WHOLE, lambda v, _: f"{v}.5", "is "),
    "number has a blank": _field(_WHOLE, lambda v, _: f" {v}", "is "),
    "number is too long": _field(_WHOLE, lambda _, __: "9" * 25, "is "),
    "no day": _field(_DAY, lambda _, __: "2026-02-30", "no day"),
    "day of another form": _field(_DAY, lambda _, __: "24/11/2026", "no day"),
    "no time": _field(_MOMENT, lambda v, _: f"{v[:11]}24:00:00", "no day and time"),
    "time with a zone": _field(_MOMENT, lambda v, _: f"{v}Z", "no day and time"),
    "no truth": _field("[01]", lambda _, __: "yes", "is 'yes'"),
    "key empty": _on_sheet(_key_empty),
    "text too long": _field(_WORDS, lambda _, __: "é" * 500, "500 characters"),
    "unknown column": _columns(_unknown),
    "missing column": _columns(_missing),
    "column twice": _columns(_double),
    "column in capitals": _columns(_renamed),
    "no header": _on_sheet(_no_header),
    "other delimiter": _on_sheet(_delimiter),
    "field missing": _width(lambda row: row[:-1], "fields, and"),
    "field too many": _width(lambda row: [*row, "x"], "fields, and"),
    "blank line": _line(lambda _: _LINE_END, "the line is blank"),
    "quote never closed": _line(_quote_open, "quote"),
    "text behind a quote": _line(lambda line: b'"a"b' + line, "closing quote"),
    "NUL": _line(lambda line: line[:2] + b"\0" + line[2:], "NUL"),
    "not UTF-8": _line(lambda line: b"\xe9" + line, "0xe9 is not UTF-8"),
    "torn UTF-8": _line(lambda line: b"\xc3" + line, "0xc3 is not UTF-8"),
    "UTF-16": _text(lambda text: text.decode().encode("utf-16"), "line 1:"),
    "no rows": _text(lambda _: b"", "empty file"),
    "rows missing": _count(lambda sheet, at: sheet.rows.pop(at)),
    "row too many": _count(lambda sheet, at: sheet.rows.append(sheet.rows[at])),
}
"""By name: what is done to the rows."""

CHANGED_ROWS: Mapping[str, Strike] = {
    "unknown operation": _on_sheet(_operation),
    "no operation": _on_sheet(_no_operation),
}
"""Those of changes alone."""

LOADED_ROWS: Mapping[str, Strike] = {"key twice": _on_sheet(_key_twice)}
"""Those that only a database sees."""
