"""Files that are saved while the tills go on: taken in whole, or refused with their place."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.agent import last_good, reloading
from engine.agent.clock import Clock, SystemClock
from engine.agent.exploring import Found
from engine.agent.files import Files
from engine.agent.in_force import InForce
from engine.agent.reloading import Reloader
from engine.api.config import NoFiles, ReloadRefused
from engine.core.build import build
from engine.effects.table import VOCABULARY
from engine.problems import Refused
from engine.settings import load_till
from tests.unit.agent.houses import House, Watching
from tests.unit.agent.scripted import LINK

Play = Callable[[Coroutine[Any, Any, None]], None]
TILL = """\
shop: '0042'
till: '01'
machine: machine.yaml
parameters: {patience: 10s}
server: {protocol: soap, url: 'http://server.example'}
database: {path: till.db}
"""
GOOD = Found(problems=[], situations=9, complete=True)
PART = Found(problems=[], situations=5, complete=False)
BAD = Found(
    problems=[
        {
            "file": "machine.yaml",
            "line": 9,
            "column": 3,
            "code": "never-broken",
            "message": "It can be broken.",
            "severity": "error",
            "trace": "- case: x",
        }
    ],
    situations=9,
    complete=True,
)


class Explores:
    """In the place of the other process: what it finds, in this order, for each exploration."""

    script: list[list[Found | None]]
    begun: int
    go: asyncio.Event

    def __init__(self, _clock: Clock) -> None:
        type(self).begun += 1
        self.answers = self.script.pop(0) if self.script else [GOOD]

    async def ask(self, *_: object) -> Found | None:
        return self.answers.pop(0)

    async def rest(self) -> Found | None:
        await self.go.wait()
        return self.answers.pop(0) if self.answers else None

    async def end(self) -> None:
        pass


class Told(Watching):
    """And what it is told of the files."""

    def __init__(self) -> None:
        super().__init__()
        self.configs: list[bool] = []
        self.machines: list[str] = []

    def machine(self, facts: Any) -> None:
        self.machines.append(facts.hash)

    def config(self, successful: bool, at: float | None) -> None:
        assert (at is None) == (not successful)
        self.configs.append(successful)


class Bench:
    """An agent with its files in a folder, and who looks after them."""

    def __init__(self, folder: Path, house: House, reloader: Reloader) -> None:
        self.folder, self.house, self.reloader = folder, house, reloader
        self.agent = house.agent
        self.watch: Told = house.watch

    def machine(self, text: str) -> None:
        (self.folder / "machine.yaml").write_text(text, encoding="utf-8")

    def till(self, text: str) -> None:
        (self.folder / "till.yaml").write_text(text, encoding="utf-8")

    async def refused(self) -> ReloadRefused:
        with pytest.raises(ReloadRefused) as refused:
            await self.agent.reload()
        return refused.value

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


@pytest.fixture
def open_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(reloading, "Exploring", Explores)
    monkeypatch.setattr(reloading, "SETTLE", 0.01)
    Explores.script, Explores.begun = [], 0

    @asynccontextmanager
    async def opened(*script: list[Found | None]) -> Any:
        (tmp_path / "machine.yaml").write_text(LINK, encoding="utf-8")
        (tmp_path / "till.yaml").write_text(TILL, encoding="utf-8")
        Explores.script, Explores.go = list(script), asyncio.Event()
        settings, definition = load_till(tmp_path / "till.yaml", VOCABULARY)
        house = House(tmp_path / "till.db", watch=Told(), chart=build(definition.without_places()))
        await house.agent.start()
        started = InForce(
            Files(settings, definition), house.agent.rules, SystemClock().wall(), "none"
        )
        reloader = Reloader(
            house.agent,
            tmp_path / "till.yaml",
            started,
            clock=SystemClock(),
            watch=house.watch,
        )
        await reloader.start()
        try:
            yield Bench(tmp_path, house, reloader)
        finally:
            await reloader.close()
            await house.agent.stop()

    return opened


def test_a_good_file_is_live_when_it_was_asked_for(play: Play, open_bench: Any) -> None:
    """Events, views, metrics and history follow; asked again, nothing changes."""

    async def story() -> None:
        async with open_bench() as bench:
            before = bench.agent.rules.hash
            bench.machine(
                LINK.replace("sync.now: sending", "sync.now: sending\n      sync.later: down")
                + "events: {sync.later: {}}\n"
            )
            told = await bench.agent.reload()
            assert (told.changed, told.good, told.explored) == (True, True, "all")
            assert told.hash != before
            assert (await bench.agent.machine()).hash == told.hash
            assert bench.watch.machines == [told.hash]
            assert bench.watch.configs == [True]
            await bench.agent.post_event("01", "sync.later", {})
            assert await bench.house.state() == "down"
            (entry,) = [
                step
                for step in await bench.agent.history("01", 50, None)
                if step.event == "agent.reloaded"
            ]
            assert entry.detail["data"] == {"from": before, "to": told.hash}
            assert not (await bench.agent.reload()).changed

    play(story())


def test_a_saved_file_is_live_by_itself(play: Play, open_bench: Any) -> None:
    """Nobody asks; and what is only touched is read no second time."""

    async def story() -> None:
        async with open_bench() as bench:
            await asyncio.sleep(0.1)  # until the system watches
            bench.machine(LINK.replace("10s:\n", "20s:\n"))
            await bench.until(lambda: bool(bench.watch.machines))
            assert bench.agent.rules.hash == bench.watch.machines[-1]

    play(story())


def test_a_bad_file_is_refused_with_all_of_its_problems(play: Play, open_bench: Any) -> None:
    """Of both files at once; the tills go on as they were, and it shows everywhere until the
    file is as before."""

    async def story() -> None:
        async with open_bench() as bench:
            before = bench.agent.rules.hash
            bench.machine(LINK.replace("initial: up", "initial: upp"))
            bench.till(TILL + "workers: 0\n")
            refused = await bench.refused()
            assert {Path(one.file).name for one in refused.problems} == {
                "till.yaml",
                "machine.yaml",
            }
            assert all(one.line for one in refused.problems)
            assert "^" in refused.text
            config = await bench.agent.config()
            assert (config.good, config.hash) == (False, before)
            assert bench.agent.health().ready
            assert any("refused" in reason for reason in bench.agent.health().reasons)
            assert bench.watch.configs == [False]
            bench.machine(LINK)
            bench.till(TILL)
            assert not (await bench.agent.reload()).changed
            assert bench.agent.health().reasons == ()
            assert bench.watch.configs == [False, True]

    play(story())


def test_a_till_that_would_not_know_where_it_is_has_the_file_refused(
    play: Play, open_bench: Any
) -> None:
    """With the state and what to do; with `renames` it is taken in."""

    async def story() -> None:
        async with open_bench() as bench:
            renamed = LINK.replace("  up:\n", "  there:\n").replace(": up\n", ": there\n")
            bench.machine(renamed)
            (problem,) = (await bench.refused()).problems
            assert problem.code == "stranded"
            assert problem.message == "Till 01 is in 'up', which the machine no longer has."
            assert "renames" in problem.hint
            bench.machine(renamed + "renames: {up: there}\n")
            await bench.agent.reload()
            (till,) = await bench.agent.tills()
            assert till.active == ("there",)

    play(story())


def test_what_a_restart_needs_is_told_and_the_rest_is_taken_in(play: Play, open_bench: Any) -> None:
    async def story() -> None:
        async with open_bench() as bench:
            text = TILL.replace("patience: 10s", "patience: 20s") + "workers: 9\n"
            bench.till(text.replace("server.example", "other.example"))
            told = await bench.agent.reload()
            assert told.changed
            assert told.restart == ("server.url", "workers")
            assert bench.agent.rules.chart.definition.parameters["patience"] == 20.0
            (reason,) = bench.agent.health().reasons
            assert "server.url, workers" in reason

    play(story())


def test_a_fault_that_exploring_finds_in_time_is_refused(play: Play, open_bench: Any) -> None:
    """Nothing has changed by then."""

    async def story() -> None:
        async with open_bench([BAD]) as bench:
            bench.machine(LINK.replace("10s:\n", "20s:\n"))
            refused = await bench.refused()
            assert [one.code for one in refused.problems] == ["never-broken"]
            assert bench.watch.machines == []

    play(story())


def test_a_machine_that_turns_out_to_be_at_fault_is_taken_back(play: Play, open_bench: Any) -> None:
    """With its new names for states; whoever asked for the reload is told in the end."""

    async def story() -> None:
        async with open_bench([PART, BAD]) as bench:
            before = bench.agent.rules.hash
            renamed = LINK.replace("  up:\n", "  there:\n").replace(": up\n", ": there\n")
            bench.machine(renamed + "renames: {up: there}\n")
            asked = asyncio.ensure_future(bench.refused())
            await bench.until(lambda: bool(bench.watch.machines))
            assert (await bench.agent.tills())[0].active == ("there",)
            Explores.go.set()
            refused = await asked
            assert "taken back" in refused.sentence
            assert bench.watch.machines[1:] == [before]
            assert (await bench.agent.tills())[0].active == ("up",)
            assert not (await bench.agent.config()).good
            again = await bench.refused()
            assert again.problems == refused.problems
            assert len(bench.watch.machines) == 2  # it is known by then, and not played again

    play(story())


def test_a_machine_that_cannot_be_taken_back_goes_on_and_says_so(
    play: Play, open_bench: Any
) -> None:
    async def story() -> None:
        async with open_bench([PART, BAD]) as bench:
            text = LINK + "  beyond:\n    on: {ping.ok: up}\n"
            bench.machine(text.replace("sync.now: sending", "sync.now: beyond"))
            asked = asyncio.ensure_future(bench.refused())
            await bench.until(lambda: bool(bench.watch.machines))
            await bench.agent.post_event("01", "sync.now", {})
            Explores.go.set()
            refused = await asked
            assert "cannot go back" in refused.sentence
            assert {one.code for one in refused.problems} == {"never-broken", "stranded"}
            assert len(bench.watch.machines) == 1

    play(story())


def test_an_exploration_that_ends_well_makes_the_files_the_last_good_ones(
    play: Play, open_bench: Any
) -> None:
    """Not before; and the same text is not explored again."""

    async def story() -> None:
        async with open_bench([PART, GOOD]) as bench:
            kept = bench.folder / "till.yaml.last-good"
            await bench.until(kept.exists)
            other = LINK.replace("10s:\n", "20s:\n")
            bench.machine(other)
            await asyncio.wait([asyncio.ensure_future(bench.agent.reload())], timeout=0.2)
            assert "20s" not in kept.read_text(encoding="utf-8")
            Explores.go.set()
            await bench.until(lambda: "20s:" in kept.read_text(encoding="utf-8"))
            assert (await bench.agent.config()).explored == "all"
            for text in (LINK, other):
                bench.machine(text)
                assert (await bench.agent.reload()).explored == "all"

    play(story())


def test_an_exploration_of_which_nothing_is_heard_holds_up_nothing(
    play: Play, open_bench: Any
) -> None:
    async def story() -> None:
        async with open_bench([None]) as bench:
            Explores.go.set()
            bench.machine(LINK.replace("10s:\n", "20s:\n"))
            told = await bench.agent.reload()
            assert (told.changed, told.explored) == (True, "none")

    play(story())


def test_a_hangup_asks_for_a_reload_and_waits_for_nothing(play: Play, open_bench: Any) -> None:
    async def story() -> None:
        async with open_bench() as bench:
            bench.machine("nothing")
            bench.reloader.ask("SIGHUP")
            await bench.until(lambda: bench.watch.configs == [False])
            bench.machine(LINK.replace("10s:\n", "20s:\n"))
            bench.reloader.ask("SIGHUP")
            await bench.until(lambda: bench.watch.configs[-1])

    play(story())


def test_a_restart_with_bad_files_finds_the_last_good_ones(
    play: Play, open_bench: Any, tmp_path: Path
) -> None:
    """However bad they are, and though the machine's file is gone; without such files nothing is
    found, and what was found says what is wrong with those on the disk."""

    async def story() -> None:
        async with open_bench() as bench:
            await bench.until((bench.folder / "till.yaml.last-good").exists)

    play(story())
    (tmp_path / "machine.yaml").unlink()
    for text in ("shop: [", "", TILL):
        (tmp_path / "till.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(Refused) as refused:
            load_till(tmp_path / "till.yaml", VOCABULARY)
        found = last_good.find(tmp_path / "till.yaml", refused.value)
        assert found is not None
        assert found.settings.shop == "0042"
        assert found.settings.folder == tmp_path
        assert "10s" in found.definition.document.text
        assert found.problems == refused.value.problems
    (tmp_path / "till.yaml.last-good").write_text("{", encoding="utf-8")
    assert last_good.find(tmp_path / "till.yaml", refused.value) is None


def test_an_agent_without_files_says_so(play: Play, tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path / "till.db")
        with pytest.raises(NoFiles):
            await house.agent.reload()
        with pytest.raises(NoFiles):
            await house.agent.config()
        await house.agent.stop()

    play(story())
