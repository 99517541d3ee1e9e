"""A server of the database that hangs: the agent runs on, says so, and goes on when it is back.

With the real drivers, on a server that does as the test says.
"""

import asyncio
import time
from pathlib import Path

import pytest

from engine.api.port import StoreUnavailable
from engine.store import Store
from engine.store.odbc import GRACE
from tests.integration.store.conftest import PlaceOf, Server
from tests.integration.store.tds import Answer, NoRow, Numbers, Silence, Tds
from tests.unit.agent.houses import House

EMPTY: dict[str, Answer] = {
    "snapshots ORDER": NoRow(),
    "FROM [tillwire].counters": NoRow(),
    "FROM [tillwire].history": NoRow(),
    "AND state = N'pending'": NoRow(),
    "messages WHERE": Numbers((0,)),
    "AND number = ": NoRow(),
    "FROM [tillwire].journal_head": Numbers((0, 0)),
}
"""What a database with nothing in it answers."""


@pytest.fixture
def script() -> Server:
    """A database with nothing in it."""
    server = Server()
    server.answers |= EMPTY
    return server


def test_an_agent_runs_on_while_its_database_hangs(
    place_of: PlaceOf, server: Tds, script: Server, tmp_path: Path
) -> None:
    """Events, questions and metrics are answered in no time; a ticket is refused in bounded time
    and taken when the server is back, on a new connection with the lock."""
    place = place_of(server.port)

    async def story() -> None:
        house = House(tmp_path, open_store=lambda: Store.open(place))
        agent = house.agent
        await agent.start()
        assert await agent.accept_ticket("01", 1, b"ticket") == "new"
        script.answers = {"INSERT": Silence(), **script.answers}
        began = time.monotonic()
        ticket = asyncio.ensure_future(agent.accept_ticket("01", 2, b"ticket"))
        assert await asyncio.to_thread(server.hangs.wait, 10)
        asked = time.monotonic()
        await agent.post_event("01", "sync.now", {})
        assert await house.state()
        assert (await agent.metrics("*/*"))[0]
        assert time.monotonic() - asked < 0.1
        assert not ticket.done()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await ticket
        assert time.monotonic() - began < 1.0 + GRACE + 1.0
        health = agent.health()
        assert (health.alive, health.ready) == (True, False)
        assert "does not answer" in health.reasons[0]
        del script.answers["INSERT"]
        assert await agent.accept_ticket("01", 2, b"ticket") == "new"
        assert agent.health().ready
        await agent.stop()

    asyncio.run(story())
    assert len([said for said in server.said if "sp_getapplock" in said]) == 2
