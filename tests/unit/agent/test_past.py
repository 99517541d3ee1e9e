"""A running agent tells the story of its tills, whatever their machine is called."""

from pathlib import Path

import pytest

from engine.api.port import StoreUnavailable, UnknownTill
from engine.core.records import Event
from tests.unit.agent.conftest import Play
from tests.unit.agent.houses import House


def test_the_story_of_a_running_till_has_the_last_step(play: Play, tmp_path: Path) -> None:
    """The agent's start, the call and its answer; what was just done is written first."""

    async def told() -> None:
        house = House(tmp_path / "till.db")
        await house.agent.start()
        try:
            await house.agent.post_event("01", "sync.now", {})
            await house.watch.until(lambda: house.watch.names()[-1].startswith("send_tickets"))
            entries = await house.agent.trace("01", 100, None)
            assert [entry.event for entry in entries][:2] == [
                house.watch.names()[-1],
                "sync.now",
            ]
            assert entries[-1].kind == "agent"
            answer = entries[0].answer
            assert answer is not None
            assert (answer.effect, answer.by) == ("send_tickets", "sync.now")
            why = await house.agent.why_not("01")
            assert why.machine == house.agent.rules.hash
            assert why.state == await house.state()
            assert why.ways
            with pytest.raises(UnknownTill):
                await house.agent.trace("02", 1, None)
        finally:
            await house.agent.stop()

    play(told())


def test_a_history_that_another_hand_changed_is_said(play: Play, tmp_path: Path) -> None:
    """In a sentence, by who asks for it."""

    async def told() -> None:
        house = House(tmp_path / "till.db")
        await house.agent.start()
        try:
            house.agent._deliver("01", Event("till.opened"))
            await house.agent._keeper.flush()
            await house.books.run(
                lambda store: store._database._execute("UPDATE history SET detail = '[]'")
            )
            with pytest.raises(StoreUnavailable, match="changed by another hand"):
                await house.agent.trace("01", 10, None)
        finally:
            await house.agent.stop()

    play(told())
