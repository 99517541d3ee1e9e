"""One connection to the lab: HTTP/1.1 by h11, with the socket within reach of the faults."""

import asyncio
import contextlib
import os
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from engine.lab.answers import Call, Request, Response
from engine.lab.knobs import Knob

LARGEST_BODY = 16 << 20
LARGEST_UNPACKED = 64 << 20
_READ = 1 << 20
# struct linger is two ints on POSIX and two shorts on Windows: on, with no time to linger.
_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class BadRequestError(Exception):
    """A request that cannot be read: the answer to give before the connection ends."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Connection:
    """Reads the requests of one connection and sends their answers.

    ``idle`` is how many seconds it waits for the next byte before it closes the connection.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._idle = idle
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=64 << 10)
        self._secure = writer.get_extra_info("sslcontext") is not None
        self._bodiless = False
        self.requests = 0

    async def serve(self, handle: Callable[[Request], Awaitable[None]]) -> None:
        """Pass every request to ``handle`` until either side ends the connection."""
        try:
            while (request := await self._next()) is not None:
                self.requests += 1
                await handle(request)
                if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    break
                self._http.start_next_cycle()
        except BadRequestError as bad:
            await self.send(Response(bad.status, str(bad).encode()), last=True)
        except h11.RemoteProtocolError as error:
            with contextlib.suppress(h11.LocalProtocolError):
                await self.send(Response(error.error_status_hint, str(error).encode()), last=True)

    async def send(self, response: Response, *, last: bool = False) -> None:
        """Send a whole answer in one write."""
        headers = [
            ("Content-Type", response.media_type),
            ("Content-Length", str(len(response.body))),
            *response.headers.items(),
        ]
        if last:
            headers.append(("Connection", "close"))
        reason = HTTPStatus(response.status).phrase
        start = h11.Response(status_code=response.status, headers=headers, reason=reason)
        head = self._http.send(start)
        sent = b"" if self._bodiless else response.body
        body = self._http.send(h11.Data(data=sent)) if sent else b""
        end = self._http.send(h11.EndOfMessage())
        await self.write((head or b"") + (body or b"") + (end or b""))

    async def write(self, data: bytes) -> None:
        """Send bytes past h11, and wait until the socket has taken most of them."""
        self._writer.write(data)
        await self._writer.drain()

    async def gone(self, seconds: float | None = None) -> bool:
        """Wait for the client to leave, ``seconds`` at most; what it still sends is dropped."""
        try:
            async with asyncio.timeout(seconds):
                while await self._reader.read(_READ):
                    pass
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """End the connection in an orderly way."""
        self._writer.close()

    def reset(self) -> None:
        """End the connection at once: the other side sees a reset."""
        raw = self._writer.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        self._writer.transport.abort()

    async def finish(self) -> None:
        """Close whatever is still open and wait until it is."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                await self.write(self._http.send(go_on) or b"")
            async with asyncio.timeout(self._idle):
                data = await self._reader.read(_READ)
            self._http.receive_data(data)
        return event

    async def _next(self) -> Request | None:
        try:
            head = await self._event()
            if not isinstance(head, h11.Request):
                return None  # the client closed between two requests
            self._bodiless = head.method == b"HEAD"
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers
            }
            chunks: list[bytes] = []
            size = 0
            while isinstance(event := await self._event(), h11.Data):
                size += len(event.data)
                if size > LARGEST_BODY:
                    raise BadRequestError(413, f"A body has at most {LARGEST_BODY} bytes.")
                chunks.append(bytes(event.data))
        except TimeoutError:
            return None
        try:
            url = urlsplit(head.target.decode("latin-1"))
        except ValueError:
            raise BadRequestError(400, "The address cannot be read.") from None
        return Request(
            head.method.decode("ascii").upper(),
            unquote(url.path),
            dict(parse_qsl(url.query, keep_blank_values=True)),
            headers,
            _unpacked(headers.get("content-encoding", "identity"), b"".join(chunks)),
            self._secure,
        )


class Struck:
    """One request on its way through the faults that strike it (``faults.Exchange``)."""

    def __init__(
        self, connection: Connection, call: Call, knobs: list[Knob], *, speaks_rest: bool
    ) -> None:
        self._connection = connection
        self._call = call
        self._knobs = iter(knobs)
        self._speaks_rest = speaks_rest
        self.send = connection.send
        self.write = connection.write
        self.gone = connection.gone
        self.close = connection.close
        self.reset = connection.reset

    @property
    def call(self) -> Call:
        """What the request asks for."""
        return self._call

    @property
    def speaks_rest(self) -> bool:
        """Whether it came by the REST wire."""
        return self._speaks_rest

    async def proceed(self) -> None:
        """Play the next fault; after the last one, answer."""
        knob = next(self._knobs, None)
        if knob is not None and knob.fault.play is not None:
            await knob.fault.play(self, knob.settings)
        else:
            await self._connection.send(self._call.answer())


def _unpacked(encoding: str, body: bytes) -> bytes:
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise BadRequestError(415, "Content-Encoding is gzip, or left out.")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(body, LARGEST_UNPACKED + 1)
    except zlib.error as error:
        raise BadRequestError(400, f"The body is not gzip: {error}.") from None
    if len(data) > LARGEST_UNPACKED:
        raise BadRequestError(413, f"A body unpacks to at most {LARGEST_UNPACKED} bytes.")
    if not unpacker.eof:
        raise BadRequestError(400, "The body is not gzip: it ends too early.")
    return data
