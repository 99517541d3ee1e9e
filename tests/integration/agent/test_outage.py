"""A till sells, loses its server, cools down, comes back and delivers everything."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from engine.lab import LabThread
from tests.integration.agent.shops import PATIENCE, Shop
from tests.unit.agent.conftest import Gate


@pytest.mark.parametrize("protocol", ["soap", "rest"])
def test_what_is_sold_through_an_outage_is_delivered_after_it(
    lab: LabThread, tmp_path: Path, protocol: str
) -> None:
    """Once, in order, byte for byte; and no ticket call is made while it lasts."""
    shop = Shop(lab, tmp_path, protocol)

    async def story() -> None:
        await shop.open()
        await shop.reaches("online")
        await shop.sell(1, 50)
        await shop.delivered()
        await asyncio.to_thread(lab.turn, "down")
        await shop.reaches("offline-cooldown")
        calls = lab.lab.calls["TICKETS"]
        await shop.sell(51, 60)
        view = await shop.agent.till("01")
        assert view is not None
        assert (view.state, view.tickets.pending) == ("offline-cooldown", 10)
        await shop.watch.until(lambda: shop.watch.names().count("ping.failed.unreachable") > 3)
        assert lab.lab.calls["TICKETS"] == calls
        await asyncio.to_thread(lab.clear)
        await shop.delivered()
        await shop.reaches("online")
        await shop.agent.stop()

    asyncio.run(story())
    tickets = lab.lab.tickets("01")
    assert [ticket.number for ticket in tickets] == list(range(1, 61))
    assert all(ticket.payload == b"ticket %d" % ticket.number for ticket in tickets)
    assert lab.lab.twice() == {}


@pytest.mark.parametrize("protocol", ["soap", "rest"])
def test_answers_lost_after_the_commit_store_nothing_twice(
    lab: LabThread, tmp_path: Path, protocol: str
) -> None:
    """The till asks what became of them."""
    shop = Shop(lab, tmp_path, protocol)

    async def story() -> None:
        await shop.open(failures_to_offline=20)
        await shop.reaches("online")
        await asyncio.to_thread(lab.turn, "lost_answer", action="TICKETS", times=2)
        await shop.sell(1, 20)
        await shop.delivered()
        await shop.agent.stop()

    asyncio.run(story())
    assert shop.at_lab() == list(range(1, 21))
    assert lab.lab.twice() == {}
    assert lab.lab.calls["TICKETSTATUS"] >= 1


@pytest.mark.parametrize("count", [2, 100])
def test_many_tills_live_in_one_process(lab: LabThread, tmp_path: Path, count: int) -> None:
    """Each with its own tickets, numbered alike."""
    names = [f"{number:03}" for number in range(count)]
    shop = Shop(lab, tmp_path, tills=names)

    async def story() -> None:
        await shop.open()
        await asyncio.gather(*(shop.sell(1, 3, till) for till in names))
        for till in names:
            await shop.delivered(till)
        assert {view.till for view in await shop.agent.tills()} == set(names)
        await shop.agent.stop()

    asyncio.run(story())
    assert {till: shop.at_lab(till) for till in names} == {till: [1, 2, 3] for till in names}


def test_a_restart_resumes_the_cooldown_and_then_delivers(lab: LabThread, tmp_path: Path) -> None:
    """The second process is offline from its first moment, and nothing is lost or begun anew."""
    shop = Shop(lab, tmp_path)

    async def story() -> None:
        await shop.open()
        await shop.reaches("online")
        await asyncio.to_thread(lab.turn, "down")
        await shop.sell(1, 5)
        await shop.reaches("offline-cooldown")
        await shop.agent.stop()
        await shop.open()
        first = shop.watch.steps[0]
        assert (first.event.name, first.configuration) == ("restored", ("offline-cooldown",))
        view = await shop.agent.till("01")
        assert view is not None
        assert view.tickets.pending == 5
        await asyncio.to_thread(lab.clear)
        await shop.delivered()
        rows = await shop.agent.history("01", 500, None)
        assert [row.event for row in rows].count("begin") == 1
        await shop.agent.stop()

    asyncio.run(story())
    assert shop.at_lab() == [1, 2, 3, 4, 5]


def test_a_server_that_hangs_does_not_delay_the_till_program(
    lab: LabThread, tmp_path: Path
) -> None:
    """Four workers wait for answers that do not come; events and tickets are taken at once."""
    names = ["01", "02", "03", "04", "05"]
    shop = Shop(lab, tmp_path, tills=names)

    async def median(times: int) -> float:
        spent = []
        for _ in range(times):
            before = time.perf_counter()
            await shop.agent.post_event("05", "ticket.started", {})
            spent.append(time.perf_counter() - before)
        return sorted(spent)[times // 2]

    async def story() -> None:
        await shop.open(workers=4, webservice_timeout="20s")
        await shop.reaches("online", till="05")
        free = await median(20)
        await asyncio.to_thread(lab.turn, "hang")
        before = lab.lab.calls.total()
        for name in names[:4]:
            await shop.agent.post_event(name, "sync.now", {})
        hung = await asyncio.to_thread(
            lab.wait, lambda running: running.calls.total() >= before + 4, PATIENCE
        )
        assert hung
        assert shop.agent._workers.busy == 4
        assert await median(20) < free + 0.05
        await shop.sell(1, 3, till="05")
        await asyncio.to_thread(lab.clear)
        await shop.agent.stop()

    asyncio.run(story())


def test_a_stuck_worker_is_abandoned_counted_and_replaced(
    lab: LabThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that hangs where no deadline reaches it costs one thread and not the link."""
    shop = Shop(lab, tmp_path)
    gate = Gate()

    async def story() -> None:
        await shop.open(workers=1)
        await shop.reaches("online")
        stuck = shop.agent._workers.submit(gate, 0.01, "a driver that hangs")
        await gate.entered()
        with pytest.raises(Exception, match="did not end"):
            await stuck
        assert shop.watch.abandoned == 1
        assert shop.agent.health().reasons == ("A call hangs and was given up.",)
        await shop.sell(1, 3)
        await shop.delivered()
        await gate.left()
        await shop.agent.stop()

    asyncio.run(story())
    assert shop.at_lab() == [1, 2, 3]
    assert not [t for t in threading.enumerate() if t.name == "tillwire-worker"]
