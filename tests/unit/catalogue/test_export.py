"""Exports as they are read: rows, forms, lines, memory."""

import csv
import io
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from engine.catalogue.export import chunks, verify
from engine.catalogue.manifest import Unusable
from engine.catalogue.tables import ColumnKind, Table, TableColumn
from tests.unit.catalogue.exports import ARTICLES, rows_of, sealed, sheet, stored, told, zipped

HEADER = ("code", "name", "price")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the export is."""
    return tmp_path / "a.zip"


def test_rows_come_in_the_order_of_the_table(path: Path) -> None:
    """Whatever the order in the file; an empty field is None."""
    content = sheet(("price", "code", "name"), ("1.50", "A", 'say "hi", é'), ("", "B", ""))
    assert rows_of(path, zipped(path, content, 2)) == [
        ("A", 'say "hi", é', "1.50"),
        ("B", None, None),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(path: Path, end: str) -> None:
    """With a byte order mark in front, and no line end at the end."""
    content = f"\ufeffcode,name,price{end}A,,1{end}B,,2".encode()
    assert rows_of(path, zipped(path, content, 2)) == [("A", None, "1"), ("B", None, "2")]


def test_an_export_without_rows_is_one(path: Path) -> None:
    """A table may be empty."""
    assert rows_of(path, zipped(path, sheet(HEADER), 0)) == []


def test_a_member_that_is_not_compressed_is_read(path: Path) -> None:
    """Small files are stored as they are by some programs."""
    content = sheet(HEADER, ("A", "", ""))
    assert rows_of(path, stored(path, content, 1)) == [("A", None, None)]


def test_a_zip_whose_sizes_follow_is_read(path: Path) -> None:
    """So are those that were written into a pipe."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("articles.csv", sheet(HEADER, ("A", "", "")))
    path.write_bytes(pipe.getvalue())
    assert rows_of(path, sealed(path, 1)) == [("A", None, None)]


def test_the_signs_of_the_file_are_the_datasets_own(path: Path) -> None:
    """Delimiter, decimal mark and dates."""
    day = TableColumn("day", ColumnKind.DATE)
    table = replace(
        ARTICLES,
        columns=(*ARTICLES.columns, day),
        delimiter=";",
        decimal_mark=",",
        dates="french",
    )
    content = b"code;name;price;day\r\nA;x,y;1,5;24/11/2026\r\n"
    assert rows_of(path, zipped(path, content, 1), table) == [("A", "x,y", "1.5", "2026-11-24")]


@pytest.mark.parametrize(
    ("size", "sizes"), [(400, [400, 400, 200]), (1000, [1000]), (1, [1] * 1000)]
)
def test_rows_come_in_lists_of_the_size_that_is_asked_for(
    path: Path, size: int, sizes: list[int]
) -> None:
    """None is lost between the lists."""
    content = sheet(HEADER, *[(f"A{n}", "", "") for n in range(1000)])
    found = list(chunks(path, zipped(path, content, 1000), ARTICLES, size))
    assert [len(rows) for rows in found] == sizes
    assert [row[0] for rows in found for row in rows] == [f"A{n}" for n in range(1000)]


def test_changes_begin_with_what_is_done(path: Path) -> None:
    """A delete has its key alone, whatever else stands in its row; the order is the file's."""
    rows = [("upsert", "A", "a", "1"), ("delete", "B", "x", "no number"), ("upsert", "C", "", "")]
    content = sheet(("change", *HEADER), *rows, ("delete", "A", "", ""))
    assert rows_of(path, zipped(path, content, 4, "changes")) == [
        ("upsert", "A", "a", "1"),
        ("delete", "B", None, None),
        ("upsert", "C", None, None),
        ("delete", "A", None, None),
    ]


def test_a_file_of_deletes_is_read(path: Path) -> None:
    """And one of upserts alone."""
    content = sheet(("change", *HEADER), ("delete", "A", "", ""))
    assert rows_of(path, zipped(path, content, 1, "changes")) == [("delete", "A", None, None)]


def test_the_line_is_that_on_which_the_row_begins(path: Path) -> None:
    """Lines as an editor counts them, with breaks inside fields."""
    for end in ("\n", "\r\n", "\r"):
        name = f"two{end}lines"
        rows = [("A", name, "1"), ("B", f"{name}{end}more", "2"), ("C", "", "bad")]
        content = sheet(("code", "price", "name"), *[(row[0], row[2], row[1]) for row in rows])
        lines = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="").readlines()
        line = next(at for at, text in enumerate(lines, 1) if text.startswith("C"))
        said = told(path, zipped(path, content, 3))
        assert said.startswith(f"a.zip, line {line}: 'price' is 'bad', ")


@pytest.mark.parametrize("bad", [0, 149, 150, 151, 999, 5000])
def test_the_first_fault_is_told_wherever_it_is(path: Path, bad: int) -> None:
    """In any block, and before a later one."""
    rows = [[f"A{n}", f"name {n}", f"{n % 1000}.25"] for n in range(5001)]
    rows[bad][2] = "x"
    rows[-1][1] = 'never "'
    content = sheet(HEADER, *rows) + b'"'
    said = told(path, zipped(path, content, 5002))
    assert said.startswith(f"a.zip, line {bad + 2}: 'price' is 'x', which is no decimal number")


LATE = [(f"A{n}", "", "") for n in range(20_000)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"\xe9", "the byte 0xe9 is not UTF-8"),
        (b'B,"\xc3\xa9\r\n\xc3",', "the byte 0xc3 is not UTF-8"),
        (b"B\0,,", "there is a NUL, which no text has"),
    ],
)
def test_what_is_no_text_is_told_with_its_line(path: Path, row: bytes, said: str) -> None:
    """Far behind the begin, where the text is read in large pieces."""
    content = sheet(HEADER, *LATE) + row + b"\r\n" + sheet(("C", "", ""))
    line = 20_002 + row.count(b"\n")
    assert told(path, zipped(path, content, 20_002)) == f"a.zip, line {line}: {said}."


def test_a_nul_behind_a_bare_line_end_is_on_the_next_line(path: Path) -> None:
    """The line end before it counts."""
    content = b"code,name,price\rA,,\r\0"
    assert (
        told(path, zipped(path, content, 2)) == "a.zip, line 3: there is a NUL, which no text has."
    )


def test_a_text_cut_within_a_character_is_told(path: Path) -> None:
    """At the very end of the file."""
    content = sheet(HEADER) + b"A,\xc3"
    assert told(path, zipped(path, content, 1)) == "a.zip, line 2: the byte 0xc3 is not UTF-8."


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"B,", "there are 2 fields, and 3 columns"),
        (b"B,,,", "there are 4 fields, and 3 columns"),
        (b"B", "there is 1 field, and 3 columns"),
        (b"", "the line is blank"),
        (b",,", "'code' is empty, and it is required"),
        (b"B,,1.234", None),
        (b'B,"x', "a quote that is opened here is never closed"),
        (
            b'"B"x,,',
            "something follows a closing quote; inside a field a quote is written twice",
        ),
        (
            b"B," + b"x" * 131_073 + b",",
            "a field here has more than 131072 characters; a quote may not be closed",
        ),
    ],
)
def test_a_bad_row_is_told(path: Path, row: bytes, said: str | None) -> None:
    """One fault, one exact sentence."""
    content = sheet(HEADER, ("A", "", "")) + row + b"\r\n"
    wanted = "at most 6 digits before and 2 behind the '.'"
    said = said or f"'price' is '1.234', which is no decimal number with {wanted}"
    assert told(path, zipped(path, content, 2)) == f"a.zip, line 3: {said}."


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (("code", "name"), "the column 'price' is missing"),
        (("code", "name", "price", "code"), "the column 'code' stands there twice"),
        (
            ("code", "name", "prise"),
            "'articles' has no column 'prise' (did you mean 'price')",
        ),
        (
            ("code", "name", "x\x1b"),
            "'articles' has no column 'x?' (allowed: code, name, price)",
        ),
        (
            ("code;name;price",),
            "'code;name;price' is one column; the delimiter here is comma",
        ),
        (("change", *HEADER), "'change' belongs to changes, and this export is full"),
    ],
)
def test_a_bad_header_is_told(path: Path, header: tuple[str, ...], said: str) -> None:
    """It is on line 1."""
    assert told(path, zipped(path, sheet(header), 0)) == f"a.zip, line 1: {said}."


@pytest.mark.parametrize("header", [HEADER, (*HEADER, "change")])
def test_changes_have_their_column_first(path: Path, header: tuple[str, ...]) -> None:
    """It is missing, or stands elsewhere."""
    assert told(path, zipped(path, sheet(header), 0, "changes")) == (
        "a.zip, line 1: changes have 'change' for their first column."
    )


def test_an_empty_file_is_told(path: Path) -> None:
    """It has no header."""
    assert told(path, zipped(path, b"", 0)) == ("a.zip holds an empty file: not even a header.")


def test_an_unknown_operation_is_told(path: Path) -> None:
    """There are two."""
    content = sheet(("change", *HEADER), ("upsert", "A", "", ""), ("insert", "B", "", ""))
    assert told(path, zipped(path, content, 2, "changes")) == (
        "a.zip, line 3: 'change' is neither upsert nor delete."
    )


def test_a_delete_needs_its_key(path: Path) -> None:
    """An upsert beside it is judged in full."""
    head = ("change", *HEADER)
    content = sheet(head, ("upsert", "A", "", ""), ("delete", "", "", ""))
    assert told(path, zipped(path, content, 2, "changes")) == (
        "a.zip, line 3: 'code' is empty, and it is required."
    )
    content = sheet(head, ("delete", "A", "", "x"), ("upsert", "B", "", "x"))
    assert told(path, zipped(path, content, 2, "changes")).startswith("a.zip, line 3: 'price' is")


def test_rows_are_counted(path: Path) -> None:
    """Too few and too many are told, the latter at the first that is too many."""
    content = sheet(HEADER, *[(f"A{n}", "", "") for n in range(200)])
    few = "a.zip has 200 rows, the manifest says 201."
    many = "a.zip, line 201: the manifest says 199 rows, and here is one more."
    assert told(path, zipped(path, content, 201)) == few
    assert told(path, zipped(path, content, 199)) == many


def test_the_file_is_compared_with_the_manifest(path: Path) -> None:
    """Size, then digest; a file that is not there is told too."""
    export = zipped(path, sheet(HEADER), 0)
    assert told(path, replace(export, size=7)) == (
        f"a.zip has {export.size} bytes, the manifest says 7."
    )
    assert told(path, replace(export, sha256="0" * 64)) == (
        "a.zip is not the file of the manifest: its SHA-256 differs."
    )
    path.unlink()
    assert told(path, export) == "a.zip is not there."
    with pytest.raises(Unusable, match=r"^a\.zip is not there\.$"):
        list(chunks(path, export, ARTICLES))


def test_an_export_of_another_table_is_a_fault_of_the_caller(path: Path) -> None:
    """It is no fault of the file."""
    export = zipped(path, sheet(HEADER), 0)
    with pytest.raises(ValueError, match="is none of prices"):
        next(chunks(path, export, Table("prices", ARTICLES.columns, ("code",))))


def test_a_row_without_end_does_not_fill_the_memory(path: Path) -> None:
    """Many fields, each as long as the csv module takes: no row of a table is like that."""
    field = b"x" * 100_000 + b","
    content = sheet(HEADER, ("A", "", "")) + field * 400 + b"\r\n"
    assert told(path, stored(path, content, 2)) == (
        "a.zip, line 3: the rows from here on are larger than any row is."
    )


def test_memory_stays_small_whatever_the_file(path: Path) -> None:
    """A file of 6 MB takes a third of that."""
    name = "é" * 90
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("articles.csv", "w") as member,
        io.TextIOWrapper(member, "utf-8", newline="") as text,
    ):
        writer = csv.writer(text)
        writer.writerow(HEADER)
        writer.writerows((f"A{n}", name, "1.25") for n in range(30_000))
    export = sealed(path, 30_000)
    verify(path, export)
    tracemalloc.start()
    try:
        assert sum(len(rows) for rows in chunks(path, export, ARTICLES, 1000)) == 30_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_large_rows_come_in_shorter_lists(path: Path) -> None:
    """So that a list of them does not fill the memory either."""
    content = sheet(HEADER, *[(f"A{n}", "é" * 10_000, "") for n in range(1200)])
    export = stored(path, content, 1200)
    found = [len(rows) for rows in chunks(path, export, ARTICLES)]
    assert sum(found) == 1200
    assert max(found) <= 450
