"""One POST to the server: within its deadline, bounded in size, and every failure explained."""

import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from requests import PreparedRequest, RequestException, Response
from urllib3.exceptions import HTTPError

from engine import __version__
from engine.server.connection import TimedAdapter
from engine.server.deadline import Deadline, Line
from engine.server.port import CallFailed, Reason
from engine.server.reply import Reply, judge_status, receive
from engine.server.tls import Trust

MAX_WIRE = 2 * 1024 * 1024
"""Bytes of an answer on the wire, headers included: a batch of 1,000 tickets gets 200 KB."""

IDLE_LIMIT = 4.0
"""Seconds after which an idle connection is not used again for a request that must not be
lost: servers close theirs after 5 seconds or more, and a request that crosses the close has an
unknown outcome."""

_KEPT = 16
_WORTH_COMPRESSING = 1024
_LEVEL = 1
_HEADERS = {"User-Agent": f"tillwire/{__version__}", "Accept-Encoding": "gzip"}


class Endpoint(NamedTuple):
    """An address to post to. ``where`` is its ``host:port``, the only part ever shown."""

    url: str
    where: str


def endpoint(url: str) -> Endpoint:
    """An address taken apart for sentences."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    return Endpoint(url, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


class _Kept:
    """An idle adapter with its line, and the generation of connections it belongs to."""

    __slots__ = ("adapter", "generation", "line")

    def __init__(self, trust: Trust, generation: int) -> None:
        self.line = Line()
        self.adapter = TimedAdapter(self.line, trust)
        self.generation = generation


class Transport:
    """Posts requests to one server. Safe for any number of threads.

    The adapter of requests is used without a session: proxies, ``.netrc`` and CA bundles of
    the environment are never looked at, no cookie is kept, and no redirect is followed. Each
    call borrows a connection of its own; the most recently used is lent first.
    """

    def __init__(self, ca_file: Path | None, compress: bool) -> None:
        self._trust = Trust(ca_file)
        self._compress = compress
        self._lock = threading.Lock()
        self._idle: list[_Kept] = []
        self._generation = 0
        self._closed = False
        self._prepared: dict[str, PreparedRequest] = {}

    def deadline(self, target: Endpoint, timeout: float) -> Deadline:
        """The deadline of a call that begins now; several requests may share it."""
        return Deadline(timeout, target.where, MAX_WIRE)

    def post(
        self,
        target: Endpoint,
        headers: Mapping[str, str],
        body: bytes,
        deadline: Deadline,
        harmless: bool,
    ) -> Reply:
        """Post ``body`` and return the answer, whose status is a good one.

        ``harmless`` says that the request may be made twice: then, and where the request had
        not gone out in full, a connection that the server had closed meanwhile is replaced
        once by a fresh one. Raises :class:`CallFailed`.
        """
        deadline.where = target.where
        request = self._request(target.url, target.where, headers, body)
        try:
            return self._attempt(request, deadline, harmless)
        except CallFailed as failure:
            stale = (
                failure.reason is Reason.UNREACHABLE
                and not deadline.fresh
                and deadline.received == 0
                and (harmless or not failure.reached)
            )
            if not stale:
                raise
        return self._attempt(request, deadline, harmless)

    def drop_connections(self) -> None:
        """Close idle connections now, those in use when their call ends."""
        with self._lock:
            self._generation += 1
            idle, self._idle = self._idle, []
        for kept in idle:
            kept.adapter.close()

    def close(self) -> None:
        """Close everything; later calls fail with ``local_error``."""
        self._closed = True
        self.drop_connections()

    def _request(
        self, url: str, where: str, headers: Mapping[str, str], body: bytes
    ) -> PreparedRequest:
        model = self._prepared.get(url)
        if model is None:
            model = PreparedRequest()
            try:
                model.prepare(method="POST", url=url, headers=_HEADERS)
            except ValueError:  # which all of requests' complaints about an address are
                raise CallFailed(
                    Reason.LOCAL_ERROR, f"{where} was not called: the address is not valid"
                ) from None
            self._prepared[url] = model
        request = model.copy()
        request.headers.update(headers)
        if self._compress and len(body) >= _WORTH_COMPRESSING:
            packer = zlib.compressobj(_LEVEL, wbits=31)
            body = packer.compress(body) + packer.flush()
            request.headers["Content-Encoding"] = "gzip"
        request.headers["Content-Length"] = str(len(body))
        request.body = body
        return request

    def _attempt(self, request: PreparedRequest, deadline: Deadline, harmless: bool) -> Reply:
        deadline.begin()
        deadline.left()
        kept = self._borrow(deadline.where)
        kept.line.deadline = deadline
        kept.line.idle_limit = float("inf") if harmless else IDLE_LIMIT
        begun = time.monotonic()
        try:
            answer = kept.adapter.send(request, stream=True)
            reply = _read(answer, deadline)
        except (RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
            raise explain(error, deadline) from None
        except RuntimeError:
            raise CallFailed(
                Reason.LOCAL_ERROR,
                f"{deadline.where} was not called: no more threads to look up the name",
                reached=deadline.sent,
            ) from None
        finally:
            self._give_back(kept)
        return reply._replace(seconds=time.monotonic() - begun)

    def _borrow(self, where: str) -> _Kept:
        with self._lock:
            if self._closed:
                raise CallFailed(
                    Reason.LOCAL_ERROR, f"{where} was not called: the till is shutting down"
                )
            if self._idle:
                return self._idle.pop()
            return _Kept(self._trust, self._generation)

    def _give_back(self, kept: _Kept) -> None:
        with self._lock:
            wanted = (
                kept.generation == self._generation and not self._closed and len(self._idle) < _KEPT
            )
            if wanted:
                self._idle.append(kept)
        if not wanted:
            kept.adapter.close()


def _read(answer: Response, deadline: Deadline) -> Reply:
    """The answer, where its status promises a body worth reading.

    An answer that is not read to its end takes its connection with it.
    """
    try:
        judge_status(answer, deadline)
        return receive(answer, deadline)
    finally:
        answer.close()


def explain(error: Exception, deadline: Deadline) -> CallFailed:
    """The failure that an exception of the HTTP stack amounts to.

    Its own text is not used: it holds the address, and with it what should not be shown.
    """
    chain = [error, *_causes(error)]
    for one in chain:
        if isinstance(one, CallFailed):
            return one
    if deadline.ends <= time.monotonic():
        return deadline.passed()
    where, reached = deadline.where, deadline.sent
    if deadline.received:
        return CallFailed(
            Reason.BAD_REPLY, f"{where}: the answer is cut short or is not HTTP", reached=reached
        )
    if any(isinstance(one, ssl.SSLError) for one in chain):
        return CallFailed(
            Reason.UNREACHABLE, f"{where}: the TLS connection broke ({deadline.stage})", 0, reached
        )
    if isinstance(error, ValueError) and not reached:
        return CallFailed(Reason.LOCAL_ERROR, f"{where} was not called: the request is not valid")
    broken = next((one for one in chain if isinstance(one, OSError) and one.errno), None)
    if broken is not None:
        return deadline.broken(broken)
    return CallFailed(
        Reason.UNREACHABLE,
        f"{where}: the server closed the connection without an answer",
        reached=reached,
    )


def _causes(error: BaseException) -> list[BaseException]:
    """Everything that an exception wraps, by argument or as its context, nearest first."""
    found: list[BaseException] = []
    pending: list[object] = [*error.args, error.__cause__, error.__context__]
    while pending and len(found) < 32:
        one = pending.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            reason = getattr(one, "reason", None)
            pending += [*one.args, one.__cause__, one.__context__, reason]
    return found
