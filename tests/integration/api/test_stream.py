"""The stream over real connections: readers who come again, who are slow, who may not."""

import asyncio
import time
from contextlib import suppress
from typing import Any

import pytest

from engine.api import event_stream
from engine.api.access import Limits
from engine.api.stand_in import BEGAN
from engine.api.stream import MOST_BEHIND, MOST_READERS
from engine.api.told import ProgressTold

QUICK = Limits(body=0.2, answer=0.2, head=0.2, exchange=0.3, keep_alive=1)


def tell(place: Any, count: int = 1, till: str = "01") -> None:
    """The agent has something to tell."""
    for pending in range(count):
        told = ProgressTold(till=till, at=BEGAN, pending=pending, sent=0, refused=0)
        place.office.broadcast.publish("progress", till, told)


class Listening:
    """A reader of the stream, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""

    async def until(self, mark: bytes) -> bytes:
        """What comes, up to this."""
        return await self.reader.readuntil(mark)

    def stall(self) -> None:
        """Take nothing any more."""
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    async def rest(self) -> bytes:
        """All that comes until the line is closed or cut."""
        got = b""
        with suppress(ConnectionError):
            while part := await self.reader.read(65536):
                got += part
        return got


async def listen(place: Any, *more: str, path: str = "/v1/stream") -> Listening:
    """Somebody who listens, past the first lines."""
    reader, writer = await place.connect()
    writer.write(place.head("GET", path, *more))
    found = Listening(reader, writer)
    found.head = await found.until(b"\r\n\r\n")
    return found


async def readers(place: Any, count: int) -> None:
    """Wait until so many listen."""
    while place.office.broadcast.readers != count:  # noqa: ASYNC110 - the other end is watched
        await asyncio.sleep(0.01)


def test_a_reader_is_told_at_once_and_how_to_come_again(play: Any) -> None:
    """The head, where the stream stands, then each event with its id."""

    async def scene(place: Any) -> None:
        heard = await listen(place)
        assert heard.head.startswith(b"HTTP/1.1 200 ")
        head = heard.head.lower()
        assert b"content-type: text/event-stream" in head
        assert b"cache-control: no-store" in head
        assert b"cross-origin-resource-policy: same-origin" in head
        assert b"content-length" not in head
        await heard.until(b"retry: 3000\nid: 0\n\n")
        tell(place)
        event = await heard.until(b"}\n\n")
        assert b"id: 1\nevent: progress\ndata: {" in event

    play(scene)


def test_who_comes_again_hears_what_came_in_between(play: Any) -> None:
    """A line that broke loses no event; the place of who left is free."""

    async def scene(place: Any) -> None:
        first = await listen(place)
        tell(place)
        await first.until(b"id: 1\nevent: progress\n")
        first.writer.transport.abort()
        await readers(place, 0)
        tell(place, 3)
        again = await listen(place, "Last-Event-ID: 1")
        told = await again.until(b'id: 4\nevent: progress\ndata: {"till":"01"')
        assert told.count(b"event: progress") == 3

    play(scene)


def test_a_stream_outlives_the_time_of_other_requests_and_says_that_it_stands(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing happens for longer than an exchange may take: comments come, then an event."""
    monkeypatch.setattr(event_stream, "KEEP_ALIVE", 0.1)

    async def scene(place: Any) -> None:
        heard = await listen(place)
        began = time.monotonic()
        while time.monotonic() - began < 2 * QUICK.exchange:
            await heard.until(b": the line stands\n\n")
        tell(place)
        await heard.until(b"event: progress\n")

    play(scene, QUICK)


def test_a_reader_who_does_not_keep_up_is_cut_and_nobody_waits(play: Any) -> None:
    """Its line ends though it takes nothing; who reads hears everything meanwhile."""

    async def scene(place: Any) -> None:
        slow = await listen(place)
        slow.stall()
        quick = await listen(place)
        counted = 0

        async def take() -> None:
            nonlocal counted
            while counted < 60 * MOST_BEHIND:
                counted += (await quick.until(b"\n\n")).count(b"event: progress")

        taking = asyncio.ensure_future(take())
        longest = 0.0
        for _ in range(600):
            began = time.monotonic()
            tell(place, MOST_BEHIND // 10)
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0)
        await taking
        await readers(place, 1)
        assert longest < 1.0
        while place.serving.connections != 1:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        quick.writer.transport.abort()

    play(scene)


def test_a_reader_who_takes_nothing_is_cut_though_little_happens(play: Any) -> None:
    """The time of an exchange is the limit for one that takes nothing of what is sent."""

    async def scene(place: Any) -> None:
        slow = await listen(place)
        slow.stall()
        while place.serving.connections:
            tell(place, MOST_BEHIND // 2)
            await asyncio.sleep(0.01)

    play(scene, QUICK)


def test_a_stop_ends_streams_at_once_and_properly(play: Any) -> None:
    """Not after the grace that other requests get; the reader sees an end, not a cut."""

    async def scene(place: Any) -> None:
        heard = await listen(place)
        await heard.until(b"id: 0\n\n")
        began = time.monotonic()
        await place.serving.stop(grace=10.0)
        assert time.monotonic() - began < 2.0
        assert (await heard.rest()).endswith(b"0\r\n\r\n")
        assert place.office.broadcast.readers == 0

    play(scene)


def test_the_agents_own_end_ends_streams(play: Any) -> None:
    """Whoever stops first."""

    async def scene(place: Any) -> None:
        heard = await listen(place)
        place.office.broadcast.close()
        await heard.until(b"\r\n0\r\n\r\n")

    play(scene)


def test_a_crowd_of_readers_is_turned_away(play: Any) -> None:
    """503 with Retry-After; the others hear on."""

    async def scene(place: Any) -> None:
        crowd = [await listen(place) for _ in range(MOST_READERS)]
        reply = await place.say(place.head("GET", "/v1/stream", "Connection: close"))
        assert reply.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 5" in reply.lower()
        assert b"The stream has 32 readers, and more it does not take." in reply
        tell(place)
        for heard in crowd:
            await heard.until(b"event: progress\n")

    play(scene)


@pytest.mark.parametrize(
    ("more", "status", "error"),
    [
        (("Origin: http://elsewhere.example",), b"403", b"foreign_origin"),
        (("Origin: null",), b"403", b"foreign_origin"),
        (("Sec-Fetch-Site: cross-site",), b"403", b"foreign_origin"),
        (("Sec-Fetch-Site: same-site",), b"403", b"foreign_origin"),
        (("Last-Event-ID: soon",), b"422", b"The header 'last-event-id' must be a whole number"),
        (("Last-Event-ID: -1",), b"422", b"must be at least 0"),
    ],
)
def test_who_may_not_listen_takes_no_place(
    play: Any, more: tuple[str, ...], status: bytes, error: bytes
) -> None:
    """Pages of other sites, whatever they pretend to load, and ids that are none."""

    async def scene(place: Any) -> None:
        reply = await place.say(place.head("GET", "/v1/stream", *more, "Connection: close"))
        assert reply.startswith(b"HTTP/1.1 " + status)
        assert error in reply
        assert place.office.broadcast.readers == 0

    play(scene)


def test_a_wrong_host_is_refused(play: Any) -> None:
    """A name that somebody pointed at this machine opens no stream."""

    async def scene(place: Any) -> None:
        reply = await place.say(
            b"GET /v1/stream HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        )
        assert reply.startswith(b"HTTP/1.1 400 ")
        assert b"unknown_host" in reply

    play(scene)


def test_the_own_page_may_listen(play: Any) -> None:
    """With its own origin, and without a token."""

    async def scene(place: Any) -> None:
        port = place.serving.port
        reader, writer = await place.connect()
        writer.write(
            f"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Origin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin\r\n\r\n".encode()
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")

    play(scene)


def test_one_till_can_be_listened_to_and_one_that_is_not_there_cannot(play: Any) -> None:
    """``till`` leaves the others out; 404 for no such till."""

    async def scene(place: Any) -> None:
        heard = await listen(place, path="/v1/stream?till=02")
        tell(place, till="01")
        tell(place, till="02")
        assert b'"till":"01"' not in await heard.until(b'"till":"02"')
        reply = await place.say(place.head("GET", "/v1/stream?till=07", "Connection: close"))
        assert reply.startswith(b"HTTP/1.1 404 ")

    play(scene)


def test_a_head_request_ends(play: Any) -> None:
    """Whoever only asks for the head gets it and takes no place."""

    async def scene(place: Any) -> None:
        reply = await place.say(place.head("HEAD", "/v1/stream", "Connection: close"))
        assert reply.startswith(b"HTTP/1.1 200 ")
        assert b"text/event-stream" in reply
        assert place.office.broadcast.readers == 0

    play(scene)


def test_the_line_serves_other_requests_after_the_time_of_streams(play: Any) -> None:
    """A refused stream leaves a kept connection as it was: within the limits of all others."""

    async def scene(place: Any) -> None:
        sent = place.head("GET", "/v1/stream?till=07") + place.head("GET", "/readyz")
        reply = await place.say(sent)
        assert reply.index(b"HTTP/1.1 404 ") < reply.index(b"HTTP/1.1 200 ")

    play(scene, QUICK)
