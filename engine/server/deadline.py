"""A total deadline for one call, and a socket that obeys it.

A timeout of a socket starts anew with each operation, so a server that sends one byte a second
holds a call for ever. Here every operation is given what is left of the call's time, and
nothing more: headers, ``100 Continue``, chunks, handshakes and uploads that drip all end at
the same moment.
"""

import errno
import io
import math
import socket
import time
from typing import Any

from engine.server.port import CallFailed, Reason

BROKEN = (ConnectionError, TimeoutError)


class Deadline:
    """One call's time and what is known of how far it got.

    ``where`` is ``host:port``, for sentences. ``sent`` says that the whole request was handed
    to the system, ``received`` counts the bytes that came back, ``fresh`` that the connection
    was made for this call, ``status`` the answer's status, 0 before there is one.
    """

    __slots__ = ("cap", "ends", "fresh", "length", "received", "sent", "stage", "status", "where")

    def __init__(self, length: float, where: str, cap: int) -> None:
        self.length = length
        self.ends = time.monotonic() + length
        self.where = where
        self.cap = cap
        self.stage = "before connecting"
        self.begin()

    def begin(self) -> None:
        """Forget the attempt before: the time goes on, the request starts anew."""
        self.sent = False
        self.fresh = False
        self.received = 0
        self.status = 0

    def left(self) -> float:
        """Seconds left, more than none. Raises :class:`CallFailed` when none are."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def wait(self, ends: float = math.inf) -> float:
        """Seconds that one wait may last, until ``ends`` on the monotonic clock at most.

        Whoever waits asks again after it, for as long as nothing has come: a deadline may have
        more to look at than the clock. Raises :class:`CallFailed` when no time is left.
        """
        return max(0.0, min(self.left(), ends - time.monotonic()))

    def passed(self) -> CallFailed:
        """The failure of a call whose time is up."""
        return CallFailed(
            Reason.TIMEOUT,
            f"{self.where}: no complete answer within {self.length:g} s ({self.stage})",
            reached=self.sent,
        )

    def broken(self, error: OSError) -> CallFailed:
        """What a failing socket operation means: the time is up, or the connection broke."""
        if isinstance(error, TimeoutError) and error.errno is None:
            return self.passed()
        return CallFailed(
            Reason.UNREACHABLE,
            f"{self.where}: {describe(error)} ({self.stage})",
            reached=self.sent,
        )

    def count(self, size: int) -> None:
        """Count bytes received. Raises :class:`CallFailed` when there are too many."""
        self.received += size
        if self.received > self.cap:
            raise CallFailed(
                Reason.BAD_REPLY,
                f"{self.where}: the answer is larger than {self.cap} bytes",
                reached=self.sent,
            )


def describe(error: OSError) -> str:
    """A socket's error in words that are the same on every system."""
    words = _WORDS.get(error.errno or 0)
    if words is None and isinstance(error, ConnectionResetError):
        words = _RESET
    return words or error.strerror or "the connection broke"


_RESET = "the connection was reset"
_WORDS = {
    errno.ECONNREFUSED: "the connection was refused",
    errno.ECONNRESET: _RESET,
    errno.EPIPE: "the connection was closed",
    errno.ECONNABORTED: "the connection was aborted",
    errno.EHOSTUNREACH: "there is no route to the host",
    errno.ENETUNREACH: "the network cannot be reached",
    errno.ENETDOWN: "the network is down",
    errno.ETIMEDOUT: "the host does not respond",
    errno.EMFILE: "this process has too many open files",
}


class Line:
    """What one connection belongs to: the call that uses it now.

    A line serves one call at a time; the connection looks here for the call's deadline.
    ``idle_limit`` is for how many seconds the connection may have lain idle to be used again.
    """

    __slots__ = ("deadline", "idle_limit")

    def __init__(self) -> None:
        self.deadline = Deadline(0.0, "", 0)
        self.idle_limit = 0.0


class TimedSocket:
    """A connected socket, plain or TLS, whose every operation ends with the call.

    It has what http.client and urllib3 ask of a socket. Their own timeouts are ignored.
    """

    def __init__(self, sock: socket.socket, line: Line) -> None:
        self._sock = sock
        self._line = line
        # A TLS socket writes one record at a time, each with a timeout of its own; a plain
        # one takes its timeout for the whole of sendall.
        self._whole = type(sock) is socket.socket

    def sendall(self, data: Any) -> None:
        """Send all, or raise: OSError when the connection breaks, CallFailed when time is up."""
        deadline = self._line.deadline
        try:
            if self._whole:
                self._sock.settimeout(deadline.left())
                self._sock.sendall(data)
                return
            with memoryview(data).cast("B") as view:
                at = 0
                while at < len(view):
                    self._sock.settimeout(deadline.left())
                    at += self._sock.send(view[at:])
        except TimeoutError as error:
            raise deadline.broken(error) from None

    def recv_into(self, buffer: Any) -> int:
        """Receive some bytes; 0 is the end. Raises as :meth:`sendall` does."""
        deadline = self._line.deadline
        try:
            self._sock.settimeout(deadline.left())
            size = self._sock.recv_into(buffer)
        except BROKEN as error:
            raise deadline.broken(error) from None
        deadline.count(size)
        return size

    def makefile(self, _mode: str = "rb", _buffering: int | None = None) -> io.BufferedReader:
        """A reader that keeps the deadline; the socket closes when both are closed."""
        return io.BufferedReader(_Reader(self, self._sock.makefile("rb", buffering=0)))

    def settimeout(self, _value: float | None) -> None:
        """Ignored: the deadline says how long."""

    def fileno(self) -> int:
        return self._sock.fileno()

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def close(self) -> None:
        self._sock.close()


class _Reader(io.RawIOBase):
    """Reads from a timed socket; ``anchor`` keeps the socket open until this is closed."""

    def __init__(self, sock: TimedSocket, anchor: io.RawIOBase) -> None:
        self._timed = sock
        self._anchor = anchor

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._timed.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._anchor.close()
