"""The API over real connections: what a till program meets, and a caller who misbehaves."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from engine.api.access import Limits

TOKEN = "correct horse"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
TICKET = "/v1/tills/01/tickets?number=1"
QUICK = Limits(body=0.2, answer=0.2, head=0.2, exchange=0.6, keep_alive=1)


def body_of(reply: bytes) -> dict[str, Any]:
    """The JSON after the head of a reply that came with its length."""
    found: dict[str, Any] = json.loads(reply.partition(b"\r\n\r\n")[2])
    return found


def test_a_till_program_hands_over_a_ticket_and_reads_its_till(play: Any) -> None:
    """One kept-alive connection: 201, 200, 409, and the till has one ticket pending."""

    async def scene(place: Any) -> None:
        async with httpx.AsyncClient(base_url=place.url, headers=BEARER, trust_env=False) as caller:
            payloads = (b"\x00\xffticket", b"\x00\xffticket", b"other")
            replies = [await caller.post(TICKET, content=payload) for payload in payloads]
            assert [reply.status_code for reply in replies] == [201, 200, 409]
            assert place.office.tickets == {("01", 1): b"\x00\xffticket"}
            till = (await caller.get("/v1/tills/01")).json()
            assert till["tickets"]["pending"] == 1

    play(scene)


def test_a_ticket_of_the_largest_size_arrives_whole(play: Any) -> None:
    """Four MiB, the default limit, in one body and in chunks."""
    payload = bytes(range(256)) * (4 * 4096)

    async def chunks() -> AsyncIterator[bytes]:
        for start_at in range(0, len(payload), 60_000):
            yield payload[start_at : start_at + 60_000]

    async def scene(place: Any) -> None:
        async with httpx.AsyncClient(base_url=place.url, headers=BEARER, trust_env=False) as caller:
            assert (await caller.post(TICKET, content=payload)).status_code == 201
            assert (await caller.post(TICKET, content=chunks())).status_code == 200

    play(scene)


def test_the_answers_carry_no_banner_and_may_not_be_kept(play: Any) -> None:
    """One date, no server name, no-store."""

    async def scene(place: Any) -> None:
        reply = await place.say(place.head("GET", "/readyz", "Connection: close"))
        head = reply.partition(b"\r\n\r\n")[0].lower()
        assert head.startswith(b"http/1.1 200 ")
        assert head.count(b"\r\ndate: ") == 1
        assert b"\r\ncache-control: no-store" in head
        assert b"server:" not in head
        assert b"uvicorn" not in head

    play(scene)


@pytest.mark.parametrize(
    ("host", "more", "status", "code"),
    [
        ("evil.example", "", 400, "unknown_host"),
        ("127.0.0.1", "Origin: https://evil.example\r\n", 403, "foreign_origin"),
        ("127.0.0.1", "", 401, "no_token"),
        ("127.0.0.1", "Authorization: Bearer x\r\n", 401, "wrong_token"),
        (
            "127.0.0.1",
            f"Authorization: Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}\r\n",
            401,
            "wrong_token",
        ),
    ],
)
def test_who_may_not_call_hears_why_on_the_wire(
    play: Any, host: str, more: str, status: int, code: str
) -> None:
    """Host, origin and token are judged on the bytes that came, before the body is read."""

    async def scene(place: Any) -> None:
        head = f"POST {TICKET} HTTP/1.1\r\nHost: {host}\r\n{more}Content-Length: 5\r\n\r\n"
        reply = await place.say(head.encode() + b"12345")
        assert reply.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"connection: close" in reply.lower()
        assert body_of(reply)["error"] == code
        assert place.office.tickets == {}

    play(scene)


def test_a_preflight_of_another_origin_gets_no_permission(play: Any) -> None:
    """The browser's question is answered with 403 and without a CORS header."""

    async def scene(place: Any) -> None:
        asked = ("Origin: https://evil.example", "Access-Control-Request-Method: POST")
        reply = await place.say(place.head("OPTIONS", TICKET, *asked, "Connection: close"))
        assert reply.startswith(b"HTTP/1.1 403 ")
        assert b"access-control-" not in reply.lower()

    play(scene)


def test_a_huge_body_is_refused_before_it_is_sent(play: Any) -> None:
    """A caller who waits for "100 Continue" hears 413 in its place."""

    async def scene(place: Any) -> None:
        reader, writer = await place.connect()
        more = ("Content-Length: 99999999999", "Expect: 100-continue")
        writer.write(place.head("POST", TICKET, *more))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        writer.close()

    play(scene, QUICK)


def test_an_endless_body_is_cut_off_after_its_answer(play: Any) -> None:
    """A caller who sends for ever gets 413, is read a little further, then loses the line."""

    async def scene(place: Any) -> None:
        reader, writer = await place.connect()
        writer.write(place.head("POST", TICKET, "Transfer-Encoding: chunked"))
        answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        sent = 0

        async def go_on() -> None:
            nonlocal sent
            while True:
                writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                await writer.drain()
                sent += 65536

        with pytest.raises(ConnectionError):
            await go_on()
        assert (await answer).startswith(b"HTTP/1.1 413 ")
        assert sent < 40 * 1024 * 1024
        assert place.office.tickets == {}

    play(scene)


def test_an_honest_caller_with_too_much_gets_the_answer_whole(play: Any) -> None:
    """Who sends a body just above the limit and only then reads still reads the 413."""

    async def scene(place: Any) -> None:
        size = 4 * 1024 * 1024 + 1
        head = place.head("POST", TICKET, f"Content-Length: {size}")
        reply = await place.say(head + b"x" * size)
        assert reply.startswith(b"HTTP/1.1 413 ")
        assert body_of(reply)["error"] == "too_large"

    play(scene)


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "],
    ids=["silent", "half a head"],
)
def test_a_caller_who_does_not_say_what_he_wants_loses_the_line(play: Any, sent: bytes) -> None:
    """Silence and half a request head end in the time for a head, without an answer."""

    async def scene(place: Any) -> None:
        began = time.monotonic()
        assert await place.say(sent) == b""
        assert 0.15 <= time.monotonic() - began < 2.0

    play(scene, QUICK)


def test_a_head_that_drips_loses_the_line_all_the_same(play: Any) -> None:
    """A letter every now and then does not buy more time."""

    async def scene(place: Any) -> None:
        _, writer = await place.connect()

        async def drip() -> None:
            for letter in place.head("GET", "/readyz", "X-Slow: " + "x" * 1000):
                writer.write(bytes([letter]))
                await writer.drain()
                await asyncio.sleep(0.02)

        began = time.monotonic()
        with pytest.raises(ConnectionError):
            await drip()
        assert time.monotonic() - began < 2.0

    play(scene, QUICK)


def test_a_body_that_stops_half_way_is_told_so_and_not_kept(play: Any) -> None:
    """408 within the time for a body, and nothing of the ticket reaches the store."""

    async def scene(place: Any) -> None:
        began = time.monotonic()
        reply = await place.say(place.head("POST", TICKET, "Content-Length: 100") + b"half")
        assert reply.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 2.0
        assert place.office.tickets == {}

    play(scene, QUICK)


def test_a_body_that_drips_is_told_so_all_the_same(play: Any) -> None:
    """A letter every now and then does not buy more time for a body either."""

    async def scene(place: Any) -> None:
        reader, writer = await place.connect()
        writer.write(place.head("POST", TICKET, "Content-Length: 1000"))

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.02)

        began = time.monotonic()
        dripping = asyncio.create_task(drip())
        head = await reader.readuntil(b"\r\n\r\n")
        dripping.cancel()
        assert head.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 2.0
        assert place.office.tickets == {}

    play(scene, QUICK)


def test_a_caller_who_goes_away_in_mid_ticket_leaves_nothing_behind(
    play: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a ticket is no ticket, and nobody's log is filled."""

    async def scene(place: Any) -> None:
        _, writer = await place.connect()
        writer.write(place.head("POST", TICKET, "Content-Length: 100") + b"half")
        await writer.drain()
        writer.transport.abort()
        async with httpx.AsyncClient(base_url=place.url, trust_env=False) as caller:
            assert (await caller.get("/readyz")).status_code == 200
        assert place.office.tickets == {}

    with caplog.at_level(logging.INFO):
        play(scene)
    assert [record for record in caplog.records if record.name.startswith(("uvi", "till"))] == []


def test_a_kept_connection_that_says_nothing_is_closed(play: Any) -> None:
    """After an answer, an idle connection ends by itself."""

    async def scene(place: Any) -> None:
        reply = await place.say(place.head("GET", "/readyz"))
        assert reply.startswith(b"HTTP/1.1 200 ")

    play(scene, QUICK)


def test_a_caller_who_does_not_take_the_answer_loses_the_line(play: Any) -> None:
    """An answer that is not read holds memory for the time of an exchange only."""

    async def scene(place: Any) -> None:
        async def metrics(_accept: str) -> tuple[bytes, str]:
            return b"x" * 32 * 1024 * 1024, "text/plain"

        place.office.metrics = metrics
        reader, writer = await place.connect()
        writer.write(place.head("GET", "/metrics"))
        await reader.readexactly(1)
        writer.transport.pause_reading()
        began = time.monotonic()
        while place.serving.connections:  # noqa: ASYNC110 - the other end is what is watched
            await asyncio.sleep(0.01)
        assert time.monotonic() - began < 5.0

    play(scene, QUICK)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is TLS\r\n\r\n",
        b"GET /readyz HTTP/1.1\r\n\r\n",
        b"GET /readyz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 20_000,
    ],
    ids=["tls", "no host", "two hosts", "long head"],
)
def test_what_is_no_http_is_told_so_in_the_same_shape(
    play: Any, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """A sentence, no traceback, nothing in the log."""

    async def scene(place: Any) -> None:
        reply = await place.say(sent)
        assert reply.startswith(b"HTTP/1.1 400 ")
        assert set(body_of(reply)) == {"error", "message", "hint"}
        assert body_of(reply)["error"] == "bad_request"

    with caplog.at_level(logging.INFO):
        play(scene)
    assert caplog.records == []


def test_a_body_that_breaks_the_rules_of_http_is_no_ticket(play: Any) -> None:
    """A broken chunk in mid-body: 400, and nothing is stored."""

    async def scene(place: Any) -> None:
        head = place.head("POST", TICKET, "Transfer-Encoding: chunked")
        reply = await place.say(head + b"4\r\nhalf\r\nno chunk\r\n")
        assert reply.startswith(b"HTTP/1.1 400 ")
        assert place.office.tickets == {}

    play(scene)


def test_an_upgrade_is_answered_as_plain_http(play: Any, caplog: pytest.LogCaptureFixture) -> None:
    """There is no WebSocket here, and no advice in the log to install one."""

    async def scene(place: Any) -> None:
        more = ("Connection: Upgrade, close", "Upgrade: websocket")
        assert (await place.say(place.head("GET", "/readyz", *more))).startswith(b"HTTP/1.1 200 ")

    with caplog.at_level(logging.INFO):
        play(scene)
    assert caplog.records == []


def test_a_crowd_hears_not_now_and_a_greater_crowd_nothing(play: Any) -> None:
    """Above the limit 503 with Retry-After; above twice the limit the line is cut at once."""

    async def scene(place: Any) -> None:
        silent = [await place.connect() for _ in range(2)]
        reply = await place.say(place.head("GET", "/readyz"))
        assert reply.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in reply.lower()
        assert body_of(reply)["error"] == "busy"
        silent += [await place.connect() for _ in range(2)]
        assert await place.say(place.head("GET", "/readyz")) == b""
        assert len(silent) == 4

    play(scene, Limits(connections=2))


def test_two_requests_in_one_write_are_both_answered(play: Any) -> None:
    """Pipelined requests keep their order."""

    async def scene(place: Any) -> None:
        sent = place.head("GET", "/readyz") + place.head("GET", "/nowhere", "Connection: close")
        reply = await place.say(sent)
        assert reply.index(b"HTTP/1.1 200 ") < reply.index(b"HTTP/1.1 404 ")

    play(scene)
