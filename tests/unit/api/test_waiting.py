"""A store that stalls, and callers who are many: bounded time, bounded memory."""

import asyncio
from typing import Any

import httpx
import pytest

from engine.api.access import Access, Limits
from engine.api.answers import Denied
from engine.api.application import create_api
from engine.api.port import Accepted, StoreUnavailable
from engine.api.stand_in import StandIn
from engine.api.waiting import Room

HEADERS = {"Authorization": "Bearer t"}


class Stalled(StandIn):
    """A store that takes a ticket only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.fault: Exception | None = None
        self.ended = 0

    async def accept_ticket(self, till: str, number: int, payload: bytes) -> Accepted:
        await self.let.wait()
        self.ended += 1
        if self.fault is not None:
            raise self.fault
        return await super().accept_ticket(till, number, payload)


def client(office: StandIn, limits: Limits) -> httpx.AsyncClient:
    """A client of an API in front of that office."""
    transport = httpx.ASGITransport(app=create_api(office, Access(token="t"), limits))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=HEADERS)


def post(caller: httpx.AsyncClient, number: int, size: int = 10) -> Any:
    """One ticket."""
    return caller.post(f"/v1/tills/01/tickets?number={number}", content=b"x" * size)


def test_a_stalled_store_is_answered_for_and_not_torn_from_its_work() -> None:
    """The caller hears 503 in time; the ticket goes on to the disk, so that a repeat is 200."""

    async def scene() -> None:
        office = Stalled()
        async with client(office, Limits(answer=0.01)) as caller:
            reply = await post(caller, 1)
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
            assert reply.json()["error"] == "stalled"
            assert reply.json()["message"] == "The store did not answer within 0.01 s."
            office.let.set()
            await asyncio.sleep(0)
            assert office.tickets == {("01", 1): b"x" * 10}
            assert (await post(caller, 1)).status_code == 200

    asyncio.run(scene())


def test_a_late_failure_of_a_stalled_store_disturbs_nobody() -> None:
    """A call that fails after its caller was answered ends quietly."""

    async def scene() -> None:
        office = Stalled()
        office.fault = StoreUnavailable("The disk is full.")
        async with client(office, Limits(answer=0.01)) as caller:
            assert (await post(caller, 1)).status_code == 503
            office.let.set()
            await asyncio.sleep(0)
            assert office.ended == 1

    asyncio.run(scene())


def test_stalled_tickets_take_bounded_memory_and_give_it_back() -> None:
    """With the room taken by stalled tickets others hear 503, until the stalled ones end."""

    async def scene() -> None:
        office = Stalled()
        async with client(office, Limits(answer=0.01, ticket=50, room=100)) as caller:
            replies = [await post(caller, number, 40) for number in (1, 2, 3)]
            assert [reply.json()["error"] for reply in replies] == ["stalled", "stalled", "busy"]
            assert replies[2].headers["retry-after"] == "1"
            office.let.set()
            await asyncio.sleep(0.01)
            assert (await post(caller, 3, 40)).status_code == 201

    asyncio.run(scene())


def test_refused_and_broken_bodies_give_their_room_back() -> None:
    """Empty, oversized and interrupted tickets leave the room as they found it."""

    async def scene() -> None:
        async def endless() -> Any:
            while True:
                yield b"x" * 40

        async with client(StandIn(), Limits(ticket=50, room=50)) as caller:
            for _ in range(3):
                assert (await post(caller, 1, 0)).status_code == 400
                path = "/v1/tills/01/tickets?number=1"
                assert (await caller.post(path, content=endless())).status_code == 413
            assert (await post(caller, 1, 50)).status_code == 201

    asyncio.run(scene())


def test_a_body_that_drips_is_given_up_in_time() -> None:
    """A body that does not arrive is 408, and nothing of it reaches the store."""

    async def scene() -> None:
        office = StandIn()

        async def never() -> Any:
            yield b"half a ticket"
            await asyncio.get_running_loop().create_future()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("engine.api.guard.LINGER_SECONDS", 0.01)
            async with client(office, Limits(body=0.01)) as caller:
                path = "/v1/tills/01/tickets?number=1"
                reply = await caller.post(path, content=never())
        assert (reply.status_code, reply.headers["connection"]) == (408, "close")
        assert reply.json() == {
            "error": "slow_body",
            "message": "The body did not arrive within 0.01 s.",
            "hint": "Nothing of it was kept; send it again.",
        }
        assert office.tickets == {}

    asyncio.run(scene())


def test_room_is_refused_when_it_does_not_suffice() -> None:
    """What was given back can be taken again."""
    room = Room(10)
    room.take(6)
    with pytest.raises(Denied):
        room.take(5)
    room.give(6)
    room.take(10)


def test_limits_that_could_take_no_ticket_are_refused() -> None:
    """Room for less than one ticket would refuse every ticket."""
    with pytest.raises(ValueError, match="must hold at least one ticket"):
        Limits(ticket=100, room=99)
