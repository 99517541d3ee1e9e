"""Good answers, damaged at random places: whatever comes back, the call has a result."""

import gzip
import json
import random
from typing import Any

import pytest

from engine.server import CallFailed, CallRejected, TicketParcel

TRIALS = 250
TOKENS = [
    b"\r\n", b"\x00", b"\xff", b"\xb2", b":", b";", b"chunked", b"-1", b"9" * 20, b"<", b"&#0;",
    b"<!DOCTYPE a>", b"null", b"[]", b'"', b"NaN", b"HTTP/1.1 200 OK\r\n", b" ", b"\t",
    b"Content-Encoding: gzip\r\n", b"Transfer-Encoding: chunked\r\n", b"Location: http://[\r\n",
    b"Set-Cookie: a=b\r\n", b"Content-Length: 5\r\n", b"Retry-After: \xb2\r\n",
]  # fmt: skip
REPLY = {
    "resultcode": 0,
    "batch": "b",
    "count": 1,
    "tickets": [{"key": "k", "status": "stored", "code": "", "message": ""}],
}


def damaged(draw: random.Random, answer: bytes) -> bytes:
    data = bytearray(answer)
    for _ in range(draw.randint(1, 5)):
        at = draw.randrange(len(data) + 1)
        match draw.randrange(5):
            case 0:
                data[at:at] = draw.choice(TOKENS)
            case 1:
                del data[at : at + draw.randint(1, 40)]
            case 2:
                data[at : at + 1] = bytes([draw.randrange(256)])
            case 3:
                other = draw.randrange(len(data) + 1)
                data[at:at] = data[other : other + draw.randint(1, 60)]
            case _:
                del data[max(1, at if draw.random() < 0.3 else len(data)) :]
    return bytes(data)


@pytest.mark.parametrize("protocol", ["soap", "rest"])
def test_a_damaged_answer_is_a_verdict_or_one_of_the_failures(
    serve: Any, client: Any, http: Any, soap_reply: Any, rest_reply: Any, protocol: str
) -> None:
    body = soap_reply(json.dumps(REPLY))
    soap = [
        http(body),
        http(gzip.compress(body), more="Content-Encoding: gzip\r\n"),
        http(body, status="500 Error"),
        http(body, status="503 Busy", more="Retry-After: 3\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x;a=b\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (len(body), body),
    ]
    seeds = soap if protocol == "soap" else [rest_reply(REPLY)]
    draw = random.Random(protocol)
    answers: list[bytes] = []

    def script(peer: Any) -> None:
        peer.request()
        peer.send(answers[-1])

    server = client(serve(script).url, protocol=protocol)
    results: set[type] = set()
    for _ in range(TRIALS):
        answers.append(damaged(draw, draw.choice(seeds)))
        try:
            verdicts = server.send_tickets("01", "b", [TicketParcel("k", 1, b"x", "0")], 0.3)
        except (CallFailed, CallRejected) as failure:
            results.add(type(failure))
        else:
            results.add(list)
            assert [(one.key, one.status) for one in verdicts] in ([], [("k", "stored")])
    assert {CallFailed, list} <= results
