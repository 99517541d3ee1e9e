"""What a call through our transport costs beside a bare POST by requests of the same body.

The body is a batch of 100 tickets of 1.7 KB, as it travels; both compress it at gzip level 1
where compression is on. The server is a process of its own that reads and answers. Calls
alternate in small rounds, so that what else the machine does falls on both alike; the ratio is
that of the medians.
"""

import hashlib
import json
import multiprocessing
import socket
import statistics
import zlib
from collections.abc import Callable
from time import perf_counter
from typing import Any

import requests

from engine.server import ServerSettings, TicketParcel, connect
from engine.server.program import parameter, tickets_text
from engine.server.soap import ENVELOPE, NAMESPACE, SOAP_ACTION, envelope

ROUNDS, TIMES = 60, 5
HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": SOAP_ACTION}
LINES = "".join(f'<line n="{n}"><ean>{3_250_390_000_000 + n}</ean></line>' for n in range(37))
PAYLOAD = f'<ticket till="01">{LINES}</ticket>'.encode()[:1700]
TICKETS = [
    TicketParcel(f"0042/01/{n}", n, PAYLOAD, hashlib.sha256(PAYLOAD).hexdigest())
    for n in range(100)
]


def _answer() -> bytes:
    rows = [{"key": one.key, "status": "stored", "code": "", "message": ""} for one in TICKETS]
    text = json.dumps({"resultcode": 0, "batch": "b", "count": 100, "tickets": rows})
    body = (
        f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body><WebServiceDivaResponse xmlns="{NAMESPACE}">'
        f"<WebServiceDivaResult>0</WebServiceDivaResult><retour>{text}</retour>"
        "</WebServiceDivaResponse></s:Body></s:Envelope>"
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _serve(listener: socket.socket) -> None:
    """Answer request after request, connection after connection at once in one thread each."""
    import threading

    answer = _answer()

    def play(sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as reader:
            while True:
                length = 0
                while (line := reader.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                if not line:
                    return
                reader.read(length)
                sock.sendall(answer)

    while True:
        sock, _ = listener.accept()
        threading.Thread(target=play, args=(sock,), daemon=True).start()


def _medians(ours: Callable[[], Any], bare: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds of one call, ours and bare."""
    times: dict[bool, list[float]] = {True: [], False: []}
    for round_ in range(ROUNDS):
        for which in (round_ % 2 == 0, round_ % 2 == 1):
            call = ours if which else bare
            begun = perf_counter()
            for _ in range(TIMES):
                call()
            times[which].append((perf_counter() - begun) / TIMES * 1000)
    return statistics.median(times[True][2:]), statistics.median(times[False][2:])


def _compare(url: str, compression: str) -> list[dict[str, Any]]:
    settings = ServerSettings.model_validate(
        {"protocol": "soap", "url": url, "compression": compression}
    )
    server: Any = connect(settings, "0042")
    action = settings.actions.send_tickets
    values = {"shop": "0042", "till": "01", "batch": "b", "count": "100"}
    body = envelope("TICKETS", parameter(action, {**values, "tickets": tickets_text(TICKETS)}))

    def ours() -> None:
        transport, target = server._transport, server._target
        transport.post(target, HEADERS, body, transport.deadline(target, 60), harmless=False)

    def bare() -> None:
        packed, headers = body, HEADERS
        if compression == "gzip":
            packer = zlib.compressobj(1, wbits=31)
            packed = packer.compress(body) + packer.flush()
            headers = {**HEADERS, "Content-Encoding": "gzip"}
        answer = session.post(settings.endpoint, data=packed, headers=headers, timeout=60)
        assert answer.status_code == 200
        assert answer.content

    def whole() -> None:
        assert len(server.send_tickets("01", "b", TICKETS, 60)) == 100

    with requests.Session() as session:
        session.trust_env = False
        post, plain = _medians(ours, bare)
        sent, _ = _medians(whole, bare)
    server.close()
    name = f"100 tickets, compression {compression}"
    return [
        {"name": f"{name}: bare POST by requests", "value": plain, "unit": "ms", "must": ""},
        {"name": f"{name}: our POST", "value": post, "unit": "ms", "must": ""},
        {"name": f"{name}: our POST / bare", "value": post / plain, "unit": "", "must": "<= 1.1"},
        {"name": f"{name}: send_tickets, all in", "value": sent, "unit": "ms", "must": ""},
    ]


def run() -> list[dict[str, Any]]:
    """Milliseconds of a call, and the ratio to a bare POST, for both settings."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = multiprocessing.Process(target=_serve, args=(listener,), daemon=True)
        process.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            return [row for compression in ("gzip", "none") for row in _compare(url, compression)]
        finally:
            process.terminate()
            process.join(5)


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:<60} {row['value']:>8.3f} {row['unit']:<4} {row['must']}")
