"""What came back: its status, its size, its kind. Only a good answer gets through."""

import re
import time
import zlib
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from requests import Response
from urllib3.exceptions import HTTPError

from engine.server.deadline import Deadline
from engine.server.port import CallFailed, Reason

MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer after decompression."""

LONGEST_WAIT = 86400.0
"""Seconds: a server that asks for more than a day is obeyed for a day."""

_PIECE = 65536
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]+)", re.IGNORECASE)
_NOT_ACTED_UPON = (400, 401, 403, 404, 405, 407, 411, 413, 414, 415, 417, 421, 429, 431)
"""Statuses that a server gives before it acts: the outcome of such a request is known."""


class Reply(NamedTuple):
    """An answer of status 200 or 500.

    ``kind`` is its media type in lower case, ``charset`` is empty when not told, ``wait`` the
    seconds that a Retry-After asks for, ``seconds`` the time from borrowing a connection to
    the last byte.
    """

    status: int
    kind: str
    charset: str
    body: bytes
    wait: float = 0.0
    seconds: float = 0.0


def judge_status(answer: Response, deadline: Deadline) -> None:
    """Raises :class:`CallFailed` for a status that says all there is to know.

    200 and the 5xx that may carry a SOAP fault get through.
    """
    status = deadline.status = answer.status_code
    if status in (200, 500):
        return
    where = deadline.where
    reached = deadline.sent and status not in _NOT_ACTED_UPON
    if status in (401, 403):
        raise CallFailed(
            Reason.UNAUTHORIZED, f"{where}: the server does not let this till in (HTTP {status})"
        )
    if status == 429 or status > 500:
        wait = retry_after(answer.headers.get("Retry-After"), answer.headers.get("Date"))
        asks = f", and asks to wait {wait:g} s" if wait else ""
        words = "the server has too many calls" if status == 429 else "the server is in trouble"
        raise CallFailed(
            Reason.SERVER_ERROR, f"{where}: {words} (HTTP {status}){asks}", wait, reached
        )
    raise CallFailed(
        Reason.BAD_REPLY, f"{where}: {_unexpected(status)} (HTTP {status})", reached=reached
    )


def _unexpected(status: int) -> str:
    if 300 <= status < 400:
        return (
            "the answer leads elsewhere, which is not followed: "
            "a portal, a log-in page or a wrong address"
        )
    if status == 404:
        return "there is nothing at this address: check server.url"
    if status == 413:
        return "the server refuses a request of this size"
    if status == 415:
        return (
            "the server does not take this kind of request: "
            "check server.protocol and server.compression"
        )
    return "the answer has a status that our server never gives"


def retry_after(text: str | None, date: str | None) -> float:
    """Seconds of a Retry-After header, 0 when there is none or it says nothing.

    A date is counted from the server's own ``Date``, where it gives one: the till's clock may
    be wrong. At most a day.
    """
    if not text:
        return 0.0
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        return min(float(text), LONGEST_WAIT)
    until = _moment(text)
    if until is None:
        return 0.0
    now = _moment(date) if date else None
    return min(max(0.0, until - (time.time() if now is None else now)), LONGEST_WAIT)


def _moment(text: str) -> float | None:
    """Epoch seconds of an HTTP date."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def receive(answer: Response, deadline: Deadline) -> Reply:
    """Read the body. Raises :class:`CallFailed`; exceptions of urllib3 pass through.

    The body of a 500 is there for its words only: if it cannot be read, there are none.
    """
    kind, _, rest = answer.headers.get("Content-Type", "").partition(";")
    charset = _CHARSET.search(rest)
    reply = Reply(
        answer.status_code, kind.strip().lower(), charset[1].lower() if charset else "", b""
    )
    if reply.status == 200:
        return reply._replace(body=_body(answer, deadline))
    wait = retry_after(answer.headers.get("Retry-After"), answer.headers.get("Date"))
    try:
        return reply._replace(wait=wait, body=_body(answer, deadline))
    except (CallFailed, HTTPError, OSError):
        return reply._replace(wait=wait)


def trouble(reply: Reply, deadline: Deadline, words: str) -> CallFailed:
    """The failure that a 500 is, with the server's own words where it gave some."""
    said = f": {words}" if words else ""
    return CallFailed(
        Reason.SERVER_ERROR,
        f"{deadline.where}: the server is in trouble (HTTP {reply.status}){said}",
        reply.wait,
        reached=deadline.sent,
    )


def _body(answer: Response, deadline: Deadline) -> bytes:
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise bad(deadline, f"the answer is compressed as {encoding[:20]!r}, which was not asked")
    announced = answer.headers.get("Content-Length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:18]) > deadline.cap:
        raise bad(deadline, f"the answer is larger than {deadline.cap} bytes")
    unpack = zlib.decompressobj(31) if encoding in ("gzip", "x-gzip") else None
    pieces: list[bytes] = []
    size = 0
    while piece := answer.raw.read(_PIECE, decode_content=False):
        if unpack is not None:
            piece = _unpacked(unpack, piece, MAX_BODY + 1 - size, deadline)
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY:
            raise bad(deadline, f"the answer unpacks to more than {MAX_BODY} bytes")
    if unpack is not None and (not unpack.eof or unpack.unused_data):
        raise bad(deadline, "the compressed answer does not end where it should")
    return b"".join(pieces)


def _unpacked(unpack: "zlib._Decompress", piece: bytes, room: int, deadline: Deadline) -> bytes:
    if unpack.eof:
        raise bad(deadline, "something follows the compressed answer")
    try:
        return unpack.decompress(piece, room)
    except zlib.error:
        raise bad(deadline, "the answer is not the gzip that it says it is") from None


def bad(deadline: Deadline, what: str) -> CallFailed:
    """A ``bad_reply`` about the answer of this call."""
    return CallFailed(Reason.BAD_REPLY, f"{deadline.where}: {what}", reached=deadline.sent)


def expect_kind(reply: Reply, deadline: Deadline, kinds: tuple[str, ...], wanted: str) -> None:
    """Raises :class:`CallFailed` when the media type is none of ``kinds`` (``+json`` is JSON).

    A web page with status 200 is what portals and proxies answer: it gets a sentence of its
    own.
    """
    kind = reply.kind
    if kind in kinds or any(kind.endswith(end) for end in kinds if end.startswith("+")):
        return
    if kind in ("text/html", "application/xhtml+xml"):
        what = f"a web page came back in place of {wanted}: a portal, a proxy or a wrong address"
    elif not kind:
        what = f"the answer does not say what it is, {wanted} was expected"
    else:
        what = f"the answer is {kind[:60]!r}, {wanted} was expected"
    raise bad(deadline, what)
