"""Loads of the catalogue in an agent: one at a time, followed, told, and never in anybody's way."""

import asyncio
import json
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.agent.loads import BRISK, CatalogueParts
from engine.api.loads import LoadRefused, LoadView
from engine.api.port import UnknownTill
from engine.core.build import Chart, build
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.lab.stub import StubServer
from engine.server.port import CallFailed, Reason
from engine.store.catalogue_sqlite import SqliteCatalogue
from engine.store.errors import StoreError
from tests.unit.agent.catalogues import catalogue, published
from tests.unit.agent.conftest import PATIENCE, Play
from tests.unit.agent.houses import House
from tests.unit.agent.scripted import CONNECTION, chart_of
from tests.unit.effects.catalogue_bench import Files

Tell = Callable[..., None]


@cache
def connection() -> Chart:
    """The shipped machine: the one that has loads."""
    return build(load_machine(CONNECTION, VOCABULARY))


class Hanging(Files):
    """Files whose manifest does not come before ``go``."""

    def __init__(self) -> None:
        made = published()
        super().__init__(made.content, made.entries)
        self.asking, self.go = threading.Event(), threading.Event()
        self.before = self._hang

    def _hang(self, name: str) -> None:
        if name == "manifest.json":
            self.asking.set()
            assert self.go.wait(PATIENCE)

    async def asked_for(self) -> None:
        """Until it is asked for."""
        assert await asyncio.to_thread(self.asking.wait, PATIENCE)


@pytest.fixture
def tell(play: Play, tmp_path: Path) -> Tell:
    """Tells a story of an agent with the shipped machine and a catalogue."""

    def run(story: Callable[[House], Awaitable[None]], **details: Any) -> None:
        async def told() -> None:
            files = details.pop("files", None)
            details.setdefault("chart", connection())
            details.setdefault("catalogue", catalogue(tmp_path, files))
            house = House(tmp_path / "till.db", **details)
            await house.agent.start()
            try:
                await house.watch.until(lambda: "ping.ok" in house.watch.names("01"))
                await story(house)
            finally:
                if isinstance(files, Hanging):
                    files.go.set()
                await house.agent.stop()

        play(told())

    return run


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody tells."""
    while not condition():  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.01)


async def ended(house: House, count: int = 1) -> LoadView:
    """The newest story, when there are so many and none goes on."""
    await house.watch.until(lambda: len(house.watch.loads) >= count and not house.watch.loading[-1])
    return (await house.agent.loads("01")).last[0]


def test_a_load_is_followed_from_the_question_to_the_tables(tell: Tell) -> None:
    """View, record, metrics and stream say the same."""

    async def story(house: House) -> None:
        reader = await house.agent.subscribe(None)
        before = await house.agent.loads("01")
        assert (before.configured, before.now, before.last, before.waits) == (True, None, (), None)
        assert [(each.name, each.version) for each in before.datasets] == [
            ("articles", None),
            ("staff", None),
        ]
        asked = await house.agent.post_load("01", "full")
        assert (asked.became, asked.kind, asked.state) == ("started", "full", "loading")
        view = await house.agent.loads("01")
        assert view.runs
        assert view.now is not None
        assert (view.now.till, view.now.kind, view.now.stage) == ("01", "full", "asking")
        load = await ended(house)
        assert (load.outcome, load.rows) == ("ok", 5)
        assert load.ended >= asked.at
        view = await house.agent.loads("01")
        assert (view.runs, view.now, view.waits) == (False, None, None)
        assert [(each.version, each.rows) for each in view.datasets] == [(1, 3), (1, 2)]
        assert house.watch.loads == [("full", "ok", 5, load.bytes)]
        assert house.watch.loading == [True, False]
        assert {name: held[0] for name, held in house.watch.held.items()} == {
            "articles": 1,
            "staff": 1,
        }
        told = [
            json.loads(event.data) for event in await reader.take(1000, 0.0) if event.kind == "load"
        ]
        assert {each["till"] for each in told} == {"01"}
        assert [each["now"]["stage"] for each in told[:-1]][::99] == ["asking"]
        assert told[-1]["now"] is None
        assert told[-1]["ended"]["sentence"] == load.sentence
        await house.watch.until(lambda: "load.ok" in house.watch.names("01"))
        assert await house.state() == "online"

    tell(story)


def test_one_load_is_under_way_at_a_time_whichever_till_asks(tell: Tell) -> None:
    """By the API it is refused; by an event the machine is told so. Both with a sentence."""
    files = Hanging()

    async def story(house: House) -> None:
        await house.agent.post_load("01", "full")
        await files.asked_for()
        for till in ("01", "02"):
            with pytest.raises(LoadRefused) as refused:
                await house.agent.post_load(till, "changes")
            assert refused.value.why == "load_under_way"
            assert "full, for till 01" in refused.value.sentence
        await house.agent.post_event("02", "load.full", {})
        await house.watch.until(lambda: "load.rejected" in house.watch.names("02"))
        (step,) = [step for step in house.watch.steps if step.event.name == "load.rejected"]
        assert step.event.data == {
            "code": "busy",
            "message": "A load is under way already, for till 01.",
        }
        view = await house.agent.loads("02")
        assert (view.runs, view.last[0].outcome) == (False, "rejected")
        assert view.now is not None
        assert view.now.till == "01"
        files.go.set()
        assert (await ended(house, 2)).outcome == "ok"

    tell(story, files=files, names=("01", "02"))


def test_everything_else_goes_on_while_a_load_hangs(tell: Tell) -> None:
    """With a single worker, too: tickets are sent, messages asked for, pings made."""
    files = Hanging()

    async def story(house: House) -> None:
        usual = sys.getswitchinterval()
        await house.agent.post_load("01", "full")
        await files.asked_for()
        assert sys.getswitchinterval() == pytest.approx(BRISK)
        for number in range(1, 4):
            await house.agent.accept_ticket("01", number, b"ticket")
        await house.watch.until(lambda: len(house.server.tickets("01")) == 3)
        pings = house.watch.names().count("ping.ok")
        await house.agent.post_event("01", "ticket.started", {})
        await house.watch.until(lambda: house.watch.names().count("ping.ok") > pings)
        await house.watch.until(lambda: "poll_messages.ok" in house.watch.names())
        assert (await house.agent.loads("01")).runs
        files.go.set()
        await ended(house)
        assert sys.getswitchinterval() == pytest.approx(usual)

    tell(story, files=files, workers=1)


def test_a_load_without_a_link_is_owed_and_begins_when_it_is_back(tell: Tell) -> None:
    """And one that is cut off is told as such, and owed too."""
    files = Hanging()

    async def story(house: House) -> None:
        await house.agent.post_event("01", "offline.hold", {})
        asked = await house.agent.post_load("01", "changes")
        assert (asked.became, asked.state) == ("later", "held")
        assert (await house.agent.loads("01")).waits == "changes"
        await house.agent.post_event("01", "offline.release", {})
        await files.asked_for()
        await house.agent.post_event("01", "offline.hold", {})
        view = await house.agent.loads("01")
        assert (view.runs, view.now, view.waits) == (False, None, "changes")
        await house.watch.until(lambda: house.watch.loading == [True, False])
        files.go.set()
        await house.watch.until(lambda: len(house.watch.loads) == 1)
        assert house.watch.loads[0][:2] == ("changes", "cancelled")
        await house.agent.post_event("01", "offline.release", {})
        await house.watch.until(lambda: house.watch.names().count("load.ok") == 2)
        outcomes = [load[:2] for load in house.watch.loads]
        assert outcomes == [("changes", "cancelled"), ("changes", "gap"), ("full", "ok")]

    tell(story, files=files)


def test_a_stop_waits_for_a_load_that_ends_and_not_for_one_that_hangs(
    tmp_path: Path, play: Play
) -> None:
    """What hangs keeps the catalogue until the process ends."""
    files = Hanging()

    async def story() -> None:
        house = House(
            tmp_path / "till.db", chart=connection(), catalogue=catalogue(tmp_path, files)
        )
        await house.agent.start()
        await house.agent.post_load("01", "full")
        await files.asked_for()
        began = asyncio.get_running_loop().time()
        await house.agent.stop()
        assert asyncio.get_running_loop().time() - began < 4.0
        files.go.set()

    play(story())


def test_versions_and_stories_are_there_again_after_a_restart(tell: Tell) -> None:
    async def first(house: House) -> None:
        await house.agent.post_load("01", "full")
        await ended(house)

    async def second(house: House) -> None:
        await house.watch.until(lambda: len(house.watch.held) == 2)
        view = await house.agent.loads("01")
        assert [each.outcome for each in view.last] == ["ok"]
        assert [each.version for each in view.datasets] == [1, 1]
        await house.agent.post_load("01", "changes")
        await ended(house)
        view = await house.agent.loads("01")
        assert [each.kind for each in view.last] == ["changes", "full"]

    tell(first)
    tell(second)


def test_a_load_that_fails_is_told_with_its_sentence(tell: Tell) -> None:
    """In the step, which the history keeps, and in the story."""
    files = published()
    files.content["manifest.json"] = b"<html>"

    async def story(house: House) -> None:
        await house.agent.post_load("01", "full")
        load = await ended(house)
        assert load.outcome == "failed.bad_reply"
        await house.watch.until(lambda: "load.failed.bad_reply" in house.watch.names())
        step = next(s for s in house.watch.steps if s.event.name == "load.failed.bad_reply")
        assert step.event.data["message"] == load.sentence
        assert "manifest.json" in load.sentence
        (kept,) = [
            row
            for row in await house.agent.history("01", 50, None)
            if row.event == "load.failed.bad_reply"
        ]
        assert kept.detail["data"]["message"] == load.sentence

    tell(story, files=files)


def test_a_catalogue_that_cannot_be_opened_is_said_and_tried_again(
    tell: Tell, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The tills are looked after meanwhile."""
    faults = [StoreError("It is locked."), StoreError("It is locked.")]
    parts = catalogue(tmp_path)

    def opening() -> Any:
        if faults:
            raise faults.pop()
        return parts.open()

    async def story(house: House) -> None:
        await until(lambda: "catalogue.unfit" in caplog.text)
        await house.agent.post_load("01", "full")
        load = await ended(house)
        assert (load.outcome, load.sentence) == ("failed.local_error", "It is locked.")
        await house.watch.until(lambda: "load.failed.local_error" in house.watch.names())
        await house.agent.post_load("01", "full")
        assert (await ended(house, 2)).outcome == "ok"

    tell(story, catalogue=replace(parts, open=opening))


def test_without_a_catalogue_a_load_is_refused_before_the_machine_hears_of_it(tell: Tell) -> None:
    """Posted as an event, the effect says the same."""

    async def story(house: House) -> None:
        with pytest.raises(LoadRefused) as refused:
            await house.agent.post_load("01", "full")
        assert refused.value.why == "no_catalogue"
        view = await house.agent.loads("01")
        assert (view.configured, view.datasets, view.last) == (False, (), ())
        await house.agent.post_event("01", "load.full", {})
        await house.watch.until(lambda: "load.rejected" in house.watch.names())

    tell(story, catalogue=None)


def test_a_machine_without_loads_refuses_them(tell: Tell, tmp_path: Path, play: Play) -> None:
    async def story() -> None:
        house = House(tmp_path / "t.db", chart=chart_of(), catalogue=catalogue(tmp_path))
        await house.agent.start()
        try:
            with pytest.raises(LoadRefused) as refused:
                await house.agent.post_load("01", "full")
            assert refused.value.why == "not_loaded"
            with pytest.raises(UnknownTill):
                await house.agent.post_load("07", "full")
            with pytest.raises(UnknownTill):
                await house.agent.loads("07")
        finally:
            await house.agent.stop()

    play(story())


def test_a_lost_link_does_not_wait_for_files_that_cannot_be_had(tell: Tell) -> None:
    """The load says why; whether the link is lost is for pings to say."""
    files = published()

    def fail(_name: str) -> None:
        raise CallFailed(Reason.UNREACHABLE, "ftp.example:21: nobody listens")

    files.before = fail

    async def story(house: House) -> None:
        await house.agent.post_load("01", "full")
        load = await ended(house)
        assert load.sentence == "ftp.example:21: nobody listens"
        await house.watch.until(lambda: "load.failed.unreachable" in house.watch.names())
        assert (await house.agent.loads("01")).waits == "full"

    tell(story, files=files)


def test_what_a_load_leaves_behind_is_swept_afterwards(tell: Tell, tmp_path: Path) -> None:
    """In the same thread, and given up at once when the next load is asked for."""

    async def story(house: House) -> None:
        for count in (1, 2, 3):
            await house.agent.post_load("01", "full")
            await ended(house, count)
            await house.watch.until(lambda: house.watch.names().count("load.ok") == count)  # noqa: B023
        desk = house.agent._loads
        await until(lambda: desk._sweeping is None)
        assert isinstance(desk._catalogue, SqliteCatalogue)
        assert desk._catalogue._leftover() is None

    tell(story)


def test_the_parts_of_a_catalogue_are_not_opened_by_naming_them(tmp_path: Path) -> None:
    """An agent opens it in a thread of its own."""
    assert isinstance(catalogue(tmp_path), CatalogueParts)
    assert StubServer().calls["TABLES"] == 0
    assert not (tmp_path / "catalogue.db").exists()
