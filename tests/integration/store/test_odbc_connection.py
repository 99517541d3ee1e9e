"""Servers that are not there, that hang or that cut the connection, seen by the real drivers."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from engine.store import StoreError, Unanswered, Undone, Unreachable
from engine.store.odbc import GRACE, OdbcDatabase
from tests.integration.store.conftest import PlaceOf, Server
from tests.integration.store.tds import Cut, Fault, Numbers, Silence, Tds


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_port_that_nobody_listens_to_is_said_at_once(place_of: PlaceOf) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(Unreachable, match="see whether SQL Server runs and listens"):
        OdbcDatabase.open(place_of(port))
    assert time.monotonic() - began < 3.0


def test_a_port_that_says_nothing_is_given_up_in_its_time(place_of: PlaceOf, silent: int) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable, match="tried again by itself"):
        OdbcDatabase.open(place_of(silent))
    assert time.monotonic() - began < 1.0 + GRACE


def test_a_server_that_resets_is_not_there(place_of: PlaceOf, server: Tds, script: Server) -> None:
    script.answers["LOGIN"] = Cut()
    with pytest.raises(Unreachable):
        OdbcDatabase.open(place_of(server.port))


def test_a_query_that_hangs_is_given_up_and_the_next_goes_on(
    place_of: PlaceOf, server: Tds, script: Server
) -> None:
    """The driver's own limit, or ours behind it; then a new connection, with the lock again."""
    database = OdbcDatabase.open(place_of(server.port))
    script.answers["messages WHERE"] = Silence()
    began = time.monotonic()
    with pytest.raises(Unanswered, match="the call was given up"):
        database.rows("messages_unread_count", "01")
    assert time.monotonic() - began < 1.0 + GRACE
    del script.answers["messages WHERE"]
    assert database.rows("messages_unread_count", "01") == [(1,)]
    database.close()
    assert len([said for said in server.said if "sp_getapplock" in said]) == 2


def test_a_connection_that_broke_while_idle_is_made_again(place_of: PlaceOf, server: Tds) -> None:
    """Whoever writes next does not notice."""
    database = OdbcDatabase.open(place_of(server.port))
    server.cut()
    with database.transaction():
        database.run("journal_head_moves", 1, "x")
    database.close()
    assert len(server.passwords) == 2


def _swallow(database: OdbcDatabase, words: str = "TPV") -> None:
    """One job of a group fails, and the next one goes on all the same."""
    with pytest.raises(StoreError, match=words), database.savepoint():
        database.run("journal_head_moves", 1, "x")
    with database.savepoint():
        database.rows("messages_unread_count", "01")


def _go_on(database: OdbcDatabase) -> None:
    """A job swallows an error and asks for more."""
    with pytest.raises(Undone):
        database.run("journal_head_moves", 1, "x")
    database.rows("messages_unread_count", "01")


def test_a_transaction_that_broke_in_its_middle_was_undone(
    place_of: PlaceOf, server: Tds, script: Server
) -> None:
    """It can be run again; nothing of it is taken up on a new connection."""
    database = OdbcDatabase.open(place_of(server.port))
    script.answers["UPDATE"] = Cut()
    with pytest.raises(Undone), database.transaction():
        database.run("journal_head_moves", 1, "x")
    said = len(server.said)
    with pytest.raises(Undone), database.transaction():
        _swallow(database)
    with pytest.raises(Undone), database.transaction():
        _go_on(database)
    assert not [said for said in server.said[said:] if "messages WHERE" in said]
    database.close()


def test_a_commit_that_broke_leaves_its_outcome_open(
    place_of: PlaceOf, server: Tds, script: Server
) -> None:
    """It is not run again unasked: it may be stored."""
    database = OdbcDatabase.open(place_of(server.port))
    script.answers["COMMIT"] = Cut()
    with pytest.raises(Unreachable, match="is not known"), database.transaction():
        database.run("journal_head_moves", 1, "x")
    database.close()


def test_a_deadlock_undoes_everything_and_says_so(
    place_of: PlaceOf, server: Tds, script: Server
) -> None:
    """A caller that swallows the error hears of it at the end all the same."""
    database = OdbcDatabase.open(place_of(server.port))
    script.answers |= {"UPDATE": Fault(1205, severity=13), "XACT_STATE": Numbers((0,))}
    with pytest.raises(Undone), database.transaction():
        _swallow(database)
    assert not [said for said in server.said if "COMMIT TRANSACTION" in said]
    database.close()


def test_a_trigger_that_says_no_undoes_its_neighbours_too(
    place_of: PlaceOf, server: Tds, script: Server
) -> None:
    """Its own caller hears the trigger's words, the others that they can be run again."""
    database = OdbcDatabase.open(place_of(server.port))
    script.answers |= {"UPDATE": Fault(50001, "never changed"), "XACT_STATE": Numbers((-1,))}
    with pytest.raises(Undone, match="undid a whole transaction"), database.transaction():
        _swallow(database, "never changed")
    assert [said for said in server.said if "ROLLBACK TRANSACTION" in said]
    database.close()


def test_a_question_after_a_break_is_asked_again(place_of: PlaceOf, server: Tds) -> None:
    database = OdbcDatabase.open(place_of(server.port))
    server.cut()
    assert database.rows("messages_unread_count", "01") == [(1,)]
    database.close()


def test_a_server_that_is_away_is_not_asked_for_each_job(
    place_of: PlaceOf, server: Tds, script: Server
) -> None:
    """For a moment what is known of it is said at once; then it is asked again."""
    database = OdbcDatabase.open(place_of(server.port))
    script.answers["LOGIN"] = Fault(17142)
    server.cut()
    for _ in range(5):
        with pytest.raises(Unreachable), database.transaction():
            pass
    assert len(server.passwords) == 2
    del script.answers["LOGIN"]
    database._not_before = 0.0
    with database.transaction():
        database.run("journal_head_moves", 1, "x")
    database.close()
    assert len(server.passwords) == 3
