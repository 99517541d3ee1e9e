"""What drivers were seen to report becomes a kind and a sentence."""

import pytest

from engine.store import LoginRefused, StoreError, Unanswered, Undone, Unreachable
from engine.store.odbc_errors import explain, told
from engine.store.place import OdbcPlace

PLACE = OdbcPlace("TPV on CAISSE01", lambda: "")
MS = "[Microsoft][ODBC Driver 18 for SQL Server]"
TDS = "[FreeTDS][SQL Server]"
SSL = (
    "SSL Provider: [error:0A000086:SSL routines::certificate verify failed:self-signed certificate]"
)


@pytest.mark.parametrize(
    ("state", "text", "kind", "words"),
    [
        ("08001", f"{MS}{SSL} (-1) (SQLDriverConnect)", LoginRefused, "trust_server_certificate"),
        (
            "08001",
            f"{MS}SSL Provider: The certificate chain was not trusted. (-2146893019) (SQLConnect)",
            LoginRefused,
            "trust_server_certificate: true",
        ),
        (
            "28000",
            f"{MS}[SQL Server]Login failed. (18456) (SQLDriverConnect); [28000] {MS}No 'x'. (4060)",
            LoginRefused,
            "(Login failed; No 'x')",
        ),
        ("08004", f"{TDS}No such database (0) (SQLDriverConnect)", LoginRefused, "No such"),
        ("HYT00", f"{MS}Login timeout expired (0) (SQLDriverConnect)", Unreachable, "reached"),
        ("HYT00", f"{MS}Query timeout expired (0) (SQLExecDirectW)", Unanswered, "answer (Query"),
        ("08S01", f"{MS}Communication link failure (0) (SQLExecDirectW)", Unreachable, "link"),
        ("HY000", f"{TDS}Unknown error (0) (SQLExecDirectW)", Unreachable, "Unknown error"),
        ("40001", f"{MS}[SQL Server]chosen as the deadlock victim (0)", Undone, "victim"),
        (
            "01000",
            "[unixODBC][Driver Manager]Can't open lib 'x' : file not found (0) (SQLDriverConnect)",
            StoreError,
            "name another one with database.driver",
        ),
        (
            "IM002",
            "[Microsoft][ODBC Driver Manager] Data source name not found (0) (SQLDriverConnect)",
            StoreError,
            "The ODBC driver for the database TPV on CAISSE01 cannot be loaded",
        ),
        ("42000", f"{MS}[SQL Server]Invalid (x). (102) (SQLPrepare)", StoreError, "Invalid (x)."),
    ],
)
def test_a_report_has_its_kind_and_its_own_words(
    state: str, text: str, kind: type[StoreError], words: str
) -> None:
    found = explain(Exception(state, f"[{state}] {text}"), PLACE)
    assert type(found) is kind
    assert words in str(found)
    assert "TPV on CAISSE01" in str(found)


def test_each_sentence_of_a_server_is_told_once_and_without_what_a_driver_puts_around_it() -> None:
    one = f"[42000] {MS}[SQL Server]No (1205) (SQLExecDirectW); [42000] {MS}[SQL Server]No (3621)"
    found = told(Exception("42000", one))
    assert found == ("42000", frozenset({1205, 3621}), "No")


@pytest.mark.parametrize("error", [Exception(), Exception("HY000"), Exception("HY000", "")])
def test_a_driver_that_says_nothing_is_quoted_as_such(error: Exception) -> None:
    assert type(explain(error, PLACE)) is StoreError
