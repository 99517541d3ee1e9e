"""The till program's own table: read in the order of numbers, marked, and never changed else."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlglot
from sqlglot import exp

from engine.store import Busy, Missing, StoreError
from engine.store.odbc_driver import odbc
from engine.store.place import Place
from engine.store.source import (
    PAGE,
    SourceTable,
    TicketSource,
    _number,
    _Statements,
    as_bytes,
    as_json,
)
from tests.unit.store.backends import BACKENDS, SERVER, on_sql_server, sqlite_by_odbc

COLUMNS = "NUMERO BIGINT, CAISSE {text}, CONTENU {bytes}, NOTE {text}, ENVOYE INT"


class TillProgram:
    """A table with tickets, as the till program that owns it sees it."""

    def __init__(self, backend: str, path: Path) -> None:
        self.server = backend == "sqlserver"
        self.name = f"TICKETS_{uuid4().hex[:8]}" if self.server else "TICKETS"
        self.path = path
        places: dict[str, Place] = {
            "sqlite": path,
            "odbc": sqlite_by_odbc(path),
            "sqlserver": on_sql_server("unused"),
        }
        self.place = places[backend]
        text, blob = ("NVARCHAR(50)", "VARBINARY(MAX)") if self.server else ("TEXT", "BLOB")
        self(f"CREATE TABLE {self.name} ({COLUMNS.format(text=text, bytes=blob)})")

    def __call__(self, statement: str, *rows: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Run a statement once, or once per row."""
        connection = (
            odbc().connect(SERVER, autocommit=True) if self.server else sqlite3.connect(self.path)
        )
        with closing(connection):
            cursor = connection.cursor()
            if rows:
                cursor.executemany(statement, rows)
            else:
                cursor.execute(statement)
            found = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            connection.commit()
        return found

    def sell(self, *numbers: int | None, till: str = "01", mark: int | None = None) -> None:
        self(
            f"INSERT INTO {self.name} VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - a test's own
            *[(each, till, b"ticket %d" % (each or 0), "note", mark) for each in numbers],
        )

    def rows(self) -> list[tuple[Any, ...]]:
        return self(f"SELECT * FROM {self.name} ORDER BY NUMERO, CAISSE")  # noqa: S608

    def table(self, **details: Any) -> SourceTable:
        usual: dict[str, Any] = {
            "name": ("dbo", self.name) if self.server else ("main", self.name),
            "number": "NUMERO",
            "payload": "CONTENU",
            "columns": (),
            "till": "CAISSE",
            "mark": "ENVOYE",
            "sent": 1,
            "first": 0,
        }
        return SourceTable(**(usual | details))


@pytest.fixture(params=BACKENDS)
def till(request: pytest.FixtureRequest, path: Path) -> Iterator[TillProgram]:
    """A till program's table on each database."""
    program = TillProgram(request.param, path)
    yield program
    if program.server:
        program(f"DROP TABLE {program.name}")


@pytest.fixture
def source(till: TillProgram) -> Iterator[TicketSource]:
    opened = TicketSource(till.place, till.table())
    yield opened
    opened.close()


def test_numbers_come_in_order_and_without_those_that_are_marked(
    till: TillProgram, source: TicketSource
) -> None:
    """A mark with another value is none; nor are another till's tickets this one's."""
    till.sell(7, 3)
    till.sell(5, mark=0)
    till.sell(4, mark=1)
    till.sell(6, till="02")
    assert source.numbers("01", -1) == ({3: 1, 5: 1, 7: 1}, (), None)
    assert list(source.numbers("01", -1).times) == [3, 5, 7]
    assert list(source.numbers("01", 3).times) == [5, 7]
    assert list(source.numbers("02", -1).times) == [6]


def test_many_numbers_come_page_by_page(till: TillProgram, source: TicketSource) -> None:
    till.sell(*range(1, PAGE + 121))
    till.sell(PAGE)
    first = source.numbers("01", -1)
    assert (len(first.times), max(first.times), first.times[PAGE]) == (PAGE, PAGE, 2)
    assert first.after == PAGE
    rest = source.numbers("01", first.after)
    assert (list(rest.times), rest.after) == (list(range(PAGE + 1, 621)), None)


def test_the_bytes_of_tickets_come_as_they_are(till: TillProgram, source: TicketSource) -> None:
    """Those that were asked for; one that is there twice is told as such."""
    till.sell(*range(1, 121))
    till.sell(9)
    found = source.payloads("01", [*range(1, 111), 999])
    assert len(found) == 110
    assert found[110] == b"ticket 110"
    assert found[9] is None


def test_a_mark_changes_the_mark_of_one_ticket_and_nothing_else(
    till: TillProgram, source: TicketSource
) -> None:
    till.sell(1, 2)
    till.sell(1, till="02")
    before = till.rows()
    assert source.mark("01", 1) is True
    assert source.mark("01", 1) is False
    assert source.mark("01", 99) is False
    assert till.rows() == [(*before[0][:4], 1), *before[1:]]
    assert list(source.numbers("01", -1).times) == [2]


def test_without_a_till_column_every_ticket_is_this_tills(till: TillProgram) -> None:
    till.sell(1)
    till.sell(2, till="02")
    with closing(TicketSource(till.place, till.table(till=None))) as source:
        assert list(source.numbers("01", -1).times) == [1, 2]
        assert source.payloads("01", [1, 2]) == {1: b"ticket 1", 2: b"ticket 2"}
        assert source.mark("01", 2)


def test_columns_make_a_json_object_in_their_order(till: TillProgram) -> None:
    till.sell(1)
    table = till.table(payload=None, columns=("NOTE", "NUMERO", "CAISSE"))
    with closing(TicketSource(till.place, table)) as source:
        assert source.payloads("01", [1]) == {1: b'{"NOTE":"note","NUMERO":1,"CAISSE":"01"}'}


def test_a_text_is_a_ticket_in_utf_8_and_a_mark_may_be_one(till: TillProgram) -> None:
    till(f"INSERT INTO {till.name} VALUES (?, ?, ?, ?, ?)", (1, "N", b"", "café", 0))  # noqa: S608
    table = till.table(payload="NOTE", mark="CAISSE", sent="O", till=None)
    with closing(TicketSource(till.place, table)) as source:
        assert source.payloads("01", [1]) == {1: "café".encode()}
        assert source.mark("01", 1)
        assert source.numbers("01", -1).times == {}


def test_a_ticket_without_a_number_is_not_looked_at(
    till: TillProgram, source: TicketSource
) -> None:
    till.sell(None, 1)
    assert list(source.numbers("01", -1).times) == [1]


@pytest.mark.parametrize("column", ["nowhere", "NUMERO"])
def test_a_table_that_is_not_there_is_a_sentence(till: TillProgram, column: str) -> None:
    """So is a column; the source is asked again at the next look."""
    name = till.table().name if column == "nowhere" else ("NO_SUCH_TABLE",)
    said = column if column == "nowhere" else "NO_SUCH_TABLE"
    with (
        closing(TicketSource(till.place, till.table(name=name, payload=column))) as source,
        pytest.raises(StoreError, match=f"(?i){said}"),
    ):
        source.payloads("01", [1])


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    table = SourceTable(("t",), "n", "p", (), None, "m", 1, 0)
    with (
        closing(TicketSource(tmp_path / "no.db", table)) as source,
        pytest.raises(Missing, match=r"no\.db to read tickets from"),
    ):
        source.numbers("01", -1)
    assert not (tmp_path / "no.db").exists()


def test_a_file_that_the_till_program_holds_is_busy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a while: nothing is marked, and it is marked at the next look."""
    monkeypatch.setattr("engine.store.source.WAIT", 0.01)
    till = TillProgram("sqlite", path)
    till.sell(1)
    with closing(TicketSource(path, till.table())) as source:
        with closing(sqlite3.connect(path)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Busy):
                source.numbers("01", -1)
        with closing(sqlite3.connect(path)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(Busy):
                source.mark("01", 1)
        assert source.mark("01", 1)


@pytest.mark.parametrize(("number", "told"), [("'A17'", "A17"), ("1.5", "1.5"), ("9e30", "9e+30")])
def test_a_number_that_is_none_is_told_beside_the_others(
    path: Path, number: str, told: str
) -> None:
    """Nothing is guessed, and nothing else stops."""
    till = TillProgram("sqlite", path)
    till.sell(1, 2)
    till(f"INSERT INTO TICKETS (NUMERO, CAISSE) VALUES ({number}, '01')")  # noqa: S608
    with closing(TicketSource(path, till.table())) as source:
        assert source.numbers("01", -1) == ({1: 1, 2: 1}, (told,), None)


def test_numbers_that_are_none_fill_a_page_and_hide_no_ticket(path: Path) -> None:
    till = TillProgram("sqlite", path)
    till.sell(1, 2)
    till(
        "INSERT INTO TICKETS (NUMERO, CAISSE) VALUES (?, '01')",
        *[(1 + each / 1000,) for each in range(1, PAGE + 1)],
    )
    with closing(TicketSource(path, till.table())) as source:
        first = source.numbers("01", -1)
        assert (first.times, len(first.unfit)) == ({1: 1}, PAGE - 1)
        assert source.numbers("01", first.after).times == {2: 1}


def test_a_whole_decimal_is_a_number_and_no_other(path: Path) -> None:
    """As SQL Server gives a NUMERIC column."""
    assert _number(Decimal("17.00")) == 17
    assert _number(Decimal("17.50")) is None
    assert _number(Decimal("NaN")) is None
    assert _number(-1) is None
    assert _number(True) is None


def test_a_second_row_that_came_meanwhile_keeps_both_from_being_marked(
    till: TillProgram, source: TicketSource
) -> None:
    """Between the comparison and the mark: which of the two was sent is not known."""
    till.sell(1, 1)
    before = till.rows()
    assert source.mark("01", 1) is False
    assert till.rows() == before


@pytest.mark.parametrize("till", [None, "CAISSE"])
def test_what_sql_server_is_asked_is_its_language(till: str | None) -> None:
    """Each statement parses as T-SQL, and has a place for each value that it is given."""
    table = SourceTable(("TPV", "dbo", "TICKETS"), "N", None, ("A", "B"), till, "M", "O", 0)
    made = _Statements(table, sql_server=True)
    whose = 0 if till is None else 1
    for statement, values in (
        (made.numbers, 2 + whose),
        (made.rows(3), 4 + whose),
        (made.mark, 5 + 2 * whose),
    ):
        parsed = sqlglot.parse_one(statement, dialect="tsql")
        assert not isinstance(parsed, exp.Command)
        assert len(list(parsed.find_all(exp.Placeholder))) == values


def test_bytes_and_texts_and_nothing() -> None:
    assert as_bytes(b"\x00\xff") == b"\x00\xff"
    assert as_bytes(memoryview(b"ab")) == b"ab"
    assert as_bytes("é") == b"\xc3\xa9"
    assert as_bytes(None) == b""
    assert as_bytes(17) == b"17"


def test_json_says_the_same_of_a_row_whoever_reads_it() -> None:
    """Numbers keep their digits; what JSON has no word for becomes a text."""
    row = {
        "total": Decimal("12.50"),
        "tax": Decimal("1E+2"),
        "count": 3,
        "rate": 0.1,
        "open": True,
        "note": None,
        "text": 'caf"é\n\u2028',
        "at": datetime(2026, 11, 24, 10, 0, 0, 250_000),  # noqa: DTZ001 - as a column has it
        "second": datetime(2026, 11, 24, 10),  # noqa: DTZ001
        "day": date(2026, 11, 24),
        "hour": time(10, 30),
        "bytes": b"\x00\x01",
        "id": UUID(int=1),
        "none": Decimal("NaN"),
    }
    assert as_json(row).decode() == (
        '{"total":12.50,"tax":100,"count":3,"rate":0.1,"open":true,"note":null,'
        '"text":"caf\\"é\\n\u2028","at":"2026-11-24T10:00:00.250000",'
        '"second":"2026-11-24T10:00:00","day":"2026-11-24","hour":"10:30:00","bytes":"AAE=",'
        '"id":"00000000-0000-0000-0000-000000000001","none":"NaN"}'
    )
