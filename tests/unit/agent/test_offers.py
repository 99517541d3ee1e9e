"""Offers as whoever asks gets them: fresh, as they were kept, or none with the reason."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.agent.clock import SystemClock
from engine.api.port import BadData, UnknownTill
from engine.api.shop import OffersView
from engine.core.build import build
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.lab.stub import StubServer
from engine.server.port import CallFailed, CallRejected, Reason
from engine.store import Store
from tests.unit.agent.conftest import PATIENCE, Play
from tests.unit.agent.houses import House, Watching
from tests.unit.agent.scripted import CONNECTION

CODE = "C-4711-secret"
CHART = build(load_machine(CONNECTION, VOCABULARY))


class Counting(Watching):
    """Notes how offers were answered, too."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[str] = []

    def offers(self, answered: str) -> None:
        self.answers.append(answered)


class Shop(StubServer):
    """A server with an offer for everybody and one for a customer. While ``gate`` is closed a
    call for offers waits; then ``fault`` is raised, if it is set."""

    def __init__(self) -> None:
        self.gate, self.begun = threading.Event(), threading.Event()
        self.gate.set()
        self.fault: Exception | None = None
        super().__init__(strike=self.struck, rejected=CallRejected)
        self.notices.put_offers([{"id": "o-1", "data": {"percent": 5}}])
        self.notices.put_offers([{"id": "o-2", "from": "2020-01-01"}], CODE)

    def struck(self, action: str, _till: str) -> None:
        if action == "OFFERS":
            self.begun.set()
            assert self.gate.wait(PATIENCE)
            if self.fault is not None:
                raise self.fault


Story = Callable[[House, Shop], Awaitable[None]]
Tell = Callable[..., None]


@pytest.fixture
def tell(play: Play, tmp_path: Path) -> Tell:
    """Tells a story of an agent with the shipped machine, once its till is online."""

    def run(story: Story, **details: Any) -> None:
        async def told() -> None:
            shop = Shop()
            details.setdefault("chart", CHART)
            path = tmp_path / "till.db"
            house = House(path, shop, watch=Counting(), workers=4, **details)
            await house.agent.start()
            try:
                if details["chart"] is CHART:
                    await house.watch.until(lambda: shown(house) == "online")
                await story(house, shop)
            finally:
                shop.gate.set()
                await house.agent.stop()

        play(told())

    return run


def shown(house: House) -> str:
    return str(house.agent._tills["01"].configuration[-1])


async def ask(house: House, customer: str = CODE, within: float = PATIENCE) -> OffersView:
    return await house.agent.offers("01", customer, within)


def names(view: OffersView) -> list[str]:
    return [offer.id for offer in view.offers]


def test_offers_come_fresh_from_the_server(tell: Tell) -> None:
    """The general ones first, with what the server says of each."""

    async def story(house: House, shop: Shop) -> None:
        view = await ask(house)
        assert (view.fresh, view.reason, view.own) == (True, "", True)
        assert names(view) == ["o-1", "o-2"]
        general, own = view.offers
        assert (general.general, general.data) == (True, {"percent": 5})
        assert (own.general, own.starts, own.data) == (False, "2020-01-01", {})
        assert view.as_of is not None
        assert shop.calls["OFFERS"] == 1
        assert house.watch.answers == ["fresh"]

    tell(story)


def test_two_requests_for_the_same_customer_in_flight_are_one_call(tell: Tell) -> None:
    """Both get its answer; another customer's is a call of its own."""

    async def story(house: House, shop: Shop) -> None:
        shop.gate.clear()
        waiting = [asyncio.ensure_future(ask(house)) for _ in range(5)]
        other = asyncio.ensure_future(ask(house, ""))
        assert await asyncio.to_thread(shop.begun.wait, PATIENCE)
        shop.gate.set()
        assert all(view.fresh for view in await asyncio.gather(*waiting))
        assert names(await other) == ["o-1"]
        assert shop.calls["OFFERS"] == 2
        assert house.agent._asking._waiting == {}

    tell(story)


def test_an_answer_that_comes_too_late_is_kept_for_the_next_time(tell: Tell) -> None:
    """Who waited has what was kept, nothing here; the call goes on and is joined."""

    async def story(house: House, shop: Shop) -> None:
        shop.gate.clear()
        view = await ask(house, within=0.0)
        assert (view.fresh, view.reason, view.offers, view.as_of) == (False, "late", (), None)
        assert await asyncio.to_thread(shop.begun.wait, PATIENCE)
        second = asyncio.ensure_future(ask(house))
        await asyncio.sleep(0)
        shop.gate.set()
        assert names(await second) == ["o-1", "o-2"]
        assert shop.calls["OFFERS"] == 1
        assert house.watch.answers == ["none", "fresh"]

    tell(story)


def test_a_till_that_is_offline_answers_with_what_it_has(tell: Tell) -> None:
    """Those of a customer it was told of, the general ones for another; no call is made."""

    async def story(house: House, shop: Shop) -> None:
        fresh = await ask(house)
        await house.agent.post_event("01", "offline.hold", {})
        view = await ask(house)
        assert (view.fresh, view.reason, view.own) == (False, "offline", True)
        assert (view.offers, view.as_of) == (fresh.offers, fresh.as_of)
        unknown = await ask(house, "C-2")
        assert (names(unknown), unknown.reason, unknown.own) == (["o-1"], "offline", False)
        assert shop.calls["OFFERS"] == 1
        assert house.watch.answers == ["fresh", "cached", "cached"]

    tell(story)


def test_a_link_that_is_lost_ends_all_waiting_at_once(tell: Tell) -> None:
    """Who waits for another call than the one that failed does not wait for its deadline."""

    async def story(house: House, shop: Shop) -> None:
        shop.gate.clear()
        waiting = asyncio.ensure_future(ask(house))
        assert await asyncio.to_thread(shop.begun.wait, PATIENCE)
        await house.agent.post_event("01", "offline.hold", {})
        view = await asyncio.wait_for(waiting, PATIENCE / 2)
        assert (view.fresh, view.reason) == (False, "offline")
        assert house.agent._asking._waiting == {}

    tell(story)


@pytest.mark.parametrize(
    ("fault", "reason", "state"),
    [
        (CallRejected("1", "not known"), "rejected", "online"),
        (CallFailed(Reason.TIMEOUT, "silence"), "timeout", "offline-cooldown"),
        (CallFailed(Reason.UNREACHABLE, "no"), "unreachable", "offline-cooldown"),
        (CallFailed(Reason.BAD_REPLY, "a portal"), "bad_reply", "offline-cooldown"),
        (CallFailed(Reason.SERVER_ERROR, "busy", 60.0), "server_error", "online"),
        (CallFailed(Reason.UNAUTHORIZED, "no"), "unauthorized", "online"),
        (CallFailed(Reason.LOCAL_ERROR, "no secret"), "local_error", "online"),
    ],
)
def test_why_offers_are_not_fresh_is_said(
    tell: Tell, fault: Exception, reason: str, state: str
) -> None:
    """And only a lost link leads to cooldown: not an unknown customer."""

    async def story(house: House, shop: Shop) -> None:
        await ask(house, "")
        shop.fault = fault
        view = await ask(house)
        assert (view.fresh, view.reason, names(view)) == (False, reason, ["o-1"])
        assert shown(house) == state

    tell(story)


def test_dates_are_those_of_the_day_of_the_question(tell: Tell) -> None:
    """First and last day included; what is over or not yet begun stays in the cache."""

    class Calendar(SystemClock):
        day = 0.0

        def wall(self) -> float:
            return super().wall() + 86_400.0 * self.day

    async def story(house: House, shop: Shop) -> None:
        clock = house.agent._clock
        assert isinstance(clock, Calendar)
        today = (await ask(house)).as_of
        assert today is not None
        day = today.astimezone().date().isoformat()
        shop.notices.put_offers([{"id": "o-1", "from": day, "until": day}])
        assert names(await ask(house)) == ["o-1", "o-2"]
        await house.agent.post_event("01", "offline.hold", {})
        found = {}
        for clock.day in (-1, 0, 1):
            found[clock.day] = names(await ask(house))
        assert found == {-1: ["o-2"], 0: ["o-1", "o-2"], 1: ["o-2"]}

    tell(story, clock=Calendar())


def test_a_server_that_tells_no_offers_says_so(tell: Tell) -> None:
    """No call is made."""

    async def story(house: House, shop: Shop) -> None:
        shop.tells_offers = False
        view = await ask(house)
        assert (view.fresh, view.reason, view.offers) == (False, "unsupported", ())
        assert shop.calls["OFFERS"] == 0

    tell(story)


def test_a_machine_that_asks_for_no_offers_is_busy_with_other_things(tell: Tell) -> None:
    """An integrator may leave them out."""

    async def story(house: House, _shop: Shop) -> None:
        assert (await ask(house)).reason == "busy"

    tell(story, chart=None)


def test_a_disk_that_is_slow_to_write_holds_up_no_answer(tell: Tell) -> None:
    """What is kept is read beside the transaction that is under way."""

    async def story(house: House, _shop: Shop) -> None:
        await ask(house)
        await house.agent.post_event("01", "offline.hold", {})
        begun, end = threading.Event(), threading.Event()

        def slow(store: Store) -> None:
            store.offers.keep("01", "C-9", [], 1.0)
            begun.set()
            assert end.wait(PATIENCE)

        writing = house.books.send(slow)
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        assert names(await ask(house)) == ["o-1", "o-2"]
        assert not writing.done()
        end.set()
        await writing

    tell(story)


def test_a_disk_that_hangs_makes_nobody_wait_for_long(tell: Tell) -> None:
    """The first who asks waits a moment, those after it not at all."""

    async def story(house: House, _shop: Shop) -> None:
        await ask(house)
        await house.agent.post_event("01", "offline.hold", {})
        begun, end = threading.Event(), threading.Event()

        def hang(_store: object) -> None:
            begun.set()
            end.wait(PATIENCE)

        hanging = house.agent._shelf.send(hang, write=False)
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        views = [await asyncio.wait_for(ask(house), PATIENCE / 4) for _ in range(50)]
        assert {(view.reason, view.as_of) for view in views} == {("offline", None)}
        assert not hanging.done()
        end.set()
        await hanging
        await house.agent._shelf.run(lambda _store: None, write=False)  # it goes on by then
        assert names(await ask(house)) == ["o-1", "o-2"]

    tell(story)


def test_the_code_is_in_no_log_line_no_step_that_is_kept_and_no_journal(
    tell: Tell, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at debug either, whatever becomes of the call."""
    caplog.set_level(logging.DEBUG)

    async def story(house: House, shop: Shop) -> None:
        await ask(house)
        for fault in (CallRejected("1", "not known"), CallFailed(Reason.TIMEOUT, "silence")):
            shop.fault = fault
            await ask(house)
        steps = await house.agent.history("01", 100, None)
        assert "ticket.customer" in {step.event for step in steps}
        assert CODE not in repr(steps)

    tell(story)
    assert CODE not in repr([record.__dict__ for record in caplog.records])
    with Store.open(tmp_path / "till.db") as store:
        assert CODE not in repr(list(store._database.stream("journal_entries")))


def test_a_code_of_any_length_is_no_code(tell: Tell) -> None:
    """A sentence says so and does not repeat it; nothing is asked."""

    async def story(house: House, shop: Shop) -> None:
        with pytest.raises(BadData, match="200 characters") as refused:
            await ask(house, "x" * 201)
        assert "xxx" not in str(refused.value)
        with pytest.raises(UnknownTill):
            await house.agent.offers("99", CODE, 1.0)
        assert shop.calls["OFFERS"] == 0

    tell(story)


def test_a_stop_ends_all_waiting(tell: Tell) -> None:
    """Nobody is left with a promise."""

    async def story(house: House, shop: Shop) -> None:
        shop.gate.clear()
        waiting = asyncio.ensure_future(ask(house))
        assert await asyncio.to_thread(shop.begun.wait, PATIENCE)
        stopping = asyncio.ensure_future(house.agent.stop())
        view = await asyncio.wait_for(waiting, PATIENCE / 2)
        assert not view.fresh
        shop.gate.set()
        await stopping

    tell(story)
