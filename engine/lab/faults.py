"""The faults of the lab: one signature, one table.

A fault plays on an :class:`Exchange`: one request that was read whole, counted, and not worked
on yet. Whether the tickets in it are committed is part of what a fault is, and each says so.
"""

import asyncio
import email.utils
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Protocol

from engine.lab.answers import (
    ACTIONS,
    PROGRAMS,
    Call,
    Outcome,
    Response,
    json_response,
    login_page,
)
from engine.lab.programs import refusal

Settings = Mapping[str, float | int | str | bool]
_BLANKS = b" " * (1 << 20)
_GZIP_HEAD = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])  # deflate, no name, no date


class Exchange(Protocol):
    """What a fault may do with one request and the connection that it came by."""

    @property
    def call(self) -> Call: ...

    @property
    def speaks_rest(self) -> bool: ...

    async def proceed(self) -> None:
        """Go on as if this fault were not there: the next fault drawn, or the true answer."""

    async def send(self, response: Response) -> None:
        """Send a whole answer; the connection stays open for the next request."""

    async def write(self, data: bytes) -> None:
        """Send bytes as they are. The connection ends after this request."""

    async def gone(self, seconds: float | None = None) -> bool:
        """Wait for the client to leave, or that long at most; True when it left."""

    def close(self) -> None:
        """End the connection in an orderly way (FIN)."""

    def reset(self) -> None:
        """End the connection at once (RST)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One knob of a fault. Numbers lie from ``low`` to ``high``; a text is one of ``among``."""

    default: float | int | str | bool
    about: str
    low: float = 0.0
    high: float = 0.0
    among: tuple[str, ...] = ()


Play = Callable[[Exchange, Settings], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the table.

    ``actions`` are those that the fault can strike; none at all means that it strikes the whole
    server and not a request. ``play`` is None for those.
    """

    about: str
    commits: bool
    play: Play | None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    actions: tuple[str, ...] = ACTIONS


async def _refuse(exchange: Exchange, _settings: Settings) -> None:
    exchange.reset()


async def _hang(exchange: Exchange, _settings: Settings) -> None:
    await exchange.gone()
    exchange.close()


async def _drip(exchange: Exchange, settings: Settings) -> None:
    interval, part = float(settings["interval"]), settings["part"]
    response = exchange.call.answer()
    head = response_head(response)
    if part == "continue":
        dripped = b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000
    elif part == "headers":
        dripped = head
    else:
        await exchange.write(head)
        dripped = response.body
    for place in range(len(dripped)):
        await exchange.write(dripped[place : place + 1])
        if await exchange.gone(interval):
            break
    else:
        await exchange.write(response.body if part == "headers" else b"")
    exchange.close()


async def _http_500(exchange: Exchange, _settings: Settings) -> None:
    await exchange.send(Response(500, b"Internal Server Error"))


async def _http_503(exchange: Exchange, settings: Settings) -> None:
    await exchange.send(Response(503, b"Service Unavailable", headers=_retry_after(settings)))


async def _http_429(exchange: Exchange, settings: Settings) -> None:
    await exchange.send(Response(429, b"Too Many Requests", headers=_retry_after(settings)))


async def _html_200(exchange: Exchange, _settings: Settings) -> None:
    await exchange.send(login_page())


async def _redirect(exchange: Exchange, settings: Settings) -> None:
    status = int(str(settings["status"]))
    await exchange.send(login_page(status, {"Location": "/login"}))


async def _lost_answer(exchange: Exchange, _settings: Settings) -> None:
    exchange.call.answer()
    exchange.close()


async def _bad_token(exchange: Exchange, _settings: Settings) -> None:
    if exchange.speaks_rest:
        problem = {"error": 401, "txterr": "The token is unknown or has expired.", "result": ""}
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        await exchange.send(json_response(401, problem, challenge))
    else:
        challenge = {"WWW-Authenticate": 'Basic realm="DivaltoService"'}
        await exchange.send(Response(401, b"Access is denied.", headers=challenge))


async def _slow(exchange: Exchange, settings: Settings) -> None:
    # The work goes on when the client has left, as it does in a real server.
    await asyncio.sleep(float(settings["ms"]) / 1000)
    await exchange.proceed()


async def _truncated(exchange: Exchange, settings: Settings) -> None:
    response = exchange.call.answer()
    await exchange.write(response_head(response, counted=settings["framing"] == "length"))
    await exchange.write(response.body[: len(response.body) // 2])
    exchange.close()


async def _gzip_bomb(exchange: Exchange, settings: Settings) -> None:
    # The true answer, then blanks: whoever unpacks it without a cap reads a valid answer.
    response = exchange.call.answer()
    body = await asyncio.to_thread(inflating, response.body, int(settings["mib"]))
    headers = {**response.headers, "Content-Encoding": "gzip"}
    await exchange.send(Response(response.status, body, response.media_type, headers))


async def _wrong_batch(exchange: Exchange, _settings: Settings) -> None:
    outcome = exchange.call.work()
    if isinstance(outcome, Outcome) and "batch" in outcome.reply:
        reply = {**outcome.reply, "batch": f"{outcome.reply['batch']}-of-another"}
        outcome = outcome._replace(reply=reply)
    rendered = outcome if isinstance(outcome, Response) else exchange.call.render(outcome)
    await exchange.send(rendered)


async def _technical_error(exchange: Exchange, settings: Settings) -> None:
    outcome = Outcome(error=int(settings["code"]), text="The service is out of order.")
    await exchange.send(exchange.call.render(outcome))


async def _rejected(exchange: Exchange, settings: Settings) -> None:
    outcome = refusal(int(settings["code"]), "This call is refused.")
    await exchange.send(exchange.call.render(outcome))


_RETRY_AFTER = {
    "retry_after": Setting(
        30, "seconds that the client is asked to wait; 0 leaves it out", 0, 3600
    ),
    "as_date": Setting(False, "whether Retry-After is written as an HTTP date"),
}
_CODE = {"code": Setting(1, "the number that is answered", 1, 99_999)}

FAULTS: Mapping[str, Fault] = {
    "down": Fault(
        "The port is closed and every open connection is reset: connections are refused.",
        commits=False,
        play=None,
        actions=(),
    ),
    "refuse": Fault(
        "The connection is accepted, then reset before anything is done.",
        commits=False,
        play=_refuse,
    ),
    "hang": Fault(
        "The request is read and never answered, nor committed, until the client leaves.",
        commits=False,
        play=_hang,
    ),
    "drip": Fault(
        "The work is committed, and its answer comes one byte at a time.",
        commits=True,
        play=_drip,
        settings={
            "interval": Setting(0.5, "seconds between two bytes", 0.001, 60),
            "part": Setting(
                "body",
                "what drips; continue: 100 Continue without end",
                among=("headers", "body", "continue"),
            ),
        },
    ),
    "http_500": Fault("HTTP 500 without any work done.", commits=False, play=_http_500),
    "http_503": Fault(
        "HTTP 503 with a Retry-After, without any work done.",
        commits=False,
        play=_http_503,
        settings=_RETRY_AFTER,
    ),
    "http_429": Fault(
        "HTTP 429 with a Retry-After, without any work done.",
        commits=False,
        play=_http_429,
        settings=_RETRY_AFTER,
    ),
    "html_200": Fault(
        "A login page in HTML with status 200, without any work done.",
        commits=False,
        play=_html_200,
    ),
    "redirect": Fault(
        "A redirect to a login page, without any work done.",
        commits=False,
        play=_redirect,
        settings={"status": Setting("302", "its status", among=("301", "302", "303", "307"))},
    ),
    "lost_answer": Fault(
        "The work is committed, then the connection is closed without an answer.",
        commits=True,
        play=_lost_answer,
    ),
    "bad_token": Fault(
        "HTTP 401 whatever the token or the password, without any work done.",
        commits=False,
        play=_bad_token,
        actions=PROGRAMS,
    ),
    "slow": Fault(
        "The request waits before it is worked on, and is then answered as usual.",
        commits=True,
        play=_slow,
        settings={"ms": Setting(1000, "milliseconds to wait", 0, 600_000)},
    ),
    "truncated": Fault(
        "The work is committed, and its answer is cut in the middle of the body.",
        commits=True,
        play=_truncated,
        settings={
            "framing": Setting(
                "length",
                "length: Content-Length says more than is sent; close: no length is said",
                among=("length", "close"),
            )
        },
    ),
    "gzip_bomb": Fault(
        "The work is committed, and its answer unpacks to the true one and MiB of blanks.",
        commits=True,
        play=_gzip_bomb,
        settings={"mib": Setting(256, "MiB when unpacked, about 1 KiB each on the wire", 1, 4096)},
    ),
    "wrong_batch": Fault(
        "The work is committed, and the answer names another batch.",
        commits=True,
        play=_wrong_batch,
        actions=("TICKETS",),
    ),
    "technical_error": Fault(
        "A technical failure (result or error is not 0), without any work done.",
        commits=False,
        play=_technical_error,
        settings=_CODE,
        actions=(*PROGRAMS, "AUTH"),
    ),
    "rejected": Fault(
        "A business refusal of the call (resultcode is not 0), without any work done.",
        commits=False,
        play=_rejected,
        settings=_CODE,
        actions=PROGRAMS,
    ),
}


def response_head(response: Response, *, counted: bool = True) -> bytes:
    """Status line and headers of an answer that ends its connection, as bytes.

    Without ``counted`` no Content-Length is said: the body ends where the connection does.
    """
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        f"Content-Type: {response.media_type}",
    ]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if counted:
        lines.append(f"Content-Length: {len(response.body)}")
    lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _retry_after(settings: Settings) -> dict[str, str]:
    seconds = int(settings["retry_after"])
    if seconds == 0:
        return {}
    if settings["as_date"]:
        return {"Retry-After": email.utils.formatdate(time.time() + seconds, usegmt=True)}
    return {"Retry-After": str(seconds)}


def inflating(body: bytes, mib: int) -> bytes:
    """One gzip stream that unpacks to ``body`` and ``mib`` MiB of blanks, checksum and all.

    Each MiB costs half a millisecond (its checksum), not the time to compress it: the same
    compressed block is written again and again.
    """
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    start = packer.compress(body) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.crc32(body)
    for _ in range(mib):
        checksum = zlib.crc32(_BLANKS, checksum)
    size = (len(body) + mib * len(_BLANKS)) & 0xFFFFFFFF
    end = packer.flush() + struct.pack("<II", checksum, size)
    return _GZIP_HEAD + start + _packed_blanks() * mib + end


@cache
def _packed_blanks() -> bytes:
    """1 MiB of blanks as deflate blocks that refer to nothing before them."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(_BLANKS) + packer.flush(zlib.Z_FULL_FLUSH)
