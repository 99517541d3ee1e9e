"""What tills do is written down together, in one job, and nothing of it is lost to a disk."""

import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.agent import keeping
from engine.agent.keeping import AT_ONCE, history_row
from engine.core.records import Event
from engine.store.errors import DiskFull
from tests.unit.agent.conftest import PATIENCE, Play
from tests.unit.agent.rooms import Room

Tell = Callable[[Callable[[Room], Awaitable[None]]], None]


@pytest.fixture
def tell(play: Play, tmp_path: Path) -> Tell:
    """Tells a story in a room of its own."""

    def run(story: Callable[[Room], Awaitable[None]]) -> None:
        async def told() -> None:
            room = Room(tmp_path / "till.db")
            try:
                await story(room)
            finally:
                room.store.close()

        play(told())

    return run


def test_steps_are_gathered_and_written_in_one_job(tell: Tell) -> None:
    """History, the till's place and the offline period together: all of it or none."""

    async def story(room: Room) -> None:
        room.go_down()
        assert room.books.jobs == 0
        await room.keeper.flush()
        assert room.books.jobs == 1
        assert room.events() == ["begin", "sync.now", "send_tickets.failed.timeout"]
        assert room.place() == ["down"]
        assert room.periods() == [("offline_began", 1_800_000_000.0)]

    tell(story)


def test_what_was_gathered_is_written_soon_by_itself(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to ask."""
    monkeypatch.setattr(keeping, "GATHER", 0.001)

    async def story(room: Room) -> None:
        room.play("sync.now")
        await room.books.next_job()
        assert room.events() == ["begin", "sync.now"]

    tell(story)


def test_nothing_new_is_no_job(tell: Tell) -> None:
    """An idle till writes nothing."""

    async def story(room: Room) -> None:
        await room.keeper.flush()
        await room.keeper.flush()
        room.keeper.write()
        assert room.books.jobs == 1

    tell(story)


def test_a_step_that_moves_nothing_saves_no_place(tell: Tell) -> None:
    """Its history is kept; the till, restored from before it, would only ping a little early."""

    async def story(room: Room) -> None:
        await room.keeper.flush()
        saved = room.store.snapshots.all()
        room.play("till.opened")
        await room.keeper.flush()
        assert room.events()[-1] == "till.opened"
        assert room.store.snapshots.all() == saved
        room.play("sync.now")
        await room.keeper.flush()
        assert room.store.snapshots.all() != saved

    tell(story)


def test_a_late_answer_is_not_kept(tell: Tell) -> None:
    """Nothing happened."""

    async def story(room: Room) -> None:
        await room.keeper.flush()
        room.tills.deliver("01", Event("ping.ok", {"latency": 1.0}, run=99))
        await room.keeper.flush()
        assert room.books.jobs == 1

    tell(story)


def test_a_step_without_a_change_of_state_is_dull(tell: Tell) -> None:
    """It has a bound of its own in the store, so that it pushes no transition out."""

    async def story(room: Room) -> None:
        room.advance(60)
        room.play("ping.ok", latency=0.25)
        room.play("sync.now")
        await room.keeper.flush()
        rows = {row.event: row for row in room.store.history.recent("01")}
        assert rows["ping.ok"].dull
        assert json.loads(rows["ping.ok"].detail)["data"] == {"latency": 0.25}
        assert not rows["sync.now"].dull

    tell(story)


def test_a_restart_begins_no_offline_period_that_has_begun(tell: Tell) -> None:
    """However often the process ends in the middle of one, it has one beginning and one end."""

    async def story(room: Room) -> None:
        room.go_down()
        for _ in range(3):
            await room.keeper.flush()
            room.clock.advance(1)
            room.begin()
            assert room.tills["01"].configuration == ("down",)
        await room.keeper.flush()
        assert [kind for kind, _ in room.periods()] == ["offline_began"]
        room.come_back()
        await room.keeper.flush()
        room.begin()
        await room.keeper.flush()
        assert [kind for kind, _ in room.periods()] == ["offline_began", "offline_ended"]

    tell(story)


def test_a_kill_before_the_period_was_written_does_not_lose_it(tell: Tell) -> None:
    """The till's place was not written either: it lives through the same again."""

    async def story(room: Room) -> None:
        await room.keeper.flush()
        room.go_down()
        room.begin()
        assert room.tills["01"].configuration == ("up",)
        room.go_down()
        await room.keeper.flush()
        assert [kind for kind, _ in room.periods()] == ["offline_began"]

    tell(story)


def test_a_period_ends_even_if_the_state_has_gone_from_the_machine(tell: Tell) -> None:
    """The till begins anew, and the journal says when that was."""

    async def story(room: Room) -> None:
        room.go_down()
        await room.keeper.flush()
        text = room.store.snapshots.all()["01"].replace('"down"', '"formerly"')
        room.store.snapshots.save([("01", text, 0.0)])
        room.clock.advance(100)
        room.begin()
        assert room.tills["01"].configuration == ("up",)
        await room.keeper.flush()
        assert room.periods() == [
            ("offline_began", 1_800_000_000.0),
            ("offline_ended", 1_800_000_100.0),
        ]

    tell(story)


def test_a_period_ends_when_the_machine_no_longer_calls_its_state_offline(tell: Tell) -> None:
    """The till stays where it is; the end is written once, and then there is nothing to do."""

    async def story(room: Room) -> None:
        room.go_down()
        await room.keeper.flush()
        room.offline = []
        for _ in range(2):
            room.clock.advance(100)
            room.begin()
            assert room.tills["01"].configuration == ("down",)
            await room.keeper.flush()
        assert room.periods() == [
            ("offline_began", 1_800_000_000.0),
            ("offline_ended", 1_800_000_100.0),
        ]
        jobs = room.books.jobs
        room.keeper.write()
        assert room.books.jobs == jobs

    tell(story)


@pytest.mark.parametrize("saved", ["", "[1]", "{}", "[" * 100_000, '{"offline": "perhaps"}'])
def test_a_text_that_says_nothing_of_a_period_is_no_trouble(tell: Tell, saved: str) -> None:
    """The tills say themselves what is wrong with it."""

    async def story(room: Room) -> None:
        room.keeper.take_over("02", saved)
        assert room.keeper._offline == set()

    tell(story)


def test_what_the_disk_did_not_take_is_tried_again_by_itself(
    tell: Tell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without another step; each failure is one line, and then all is there in its order."""
    monkeypatch.setattr(keeping, "FIRST_PAUSE", 0.0001)

    async def story(room: Room) -> None:
        room.books.fault = DiskFull("no room on this disk")
        room.go_down()
        room.keeper.write()
        for _ in range(3):
            await room.books.next_job()
        assert room.events() == []
        room.books.fault = None
        await room.books.next_job()
        assert room.events() == ["begin", "sync.now", "send_tickets.failed.timeout"]
        assert len(room.periods()) == 1

    tell(story)
    assert {record.getMessage() for record in caplog.records} == {"history.not_kept"}
    assert caplog.records[0].fields["message"] == "no room on this disk"  # type: ignore[attr-defined]


def test_the_pause_grows_with_each_failure_and_is_forgotten_after_a_success(
    tell: Tell,
) -> None:
    """1, 2, 4 … 60 seconds: a full disk is not asked five times a second."""

    async def story(room: Room) -> None:
        room.books.fault = DiskFull("no")
        pauses = []
        for _ in range(9):
            await room.keeper.flush()
            assert room.keeper._timer is not None
            pauses.append(round(room.keeper._timer.when() - room.loop.time()))
            room.play("ping.nothing")  # a new step does not shorten it
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        room.books.fault = None
        await room.keeper.flush()
        assert room.keeper._pause == 0

    tell(story)


def test_one_writing_is_under_way_at_a_time(tell: Tell) -> None:
    """While a disk hangs, steps are gathered here and not in a queue that has no bound."""

    async def story(room: Room) -> None:
        room.books.held = []
        room.keeper.write()
        for _ in range(50):
            room.play("ping.nothing")
            room.keeper.write()
        assert room.books.jobs == 1
        held, room.books.held = room.books.held, None
        held[0]()
        await room.keeper.flush()
        assert room.books.jobs == 2
        assert len(room.events()) == 51

    tell(story)


def test_a_crowd_of_steps_is_written_in_portions_one_right_behind_the_other(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portion's texts are all that is held at a time, and no pause lets the rest pile up."""
    monkeypatch.setattr(keeping, "GATHER", 3600.0)

    async def story(room: Room) -> None:
        for _ in range(2 * AT_ONCE + 50):
            room.play("ping.nothing")
        room.keeper.write()
        newest = [room.store.history.recent("01", 1)[0].seq]
        for _ in range(2):
            await room.books.next_job()
            newest.append(room.store.history.recent("01", 1)[0].seq)
        assert newest == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 51]  # 51: its beginning, too
        await room.keeper.flush()
        assert room.books.jobs == 3

    tell(story)


def test_a_failure_keeps_the_order_of_what_came_before_and_after(tell: Tell) -> None:
    """Steps and periods that were gathered meanwhile come behind."""

    async def story(room: Room) -> None:
        room.books.held, room.books.fault = [], DiskFull("no")
        room.go_down()
        room.keeper.write()
        room.come_back()
        room.books.held[0]()
        room.books.held, room.books.fault = None, None
        await room.keeper.flush()
        assert room.events()[:3] == ["begin", "sync.now", "send_tickets.failed.timeout"]
        assert room.events()[-1] == "ping.ok"
        assert [kind for kind, _ in room.periods()] == ["offline_began", "offline_ended"]
        assert room.place() == ["up"]

    tell(story)


def test_history_is_bounded_while_the_disk_takes_nothing(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest steps go; periods and the place stay."""
    monkeypatch.setattr(keeping, "MOST_ROWS", 10)

    async def story(room: Room) -> None:
        room.books.fault = DiskFull("no")
        room.begin()
        room.go_down()
        for _ in range(30):
            await room.keeper.flush()
            room.play("ping.nothing")
        assert len(room.keeper._rows) == 10
        room.books.fault = None
        await room.keeper.flush()
        assert len(room.events()) == 10
        assert (room.place(), len(room.periods())) == (["down"], 1)

    tell(story)


def test_closing_writes_the_last_of_it_and_never_again(tell: Tell) -> None:
    """The loop has nothing left to wake up for."""

    async def story(room: Room) -> None:
        room.play("sync.now")
        await room.keeper.close(PATIENCE)
        assert room.place() == ["sending"]
        room.play("send_tickets.failed.timeout")
        assert room.keeper._timer is None

    tell(story)


def test_closing_does_not_wait_for_a_disk_that_hangs(
    tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so and gives up after the time it was given."""

    async def story(room: Room) -> None:
        room.books.held = []
        room.play("sync.now")
        await room.keeper.close(0.001)
        assert room.keeper._timer is None

    tell(story)
    assert [record.getMessage() for record in caplog.records] == ["history.not_kept"]


def test_what_a_till_program_posted_is_in_no_row_and_no_log_line(
    tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    """A customer's code passes through and is kept nowhere, at no level."""
    caplog.set_level(logging.DEBUG)
    code = "CUSTOMER-4711"

    async def story(room: Room) -> None:
        step = room.play("ticket.customer", customer=code)
        assert code not in repr(history_row(step, 0.0))
        await room.keeper.flush()
        assert room.events() == ["begin", "ticket.customer"]
        assert code not in room.store.snapshots.all()["01"]
        place = room.store.place
        assert isinstance(place, Path)
        files = list(place.parent.glob("till.db*"))
        assert any(b"ticket.customer" in file.read_bytes() for file in files)
        assert not any(code.encode() in file.read_bytes() for file in files)

    tell(story)
    assert code not in caplog.text
