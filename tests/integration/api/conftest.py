"""The API on a real socket of the loopback, and callers that behave as they like."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

import pytest

from engine.api.access import Access, Limits
from engine.api.application import LocalApi, create_api
from engine.api.serving import Serving, start
from engine.api.stand_in import StandIn

TOKEN = "correct horse"
TOO_LONG = 20.0
"""Seconds after which a scene has failed, whatever it was waiting for."""


class Place(NamedTuple):
    """Where the scene happens."""

    office: StandIn
    api: LocalApi
    serving: Serving
    callers: list[asyncio.StreamWriter]

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self.serving.port}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.serving.port)
        self.callers.append(writer)
        return reader, writer

    async def say(self, sent: bytes) -> bytes:
        """Everything that comes back for these bytes, until the line is closed or cut."""
        reader, writer = await self.connect()
        writer.write(sent)
        await writer.drain()
        answer = b""
        with suppress(ConnectionError):
            while part := await reader.read(65536):
                answer += part
        return answer

    def head(self, method: str, path: str, *more: str) -> bytes:
        """The first lines of a request that has the right host and token."""
        lines = (
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.serving.port}",
            f"Authorization: Bearer {TOKEN}",
            *more,
        )
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


Scene = Callable[[Place], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play() -> Play:
    """Plays a scene with a served API, and stops the API afterwards."""

    def played(scene: Scene, limits: Limits | None = None) -> None:
        async def whole() -> None:
            office = StandIn()
            api = create_api(office, Access(token=TOKEN), limits)
            serving = await start(api, "127.0.0.1", 0, limits)
            place = Place(office, api, serving, [])
            try:
                async with asyncio.timeout(TOO_LONG):
                    await scene(place)
            finally:
                await serving.stop(grace=0.2)
                for caller in place.callers:
                    caller.close()
                    with suppress(ConnectionError):
                        await caller.wait_closed()
            leftover = asyncio.all_tasks() - {asyncio.current_task()}
            assert leftover == set()

        asyncio.run(whole())

    return played
