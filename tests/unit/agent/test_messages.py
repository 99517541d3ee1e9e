"""Messages and the closing of the day, as the API asks for them."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.agent.closing import closing
from engine.api.port import StoreUnavailable, UnknownTill
from engine.server.port import Message
from engine.store import Backlog, Store
from engine.store.errors import DiskFull, StoreError
from engine.store.reading import ReadingStore
from tests.unit.agent.conftest import Play
from tests.unit.agent.houses import House, Watching

TOLD = [Message(f"m-{n}", f"2026-11-2{n}", "urgent", f"title {n}", f"text {n}") for n in (1, 2)]


class Counting(Watching):
    """Notes what is said of messages, too."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, int, int]] = []

    def messages(self, till: str, new: int, unread: int) -> None:
        self.said.append((till, new, unread))


Tell = Callable[[Callable[[House], Awaitable[None]]], None]


@pytest.fixture
def tell(play: Play, tmp_path: Path) -> Tell:
    """Tells a story of an agent whose database holds two messages."""
    path = tmp_path / "till.db"
    with Store.open(path) as store:
        store.messages.keep("01", TOLD, 1_800_000_000.0)

    def run(story: Callable[[House], Awaitable[None]]) -> None:
        async def told() -> None:
            house = House(path, watch=Counting())
            await house.agent.start()
            try:
                await story(house)
            finally:
                await house.agent.stop()

        play(told())

    return run


def test_a_message_is_told_as_new_once_and_stays_until_it_is_read(tell: Tell) -> None:
    """``shown`` is empty in the first answer alone; what is read is no longer unread."""

    async def story(house: House) -> None:
        first = await house.agent.messages("01", unread=True)
        assert [(each.id, each.title, each.level) for each in first] == [
            ("m-1", "title 1", "urgent"),
            ("m-2", "title 2", "urgent"),
        ]
        assert {each.shown for each in first} == {None}
        await house.books.run(lambda _store: None)  # what was posted before is written by then
        again = await house.agent.messages("01", unread=True)
        assert None not in {each.shown for each in again}
        assert await house.agent.read_message("01", "m-1") == "read"
        assert await house.agent.read_message("01", "m-1") == "again"
        assert await house.agent.read_message("01", "m-9") == "unknown"
        assert [each.id for each in await house.agent.messages("01", unread=True)] == ["m-2"]
        newest = await house.agent.messages("01", unread=False)
        assert [(each.id, each.read is None) for each in newest] == [("m-2", True), ("m-1", False)]

    tell(story)


def test_who_counts_hears_of_what_was_unread_at_the_start_and_of_each_reading(tell: Tell) -> None:
    """A message that is marked read again changes nothing."""

    async def story(house: House) -> None:
        for _ in range(2):
            await house.agent.read_message("01", "m-2")
        assert house.watch.said == [("01", 0, 2), ("01", 0, 1)]

    tell(story)


def test_what_the_disk_cannot_do_is_said(tell: Tell) -> None:
    """A message is not told to be read when it is not."""

    async def story(house: House) -> None:
        def full(*_: object, **__: object) -> object:
            raise DiskFull("The disk is full.")

        house.books.run = full  # type: ignore[assignment, method-assign]
        with pytest.raises(StoreUnavailable, match="The disk is full"):
            await house.agent.read_message("01", "m-1")
        house.agent._shelf.run = full  # type: ignore[assignment, method-assign]
        with pytest.raises(StoreUnavailable, match="The disk is full"):
            await house.agent.messages("01", unread=True)

    tell(story)


def test_no_other_till_is_answered_for(tell: Tell) -> None:
    """A till that is not there is named."""

    async def story(house: House) -> None:
        calls: list[Awaitable[object]] = [
            house.agent.messages("99", unread=True),
            house.agent.read_message("99", "m-1"),
            house.agent.closing("99"),
        ]
        for call in calls:
            with pytest.raises(UnknownTill):
                await call

    tell(story)


def test_closing_the_day_says_what_the_server_does_not_have(tell: Tell) -> None:
    """The event's answer and the question give the same; no other event has it."""

    async def story(house: House) -> None:
        before = await house.agent.post_event("01", "till.day_closed", {})
        assert before.closing is not None
        assert (before.closing.complete, before.closing.reasons) == (True, ())
        for number in (1, 2, 3):
            await house.agent.accept_ticket("01", number, b"bytes")
        after = await house.agent.post_event("01", "till.day_closed", {})
        assert after.closing == await house.agent.closing("01")
        assert after.closing is not None
        assert (after.closing.pending, after.closing.complete) == (3, False)
        assert after.closing.reasons == ("3 tickets are not acknowledged by the central server.",)
        assert (await house.agent.post_event("01", "till.closed", {})).closing is None

    tell(story)


def test_a_ticket_that_was_refused_keeps_the_day_open_too() -> None:
    """Each reason in a sentence of its own; offline is said where something waits."""
    view = closing(Backlog(pending=1, refused=2), offline=True)
    assert (view.pending, view.refused, view.complete) == (1, 2, False)
    assert view.reasons == (
        "1 ticket is not acknowledged by the central server.",
        "The central server is not asked just now: it counts as not there.",
        "2 tickets are refused by the central server and set aside.",
    )
    assert closing(Backlog(), offline=True).complete


def test_the_reading_connection_sees_what_was_committed_and_writes_nothing(tmp_path: Path) -> None:
    """Not what is still being written; and a file that is not there is not made."""
    path = tmp_path / "till.db"
    with Store.open(path) as store, ReadingStore.open(path) as reading:
        with store.transaction():
            store.messages.keep("01", TOLD, 1.0)
            assert reading.messages.unread("01") == []
        assert [each.id for each in reading.messages.unread("01")] == ["m-1", "m-2"]
        with pytest.raises(StoreError):
            reading.messages.read("01", "m-1", 2.0)
        with pytest.raises(StoreError, match="only reads"):
            reading.transaction()
        assert store.messages.unread_count("01") == 2
    with pytest.raises(StoreError):
        ReadingStore.open(tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()
