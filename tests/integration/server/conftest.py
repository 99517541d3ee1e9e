"""Hostile servers over real sockets, and clients for them. Loopback only."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.server import ServerSettings, connect
from engine.server.soap import ENVELOPE, NAMESPACE

Script = Callable[["Peer"], None]


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, number: int, stop: threading.Event) -> None:
        self.sock = sock
        self.number = number
        self.stop = stop
        self._ahead = b""

    def request(self) -> bytes:
        """The next whole request, headers and body; empty at the end of the connection."""
        data = self._ahead
        while b"\r\n\r\n" not in data:
            piece = self.sock.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            piece = self.sock.recv(65536)
            if not piece:
                return b""
            body += piece
        self._ahead = body[length:]
        return head + b"\r\n\r\n" + body[:length]

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes, every: float = 0.05) -> None:
        """Send a byte at a time, over and over, until the test ends."""
        while True:
            for byte in data:
                if self.stop.wait(every):
                    return
                self.sock.sendall(bytes([byte]))

    def hang(self) -> None:
        """Say nothing until the test ends."""
        self.stop.wait(20)

    def reset(self) -> None:
        """Close with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def tls(self, context: ssl.SSLContext) -> None:
        self.sock = context.wrap_socket(self.sock, server_side=True)


class Hostile:
    """A server that plays ``script`` on each connection, in a thread of its own."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._peers: list[Peer] = []
        self.requests: list[bytes] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def connections(self) -> int:
        return len(self._peers)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._stop.is_set():
                sock.close()
                return
            peer = Peer(sock, len(self._peers), self._stop)
            self._peers.append(peer)
            thread = threading.Thread(target=self._play, args=(peer,))
            self._threads.append(thread)
            thread.start()

    def _play(self, peer: Peer) -> None:
        with contextlib.suppress(OSError):
            self._script(peer)
        with contextlib.suppress(OSError):
            peer.sock.close()

    def stop(self) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        self._accepting.join(5)
        self._listener.close()
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), "a connection of the hostile server does not end"


@pytest.fixture
def serve() -> Iterator[Callable[[Script], Hostile]]:
    """Starts hostile servers, and stops them all at the end."""
    servers: list[Hostile] = []

    def start(script: Script) -> Hostile:
        servers.append(Hostile(script))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def client() -> Iterator[Callable[..., Any]]:
    """Makes clients: ``client(url, protocol="soap", **other settings)``."""
    made: list[Any] = []

    def make(url: str, protocol: str = "soap", **others: Any) -> Any:
        settings = ServerSettings.model_validate({"protocol": protocol, "url": url, **others})
        made.append(connect(settings, "0042"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _soap_reply(retour: str, result: int = 0) -> bytes:
    escaped = retour.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{ENVELOPE}"><s:Body>'
        f'<WebServiceDivaResponse xmlns="{NAMESPACE}"><WebServiceDivaResult>{result}'
        f"</WebServiceDivaResult><retour>{escaped}</retour></WebServiceDivaResponse>"
        "</s:Body></s:Envelope>"
    ).encode()


def _http(body: bytes, status: str = "200 OK", kind: str = "text/xml", more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    ).encode() + body


@pytest.fixture
def http() -> Callable[..., bytes]:
    """Builds an answer: ``http(body, status="200 OK", kind="text/xml", more="")``."""
    return _http


@pytest.fixture
def soap_reply() -> Callable[..., bytes]:
    """Builds a SOAP envelope: ``soap_reply(retour, result=0)``."""
    return _soap_reply


@pytest.fixture
def good_ping() -> bytes:
    """The answer to a ping by SOAP."""
    return _http(_soap_reply(""))


@pytest.fixture
def rest_reply() -> Callable[..., bytes]:
    """Builds an answer of the REST service: ``rest_reply({...}, error=0)``."""

    def build(result: Any, error: int = 0, **more: Any) -> bytes:
        body = json.dumps({"error": error, "txterr": "", "result": json.dumps(result), **more})
        return _http(body.encode(), kind="application/json")

    return build
