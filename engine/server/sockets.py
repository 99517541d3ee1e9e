"""Connected TCP sockets within a call's deadline."""

import errno
import os
import selectors
import socket
import time
from contextlib import suppress

from engine.server.deadline import Deadline
from engine.server.port import CallFailed, Reason
from engine.server.resolver import RESOLVER, Address

USER_TIMEOUT = 30.0
"""Seconds after which the system gives up a connection whose peer acknowledges nothing: a
half-open one is noticed before a long deadline ends."""

_OUT_OF_SOMETHING = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK)
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
            return _connect(address, deadline, share)
        except OSError as error:
            if error.errno in _OUT_OF_SOMETHING:
                raise CallFailed(
                    Reason.LOCAL_ERROR, f"{deadline.where} was not called: {error.strerror}"
                ) from None
            failure = deadline.broken(error)
    raise failure


def _connect(address: Address, deadline: Deadline, share: float) -> socket.socket:
    family, kind, proto, at = address
    sock = socket.socket(family, kind, proto)
    try:
        tune(sock)
        sock.setblocking(False)
        code = sock.connect_ex(at)
        if code in _UNDER_WAY:
            code = _settled(sock, deadline, time.monotonic() + share)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def _settled(sock: socket.socket, deadline: Deadline, ends: float) -> int:
    """The error number that an attempt to connect ends with, 0 for a good one."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while not selector.select(deadline.wait(ends)):
            if time.monotonic() >= ends:
                raise TimeoutError("timed out")
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def tune(sock: socket.socket) -> None:
    """Options that make a dead peer show; a system that lacks one goes without."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {**_KEEP_ALIVE, "TCP_USER_TIMEOUT": int(USER_TIMEOUT * 1000)}.items():
        option = getattr(socket, name, None)
        if option is not None:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
