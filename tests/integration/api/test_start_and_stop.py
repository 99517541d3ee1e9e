"""Where the API listens, and how it stops."""

import asyncio
import logging
import signal
import socket
import time
from contextlib import suppress
from typing import Any

import httpx
import pytest

from engine.api.access import Access
from engine.api.application import create_api
from engine.api.port import Accepted
from engine.api.serving import ApiUnavailable, serve, start
from engine.api.stand_in import StandIn

TOKEN = "correct horse"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
TICKET = "/v1/tills/01/tickets?number=1"


def test_a_port_in_use_is_said_in_a_sentence(play: Any) -> None:
    """The second agent on a port is told, and the first goes on."""

    async def scene(place: Any) -> None:
        port = place.serving.port
        with pytest.raises(ApiUnavailable) as caught:
            await start(place.api, "127.0.0.1", port)
        assert str(caught.value) == (
            f"Port {port} of 127.0.0.1 is already in use, by another agent or another program. "
            "Stop that one, or choose another port."
        )
        reply = await place.say(place.head("GET", "/readyz", "Connection: close"))
        assert reply.startswith(b"HTTP/1.1 200 ")

    play(scene)


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [
        (
            "till.example",
            0,
            (
                "The API cannot listen on 'till.example': it is no address. Write 127.0.0.1 for "
                "this machine only, or another address of this machine."
            ),
        ),
        (
            "192.0.2.1",
            0,
            "This machine has no address 192.0.2.1, so the API cannot listen on it.",
        ),
        ("127.0.0.1", 70000, "There is no port 70000: ports go from 1 to 65535."),
    ],
)
def test_an_address_that_cannot_be_is_said_in_a_sentence(
    host: str, port: int, sentence: str
) -> None:
    """No traceback and no exit: an exception with what to do."""

    async def scene() -> None:
        with pytest.raises(ApiUnavailable) as caught:
            await start(create_api(StandIn(), Access(token=None)), host, port)
        assert str(caught.value) == sentence

    asyncio.run(scene())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "[::1]"])
def test_this_machine_only_is_where_it_listens(host: str) -> None:
    """Each way to write this machine listens on its loopback, on a free port that is told."""

    async def scene() -> None:
        serving = await start(create_api(StandIn(), Access(token=None)), host, 0)
        assert serving.host in ("127.0.0.1", "::1")
        url = f"http://[{serving.host}]" if ":" in serving.host else f"http://{serving.host}"
        async with httpx.AsyncClient(trust_env=False) as caller:
            reply = await caller.get(f"{url}:{serving.port}/readyz")
        assert reply.status_code == 200
        await serving.stop()

    if ":" in host and not loopback_6():
        return
    asyncio.run(scene())


def loopback_6() -> bool:
    """Whether this machine has IPv6 on its loopback."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_serve_tells_its_port_and_stops_when_it_is_cancelled() -> None:
    """The signals stay the caller's, and the port is free again afterwards."""

    async def scene() -> None:
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        api = create_api(StandIn(), Access(token=None))
        task = asyncio.create_task(serve(api, "127.0.0.1", 0, told.set_result))
        port = await told
        assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        again = await start(api, "127.0.0.1", port)
        await again.stop()

    asyncio.run(scene())


class Slow(StandIn):
    """A store that needs a moment, or for ever."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.asked = asyncio.Event()

    async def accept_ticket(self, till: str, number: int, payload: bytes) -> Accepted:
        self.asked.set()
        await asyncio.sleep(self.seconds)
        return await super().accept_ticket(till, number, payload)


@pytest.mark.parametrize(("seconds", "answered"), [(0.2, True), (30.0, False)])
def test_a_stop_lets_a_ticket_under_way_end_but_waits_for_nobody_for_ever(
    caplog: pytest.LogCaptureFixture, seconds: float, answered: bool
) -> None:
    """A ticket that is being stored gets its 201; a stuck one is cut; nothing is logged."""

    async def scene() -> None:
        office = Slow(seconds)
        serving = await start(create_api(office, Access(token=TOKEN)), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{serving.port}{TICKET}"
        async with httpx.AsyncClient(headers=BEARER, trust_env=False) as caller:
            asking = asyncio.create_task(caller.post(url, content=b"ticket"))
            await office.asked.wait()
            began = time.monotonic()
            await serving.stop(grace=0.5)
            assert time.monotonic() - began < 3.0
            if answered:
                assert (await asking).status_code == 201
            else:
                with pytest.raises(httpx.TransportError):
                    await asking

    with caplog.at_level(logging.INFO):
        asyncio.run(scene())
    assert [record for record in caplog.records if record.name.startswith(("uvi", "till"))] == []


def test_a_stop_does_not_wait_for_silent_and_slow_callers() -> None:
    """Idle, half-sent and half-bodied connections end with the API."""

    async def scene() -> None:
        serving = await start(create_api(StandIn(), Access(token=TOKEN)), "127.0.0.1", 0)
        head = f"POST {TICKET} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        callers = []
        for sent in ("", head, f"{head}Content-Length: 100\r\n\r\nhalf"):
            reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
            writer.write(sent.encode())
            await writer.drain()
            callers.append((reader, writer))
        began = time.monotonic()
        await serving.stop(grace=0.3)
        assert time.monotonic() - began < 2.0
        for reader, writer in callers:
            try:
                assert await reader.read() == b""
            except ConnectionResetError:
                continue  # cut, which is as good
            finally:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()

    asyncio.run(scene())
