"""The agent as the API asks it: tills, events, tickets, history, health."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.api.port import BadData, StoreUnavailable, UnknownEvent, UnknownTill
from engine.lab.stub import StubServer
from engine.store import Store, StoreError
from engine.store.errors import DiskFull
from tests.unit.agent.conftest import PATIENCE, Play
from tests.unit.agent.houses import House

Tell = Callable[..., None]


@pytest.fixture
def tell(play: Play, tmp_path: Path) -> Tell:
    """Tells a story of an agent that runs."""

    def run(story: Callable[[House], Awaitable[None]], **details: Any) -> None:
        async def told() -> None:
            house = House(tmp_path / "till.db", **details)
            await house.agent.start()
            try:
                await story(house)
            finally:
                await house.agent.stop()

        play(told())

    return run


def test_tills_are_shown_in_the_order_of_the_settings(tell: Tell) -> None:
    """And one that is not there is None."""

    async def story(house: House) -> None:
        assert [view.till for view in await house.agent.tills()] == ["02", "01"]
        assert (await house.state("02"), await house.agent.till("03")) == ("up", None)
        assert house.watch.tills == ["02", "01"]

    tell(story, names=("02", "01"))


def test_a_ticket_is_on_disk_before_anybody_is_told(tell: Tell) -> None:
    """The accepting returns after the commit; then the machine hears of it, once."""

    async def story(house: House) -> None:
        at_disk = []
        real = house.books.run

        async def run(work: Any, **how: Any) -> Any:
            result = await real(work, **how)
            at_disk.append(list(house.watch.names()))
            return result

        house.books.run = run  # type: ignore[method-assign]
        assert await house.agent.accept_ticket("01", 17, b"bytes") == "new"
        assert "ticket.closed" not in at_disk[0]
        assert house.watch.names().count("ticket.closed") == 1
        step = next(s for s in house.watch.steps if s.event.name == "ticket.closed")
        assert step.event.data == {"number": 17}
        assert await house.agent.accept_ticket("01", 17, b"bytes") == "same"
        assert await house.agent.accept_ticket("01", 17, b"other") == "different"
        assert house.watch.names().count("ticket.closed") == 1
        view = await house.agent.till("01")
        assert view is not None
        assert view.tickets.pending == house.watch.pending["01"] == 1

    tell(story)


def test_a_posted_event_is_played_before_the_answer(tell: Tell) -> None:
    """The answer says what it did."""

    async def story(house: House) -> None:
        shown = await house.agent.post_event("01", "sync.now", {})
        assert (shown.state_before, shown.state_after) == ("up", "sending")
        await house.watch.until(lambda: "send_tickets.ok" in house.watch.names())
        assert await house.state() == "up"
        assert ("send_tickets", "ok") in house.watch.effects

    tell(story)


def test_a_till_that_is_not_there_is_unknown_to_every_call(tell: Tell) -> None:
    """Nothing is stored for it."""

    async def story(house: House) -> None:
        calls: list[Awaitable[object]] = [
            house.agent.post_event("99", "sync.now", {}),
            house.agent.accept_ticket("99", 1, b""),
            house.agent.history("99", 10, None),
        ]
        for call in calls:
            with pytest.raises(UnknownTill, match="there is no till '99'"):
                await call

    tell(story)


@pytest.mark.parametrize("event", ["sync.know", "agent.started", "ping.ok", "begin", ""])
def test_only_events_of_the_outside_may_be_posted(tell: Tell, event: str) -> None:
    """Not the agent's own, not an effect's answer; the refusal names those that may be."""

    async def story(house: House) -> None:
        with pytest.raises(UnknownEvent) as fault:
            await house.agent.post_event("01", event, {})
        assert "sync.now" in fault.value.allowed
        assert not any(name.startswith(("agent.", "ping.")) for name in fault.value.allowed)

    tell(story)


def test_data_that_does_not_fit_plays_nothing(tell: Tell) -> None:
    """The sentence comes from the views."""

    async def story(house: House) -> None:
        with pytest.raises(BadData, match="a whole number, where a text is needed"):
            await house.agent.post_event("01", "ticket.customer", {"customer": 4711})
        assert "ticket.customer" not in house.watch.names()

    tell(story)


def test_the_history_shows_the_step_that_was_just_played(tell: Tell) -> None:
    """Newest first, page by page."""

    async def story(house: House) -> None:
        await house.agent.post_event("01", "ticket.customer", {"customer": "C-1"})
        rows = await house.agent.history("01", 2, None)
        assert rows[0].event == "ticket.customer"
        assert "C-1" not in repr(rows)
        (older,) = await house.agent.history("01", 1, rows[0].number)
        assert older.number == rows[1].number

    tell(story)


def test_a_disk_that_is_full_is_said_to_the_till_program(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the store's sentence; the machine hears of no ticket."""

    async def story(house: House) -> None:
        def full(*_: object) -> object:
            raise DiskFull("There is no room.")

        monkeypatch.setattr("engine.store.tickets.Tickets.accept", full)
        monkeypatch.setattr("engine.store.history.History.recent", full)
        with pytest.raises(StoreUnavailable, match="There is no room"):
            await house.agent.accept_ticket("01", 1, b"x")
        with pytest.raises(StoreUnavailable, match="There is no room"):
            await house.agent.history("01", 1, None)
        assert "ticket.closed" not in house.watch.names()

    tell(story)


def test_health_is_ready_while_the_machines_run_and_the_disk_answers(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reason is a sentence."""

    async def story(house: House) -> None:
        health = house.agent.health()
        assert (health.alive, health.ready, health.reasons) == (True, True, ())
        monkeypatch.setattr(house.books, "stalled_for", lambda: 12.0)
        health = house.agent.health()
        assert (health.ready, health.reasons) == (
            False,
            ("The database has not answered for 12 s.",),
        )
        assert await house.agent.metrics("text/x") == (b"text/x", "text/plain")

    tell(story)


def test_after_the_stop_nothing_is_taken(play: Play, tmp_path: Path) -> None:
    """Tickets and events are refused with a sentence; what was there can still be seen."""

    async def story() -> None:
        house = House(tmp_path / "till.db")
        await house.agent.start()
        await house.agent.stop()
        health = house.agent.health()
        assert (health.alive, health.ready) == (True, False)
        assert health.reasons == ("The machines are not running.",)
        with pytest.raises(StoreUnavailable, match="closed"):
            await house.agent.accept_ticket("01", 1, b"x")
        with pytest.raises(StoreUnavailable, match="not running"):
            await house.agent.post_event("01", "sync.now", {})
        with pytest.raises(StoreUnavailable, match="closed"):
            await house.agent.history("01", 1, None)
        assert await house.state() == "up"

    play(story())


def test_stopping_twice_is_stopping_once(play: Play, tmp_path: Path) -> None:
    """And the store is closed and the server too."""

    async def story() -> None:
        house = House(tmp_path / "till.db")
        await house.agent.start()
        await house.agent.stop()
        await house.agent.stop()
        assert house.server._closed.is_set()
        Store.open(tmp_path / "till.db", create=False).close()

    play(story())


def test_a_store_that_cannot_be_opened_is_told_and_leaves_nothing_running(
    play: Play, tmp_path: Path
) -> None:
    """A stop afterwards is quick."""

    def broken() -> Store:
        raise StoreError("It is not a database.")

    async def story() -> None:
        house = House(tmp_path / "till.db", open_store=broken)
        with pytest.raises(StoreError, match="It is not a database"):
            await house.agent.start()
        await house.agent.stop()

    play(story())
    assert not [t for t in threading.enumerate() if t.name in ("tillwire-store", "tillwire-worker")]


def test_a_restart_goes_on_where_the_last_process_was(play: Play, tmp_path: Path) -> None:
    """State, backlog and the sending that had no answer."""

    async def story() -> None:
        gate = threading.Event()
        server = StubServer(strike=lambda *_: (gate.wait(PATIENCE), None)[1])
        house = House(tmp_path / "till.db", server)
        await house.agent.start()
        await house.agent.accept_ticket("01", 1, b"x")
        await house.agent.post_event("01", "sync.now", {})
        stopping = asyncio.create_task(house.agent.stop())
        await asyncio.sleep(0)
        gate.set()
        await stopping
        house = House(tmp_path / "till.db", server)
        await house.agent.start()
        assert "restored" in house.watch.names()
        step = next(s for s in house.watch.steps if s.event.name == "agent.started")
        assert set(step.event.data) == {"pending"}
        await house.watch.until(lambda: house.watch.pending["01"] == 0)
        await house.agent.stop()
        assert [ticket.number for ticket in server.tickets("01")] == [1]

    play(story())
