"""Connections for requests that keep a call's deadline from the look-up to the last byte."""

import socket
import time
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from engine.server.deadline import Deadline, Line, TimedSocket
from engine.server.sockets import open_socket
from engine.server.tls import Trust


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
