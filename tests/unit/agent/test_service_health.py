"""What an agent that goes on, but not well, says of itself: a disk that is full, a machine file
that has a fault."""

import json
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from engine.agent.clock import VirtualClock
from engine.agent.log_output import configure
from engine.api.port import EventFailed, StoreUnavailable
from engine.core.build import Chart, build
from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY
from engine.store.errors import DiskFull
from tests.unit.agent.conftest import Play
from tests.unit.agent.houses import House

FULL = "There is no room left for the database."

ENDLESS = """
machine: endless
about: A machine that raises an event more often than one step can play, which no check foresees.
events:
  again: {}
context:
  times: {initial: 0, max: 1000000, about: How often it was raised.}
on:
  again:
    guard: times < 1000000
    actions: [{assign: {times: times + 1}}, raise: again]
states:
  up:
    on:
      load.full: {actions: [raise: again]}
      sync.now: {}
      offline.hold: late
  late:
    after:
      1min: {actions: [raise: again]}
    on:
      offline.release: up
"""

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


def endless() -> Chart:
    return build(load_machine(read(ENDLESS, "endless.yaml"), VOCABULARY))


def test_a_disk_that_takes_nothing_is_not_ready_until_it_does(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the store's own sentence; the first write that succeeds ends it."""

    async def story(house: House) -> None:
        def full(*_: object) -> object:
            raise DiskFull(FULL)

        await house.agent.history("01", 1, None)  # what the start has to write is written
        with monkeypatch.context() as patched:
            patched.setattr("engine.store.tickets.Tickets.accept", full)
            with pytest.raises(StoreUnavailable, match="There is no room"):
                await house.agent.accept_ticket("01", 1, b"x")
            health = house.agent.health()
            assert (health.alive, health.ready, health.reasons) == (True, False, (FULL,))
        assert await house.agent.accept_ticket("01", 1, b"x") == "new"
        health = house.agent.health()
        assert (health.ready, health.reasons) == (True, ())

    tell(story)


def test_a_step_that_cannot_be_played_is_told_counted_and_names_its_till(tell: Tell) -> None:
    """To whoever posted it, to who counts and in the reasons, until a step of that till
    succeeds. Tickets are taken all the while, so the agent is ready."""

    async def story(house: House) -> None:
        with pytest.raises(EventFailed) as told:
            await house.agent.post_event("02", "load.full", {})
        assert told.value.sentence == (
            "The machine could not play an event: till 02, event load.full: "
            "more than 1000 transitions in one step."
        )
        assert house.watch.unplayed == ["02"]
        health = house.agent.health()
        assert (health.ready, health.reasons) == (True, (told.value.sentence,))
        await house.agent.post_event("01", "sync.now", {})
        assert house.agent.health().reasons == (told.value.sentence,)
        await house.agent.post_event("02", "sync.now", {})
        assert house.agent.health().reasons == ()

    tell(story, chart=endless(), names=("01", "02"))


def test_a_timer_that_cannot_be_played_is_counted_too(tell: Tell) -> None:
    """Nobody posted it, so nobody else would hear of it."""
    clock = VirtualClock(wall=1_790_000_000.0)

    async def story(house: House) -> None:
        await house.agent.post_event("01", "offline.hold", {})
        clock.advance(60.0)
        house.agent._advance()
        assert house.watch.unplayed == ["01"]
        assert len(house.agent.health().reasons) == 1

    tell(story, chart=endless(), clock=clock)


def test_of_many_tills_with_a_fault_a_few_are_named(tell: Tell) -> None:
    """The answer stays short in a shop of many tills."""
    names = tuple(f"{number:02}" for number in range(1, 9))

    async def story(house: House) -> None:
        for name in names:
            with pytest.raises(EventFailed):
                await house.agent.post_event(name, "load.full", {})
        reasons = house.agent.health().reasons
        assert len(reasons) == 6
        assert reasons[-1] == "So it is with 3 more tills."

    tell(story, chart=endless(), names=names)


@pytest.mark.usefixtures("logging_given_back")
def test_the_step_that_failed_is_one_line_of_that_name(tell: Tell) -> None:
    """Its sentence is the line's message and does not take the name's place."""
    stream = StringIO()
    writer = configure("json", "info", stream)

    async def story(house: House) -> None:
        with pytest.raises(EventFailed):
            await house.agent.post_event("01", "load.full", {})

    tell(story, chart=endless())
    writer.flush()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    (line,) = [line for line in lines if line["level"] == "error"]
    assert (line["event"], line["till"]) == ("step.failed", "01")
    assert line["message"].endswith("more than 1000 transitions in one step")
