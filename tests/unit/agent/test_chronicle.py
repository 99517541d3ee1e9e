"""What befalls the process is in the history once, for all of its tills."""

import json
from pathlib import Path

from engine import __version__
from engine.agent.chronicle import JUMP, Chronicle
from engine.store import HistoryRow, Store
from engine.store.history import AGENT, Ending
from tests.unit.agent.conftest import Play
from tests.unit.agent.houses import House
from tests.unit.agent.scripted import chart_of, clock

DEFINITION = chart_of().definition


def rows(path: Path) -> list[tuple[str, dict[str, object]]]:
    """The agent's own rows, oldest first, with what they tell."""
    with Store.open(path) as store:
        found = store.history.recent(AGENT)
    return [(row.event, json.loads(row.detail)["data"]) for row in reversed(found)]


def test_a_start_tells_how_the_process_before_it_ended(play: Play, tmp_path: Path) -> None:
    """Nothing of a first one, ``stopped`` after a clean stop, ``crashed`` where there was none."""

    async def live(*, crashing: bool = False) -> None:
        house = House(tmp_path / "till.db", names=("01", "02"))
        await house.agent.start()
        if crashing:  # it writes what it had, and never gets to say that it ends
            await house.agent._keeper.flush()
            house.agent._running = False
        await house.agent.stop("SIGTERM")

    play(live())
    play(live(crashing=True))
    play(live())
    told = rows(tmp_path / "till.db")
    assert [event for event, _ in told] == [
        "agent.started",
        "agent.stopped",
        "agent.started",
        "agent.started",
        "agent.stopped",
    ]
    first, stopped, second, third, _ = (data for _, data in told)
    assert first == {
        "version": __version__,
        "machine": "link",
        "hash": DEFINITION.hash,
        "tills": 2,
    }
    assert stopped == {"reason": "SIGTERM"}
    assert (second["before"], third["before"]) == ("stopped", "crashed")
    assert isinstance(third["last"], float)


def test_what_is_noted_before_the_start_belongs_to_this_life() -> None:
    """Files that are refused while the agent starts come behind the start."""
    kept: list[HistoryRow] = []
    chronicle = Chronicle(clock(), kept.append)
    chronicle.note("config.refused", message="no", where=None)
    assert kept == []
    chronicle.began(DEFINITION, 1, Ending(None, None))
    chronicle.note("config.refused", message="again")
    assert [row.event for row in kept] == ["agent.started", "config.refused", "config.refused"]
    assert json.loads(kept[1].detail) == {"data": {"message": "no"}}


def test_a_clock_that_was_set_is_told_once_with_how_far() -> None:
    """Back and forth; one that is only put right a little is none."""
    kept: list[HistoryRow] = []
    time = clock()
    chronicle = Chronicle(time, kept.append)
    chronicle.began(DEFINITION, 1, Ending(None, None))
    for seconds in (0.0, JUMP / 2, 3600.0, 0.0, -60.0):
        time.advance(10)
        time.set_wall(time.wall() + seconds)
        chronicle.look()
    assert [json.loads(row.detail)["data"] for row in kept[1:]] == [
        {"seconds": 3600.0},
        {"seconds": -60.0},
    ]
