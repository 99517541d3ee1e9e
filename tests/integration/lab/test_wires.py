"""Both wires, over real sockets: the programs, the transport, the refusals."""

import contextlib
import gzip
import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import requests
import zeep
from zeep.transports import Transport

from engine.lab import Lab, exchange
from engine.lab.soap import SOAP_ACTION

if TYPE_CHECKING:
    from tests.integration.lab.conftest import Till


def result(response: requests.Response) -> Any:
    return json.loads(response.json()["result"])


def client(till: "Till") -> Any:
    """A zeep client that was built from the lab's WSDL; zeep has no types."""
    transport: Any = Transport(  # type: ignore[no-untyped-call]
        session=till.session, timeout=10, operation_timeout=10
    )
    return zeep.Client(f"{till.lab.url_soap}?WSDL", transport=transport)  # type: ignore[no-untyped-call]


@pytest.fixture
def service(till: "Till") -> Any:
    """The SOAP service as zeep builds it from the WSDL."""
    return client(till).service


def test_zeep_reads_the_wsdl_and_gets_both_values_back(service: Any, till: "Till") -> None:
    answer = service.WebServiceDiva(action="TICKETS", param=till.param("TICKETS", 1, 2))
    assert answer.WebServiceDivaResult == 0
    reply = json.loads(answer.retour)
    assert (reply["batch"], reply["count"]) == ("b1", 2)
    assert [row.number for row in till.lab.lab.tickets("01")] == [1, 2]


def test_zeep_gets_messages_offers_and_counts(service: Any, till: "Till") -> None:
    """Each in its own JSON, accents included, and an unknown customer as a refusal."""
    till.lab.lab.notices.put_messages([{"id": "m1", "title": "Été"}])
    till.lab.lab.notices.put_offers([{"id": "o1"}], "C7")
    till.lab.lab.notices.forget_customers(["C9"])

    def ask(action: str, *numbers: int) -> Any:
        answer = service.WebServiceDiva(action=action, param=till.param(action, *numbers))
        assert answer.WebServiceDivaResult == 0
        return json.loads(answer.retour)

    assert [row["title"] for row in ask("MESSAGES")["messages"]] == ["Été"]
    assert ask("MESSAGESACK", 1)["acknowledged"] == ["m1"]
    assert ask("MESSAGES")["messages"] == []
    assert [row["id"] for row in ask("OFFERS", 7)["offers"]] == ["o1"]
    assert ask("OFFERS", 9)["resultcode"] == 1
    ask("TICKETS", 2, 3)
    assert [ask("TICKETCOUNT")[name] for name in ("count", "missing")] == [2, "1,4-9"]


def test_zeep_sees_a_technical_failure_as_the_result(service: Any) -> None:
    answer = service.WebServiceDiva(action="PRICES", param="")
    assert answer.WebServiceDivaResult == 2
    assert answer.retour == "The action 'PRICES' is not declared here."


def test_zeep_finds_the_names_of_the_historic_service(till: "Till") -> None:
    port = client(till).wsdl.services["DivaltoService"].ports["DivaltoServiceSoap"]
    operation = port.binding.get("WebServiceDiva")
    assert operation.soapaction == SOAP_ACTION
    assert port.binding_options["address"] == till.lab.url_soap


@pytest.mark.parametrize("action", ['"http://www.Divalto.fr/WebService/Other"', '""'])
def test_a_wrong_soap_action_is_a_fault_with_500(till: "Till", action: str) -> None:
    response = till.soap("PING", SOAPAction=action)
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert "<faultcode>soap:Client</faultcode>" in response.text
    assert till.lab.lab.calls["OTHER"] == 1


def test_a_malformed_envelope_is_a_fault_with_500(till: "Till") -> None:
    headers = {"SOAPAction": SOAP_ACTION, "Content-Type": "text/xml"}
    response = till.session.post(till.lab.url_soap, b"<Envelope", headers=headers, timeout=10)
    assert response.status_code == 500
    assert "Server was unable to read request." in response.text


def test_soap_without_the_header_or_as_another_type_is_refused(till: "Till") -> None:
    url = till.lab.url_soap
    bare = till.session.post(url, b"<a/>", headers={"Content-Type": "text/xml"}, timeout=10)
    assert bare.status_code == 500
    assert "Please supply a valid soap action" in bare.text
    assert till.post_json(url, {}).status_code == 415


def test_soap_asks_for_a_password_where_one_is_set(start: "Callable[[Lab], Till]") -> None:
    till = start(Lab(credentials=("shop", "secret")))
    assert till.soap("PING").status_code == 401
    till.session.auth = ("shop", "secret")
    assert till.soap("PING").status_code == 200


def test_both_wires_store_in_one_ledger_and_ticket_status_tells(till: "Till") -> None:
    till.rest("TICKETS", 1)
    till.soap("TICKETS", 2)
    assert [row.number for row in till.lab.lab.tickets("01")] == [1, 2]
    told = result(till.rest("TICKETSTATUS", 1, 2, 3))["tickets"]
    assert [entry["status"] for entry in told] == ["stored", "stored", "unknown"]
    came = {action: count for action, count in till.lab.lab.calls.items() if count}
    assert came == {"TICKETS": 2, "TICKETSTATUS": 1, "AUTH": 1}


def test_the_action_may_travel_in_the_parameters_alone(till: "Till", service: Any) -> None:
    answer = service.WebServiceDiva(param="<ACTION>PING<SHOP>0042")
    assert answer.WebServiceDivaResult == 0
    till.log_in()
    body = {"param": "<ACTION>PING<SHOP>0042", "access_token": till.token}
    assert till.post_json(till.lab.url_rest, body).json()["error"] == 0
    assert till.lab.lab.calls["PING"] == 2


def test_with_deduplication_a_ticket_is_stored_once(till: "Till") -> None:
    till.rest("TICKETS", 1)
    again = result(till.rest("TICKETS", 1))
    assert again["tickets"][0]["status"] == "duplicate"
    assert till.lab.lab.twice() == {}


def test_without_deduplication_a_ticket_is_stored_again(start: "Callable[[Lab], Till]") -> None:
    till = start(Lab(deduplicates=False))
    for _ in range(2):
        assert result(till.rest("TICKETS", 1))["tickets"][0]["status"] == "stored"
    assert till.lab.lab.twice() == {"0042/01/1": 2}


def test_a_lab_that_does_not_tell_ticket_status_does_not_declare_it(
    start: "Callable[[Lab], Till]",
) -> None:
    till = start(Lab(tells_ticket_status=False))
    assert till.rest("TICKETSTATUS", 1).json()["error"] == 2
    assert till.lab.lab.calls["TICKETSTATUS"] == 1


def test_numbers_to_refuse_are_refused_alone(till: "Till") -> None:
    till.lab.lab.refuse_tickets(2)
    told = result(till.rest("TICKETS", 1, 2, 3))["tickets"]
    assert [entry["status"] for entry in told] == ["stored", "refused", "stored"]


def test_a_token_that_expired_gets_401_and_a_new_one_works(till: "Till") -> None:
    assert till.rest("PING").status_code == 200
    till.lab.lab.tokens.expire()
    assert till.rest("PING").status_code == 401
    till.log_in()
    assert till.rest("PING").status_code == 200


def test_a_gzip_body_is_unpacked(till: "Till") -> None:
    till.log_in()
    body = {"action": "TICKETS", "param": till.param("TICKETS", 1), "access_token": till.token}
    packed = gzip.compress(json.dumps(body).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = till.session.post(till.lab.url_rest, packed, headers=headers, timeout=10)
    assert result(response)["count"] == 1


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", b"not gzip", 400),
        ("gzip", gzip.compress(b"{}")[:-4], 400),
        ("br", b"{}", 415),
        ("gzip", gzip.compress(b" " * (exchange.LARGEST_UNPACKED + 1)), 413),
    ],
)
def test_a_packed_body_that_cannot_be_used_is_refused(
    till: "Till", encoding: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    response = till.session.post(till.lab.url_rest, body, headers=headers, timeout=10)
    assert response.status_code == status


def test_a_body_beyond_the_cap_is_refused_before_it_is_read(till: "Till") -> None:
    with till.connect() as raw:
        size = exchange.LARGEST_BODY + 1
        raw.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
        with contextlib.suppress(OSError):  # the lab may stop reading first
            raw.sendall(b" " * size)
        answer = raw.recv(64)
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_body_in_chunks_after_100_continue_is_read(till: "Till") -> None:
    till.log_in()
    body = json.dumps({"action": "PING", "access_token": till.token}).encode()
    head, _, _ = till.raw("PING").partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    lines += [b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"", b""]
    with till.connect() as raw:
        raw.sendall(b"\r\n".join(lines))
        assert raw.recv(64).startswith(b"HTTP/1.1 100")
        raw.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        assert raw.recv(64).startswith(b"HTTP/1.1 200")


def test_a_connection_serves_many_requests(till: "Till") -> None:
    for _ in range(5):
        till.rest("PING")
    assert till.lab.lab.connections == 1
    assert till.lab.lab.calls["PING"] == 5


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/9\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_400(till: "Till", garbage: bytes) -> None:
    with till.connect() as raw:
        raw.sendall(garbage)
        assert raw.recv(64).startswith(b"HTTP/1.1 400")


def test_a_silent_connection_is_closed_after_the_idle_time(start: "Callable[[Lab], Till]") -> None:
    till = start(Lab(idle=0.1))
    with till.connect() as raw:
        assert raw.recv(1) == b""


def test_unknown_addresses_are_404_and_other_methods_405(till: "Till") -> None:
    base = f"http://127.0.0.1:{till.lab.port}"
    assert till.session.get(f"{base}/nothing", timeout=10).status_code == 404
    assert till.session.get(till.lab.url_rest, timeout=10).status_code == 405
    assert till.session.put(till.lab.url_soap, timeout=10).status_code == 405
    assert till.session.head(till.lab.url_rest, timeout=10).status_code == 405
    assert "?WSDL" in till.session.get(till.lab.url_soap, timeout=10).text
    assert till.session.get(f"{base}/webservicediva.asmx?wsdl", timeout=10).status_code == 200


def test_two_hundred_connections_at_once_are_all_answered(till: "Till") -> None:
    request = till.raw("PING")
    with contextlib.ExitStack() as stack:
        sockets: list[socket.socket] = [stack.enter_context(till.connect()) for _ in range(200)]
        for raw in sockets:
            raw.sendall(request)
        answers = [raw.recv(12) for raw in sockets]
    assert answers == [b"HTTP/1.1 200"] * 200
    assert till.lab.lab.calls["PING"] == 200
