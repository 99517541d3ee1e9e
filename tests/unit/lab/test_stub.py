"""The stub answers like a central server, in process."""

import hashlib
from dataclasses import fields
from typing import NamedTuple

import pytest

from engine.lab.ledger import Held
from engine.lab.stub import StubMessage, StubOffer, StubRefusal, StubServer, StubVerdict
from engine.server.port import CallRejected, Message, Offer, Server, TicketCount, TicketVerdict


class Ticket(NamedTuple):
    key: str
    number: int
    payload: bytes
    sha256: str


def ticket(number: int) -> Ticket:
    payload = f"ticket {number}".encode()
    return Ticket(f"0042/01/{number}", number, payload, hashlib.sha256(payload).hexdigest())


def test_the_stub_fits_where_the_port_is_asked_for() -> None:
    port: Server = StubServer(settle=3.0)
    assert (port.deduplicates, port.tells_ticket_status, port.settle) == (True, True, 3.0)
    assert port.tells_messages
    assert port.takes_acknowledgements
    assert port.tells_offers
    assert port.counts_tickets
    assert not port.tells_configuration
    assert not port.tells_files
    assert StubVerdict._fields == TicketVerdict._fields
    assert StubMessage._fields == Message._fields
    assert StubOffer._fields == Offer._fields
    assert [each.name for each in fields(Held)] == [each.name for each in fields(TicketCount)]


def test_a_ping_takes_the_latency() -> None:
    assert StubServer(latency=0.02).ping("01", timeout=5.0) >= 0.02


def test_tickets_are_stored_once_and_a_duplicate_counts_as_stored() -> None:
    stub = StubServer()
    first = stub.send_tickets("01", "b1", [ticket(1)], 5.0)
    second = stub.send_tickets("01", "b2", [ticket(1), ticket(2)], 5.0)
    assert first == [StubVerdict("0042/01/1", "stored")]
    assert [verdict.status for verdict in second] == ["stored", "stored"]
    assert [row.number for row in stub.tickets("01")] == [1, 2]
    assert stub.tickets("01")[0].shop == "0042"
    assert stub.twice() == {}


def test_without_deduplication_a_ticket_is_stored_again() -> None:
    stub = StubServer(deduplicates=False)
    for batch in ("b1", "b2"):
        stub.send_tickets("01", batch, [ticket(1)], 5.0)
    assert stub.twice() == {"0042/01/1": 2}


def test_ticket_status_tells_stored_refused_and_unknown() -> None:
    stub = StubServer()
    stub.ledger.refuses = frozenset({2})
    verdicts = stub.send_tickets("01", "b1", [ticket(1), ticket(2)], 5.0)
    assert (verdicts[1].status, verdicts[1].code) == ("refused", "BUSINESS")
    told = stub.ticket_status("01", [ticket(n).key for n in (1, 2, 3)], 5.0)
    assert [verdict.status for verdict in told] == ["stored", "refused", "unknown"]
    assert [verdict.sha256 for verdict in told] == [ticket(1).sha256, "", ""]


def test_a_strike_comes_before_the_work_and_a_lost_answer_after_it() -> None:
    def fail(_action: str, _till: str) -> None:
        raise ConnectionError("no")

    stub = StubServer(strike=fail)
    with pytest.raises(ConnectionError):
        stub.send_tickets("01", "b1", [ticket(1)], 5.0)
    assert stub.tickets() == []
    stub.strike, stub.lost = None, fail
    with pytest.raises(ConnectionError):
        stub.send_tickets("01", "b1", [ticket(1)], 5.0)
    assert len(stub.tickets()) == 1
    assert stub.calls["TICKETS"] == 2


def test_a_latency_beyond_the_timeout_ends_at_the_timeout() -> None:
    stub = StubServer(latency=60.0, late=lambda: RuntimeError("late"))
    with pytest.raises(RuntimeError, match="late"):
        stub.ping("01", timeout=0.01)


def test_closing_lets_waiting_calls_go_on() -> None:
    stub = StubServer(latency=60.0)
    stub.close()
    assert stub.ping("01", timeout=100.0) < 10.0


def test_dropped_connections_are_counted() -> None:
    stub = StubServer()
    stub.drop_connections()
    assert stub.dropped == 1


def test_messages_come_until_they_are_acknowledged() -> None:
    stub = StubServer()
    stub.notices.put_messages([{"id": "m1", "at": "now", "title": "a"}, {"id": "m2"}])
    told = stub.poll_messages("01", "opened", 5.0)
    assert told[0] == Message("m1", "now", "info", "a", "")
    assert stub.acknowledge_messages("01", ["m1"], 5.0) == ["m1"]
    assert [message.id for message in stub.poll_messages("01", "ticket", 5.0)] == ["m2"]
    assert (stub.calls["MESSAGES"], stub.calls["MESSAGESACK"]) == (2, 1)


def test_offers_come_for_a_customer_and_an_unknown_one_is_refused() -> None:
    stub = StubServer(rejected=CallRejected)
    stub.notices.put_offers([{"id": "o", "until": "2026-11-30", "data": {"a": 1}}], "C7")
    stub.notices.forget_customers(["C9"])
    assert stub.fetch_offers("01", "C7", 5.0) == [
        Offer("o", "C7", "", "", "", "2026-11-30", '{"a":1}')
    ]
    with pytest.raises(CallRejected, match="not known"):
        stub.fetch_offers("01", "C9", 5.0)
    stub.rejected = StubRefusal
    with pytest.raises(StubRefusal):
        stub.fetch_offers("01", "C9", 5.0)


def test_tickets_are_counted() -> None:
    stub = StubServer()
    stub.send_tickets("01", "b1", [ticket(1), ticket(3)], 5.0)
    told = stub.count_tickets("01", 1, 3, 5.0)
    assert (told.count, told.first, told.last, told.missing) == (2, 1, 3, "2")
