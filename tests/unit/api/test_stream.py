"""Events for readers: in order, kept for a while, and nobody is waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from engine.api.event_stream import framed
from engine.api.stream import (
    MOST_BEHIND,
    MOST_READERS,
    Broadcast,
    Reader,
    TooManyReaders,
)
from engine.api.told import ProgressTold

AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


def progress(pending: int, till: str = "01") -> ProgressTold:
    """An event's data."""
    return ProgressTold(till=till, at=AT, pending=pending, sent=0, refused=0)


def tell(broadcast: Broadcast, count: int, till: str = "01") -> None:
    """Publish some events."""
    for pending in range(count):
        broadcast.publish("progress", till, progress(pending, till))


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story in a loop of its own, bounded in time."""

    async def bounded() -> None:
        async with asyncio.timeout(5):
            await story()

    asyncio.run(bounded())


async def ids(reader: Reader, most: int = 10_000) -> list[int]:
    """What waits for a reader."""
    return [event.id for event in await reader.take(most, 0.0)]


def test_readers_hear_everything_from_when_they_came_in_its_order() -> None:
    """Nothing from before, nothing twice, and each reader for itself."""

    async def story() -> None:
        broadcast = Broadcast(100)
        first = broadcast.subscribe(None)
        tell(broadcast, 2)
        second = broadcast.subscribe(None)
        tell(broadcast, 1)
        assert await ids(first, 2) == [101, 102]
        assert await ids(first) == [103]
        assert await ids(second) == [103]
        assert (first.since, second.since) == (100, 102)

    play(story)


def test_a_reader_who_waits_is_woken() -> None:
    """And who waits in vain gets nothing after its patience, not an error."""

    async def story() -> None:
        broadcast = Broadcast(0)
        reader = broadcast.subscribe(None)
        taking = asyncio.ensure_future(reader.take(10, 5.0))
        await asyncio.sleep(0)
        tell(broadcast, 1)
        assert [event.kind for event in await taking] == ["progress"]
        assert await reader.take(10, 0.0) == ()

    play(story)


def test_who_comes_again_hears_what_came_in_between() -> None:
    """From after the event that it names, then what is new."""

    async def story() -> None:
        broadcast = Broadcast(0)
        broadcast.subscribe(None).close()
        tell(broadcast, 5)
        reader = broadcast.subscribe(3)
        tell(broadcast, 1)
        assert await ids(reader) == [4, 5, 6]
        assert reader.since == 3
        assert await ids(broadcast.subscribe(6)) == []

    play(story)


@pytest.mark.parametrize("last", [0, 3, 99], ids=["too long ago", "just too long", "of the future"])
def test_who_cannot_be_told_all_is_told_so(last: int) -> None:
    """One event says that some were missed; its id is where the stream goes on."""

    async def story() -> None:
        broadcast = Broadcast(0, kept=4)
        broadcast.subscribe(None).close()
        tell(broadcast, 8)
        reader = broadcast.subscribe(last)
        tell(broadcast, 1)
        assert [event[:3] for event in await reader.take(10, 0.0)] == [
            (8, "missed", ""),
            (9, "progress", "01"),
        ]
        assert await ids(broadcast.subscribe(5)) == [6, 7, 8, 9]

    play(story)


def test_an_id_of_an_earlier_life_is_known_as_one() -> None:
    """A restarted agent that kept nothing says that something may have been missed."""

    async def story() -> None:
        broadcast = Broadcast(1_000)
        tell(broadcast, 3)  # before anybody listened: nobody pays for it
        reader = broadcast.subscribe(999)
        assert [event.kind for event in await reader.take(10, 0.0)] == ["missed"]
        assert broadcast.subscribe(None).since == 1_000

    play(story)


def test_a_reader_of_one_till_hears_of_that_till() -> None:
    """Of what comes and of what it missed; and that it missed something."""

    async def story() -> None:
        broadcast = Broadcast(0)
        reader = broadcast.subscribe(None, "02")
        for till in ("01", "02", "01"):
            tell(broadcast, 1, till)
        assert await ids(reader) == [2]
        assert await ids(broadcast.subscribe(0, "02")) == [2]
        lost = broadcast.subscribe(50, "02")
        assert [event.kind for event in await lost.take(10, 0.0)] == ["missed"]

    play(story)


def test_who_does_not_keep_up_is_dropped_and_others_are_not() -> None:
    """With one event more than may wait; what is published waits for nobody."""

    async def story() -> None:
        broadcast = Broadcast(0)
        slow, quick = broadcast.subscribe(None), broadcast.subscribe(None)
        tell(broadcast, MOST_BEHIND)
        assert not slow.over.is_set()
        assert len(await ids(quick)) == MOST_BEHIND
        tell(broadcast, 1)
        assert slow.over.is_set()
        assert slow.slow
        assert not quick.over.is_set()
        assert broadcast.readers == 1

    play(story)


def test_there_is_room_for_so_many_readers() -> None:
    """The next one is turned away until one leaves."""

    async def story() -> None:
        broadcast = Broadcast(0)
        readers = [broadcast.subscribe(None) for _ in range(MOST_READERS)]
        with pytest.raises(TooManyReaders):
            broadcast.subscribe(None)
        readers[0].close()
        readers[0].close()
        assert broadcast.subscribe(None) is not None

    play(story)


def test_the_end_reaches_everybody_and_nobody_comes_after_it() -> None:
    """Readers are told that it is over, not that they were slow."""

    async def story() -> None:
        broadcast = Broadcast(0)
        reader = broadcast.subscribe(None)
        broadcast.close()
        assert reader.over.is_set()
        assert not reader.slow
        with pytest.raises(TooManyReaders):
            broadcast.subscribe(None)

    play(story)


def test_an_event_is_framed_as_browsers_read_it() -> None:
    """Id, kind, one line of data, an empty line; a line break in a text does not end it."""

    async def story() -> None:
        broadcast = Broadcast(6)
        reader = broadcast.subscribe(None)
        broadcast.publish("progress", "01", progress(3, "a\nb"))
        [event] = await reader.take(1, 0.0)
        assert framed(event) == (
            "id: 7\nevent: progress\n"
            'data: {"till":"a\\nb","at":"2026-03-14T09:26:53Z","pending":3,'
            '"sent":0,"refused":0}\n\n'
        )

    play(story)
