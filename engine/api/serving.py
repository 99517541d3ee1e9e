"""Serving the API from the agent's own loop: uvicorn's HTTP, without its process.

uvicorn's ``Server`` takes over the signals, exits the process when a port is taken and wakes
ten times a second. None of that suits a loop that belongs to the tills, so only its protocol is
used. What that lacks is added here: a limit in time for each phase of a connection.
"""

import asyncio
import errno
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from engine.api.access import Denial, Limits
from engine.api.answers import (
    Application,
    Message,
    Receive,
    Scope,
    Send,
    denial_headers,
    deny,
    encoded,
    standard_headers,
)
from engine.api.line import EXTENSION

log = logging.getLogger("tillwire.api")

GRACE = 3.0
"""Seconds that requests under way get to end when the API stops."""

TAKEN = (errno.EADDRINUSE, 10048)
FORBIDDEN = (errno.EACCES, errno.EPERM, 10013)
NOT_OURS = (errno.EADDRNOTAVAIL, 10049)
"""Each with Windows's number beside it."""


class ApiUnavailable(Exception):  # noqa: N818 - what happened, in a sentence for a person
    """The API cannot be served at that address. The message is a sentence for a person."""


class Serving:
    """An API that is being served. ``host`` and ``port`` are where it really listens."""

    def __init__(self, server: asyncio.Server, state: ServerState, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._server = server
        self._state = state

    @property
    def connections(self) -> int:
        """How many callers are connected."""
        return len(self._state.connections)

    async def stop(self, grace: float = GRACE) -> None:
        """Take no more requests, let those under way end within ``grace`` seconds, then cut."""
        self._server.close()
        for connection in list(self._state.connections):
            with suppress(h11.LocalProtocolError):  # one that has broken down already
                connection.shutdown()
        await self._tasks_end(grace)
        for connection in list(self._state.connections):
            # the application hears that the caller is gone and gives up reading by itself
            connection.transport.abort()
        await self._tasks_end(grace)
        for task in list(self._state.tasks):
            task.cancel()
        await self._tasks_end(grace)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), grace)

    async def _tasks_end(self, seconds: float) -> None:
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=seconds)


async def start(
    application: Application, host: str, port: int, limits: Limits | None = None
) -> Serving:
    """Serve ``application`` from the running loop. Port 0 takes any free port.

    Raises :class:`ApiUnavailable`. ``host`` is an address of this machine or ``localhost``.
    """
    limits = limits or Limits()
    listener = _listen(host, port)
    state = ServerState()
    # a level of its own: without one the protocol traces every connection, and a warning for
    # each caller that speaks no HTTP would let any caller fill the log
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config = Config(
        _Front(application, state, limits),
        http="h11",
        loop="none",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=limits.keep_alive,
        h11_max_incomplete_event_size=limits.head_size,
    )
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(config, state, limits), sock=listener, backlog=128
    )
    address = listener.getsockname()
    return Serving(server, state, address[0], address[1])


async def serve(
    application: Application,
    host: str,
    port: int,
    started: Callable[[int], None] | None = None,
    limits: Limits | None = None,
) -> None:
    """Serve until this call is cancelled; ``started`` is told the real port.

    Raises :class:`ApiUnavailable`.
    """
    serving = await start(application, host, port, limits)
    try:
        if started is not None:
            started(serving.port)
        await asyncio.get_running_loop().create_future()
    finally:
        await serving.stop()


class _Front:
    """Says "not now" when too many are connected, and ends quietly when the API stops."""

    def __init__(self, application: Application, state: ServerState, limits: Limits) -> None:
        self._application = application
        self._state = state
        self._most = limits.connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self._state.connections) <= self._most:
            try:
                await self._application(scope, receive, send)
            except asyncio.CancelledError:
                # only a stop cancels, and only what did not end in the time it had: the line is
                # cut by then, and a traceback would say nothing more
                log.debug("api.request_cut")
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*standard_headers(), *message["headers"], (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await deny(
            dressed,
            Denial(
                503,
                "busy",
                "Too many programs are connected to this API at this moment.",
                "Try again in 1 s.",
                (("retry-after", "1"),),
            ),
        )


class _Connection(H11Protocol):
    """A connection whose every phase has an end, whatever the caller does or does not do.

    It is also the :class:`~engine.api.line.Line` of the answers that go on.
    """

    def __init__(self, config: Config, state: ServerState, limits: Limits) -> None:
        super().__init__(config, state, {}, asyncio.get_running_loop())
        self.stopping = asyncio.Event()
        self._limits = limits
        self._end: asyncio.TimerHandle | None = None
        self._arriving = True
        self._lasts = False
        self._application = self.app
        self.app = self._with_line

    async def _with_line(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"] = {**(scope.get("extensions") or {}), EXTENSION: self}
        await self._application(scope, receive, send)

    def lasts(self) -> None:
        """No limit in time for the answer under way, as long as its reader takes it."""
        self._lasts = True
        self._may_rest()

    def cut(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """The caller does not take what it is sent."""
        super().pause_writing()
        if self._lasts:
            self._must_go_on_within(self._limits.exchange)

    def resume_writing(self) -> None:
        """It took some of it."""
        super().resume_writing()
        if self._lasts:
            self._may_rest()

    def shutdown(self) -> None:
        """The API stops: what goes on ends now, the rest gets its time."""
        self.stopping.set()
        super().shutdown()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        # Windows's loop accepts connections of which it does not know that they are TCP.
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._must_go_on_within(self._limits.head)
        if len(self.connections) > 2 * self._limits.connections:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        if not self._arriving and (before is None or before.response_complete):
            self._arriving = True
            self._must_go_on_within(self._limits.head)
        super().data_received(data)
        if self.cycle is not before:
            self._arriving = False
            self._must_go_on_within(self._limits.exchange)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._lasts = False
        # an idle connection is closed sooner, by the keep-alive; this ends one whose caller
        # does not take its answer
        self._arriving = False
        self._must_go_on_within(self._limits.exchange)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets the same kind of answer as everything else."""
        log.debug("api.no_http", extra={"fields": {"message": msg}})
        if self.cycle is not None:
            # whoever still waits for the rest of the body learns that it will not come
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            denial = Denial(
                400,
                "bad_request",
                "This is no HTTP request that can be read, or its first lines are longer than "
                f"{self._limits.head_size} bytes.",
            )
            body = encoded(denial)
            headers = [*standard_headers(), *denial_headers(denial, body)]
            start = h11.Response(
                status_code=400,
                headers=[*headers, (b"connection", b"close")],
                reason=b"Bad Request",
            )
            for part in (start, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(part) or b"")
        self.transport.close()

    def _should_upgrade(self) -> bool:
        # there is no WebSocket here; the request is answered as plain HTTP, and not logged
        return False

    def _may_rest(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def _must_go_on_within(self, seconds: float) -> None:
        self._may_rest()
        self._end = self.loop.call_later(seconds, self._cut)

    def _cut(self) -> None:
        log.debug("api.connection_cut")
        self.transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    address = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    except ValueError:
        raise ApiUnavailable(
            f"The API cannot listen on '{host}': it is no address. Write 127.0.0.1 for this "
            "machine only, or another address of this machine."
        ) from None
    # The protocol by name: asyncio sends small answers at once (TCP_NODELAY) only where it is
    # told that it is TCP. Else whoever keeps a connection waits 40 ms for each answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            # there, a second program could otherwise take over the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ApiUnavailable(_why(error, host, port)) from error
    listener.setblocking(False)
    return listener


def _why(error: Exception, host: str, port: int) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number in TAKEN:
        return (
            f"Port {port} of {host} is already in use, by another agent or another program. "
            "Stop that one, or choose another port."
        )
    if number in FORBIDDEN:
        return f"Port {port} of {host} may not be opened by this user. Choose a port above 1023."
    if number in NOT_OURS:
        return f"This machine has no address {host}, so the API cannot listen on it."
    if isinstance(error, OverflowError):
        return f"There is no port {port}: ports go from 1 to 65535."
    return f"The API cannot listen on {host}, port {port}: {os.strerror(number or 0)}."
