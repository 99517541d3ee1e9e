"""What the two wires carry, byte for byte, there and back."""

import base64
import gzip
import hashlib
import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from engine.server import TicketParcel, TicketVerdict, hmp

PAYLOADS = [
    b"plain",
    "accents é€ and <tags> & \"quotes\" '\\'".encode(),
    b"line\r\nline\ttab\x00\x01\x1f\x7f",
    b"\xff\xfe not UTF-8 \x80",
    "\ufffe\uffff\U0001f600\u2028".encode(),
    b"",
]
PARCELS = [
    TicketParcel(f"0042/01/{number}", number, payload, hashlib.sha256(payload).hexdigest())
    for number, payload in enumerate(PAYLOADS)
]


def body_of(request: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    return gzip.decompress(body) if b"content-encoding: gzip" in head.lower() else body


def param_of(request: bytes, protocol: str) -> dict[str, str]:
    body = body_of(request)
    if protocol == "rest":
        return hmp.decode(json.loads(body)["param"])
    envelope = ET.fromstring(body)  # noqa: S314 - our own request
    found = envelope.find(".//{http://www.Divalto.fr/WebService/}param")
    assert found is not None
    return hmp.decode(found.text or "")


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", ["soap", "rest"])
def test_tickets_arrive_byte_for_byte_and_the_verdicts_come_back(
    serve: Any,
    client: Any,
    http: Any,
    soap_reply: Any,
    rest_reply: Any,
    protocol: str,
    compression: str,
) -> None:
    reply = {
        "resultcode": 0, "errormessage": "", "batch": "b1", "count": len(PARCELS),
        "tickets": [
            {"key": "0042/01/0", "status": "stored"},
            {"key": "0042/01/1", "status": "duplicate"},
            {"key": "0042/01/2", "status": "refused", "code": "E7", "message": "no such shop"},
            {"key": "0042/01/3", "status": "stored", "sha256": PARCELS[3].sha256.upper()},
            {"key": "0042/01/4", "status": "stored", "sha256": "0" * 64},
        ],
    }  # fmt: skip
    seen: list[bytes] = []

    def script(peer: Any) -> None:
        seen.append(peer.request())
        text = json.dumps(reply)
        peer.send(http(soap_reply(text)) if protocol == "soap" else rest_reply(reply))

    server = client(serve(script).url, protocol=protocol, compression=compression)
    verdicts = server.send_tickets("01", "b1", PARCELS, 5)

    assert (b"Content-Encoding: gzip" in seen[0]) is (compression == "gzip")
    param = param_of(seen[0], protocol)
    tickets = json.loads(param.pop("TICKETS"))
    assert param == {
        "ACTION": "TICKETS", "SHOP": "0042", "TILL": "01", "BATCH": "b1", "COUNT": "6",
    }  # fmt: skip
    got = [
        base64.b64decode(one["base64"]) if "base64" in one else one["text"].encode()
        for one in tickets
    ]
    assert got == PAYLOADS
    assert [one["sha256"] for one in tickets] == [one.sha256 for one in PARCELS]
    assert ["base64" in one for one in tickets] == [n == 3 for n in range(6)]
    assert verdicts[:3] == [
        TicketVerdict("0042/01/0", "stored", "", ""),
        TicketVerdict("0042/01/1", "stored", "", ""),
        TicketVerdict("0042/01/2", "refused", "E7", "no such shop"),
    ]
    assert [one.status for one in verdicts[3:]] == ["stored", "refused"]
    assert verdicts[4].code == "sha256_differs"


def test_a_soap_request_has_the_head_that_the_service_wants(
    serve: Any, client: Any, good_ping: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PW", "s3cret")
    seen: list[bytes] = []

    def script(peer: Any) -> None:
        seen.append(peer.request())
        peer.send(good_ping)

    auth = {"user": "till", "password": "${env:PW}"}
    client(serve(script).url, auth=auth).ping("01", 5)
    head = seen[0].partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("POST /WebServiceDiva/WebServiceDiva.asmx HTTP/1.1\r\n")
    assert "Content-Type: text/xml; charset=utf-8\r\n" in head + "\r\n"
    assert 'SOAPAction: "http://www.Divalto.fr/WebService/WebServiceDiva"' in head
    assert f"Authorization: Basic {base64.b64encode(b'till:s3cret').decode()}" in head


@pytest.mark.parametrize("protocol", ["soap", "rest"])
def test_the_status_of_tickets_is_told(
    serve: Any, client: Any, http: Any, soap_reply: Any, rest_reply: Any, protocol: str
) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    reply = {
        "resultcode": 0,
        "tickets": [
            {"key": "k1", "status": "stored", "sha256": digest},
            {"key": "k2", "status": "unknown"},
        ],
    }
    seen: list[bytes] = []

    def script(peer: Any) -> None:
        seen.append(peer.request())
        text = json.dumps(reply)
        peer.send(http(soap_reply(text)) if protocol == "soap" else rest_reply(reply))

    server = client(serve(script).url, protocol=protocol)
    assert server.tells_ticket_status
    assert server.ticket_status("01", ["k1", "k2", "k3"], 5) == [
        TicketVerdict("k1", "stored", "", "", digest),
        TicketVerdict("k2", "unknown", "", ""),
    ]
    assert json.loads(param_of(seen[0], protocol)["KEYS"]) == ["k1", "k2", "k3"]


def test_another_configuration_speaks_to_another_program(
    serve: Any, client: Any, http: Any, soap_reply: Any
) -> None:
    """Names, parameters, an HMP reply that is HTML-escaped, and a test for success of its own."""
    seen: list[bytes] = []
    rows = json.dumps([{"key": "0042/01/0", "status": "stored"}])
    reply = f"<ETAT>OK<BATCH>b1<COUNT>1<TICKETS>{hmp.escape(rows)}"

    def script(peer: Any) -> None:
        seen.append(peer.request())
        peer.send(http(soap_reply(reply.replace("<", "&lt;").replace(">", "&gt;"), result=1)))

    action = {
        "action": "enregistre",
        "parameters": {"LOT": "{batch}", "DATA": "[{shop}]{tickets}", "VERSION": 3},
        "reply": "hmp",
        "escaped": True,
        "success": {"result": 1, "field": "etat", "equals": "OK", "message": "texte"},
    }
    server = client(serve(script).url, actions={"send_tickets": action, "ticket_status": None})
    verdicts = server.send_tickets("01", "b1", PARCELS[:1], 5)
    assert [one.status for one in verdicts] == ["stored"]
    assert not server.tells_ticket_status
    param = param_of(seen[0], "soap")
    assert list(param) == ["LOT", "DATA", "VERSION"]
    assert param["DATA"].startswith("[0042][{")
