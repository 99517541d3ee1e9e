"""What holds for every request, whatever it asks: who may call, how much, how long.

Plain ASGI around the application, so that also its own error answers carry the headers, and a
body that was not read to its end cannot keep a connection busy.
"""

import asyncio
import logging
from dataclasses import dataclass, field

from engine.api.access import SAFE_METHODS, Access, Denial, Limits, shown
from engine.api.answers import (
    Application,
    Denied,
    Message,
    Receive,
    Scope,
    Send,
    deny,
    failure,
    standard_headers,
)
from engine.api.line import ONLY_HEAD

log = logging.getLogger("tillwire.api")

LINGER_SECONDS = 2.0
"""How long what a caller still sends is read and thrown away after an answer that came before
the end of the body. Closing at once would reset the connection and lose the answer."""


@dataclass(slots=True)
class Exchange:
    """One request: counts what comes in and dresses what goes out."""

    receive: Receive
    send: Send
    limit: int
    limits: Limits
    head: bool
    unread: bool
    started: bool = False
    received: int = 0
    _until: float | None = field(default=None, init=False)

    async def incoming(self) -> Message:
        """The next part of the body, within its size and time.

        Raises :class:`Denied` (408, 413).
        """
        loop = asyncio.get_running_loop()
        if self._until is None:
            self._until = loop.time() + self.limits.body
        if not self.unread:
            return await self.receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self.receive()
        except TimeoutError:
            raise Denied(slow(self.limits.body)) from None
        self._count(message)
        if self.received > self.limit:
            raise Denied(too_large(self.limit))
        return message

    async def outgoing(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = [*standard_headers(), *message.get("headers", [])]
            if self.unread:
                headers.append((b"connection", b"close"))
            await self.send({**message, "headers": headers})
            return
        last = not message.get("more_body", False)
        body = b"" if self.head else message.get("body", b"")
        await self.send({**message, "body": body, "more_body": not last or self.unread})
        if last and self.unread:
            await self._linger()
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    def _count(self, message: Message) -> None:
        self.received += len(message.get("body", b""))
        self.unread = message["type"] == "http.request" and message.get("more_body", False)

    async def _linger(self) -> None:
        most = self.received + 2 * self.limit
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while self.unread and self.received <= most:
                    self._count(await self.receive())
        except TimeoutError:
            log.debug("api.caller_cut")
        self.unread = False


class Guard:
    """The application, guarded."""

    def __init__(self, application: Application, access: Access, limits: Limits) -> None:
        self._application = application
        self._access = access
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = _single(scope["headers"])
        length = _length(headers)
        ticket = scope["path"].endswith("/tickets")
        exchange = Exchange(
            receive,
            send,
            limit=self._limits.ticket if ticket else self._limits.event,
            limits=self._limits,
            head=scope["method"] == "HEAD",
            unread=length != 0,
        )
        denial = self._denial(scope, headers)
        if denial is None and length is not None and length > exchange.limit:
            denial = too_large(exchange.limit)
        if denial is not None:
            await deny(exchange.outgoing, denial)
            return
        inner = {**scope, "method": "GET", ONLY_HEAD: True} if exchange.head else scope
        try:
            await self._application(inner, exchange.incoming, exchange.outgoing)
        except Exception:  # the last line of defence: a fault of ours, said without internals
            asked = f"{scope['method']} {shown(scope['path'])}"
            log.exception(
                "api.failed", extra={"fields": {"message": f"{asked} could not be answered"}}
            )
            if not exchange.started:
                await deny(exchange.outgoing, failure())

    def _denial(self, scope: Scope, headers: dict[bytes, str]) -> Denial | None:
        denial = self._access.denial(
            scope["method"],
            scope.get("scheme", "http"),
            headers.get(b"host", ""),
            headers.get(b"origin"),
            headers.get(b"authorization"),
        )
        coding = headers.get(b"content-encoding", "identity").strip().lower()
        if denial is None and scope["method"] not in SAFE_METHODS and coding != "identity":
            return Denial(
                415,
                "encoded_body",
                "The body is compressed or encoded.",
                "Send the bytes as they are, without Content-Encoding.",
            )
        return denial


def slow(seconds: float) -> Denial:
    """The body took too long."""
    return Denial(
        408,
        "slow_body",
        f"The body did not arrive within {seconds:g} s.",
        "Nothing of it was kept; send it again.",
    )


def too_large(limit: int) -> Denial:
    """The body is larger than what is taken."""
    return Denial(
        413,
        "too_large",
        f"The body is larger than the {limit} bytes that are taken here.",
        "Nothing of it was kept.",
    )


def _single(headers: list[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """The headers by name. One that comes twice reads as both, so that it matches nothing."""
    found: dict[bytes, str] = {}
    for name, value in headers:
        text = value.decode("latin-1")
        found[name.lower()] = f"{found[name.lower()]}, {text}" if name.lower() in found else text
    return found


def _length(headers: dict[bytes, str]) -> int | None:
    """The length of the body; None when it comes in chunks, 0 when there is none."""
    if b"transfer-encoding" in headers:
        return None
    announced = headers.get(b"content-length", "0").strip()
    return int(announced) if announced.isascii() and announced.isdecimal() else None
