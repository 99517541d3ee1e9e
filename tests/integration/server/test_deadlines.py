"""Whatever a server does to hold a call, the call ends at its deadline."""

import hashlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from engine.server import CallFailed, Reason, TicketParcel

DEADLINE = 0.5
SLACK = 0.3

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"


def headers_drip(peer: Any) -> None:
    peer.request()
    peer.send(HEAD)
    peer.drip(b"X-Slow: yes\r\n")


def status_drips(peer: Any) -> None:
    peer.request()
    peer.drip(b"HTTP/1.1 200 OK" + b" " * 1000)


def continue_drips(peer: Any) -> None:
    peer.request()
    peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n", every=0.002)


def body_drips(peer: Any) -> None:
    peer.request()
    peer.send(HEAD + b"Content-Length: 100000\r\n\r\n")
    peer.drip(b" ")


def close_delimited_body_drips(peer: Any) -> None:
    peer.request()
    peer.send(HEAD + b"Connection: close\r\n\r\n")
    peer.drip(b" ")


def chunks_drip(peer: Any) -> None:
    peer.request()
    peer.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    peer.drip(b"1\r\n \r\n", every=0.02)


def chunk_size_drips(peer: Any) -> None:
    peer.request()
    peer.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    peer.drip(b"0" * 1000)


def nothing_is_said(peer: Any) -> None:
    peer.hang()


def failure_body_drips(peer: Any) -> None:
    peer.request()
    peer.send(HEAD.replace(b"200", b"500") + b"Content-Length: 100000\r\n\r\n")
    peer.drip(b" ")


DRIPS = [
    headers_drip,
    status_drips,
    continue_drips,
    body_drips,
    close_delimited_body_drips,
    chunks_drip,
    chunk_size_drips,
    nothing_is_said,
]


def failed(call: Callable[[], Any]) -> tuple[CallFailed, float]:
    begun = time.monotonic()
    with pytest.raises(CallFailed) as caught:
        call()
    return caught.value, time.monotonic() - begun


def in_time(elapsed: float) -> bool:
    return DEADLINE - 0.01 <= elapsed <= DEADLINE + SLACK


@pytest.mark.parametrize("drip", DRIPS, ids=lambda drip: drip.__name__)
def test_a_drip_ends_at_the_deadline_with_the_outcome_unknown(
    serve: Any, client: Any, drip: Any
) -> None:
    server = client(serve(drip).url)
    failure, elapsed = failed(lambda: server.ping("01", DEADLINE))
    assert in_time(elapsed), elapsed
    assert failure.reason is Reason.TIMEOUT
    assert failure.reached


def test_a_500_whose_body_drips_is_a_server_error_at_the_deadline(serve: Any, client: Any) -> None:
    server = client(serve(failure_body_drips).url)
    failure, elapsed = failed(lambda: server.ping("01", DEADLINE))
    assert in_time(elapsed), elapsed
    assert failure.reason is Reason.SERVER_ERROR


def test_a_tls_handshake_that_says_nothing_ends_at_the_deadline(serve: Any, client: Any) -> None:
    server = client(serve(nothing_is_said).url.replace("http:", "https:"))
    failure, elapsed = failed(lambda: server.ping("01", DEADLINE))
    assert in_time(elapsed), elapsed
    assert failure.reason is Reason.TIMEOUT
    assert "TLS handshake" in failure.message
    assert not failure.reached


def test_a_tls_handshake_that_drips_ends_at_the_deadline(serve: Any, client: Any) -> None:
    def handshake_drips(peer: Any) -> None:
        peer.sock.recv(65536)
        peer.drip(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03" + b"\x00" * 4000)

    server = client(serve(handshake_drips).url.replace("http:", "https:"))
    failure, elapsed = failed(lambda: server.ping("01", DEADLINE))
    assert in_time(elapsed), elapsed
    assert failure.reason is Reason.TIMEOUT


def test_a_big_upload_that_is_read_slowly_ends_at_the_deadline_and_did_not_reach(
    serve: Any, client: Any
) -> None:
    def reads_slowly(peer: Any) -> None:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        while not peer.stop.wait(0.05):
            peer.sock.recv(100)

    payload = b"x" * 8_000_000
    ticket = TicketParcel("0042/01/1", 1, payload, hashlib.sha256(payload).hexdigest())
    server = client(serve(reads_slowly).url)
    failure, elapsed = failed(lambda: server.send_tickets("01", "b", [ticket], DEADLINE))
    assert in_time(elapsed), elapsed
    assert failure.reason is Reason.TIMEOUT
    assert "sending" in failure.message
    assert not failure.reached


def test_a_name_server_that_hangs_ends_at_the_deadline(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    asked = []

    def hangs(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        answer.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    server = client("http://till-server.invalid")
    try:
        for _ in range(2):
            failure, elapsed = failed(lambda: server.ping("01", DEADLINE))
            assert in_time(elapsed), elapsed
            assert failure.reason is Reason.TIMEOUT
            assert "looking up" in failure.message
            assert not failure.reached
        assert asked == ["till-server.invalid"], "the second call joins the look-up under way"
    finally:
        answer.set()


def test_a_port_that_accepts_no_connection_ends_at_the_deadline(client: Any) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        # One connection fills the queue of a listener that never accepts.
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        failure, elapsed = failed(lambda: client(f"http://127.0.0.1:{port}").ping("01", DEADLINE))
        for filler in fillers:
            filler.close()
    assert in_time(elapsed), elapsed
    assert failure.reason is Reason.TIMEOUT
    assert not failure.reached


def test_a_silent_first_address_leaves_time_for_the_second(
    serve: Any, client: Any, good_ping: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers(peer: Any) -> None:
        peer.request()
        peer.send(good_ping)

    good = serve(answers)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        silent = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", silent))

        def both(*_: Any, **__: Any) -> list[Any]:
            kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
            return [(*kind, ("127.0.0.1", silent)), (*kind, ("127.0.0.1", good.port))]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        latency = client("http://two-addresses.invalid").ping("01", 1.0)
        for filler in fillers:
            filler.close()
    assert latency < 1.0


def test_the_time_that_a_token_takes_belongs_to_the_call(serve: Any, client: Any) -> None:
    server = client(
        serve(body_drips).url,
        protocol="rest",
        auth={"body": {"login": "till01"}},
    )
    failure, elapsed = failed(lambda: server.ping("01", DEADLINE))
    assert in_time(elapsed), elapsed
    assert failure.reason is Reason.TIMEOUT
    assert not failure.reached, "the request itself was not made"
