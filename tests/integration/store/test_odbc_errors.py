"""What SQL Server reports, as Microsoft's driver and FreeTDS pass it on, becomes our kinds."""

import pytest

from engine.store import (
    Busy,
    DiskFailing,
    DiskFull,
    LoginRefused,
    NotWritable,
    StoreError,
    Undone,
    Unreachable,
)
from engine.store.errors import KeyTwice
from engine.store.odbc import OdbcDatabase
from tests.integration.store.conftest import PlaceOf, Server
from tests.integration.store.tds import Fault, Numbers, Tds

KINDS = [
    (1205, Undone, "in favour of another"),
    (3960, Undone, "in favour of another"),
    (1222, Busy, "locked by another program"),
    (1105, DiskFull, "no room left"),
    (9002, DiskFull, "no room left"),
    (1827, DiskFull, "ends at 10 GB"),
    (823, DiskFailing, "Check the disk"),
    (229, NotWritable, "docs/sqlserver.md"),
    (208, StoreError, "refused: words of 208"),
    (233, StoreError, "refused: words of 233"),
    (2627, KeyTwice, "would be there twice"),
    (50001, StoreError, "refused: words of 50001"),
]
LOGINS = [
    (18456, LoginRefused, "does not let tillwire into"),
    (4060, LoginRefused, "does not let tillwire into"),
    (18488, LoginRefused, "does not let tillwire into"),
    (911, LoginRefused, "does not let tillwire into"),
    (945, Unreachable, "cannot be reached"),
    (17142, Unreachable, "cannot be reached"),
]


@pytest.mark.parametrize(("number", "kind", "words"), KINDS)
def test_an_error_is_known_by_its_number(
    place_of: PlaceOf, server: Tds, script: Server, number: int, kind: type[StoreError], words: str
) -> None:
    """Whatever class and state the driver gives it; the sentence has the server's own words."""
    database = OdbcDatabase.open(place_of(server.port))
    script.answers["UPDATE"] = Fault(number, f"words of {number}")
    with pytest.raises(StoreError) as caught, database.transaction():
        database.run("journal_head_moves", 1, "x")
    database.close()
    assert type(caught.value) is kind
    for word in (words, f"words of {number}", r"TPV on CAISSE01\SQLEXPRESS"):
        assert word in str(caught.value)


@pytest.mark.parametrize(("number", "kind", "words"), LOGINS)
def test_a_log_in_that_is_refused_says_why(
    place_of: PlaceOf, server: Tds, script: Server, number: int, kind: type[StoreError], words: str
) -> None:
    """The password is in no sentence."""
    script.answers["LOGIN"] = Fault(number, f"words of {number}", 14)
    with pytest.raises(StoreError) as caught:
        OdbcDatabase.open(place_of(server.port, "pass word"))
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert f"words of {number}" in str(caught.value)
    assert "pass word" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize("password", ["simple", "with ; and = and é", "a}b", "'\"\\"])
def test_a_password_arrives_as_it_is(place_of: PlaceOf, server: Tds, password: str) -> None:
    OdbcDatabase.open(place_of(server.port, password)).close()
    assert server.passwords == [password]


@pytest.mark.parametrize(
    ("word", "answer", "kind", "words"),
    [
        ("sp_getapplock", Numbers((-1,)), Busy, "is in use by another tillwire"),
        ("OPENJSON(N", Fault(208), StoreError, "compatibility level 130"),
        ("delayed_durability", Numbers((2, 0)), StoreError, "DELAYED_DURABILITY = FORCED"),
        ("delayed_durability", Numbers((0, 1)), NotWritable, "is read only"),
        ("MAX(version)", Numbers((99,)), StoreError, "a newer tillwire wrote it"),
    ],
)
def test_a_database_that_cannot_keep_tickets_is_refused(
    place_of: PlaceOf,
    server: Tds,
    script: Server,
    word: str,
    answer: Fault | Numbers,
    kind: type[StoreError],
    words: str,
) -> None:
    """Before anything is written to it."""
    script.answers[word] = answer
    with pytest.raises(kind, match=words):
        OdbcDatabase.open(place_of(server.port))
    assert not [said for said in server.said if "INSERT" in said or "CREATE" in said]


def test_a_proof_needs_snapshots(place_of: PlaceOf, server: Tds, script: Server) -> None:
    """What is not of one moment proves nothing, and nobody is kept waiting for it."""
    script.answers["snapshot_isolation_state"] = Numbers((0,))
    database = OdbcDatabase.open(place_of(server.port), role="reads")
    with pytest.raises(StoreError, match="ALLOW_SNAPSHOT_ISOLATION"), database.reading():
        pass
    database.close()
    assert "sp_getapplock" not in "".join(server.said)


def test_who_reads_writes_nothing(place_of: PlaceOf, server: Tds) -> None:
    database = OdbcDatabase.open(place_of(server.port), role="reads")
    for write in (
        lambda: database.run("journal_head_moves", 1, "x"),
        lambda: database.run_many("ticket_withdrawn", [(1.0, "01", 1)]),
    ):
        with pytest.raises(StoreError, match="only reads"):
            write()
    database.close()
    assert not [said for said in server.said if "UPDATE" in said]
