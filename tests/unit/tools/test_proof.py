"""``tillwire proof``: what it finds, in which words, and with which exit code."""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from engine.lab.stub import StubServer
from engine.server.port import CallFailed, Reason
from engine.store import NotWritable, Store
from engine.store.examining import Examination
from tests.unit.tools.days import (
    DAY,
    NOON,
    Prove,
    faults,
    fill,
    parcel,
    payload,
    settle,
    stock,
    tamper,
)


def test_a_day_that_is_all_there_is_complete(prove: Prove) -> None:
    """Both sides have the same numbers, count and digest; exit code 0."""
    code, data = prove()
    [till] = data["tills"]
    assert (code, data["complete"], till["complete"], till["faults"]) == (0, True, True, [])
    assert data["journal"] == {"entries": 21, "broken_at": None, "why": ""}
    for side in (till["here"], till["server"]):
        assert (side["first"], side["last"], side["count"]) == (1, 10, 10)
    assert till["here"]["digest"] == till["server"]["digest"]
    assert till["server"]["asked"] is True


def test_the_text_says_the_same_to_a_person(tillwire: Any, path: Path, server: StubServer) -> None:
    """Day, journal, a table a till, offline periods, a verdict."""
    with Store.open(path) as store:
        store.journal.append("offline_began", "01", {"states": "x"}, NOON + 60)
        store.journal.append("offline_ended", "01", {"states": "x"}, NOON + 120)
    result = tillwire("proof", "--day", DAY, "-c", path.with_name("till.yaml"))
    lines = result.out.splitlines()
    digest = sha256(
        b"".join(f"{n} {sha256(payload(n)).hexdigest()}\n".encode() for n in range(1, 11))
    ).hexdigest()
    assert result.code == 0
    assert server.calls["TICKETCOUNT"] == 2
    assert lines[0] == "Proof of 2026-03-14, shop 0042"
    assert lines[2] == "The journal holds: 23 entries, each chained to the one before it."
    assert lines[4:9] == [
        "Till 01: complete",
        "          first  last  count  bytes  digest",
        f"  here    1      10    10     81     {digest}",
        f"  server  1      10    10     -      {digest}",
        "  The server's side: asked just now.",
    ]
    assert lines[9].startswith("  Offline from 2026-03-14T12:01:00")
    assert lines[11] == "Till 02: complete"
    assert lines[-1] == "Verdict: complete."


@pytest.mark.parametrize(
    ("statement", "broken_at", "why"),
    [
        (
            "UPDATE journal SET hash = 'f' || substr(hash, 2) WHERE seq = 5",
            5,
            "entry 5 was changed: its hash differs",
        ),
        (
            "UPDATE journal SET at = at + 1 WHERE seq = 7",
            7,
            "entry 7 was changed: its hash differs",
        ),
        ("DELETE FROM journal WHERE seq = 12", 12, "entry 12 is missing: the next one there is 13"),
        (
            "DELETE FROM journal WHERE seq = 21",
            21,
            "the last 1 entries are missing: 21 were written",
        ),
        ("UPDATE journal SET subject = 'no JSON' WHERE seq = 21", 21, "entry 21 was changed"),
    ],
)
def test_where_the_journal_breaks_is_named(
    prove: Prove, path: Path, statement: str, broken_at: int, why: str
) -> None:
    """The entry and the reason; everything else is still told."""
    tamper(path, statement)
    code, data = prove()
    assert (code, data["complete"]) == (1, False)
    assert data["journal"]["broken_at"] == broken_at
    assert data["journal"]["why"].startswith(why)
    assert data["tills"][0]["here"]["count"] == 10


def test_the_text_names_the_broken_entry(tillwire: Any, path: Path, server: StubServer) -> None:
    """And the verdict counts it."""
    tamper(path, "UPDATE journal SET hash = 'f' || substr(hash, 2) WHERE seq = 5")
    assert server is not None
    result = tillwire("proof", "--day", DAY, "-c", path.with_name("till.yaml"))
    lines = result.out.splitlines()
    assert result.code == 1
    assert lines[2] == "The journal is broken at entry 5: entry 5 was changed: its hash differs."
    assert lines[-1] == "Verdict: not complete: 1 thing is not as it should be."


def test_a_number_that_never_came_is_named(prove: Prove, path: Path, server: StubServer) -> None:
    """Within the day, and between the day before and this one."""
    with Store.open(path) as store:
        fill(store, [14, 15], NOON + 3)
        settle(store, [14, 15])
    stock(server, [14, 15])
    assert faults(prove()) == ["Numbers 11-13 are missing."]


def test_a_ticket_that_was_taken_out_is_named(prove: Prove, path: Path) -> None:
    """Its number, that the journal knows it, and that the server has it."""
    tamper(path, "DELETE FROM payloads WHERE arrival = 6", "DELETE FROM tickets WHERE number = 6")
    assert faults(prove()) == [
        "Number 6 is missing.",
        "Ticket 6 is in the journal and no longer among the tickets.",
        "Ticket 6 is only at the server.",
    ]


def test_the_last_ticket_of_the_day_is_missed_too(prove: Prove, path: Path) -> None:
    """Though it leaves no gap between numbers."""
    tamper(path, "DELETE FROM payloads WHERE arrival = 10", "DELETE FROM tickets WHERE number = 10")
    assert faults(prove()) == [
        "Ticket 10 is in the journal and no longer among the tickets.",
        "Ticket 10 is only at the server.",
    ]


def test_a_ticket_that_was_put_in_is_named(prove: Prove, path: Path) -> None:
    """Nothing in the journal speaks of it, and the server does not have it."""
    tamper(
        path,
        "INSERT INTO tickets SELECT 99, till, 11, '0042/01/11', sha256, accepted_at, state, "
        "attempts, attempted_at, batch, settled_at, code, message FROM tickets WHERE number = 10",
    )
    assert faults(prove()) == [
        "Ticket 11 is among the tickets and not in the journal.",
        "Ticket 11 is marked sent, and the journal has no acknowledgement.",
        "Ticket 11 is only here: acknowledged, and not at the server.",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payloads SET payload = 'cheaper' WHERE arrival = 3",
        "UPDATE tickets SET sha256 = replace(sha256, substr(sha256, 1, 1), 'g') WHERE number = 3",
    ],
)
def test_bytes_that_were_changed_are_named(prove: Prove, path: Path, statement: str) -> None:
    """The payload, or the hash that it is held against."""
    tamper(path, statement)
    assert faults(prove())[0] == "Ticket 3 is not as accepted: the bytes were changed."


def test_tickets_only_here_and_only_there_are_named(
    prove: Prove, path: Path, server: StubServer
) -> None:
    """One that the server lost, those above all that the till knows, and one in a gap."""
    with Store.open(path) as store:
        fill(store, [11, 13], NOON + 3)
        settle(store, [11, 13])
    stock(server, [12, 13, 20, 21, 30])
    assert faults(prove()) == [
        "Number 12 is missing.",
        "Ticket 11 is only here: acknowledged, and not at the server.",
        "Ticket 12 is only at the server.",
        "Tickets 20-21,30 are only at the server.",
    ]


def test_other_bytes_at_the_server_are_seen(prove: Prove, path: Path, server: StubServer) -> None:
    """The numbers agree and the digests do not."""
    with Store.open(path) as store:
        fill(store, [11], NOON + 3)
        settle(store, [11])
    server.ledger.receive([parcel("01", 11, b"x")], "b-1")
    [said] = faults(prove())
    assert said == (
        "At least one of the tickets numbered 1-11 has other bytes at the server: the digests "
        "differ."
    )


def test_what_waits_and_what_was_refused_is_named(prove: Prove, path: Path) -> None:
    """Whatever the server has got of it in the meantime."""
    with Store.open(path) as store:
        fill(store, [11, 12, 13], NOON + 3)
        store.tickets.attempted("01", [12], "b-2", NOON + 4)
        store.tickets.refused("01", [(12, "E1", "no")], "b-2", NOON + 5)
    found = prove()
    assert faults(found) == [
        "Tickets 11,13 are not acknowledged by the server.",
        "Ticket 12 is refused by the server and set aside.",
    ]
    assert found[1]["tills"][0]["here"]["pending"] == 2


def test_what_the_server_got_since_is_no_fault_of_its_own(
    prove: Prove, path: Path, server: StubServer
) -> None:
    """A ticket that waits here and is there: its answer may be on the way."""
    with Store.open(path) as store:
        fill(store, [11], NOON + 3)
    stock(server, [11])
    assert faults(prove()) == ["Ticket 11 is not acknowledged by the server."]


def test_without_a_servers_count_the_journal_speaks_and_that_is_said(
    prove: Prove, server: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not count, and one that is not to be asked."""
    for more, note in (
        (("--without-server",), "it was not to be asked"),
        ((), "it does not count tickets"),
    ):
        code, data = prove(*more)
        side = data["tills"][0]["server"]
        assert (code, side["asked"], side["note"]) == (0, False, note)
        assert (side["first"], side["last"], side["count"]) == (1, 10, 10)
        assert side["digest"] == data["tills"][0]["here"]["digest"]
        monkeypatch.setattr(server, "counts_tickets", False)
    assert server.calls["TICKETCOUNT"] == 0


def test_a_server_that_does_not_answer_leaves_the_day_unproven(
    prove: Prove, server: StubServer
) -> None:
    """The journal's side is told, and the verdict is not complete."""

    def strike(_action: str, _till: str) -> None:
        raise CallFailed(Reason.UNREACHABLE, "server.example:80 refuses connections.")

    server.strike = strike
    found = prove()
    assert faults(found) == [
        "The server could not be asked: server.example:80 refuses connections."
    ]
    assert found[1]["tills"][0]["server"]["note"] == "it could not be asked"


def test_only_the_days_own_tickets_count(prove: Prove, path: Path, server: StubServer) -> None:
    """From its first midnight to before the next, this machine's time."""
    with Store.open(path) as store:
        fill(store, [11], datetime.fromisoformat("2026-03-15").timestamp())
        fill(store, [0], datetime.fromisoformat("2026-03-13T23:59:59.999").timestamp())
        settle(store, [0, 11])
    stock(server, [0, 11])
    code, data = prove()
    here = data["tills"][0]["here"]
    assert (code, here["first"], here["last"], here["count"]) == (0, 1, 10, 10)


def test_it_reads_beside_whoever_writes_and_changes_nothing(prove: Prove, path: Path) -> None:
    """An agent has the database, with what is not in the main file yet."""
    with Store.open(path) as store:
        fill(store, [11], NOON + 3)
        code, data = prove()
        assert (code, data["tills"][0]["here"]["count"]) == (1, 11)
        with Examination.open(path) as evidence, pytest.raises(NotWritable):
            evidence._database.run("counters_begin", "01", 1, 1)
        fill(store, [12], NOON + 3)
