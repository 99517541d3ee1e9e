"""When a call with a deadline of 2 s ends, for each way in which a server can hold it.

Every server is a raw socket on loopback. The time is the caller's, from the call to the
failure; a call that ends with anything but a failure for its deadline counts as endless.
"""

import contextlib
import hashlib
import math
import socket
import threading
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from engine.server import CallFailed, Reason, ServerSettings, TicketParcel, connect

DEADLINE = 2.0
LATEST = 2.3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"

Script = Callable[[socket.socket, threading.Event], None]


def _drip(data: bytes, sock: socket.socket, stop: threading.Event, every: float = 0.1) -> None:
    while True:
        for byte in data:
            if stop.wait(every):
                return
            sock.sendall(bytes([byte]))


def _dripping(first: bytes, data: bytes, every: float = 0.1) -> Script:
    def script(sock: socket.socket, stop: threading.Event) -> None:
        sock.recv(65536)
        sock.sendall(first)
        _drip(data, sock, stop, every)

    return script


def _silence(_: socket.socket, stop: threading.Event) -> None:
    stop.wait(30)


def _reads_slowly(sock: socket.socket, stop: threading.Event) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    while not stop.wait(0.1):
        sock.recv(100)


@contextlib.contextmanager
def _served(script: Script) -> Iterator[str]:
    """The address of a server that plays the script to one connection."""
    stop = threading.Event()

    def play(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock, _ = listener.accept()
            with sock, contextlib.suppress(OSError):
                script(sock, stop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        thread = threading.Thread(target=play, args=(listener,))
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join(10)


@contextlib.contextmanager
def _full_queue() -> Iterator[str]:
    """The address of a port whose queue of connections is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def _hung_dns() -> Iterator[str]:
    """The address of a host whose name is never looked up to an end."""
    stop = threading.Event()
    real = socket.getaddrinfo

    def hangs(*_: Any, **__: Any) -> Any:
        stop.wait(30)
        return []

    socket.getaddrinfo = hangs
    try:
        yield "benchmark-host.invalid"
    finally:
        socket.getaddrinfo = real
        stop.set()


def _ping(server: Any) -> None:
    server.ping("01", DEADLINE)


def _upload(server: Any) -> None:
    payload = b"x" * 8_000_000
    ticket = TicketParcel("0042/01/1", 1, payload, hashlib.sha256(payload).hexdigest())
    server.send_tickets("01", "b", [ticket], DEADLINE)


def _ended(where: Any, scheme: str, call: Callable[[Any], None], **more: Any) -> float:
    with where as address:
        settings = {"protocol": "soap", "url": f"{scheme}://{address}", **more}
        server = connect(ServerSettings.model_validate(settings), "0042")
        begun = perf_counter()
        try:
            call(server)
        except CallFailed as failure:
            elapsed = perf_counter() - begun
            return elapsed if failure.reason is Reason.TIMEOUT else math.inf
        finally:
            server.close()
    return math.inf


def _kinds() -> dict[str, Callable[[], float]]:
    def plain(script: Script, scheme: str = "http", more: Any = None) -> Callable[[], float]:
        return lambda: _ended(_served(script), scheme, _ping, **(more or {}))

    hello = b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03" + b"\x00" * 4000
    token = {"protocol": "rest", "auth": {"body": {"login": "till01"}}}
    close = HEAD + b"Connection: close\r\n\r\n"
    return {
        "accepts and says nothing": plain(_silence),
        "status line drips": plain(_dripping(b"", b"HTTP/1.1 200 OK" + b" " * 1000)),
        "headers drip": plain(_dripping(HEAD, b"X-Slow: yes\r\n")),
        "100 Continue drips": plain(_dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.005)),
        "body drips": plain(_dripping(HEAD + b"Content-Length: 9999\r\n\r\n", b" ")),
        "body without length drips": plain(_dripping(close, b" ")),
        "chunks drip": plain(
            _dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.02)
        ),
        "token's reply drips": plain(
            _dripping(HEAD + b"Content-Length: 9999\r\n\r\n", b" "), more=token
        ),
        "TLS handshake says nothing": plain(_silence, "https"),
        "TLS handshake drips": plain(_dripping(b"", hello), "https"),
        "8 MB upload is read slowly": (lambda: _ended(_served(_reads_slowly), "http", _upload)),
        "connection is never accepted": lambda: _ended(_full_queue(), "http", _ping),
        "name is never looked up": lambda: _ended(_hung_dns(), "http", _ping),
    }


def run() -> list[dict[str, Any]]:
    """The end of each call in seconds, and the earliest end of all."""
    ends = {name: ended() for name, ended in _kinds().items()}
    rows: list[dict[str, Any]] = [
        {
            "name": f"2 s deadline: {name}",
            "value": round(end, 3),
            "unit": "s",
            "must": f"<= {LATEST}",
        }
        for name, end in ends.items()
    ]
    earliest = {"name": "2 s deadline: the earliest end of these", "unit": "s"}
    return [*rows, {**earliest, "value": round(min(ends.values()), 3), "must": f">= {DEADLINE}"}]


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:<52} {row['value']:>8.3f} {row['unit']:<4} {row['must']}")
