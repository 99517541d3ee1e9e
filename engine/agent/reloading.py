"""Takes in till.yaml and its machine anew while the tills go on.

Read, check, explore, build, swap between two steps: all tills play the new machine, or none.
Whatever is wrong with the files, the tills go on with those of before, and it is told why.

A save has to be live within a second, and an exploration may take longer. So a save waits for as
much of it as there is time for; the rest goes on while the tills play the new machine already, and
if that finds a fault the machine is taken back. Whoever asks for a reload is in no such hurry.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from engine.agent import last_good
from engine.agent.clock import Clock
from engine.agent.exploring import LONGEST, WHOLE, Exploring
from engine.agent.files import Files, Seen, for_a_restart, held, seen
from engine.agent.in_force import (
    InForce,
    at_a_restart,
    first_of,
    prepare,
    raise_stranded,
)
from engine.agent.logs import write
from engine.agent.noticing import Noticing
from engine.agent.rules import Rules
from engine.agent.service import Agent
from engine.agent.views import moment
from engine.agent.watching import Watch
from engine.agent.workers import Crowded, Overdue, Workers
from engine.api.config import ConfigView, Explored, ReloadRefused, ReloadView, problem_views
from engine.api.port import StoreUnavailable
from engine.core.carrying import Carrying
from engine.core.feed import StepFailed
from engine.definition.report import report
from engine.problems import Problem, Refused

T = TypeVar("T")

SETTLE, LONGEST_SETTLE = 0.08, 0.4
"""Seconds for which files must stay as they are before they are read, and until they are read
all the same: an editor empties a file, fills it and touches it again."""

AT_ONCE = 0.6
"""Seconds after a save was noticed until its machine is live, explored or not."""

PATIENCE = 8.0
"""The same for who asks for a reload. The API gives up after 10 s."""

DISK = 10.0
"""Seconds that files may take to be read."""

MOST_TOLD = 20
"""Problems named in one line of the log."""

MOST_KNOWN = 256
"""Machines that are remembered as explored and good."""

FOUND_LATER = "Found while the tills played it already; "


class Reloader:
    """Looks after the files of one agent. Everything here is called in the loop's thread.

    ``config`` is the till.yaml. ``bad`` are the problems of the files on the disk where the
    agent was started with the last good ones.
    """

    def __init__(
        self,
        agent: Agent,
        config: Path,
        started: InForce,
        *,
        clock: Clock,
        watch: Watch,
        bad: Sequence[Problem] = (),
    ) -> None:
        loop = asyncio.get_running_loop()
        self._agent = agent
        self._config = config
        self._clock = clock
        self._watch = watch
        self._running = started
        self._sound = started  # what a machine that turns out to be at fault is taken back to
        self._settings = started.files.settings  # of the process, until it ends
        self._good_hashes = {started.rules.hash}
        self._faults: dict[str, tuple[Problem, ...]] = {}  # what exploring found, by hash
        self._problems: tuple[Problem, ...] = ()
        self._sentence = ""
        self._restart: tuple[str, ...] = ()
        self._watched = [config, started.files.settings.machine_path]
        self._seen: Seen = ()
        self._read = started.since
        self._lock = asyncio.Lock()
        self._hands = Workers(loop, 1, agent.telling.abandoned)
        self._noticing = Noticing(loop, self._notice)
        self._noticed = asyncio.Event()
        self._proving: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._loop = loop
        if bad:
            self._refuse(bad, "The files on the disk are refused; the last good ones run.")

    async def start(self) -> None:
        """Keep the files that run, and watch those on the disk."""
        self._agent.beside.reloads = self
        self._seen = () if held(self._problems) else await self._look()
        self._noticing.follow(self._watched)
        self._do(self._watch_files())
        if not self._problems:
            self._do(self._keep(self._running))

    async def close(self) -> None:
        """The agent stops."""
        self._noticing.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hands.close(1.0)

    def ask(self, who: str) -> None:
        """Reload soon: somebody asks who waits for no answer."""
        write(logging.INFO, "config.asked", message=f"{who} asks for a reload")

        async def asked() -> None:
            with suppress(ReloadRefused, StoreUnavailable):
                await self.reload()

        self._do(asked())

    def config(self) -> ConfigView:
        """See :class:`engine.api.port.Office`."""
        running = self._running
        return ConfigView(
            machine=running.rules.chart.name,
            hash=running.rules.hash,
            since=moment(running.since),
            read=moment(self._read),
            good=not self._problems,
            sentence=self._sentence,
            problems=problem_views(self._problems or running.warnings),
            restart=self._restart,
            explored=running.explored,
        )

    async def reload(self) -> ReloadView:
        """See :class:`engine.api.port.Office`."""
        end = self._loop.time() + PATIENCE
        async with self._lock:
            before = self._running.rules.hash
            await self._reload(end - PATIENCE + WHOLE, Exploring(self._clock))
        if self._proving is not None:
            await asyncio.wait([self._proving], timeout=max(0.0, end - self._loop.time()))
        if self._problems:
            raise ReloadRefused(self._sentence, self._problems, report(self._problems))
        changed = self._running.rules.hash != before
        return ReloadView(**dict(self.config()), changed=changed)

    def _notice(self) -> None:
        self._noticed.set()

    async def _watch_files(self) -> None:
        while True:
            await self._noticed.wait()
            self._noticed.clear()
            try:
                if await self._look() != self._seen:
                    await self._saved()
            except StoreUnavailable as fault:
                write(logging.WARNING, "config.not_read", message=fault.sentence)
            except Exception as fault:  # noqa: BLE001 - the next save may fare better
                write(logging.ERROR, "config.failed", fault=fault)

    async def _saved(self) -> None:
        """Take saved files in, once they stay as they are."""
        exploring, began = Exploring(self._clock), self._loop.time()  # it comes up meanwhile
        try:
            last = await self._look()
            while self._loop.time() < began + LONGEST_SETTLE:
                await asyncio.sleep(SETTLE)
                now = await self._look()
                if now == last:
                    break
                last = now
        except StoreUnavailable:
            await exploring.end()
            raise
        async with self._lock:
            await self._reload(began + AT_ONCE, exploring)

    async def _look(self) -> Seen:
        paths = list(self._watched)
        return await self._by_hand(lambda: seen(paths), "the look at the files")

    async def _by_hand(self, work: Callable[[], T], what: str) -> T:
        """Do what waits for a disk, in a thread. Raises what it raises, or StoreUnavailable."""
        try:
            return await self._hands.submit(lambda _: work(), DISK, what)
        except (Overdue, Crowded) as fault:
            raise StoreUnavailable(f"The files cannot be read now: {fault}.") from fault

    async def _reload(self, end: float, exploring: Exploring) -> None:
        """Take the files in, by ``end`` if they are good, or note why not. Raises
        StoreUnavailable."""
        goes_on, read = False, self._clock.wall()
        self._agent.beside.rereading(True)
        try:
            self._seen = await self._look()
            machine = self._running.files.settings.machine_path
            files, rules = await self._by_hand(
                lambda: prepare(self._config, machine), "the reading of the files"
            )
            goes_on = await self._take_in(files, rules, exploring, end)
        except Refused as refused:
            if held(refused.problems):  # they are looked at again though nobody saves them
                self._seen = ()
            self._refuse(refused.problems, "The files are refused; the tills go on without them.")
        finally:
            self._read = read
            self._agent.beside.rereading(False)
            if not goes_on:
                self._do(exploring.end())

    async def _take_in(self, files: Files, rules: Rules, exploring: Exploring, end: float) -> bool:
        """Have the tills play what was read; whether its exploration goes on. Raises Refused."""
        now = self._clock.wall()
        taken = InForce(files, rules, now, self._running.explored, files.warnings)
        if rules.hash == self._running.rules.hash:
            same = replace(taken, rules=self._running.rules, warnings=self._running.warnings)
            self._accept(same, "the same as before")
            return False
        if rules.hash in self._faults:  # a file that is only touched must not come back
            raise Refused(self._faults[rules.hash])
        if rules.hash in self._good_hashes:
            taken = replace(taken, explored="all")
        else:
            within = max(0.05, end - self._loop.time())
            parameters = files.settings.parameters
            found = await exploring.ask(files.definition, parameters, within)
            if found is not None:
                told = found.told()
                self._look_for_faults(told, taken)
                taken = replace(
                    taken,
                    explored="all" if found.complete else "some",
                    warnings=(*files.warnings, *told),
                )
            else:
                taken = replace(taken, explored="none")
        await self._swap(taken)
        self._stop_proving()
        self._accept(taken, "all tills play it")
        if taken.explored == "all":
            self._prove(taken)
            return False
        self._proving = self._do(self._explore_the_rest(taken, exploring))
        return True

    async def _swap(self, taken: InForce, back: bool = False) -> None:
        """Raises Refused when a till would not know where it is."""
        old, new = self._agent.rules, taken.rules
        renames = None
        if back:
            renames = {now: was for was, now in old.chart.definition.model.renames.items()}
        carrying = Carrying(old.chart, new.chart, renames, {"from": old.hash, "to": new.hash})
        document = taken.files.definition.document
        raise_stranded(self._agent.stranded(carrying), document)
        try:
            await self._agent.follow(new, carrying)
        except StepFailed as fault:
            message = f"The tills cannot go on with this machine: {fault}."
            problem = document.problem("cannot-go-on", ("states",), message, key=True)
            raise Refused([problem]) from None

    async def _explore_the_rest(self, taken: InForce, exploring: Exploring) -> None:
        """What there was no time for. A machine that is at fault is taken back."""
        found = None
        try:
            async with asyncio.timeout(LONGEST):
                while (more := await exploring.rest()) is not None:
                    found = more
        except TimeoutError:
            pass
        finally:
            await exploring.end()
        async with self._lock:
            if self._running.rules is not taken.rules:
                return
            self._proving = None
            if found is None:
                write(logging.WARNING, "config.not_explored", message="no answer came")
                self._prove(taken)
                return
            told = found.told()
            try:
                self._look_for_faults(told, taken)
            except Refused as refused:
                await self._take_back(refused)
                return
            explored: Explored = "all" if found.complete else "some"
            taken = replace(taken, explored=explored, warnings=(*taken.files.warnings, *told))
            self._running = taken
            self._prove(taken)

    def _look_for_faults(self, told: tuple[Problem, ...], taken: InForce) -> None:
        """Raises Refused where an exploration found one."""
        if any(problem.severity == "error" for problem in told):
            problems = (*told, *taken.files.warnings)
            if len(self._faults) >= MOST_KNOWN:
                self._faults.clear()
            self._faults[taken.rules.hash] = problems
            raise Refused(problems)

    async def _take_back(self, refused: Refused) -> None:
        bad, good = self._running, self._sound
        try:
            await self._swap(good, back=True)
        except Refused as stuck:
            sentence = FOUND_LATER + "they cannot go back."
            self._refuse((*refused.problems, *stuck.problems), sentence)
            return
        self._running = good
        self._refuse(refused.problems, FOUND_LATER + "it was taken back.")
        write(logging.WARNING, "config.taken_back", hash=bad.rules.hash, message=self._sentence)

    def _prove(self, taken: InForce) -> None:
        """All is known of it that will be: it is what a restart and a fault go back to."""
        self._sound = taken
        if len(self._good_hashes) >= MOST_KNOWN:
            self._good_hashes.clear()
        self._good_hashes.add(taken.rules.hash)
        self._do(self._keep(taken))

    def _stop_proving(self) -> None:
        if self._proving is not None:
            self._proving.cancel()
            self._proving = None

    def _accept(self, taken: InForce, how: str) -> None:
        self._running = replace(taken, files=taken.files.bare)
        self._watched = [self._config, taken.files.settings.machine_path]
        self._noticing.follow(self._watched)
        self._problems, self._sentence = (), ""
        restart = for_a_restart(self._settings, taken.files.settings)
        concerns = self._agent.beside.concerns
        concerns.pop("config", None)
        concerns.pop("config.restart", None)
        if restart:
            concerns["config.restart"] = at_a_restart(restart)
        if restart and restart != self._restart:
            write(logging.WARNING, "config.restart_needed", message=at_a_restart(restart))
        self._restart = restart
        self._agent.telling.tell(self._watch.config, True, taken.since)
        write(
            logging.INFO,
            "config.reloaded",
            machine=taken.rules.chart.name,
            hash=taken.rules.hash,
            explored=taken.explored,
            message=f"the files are good: {how}",
        )

    def _refuse(self, problems: Sequence[Problem], sentence: str) -> None:
        self._problems, self._sentence = tuple(problems), sentence
        # A file that till.yaml has only just named may be the one that is mended.
        named = dict.fromkeys(Path(problem.file) for problem in problems if problem.file)
        self._watched = list(dict.fromkeys((*self._watched, *named)))
        self._noticing.follow(self._watched)
        first = first_of(problems)
        self._agent.beside.concerns["config"] = f"{sentence} {first}"
        self._agent.telling.tell(self._watch.config, False, None)
        self._agent.beside.note("config.refused", message=f"{sentence} {first}")
        write(
            logging.WARNING,
            "config.refused",
            problems=[problem.sentence() for problem in problems[:MOST_TOLD]],
            message=f"{sentence} {first}",
        )

    async def _keep(self, taken: InForce) -> None:
        """For a restart that finds bad files."""
        try:
            await self._by_hand(
                lambda: last_good.keep(taken.files, taken.since), "the keeping of the files"
            )
        except (OSError, StoreUnavailable) as fault:
            write(logging.WARNING, "config.not_kept", message=str(fault))

    def _do(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
