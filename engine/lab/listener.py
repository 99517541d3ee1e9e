"""A TCP port that can stop listening and go on, without anybody else taking it meanwhile."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable

from engine.lab.ledger import LabError

_BACKLOG = 512
_BUFFER = 1 << 20

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


class Listener:
    """One port of the lab. ``port`` is 0 until :meth:`open` when any free one is wanted."""

    def __init__(
        self, host: str, port: int, accept: Accept, tls: ssl.SSLContext | None = None
    ) -> None:
        self.host = host
        self.port = port
        self._accept = accept
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None

    async def open(self) -> None:
        """Listen; does nothing when it listens already."""
        if self._server is not None:
            return
        bound = self._held or _bind(self.host, self.port)
        self._held = None
        self.port = bound.getsockname()[1]
        try:
            self._server = await asyncio.start_server(
                self._accept, sock=bound, backlog=_BACKLOG, limit=_BUFFER, ssl=self._tls
            )
        except OSError as error:
            bound.close()
            raise _cannot_listen(self.host, self.port, error) from error

    def refuse(self) -> None:
        """Stop listening: whoever connects is refused. The port stays ours.

        A socket that is bound and does not listen refuses connections just as a closed port
        does, and keeps the operating system from giving the port to somebody else.
        """
        if self._server is not None:
            self._server.close()
            self._server = None
            self._held = _bind(self.host, self.port)

    def close(self) -> None:
        """Give the port back; a second call does nothing."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._held is not None:
            self._held.close()
            self._held = None


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    try:
        # On Windows SO_REUSEADDR would let two programs share the port.
        if os.name != "nt":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _cannot_listen(host, port, error) from error
    return bound


def _cannot_listen(host: str, port: int, error: OSError) -> LabError:
    return LabError(f"The lab cannot listen on {host}, port {port}: {error.strerror or error}.")
