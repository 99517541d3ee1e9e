"""Connections for requests that keep a call's deadline from the look-up to the last byte."""

import errno
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from engine.server.deadline import Deadline, Line, TimedSocket
from engine.server.port import CallFailed, Reason
from engine.server.resolver import RESOLVER, Address
from engine.server.tls import Trust

USER_TIMEOUT = 30.0
"""Seconds after which the system gives up a connection whose peer acknowledges nothing: a
half-open one is noticed before a long deadline ends."""

_OUT_OF_SOMETHING = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_KEEP_ALIVE = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


def open_socket(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connected TCP socket. Raises :class:`CallFailed`.

    Several addresses share the time that is left, so that a silent first one (IPv6 that leads
    nowhere, say) leaves some for the next.
    """
    addresses = RESOLVER.resolve(host, port, deadline)
    deadline.stage = "while connecting"
    failure = CallFailed(Reason.UNREACHABLE, f"{deadline.where}: the name has no address")
    for tried, address in enumerate(addresses):
        share = deadline.left() / (len(addresses) - tried)
        try:
            return _connect(address, share)
        except OSError as error:
            if error.errno in _OUT_OF_SOMETHING:
                raise CallFailed(
                    Reason.LOCAL_ERROR, f"{deadline.where} was not called: {error.strerror}"
                ) from None
            failure = deadline.broken(error)
    raise failure


def _connect(address: Address, timeout: float) -> socket.socket:
    family, kind, proto, at = address
    sock = socket.socket(family, kind, proto)
    try:
        _tune(sock)
        sock.settimeout(timeout)
        sock.connect(at)
    except BaseException:
        sock.close()
        raise
    return sock


def _tune(sock: socket.socket) -> None:
    """Options that make a dead peer show; a system that lacks one goes without."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {**_KEEP_ALIVE, "TCP_USER_TIMEOUT": int(USER_TIMEOUT * 1000)}.items():
        option = getattr(socket, name, None)
        if option is not None:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


class _Timed(HTTPConnection):
    """A plain connection that asks its line how much time is left."""

    line: Line
    trust: Trust
    idle_since = 0.0

    def connect(self) -> None:
        deadline = self.line.deadline
        deadline.fresh = True
        self.sock = TimedSocket(self._open(deadline), self.line)

    def _open(self, deadline: Deadline) -> socket.socket:
        return open_socket(self.host.strip("[]"), self.port, deadline)

    @property
    def is_connected(self) -> bool:
        """Asked before a pooled connection is used again: not when it lay idle for long."""
        if time.monotonic() - self.idle_since > self.line.idle_limit:
            return False
        return super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        deadline = self.line.deadline
        deadline.stage = "while sending the request"
        super().request(*args, **kwargs)
        deadline.sent = True

    def getresponse(self) -> Any:
        deadline = self.line.deadline
        deadline.stage = "waiting for the answer"
        response = super().getresponse()
        self.idle_since = time.monotonic()
        deadline.stage = "while reading the answer"
        return response


class _TimedTls(_Timed, HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        super().connect()
        self.is_verified = True

    def _open(self, deadline: Deadline) -> socket.socket:
        sock = super()._open(deadline)
        try:
            return self.trust.wrap(sock, self.host.strip("[]"), deadline)
        except BaseException:
            sock.close()
            raise


def _pool(kind: Any, connection: Any, line: Line, trust: Trust, *args: Any, **kwargs: Any) -> Any:
    pool = kind(*args, **kwargs)

    def new(*given: Any, **named: Any) -> Any:
        made = connection(*given, **named)
        made.line = line
        made.trust = trust
        return made

    pool.ConnectionCls = new
    return pool


class TimedAdapter(HTTPAdapter):
    """A requests adapter whose connections keep the deadline of ``line``. For one thread at a
    time; it never retries, and it keeps one connection per host alive."""

    def __init__(self, line: Line, trust: Trust) -> None:
        self._line = line
        self._trust = trust
        super().__init__(pool_connections=4, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        bound = (self._line, self._trust)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_pool, HTTPConnectionPool, _Timed, *bound),
            "https": partial(_pool, HTTPSConnectionPool, _TimedTls, *bound),
        }

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Nothing: the connection's own trust has settled it before a byte is sent."""
