"""What the agent tells by itself to whoever listens."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.api.port import UnknownTill
from engine.api.stream import Reader, TooManyReaders
from engine.server.port import Message
from engine.store import Store
from tests.unit.agent.conftest import Play
from tests.unit.agent.houses import House

TOLD = [Message(f"m-{n}", "", "warning", f"title {n}", f"text {n}") for n in range(150)]

Tell = Callable[[Callable[[House], Awaitable[None]]], None]


@pytest.fixture
def tell(play: Play, tmp_path: Path) -> Tell:
    """Tells a story of an agent whose database holds a message."""
    path = tmp_path / "till.db"
    with Store.open(path) as store:
        store.messages.keep("01", TOLD[:1], 1_800_000_000.0)

    def run(story: Callable[[House], Awaitable[None]]) -> None:
        async def told() -> None:
            house = House(path)
            await house.agent.start()
            try:
                await story(house)
            finally:
                await house.agent.stop()

        play(told())

    return run


async def heard(reader: Reader) -> list[tuple[str, dict[str, Any]]]:
    """What waits for a reader: kinds and data."""
    return [(event.kind, json.loads(event.data)) for event in await reader.take(1000, 0.0)]


def test_an_event_is_told_with_what_it_did_and_without_what_it_carried(tell: Tell) -> None:
    """The name, the states, the transitions; a customer's code is nowhere."""

    async def story(house: House) -> None:
        reader = await house.agent.subscribe(None)
        await house.agent.post_event("01", "ticket.customer", {"customer": "C-SECRET-7"})
        await house.agent.offers("01", "C-SECRET-8", 0.0)
        events = await reader.take(1000, 0.0)
        assert [event.till for event in events] == ["01"] * len(events)
        kind, told = events[0].kind, json.loads(events[0].data)
        assert (kind, told["event"]) == ("step", "ticket.customer")
        assert told["states"] == list((await house.agent.till("01")).active)  # type: ignore[union-attr]
        assert not [event for event in events if "SECRET" in event.data]

    tell(story)


def test_a_ticket_is_told_as_progress_and_as_a_step(tell: Tell) -> None:
    """The count first; a count that did not change is not told again."""

    async def story(house: House) -> None:
        reader = await house.agent.subscribe(None)
        await house.agent.accept_ticket("01", 7, b"x")
        kind, told = (await heard(reader))[0]
        assert kind == "progress"
        assert (told["till"], told["pending"], told["sent"], told["refused"]) == ("01", 1, 0, 0)
        await house.agent.accept_ticket("01", 7, b"x")
        assert [kind for kind, told in await heard(reader) if told.get("pending") == 1] == []

    tell(story)


def test_messages_are_told_by_title_and_reading_by_the_count(tell: Tell) -> None:
    """A hundred titles at the most, no texts; reading one tells how many are left."""

    async def story(house: House) -> None:
        reader = await house.agent.subscribe(None)
        house.agent.telling.received("01", TOLD, 150)
        [(kind, told)] = await heard(reader)
        assert (kind, told["unread"], len(told["new"])) == ("message", 150, 100)
        assert told["new"][3] == {"id": "m-3", "level": "warning", "title": "title 3"}
        assert await house.agent.read_message("01", "m-0") == "read"
        [(kind, told)] = await heard(reader)
        assert (kind, told["unread"], told["new"]) == ("message", 0, [])

    tell(story)


def test_a_reader_may_ask_for_one_till_and_one_that_is_there(tell: Tell) -> None:
    """An unknown till is said so, not listened to for ever."""

    async def story(house: House) -> None:
        with pytest.raises(UnknownTill):
            await house.agent.subscribe(None, "99")
        assert (await house.agent.subscribe(None, "01")).till == "01"

    tell(story)


def test_readers_hear_of_the_agents_end(play: Play, tmp_path: Path) -> None:
    """At its beginning, before anything that may take time; nobody new is taken."""

    async def story() -> None:
        house = House(tmp_path / "till.db")
        await house.agent.start()
        reader = await house.agent.subscribe(None)
        await house.agent.stop()
        assert reader.over.is_set()
        with pytest.raises(TooManyReaders):
            await house.agent.subscribe(None)

    play(story())


def test_ids_grow_over_a_restart(play: Play, tmp_path: Path) -> None:
    """Who comes again after one is told that it may have missed something."""

    async def story() -> None:
        last = 0
        for kinds in ([], ["missed"]):
            house = House(tmp_path / "till.db")
            await house.agent.start()
            reader = await house.agent.subscribe(last or None)
            assert [kind for kind, _ in await heard(reader)] == kinds
            await house.agent.post_event("01", "sync.now", {})
            events = await reader.take(1000, 0.0)
            assert events[0].id > last
            last = events[-1].id
            await house.agent.stop()

    play(story())
