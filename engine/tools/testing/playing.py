"""Plays a case on the engine, up to the first thing that is not as it expects."""

from collections import deque
from collections.abc import Iterable, Sequence

from engine.core.build import BEGIN, Chart
from engine.core.facts import machine_facts
from engine.core.records import Event, Step, Till
from engine.core.repeating import Repeating
from engine.definition.model import Condition
from engine.definition.values import format_duration
from engine.tools.testing.coverage import Coverage
from engine.tools.testing.expecting import (
    Expecting,
    Happenings,
    Mismatch,
    dull,
    told,
    written,
)
from engine.tools.testing.leaving import can_leave
from engine.tools.testing.measures import measures
from engine.tools.testing.model import VERBS, Case, Entry, Expect, Reply
from engine.tools.testing.naming import filled
from engine.tools.testing.reading import Tests
from engine.tools.testing.results import Exporting, Failure, Result, Watching
from engine.tools.testing.virtual_till import Halted, VirtualTill

Way = tuple[str | int, ...]
MOST_LINES = 16
"""So many of the last things that happened are told of a case that failed."""
LONG = 20_000
"""Steps in which a till has to come to what it eventually comes to."""
WELL = Reply(answer="ok")


class _Failed(Exception):  # noqa: N818 - the case is over
    """The failures are noted."""


class Player:
    """One case on one till of ``chart``."""

    def __init__(
        self, tests: Tests, index: int, chart: Chart, coverage: Coverage, watching: Watching | None
    ) -> None:
        self._document = tests.document
        self._loc: Way = ("cases", index)
        self._suite = tests.suite
        self._case: Case = tests.suite.cases[index]
        self._chart = chart
        self._since = Happenings()
        self._expecting = Expecting(chart, self._since)
        self._trail: deque[tuple[float, Step | str]] = deque(maxlen=MOST_LINES)
        self._happened = 0
        self._failures: list[Failure] = []
        self._goal: Condition | None = None
        self._reached = False
        self._exporter: Exporting | None = None
        hears = [self._hear, coverage.hear, self._since.hear]
        counted = any(expect.metrics for expect in _expectations(self._case))
        if counted:
            hears.append(self._export)
        self._till = VirtualTill(
            chart,
            self._case.till or tests.suite.till,
            tuple(hears),
            # Metrics are told each step: none may be left out.
            None if counted else self._same_again,
            Repeating().feed,
        )
        if watching is not None and counted:
            facts = machine_facts(chart.definition)
            self._exporter = watching(facts, lambda: self._till.wall)

    def play(self) -> Result:
        """All of it. A step that fails, or a line that cannot come here, fails the case."""
        at: Way = ("case",)
        try:
            self._till.script(self._suite.answers)
            self._till.script(self._case.answers)
            self._till.begin()
            self._go_on()
            for number, entry in enumerate(self._case.timeline):
                at = ("timeline", number, _verb(entry))
                self._entry(entry, at)
                self._go_on()
            at = ("case",)
            self._end()
        except Halted as halted:
            self._fail(at, "the timeline goes on", str(halted))
        except _Failed:
            pass
        till, line = self._till, self._line(("case",))
        failures = tuple(self._failures)
        return Result(self._case.case, line, till.now / 3600, till.steps, failures)

    def _hear(self, step: Step, till: Till) -> None:
        if not dull(step):
            self._happened += 1
            self._trail.append((self._till.now, step))  # put in words where they are needed
        goal, never = self._goal, self._case.never
        if goal is not None and not self._reached:
            self._reached = self._expecting.holds(goal, till, step)
        if never is not None and not self._failures and self._expecting.holds(never, till, step):
            self._fail(("never",), f"never: {written(never)}", "it is so")

    def _same_again(self, steps: Sequence[Step], times: int) -> None:
        self._since.repeat(steps, times)
        self._happened += 1
        last = f"{len(steps)} steps" if len(steps) > 1 else "step"
        self._trail.append((self._till.now, f"(the last {last} again, {times} times)"))

    def _export(self, step: Step, _till: Till) -> None:
        if self._exporter is not None:
            self._exporter.observe(step, self._till.wall)

    def _go_on(self) -> None:
        if self._failures:
            raise _Failed

    def _entry(self, entry: Entry, at: Way) -> None:
        till, seconds = self._till, self._chart.definition.seconds
        if entry.event is not None:
            fields = self._chart.definition.events[entry.event]
            till.send(Event(entry.event, filled(entry.with_, fields, entry.event)))
        elif entry.answer is not None:
            till.answer(entry.answer, entry.with_ or {}, entry.to or {})
        elif entry.answers is not None:
            till.script(entry.answers)
        elif entry.wait is not None:
            till.until(lambda: bool(self._failures), seconds(entry.wait))
        elif entry.restart is not None:
            till.restart(seconds(entry.restart.away))
        elif entry.until is not None:
            if not self._comes_to(entry.until, seconds(entry.until.within)):
                self._go_on()
                within = f"{written(entry.until)} within {entry.until.within}"
                self._fail(at, f"until: {within}", self._here())
        elif entry.expect is not None:
            self._expect(entry.expect, at)

    def _comes_to(self, goal: Condition, seconds: float, most: int | None = None) -> bool:
        """Let time pass until a condition holds; whether it did."""
        self._goal, self._reached = goal, self._expecting.holds(goal, self._till.till)
        try:
            more = {} if most is None else {"most": most}
            self._till.until(lambda: self._reached or bool(self._failures), seconds, **more)
        finally:
            self._goal = None
        return self._reached

    def _end(self) -> None:
        case, till = self._case, self._till
        if case.expect is not None:
            self._expect(case.expect, ("expect",))
            self._go_on()
        leaves = case.leaves
        if leaves is not None and not can_leave(self._chart, till.till, leaves, till.moment):
            self._fail(("leaves",), f"leaves: {leaves}", "nothing that can come leads out of it")
        if case.eventually is not None:
            self._eventually(
                case.eventually, self._chart.definition.seconds(case.eventually.within)
            )

    def _eventually(self, goal: Condition, seconds: float) -> None:
        """From here on everything is answered well."""
        self._till.answer_all(WELL)
        try:
            came = self._comes_to(goal, seconds, LONG)
        except Halted:
            came = False
        if not came and not self._failures:
            self._fail(("eventually",), f"eventually: {written(goal)}", self._here())

    def _expect(self, expect: Expect, at: Way) -> None:
        virtual = self._till
        for found in self._expecting.mismatches(expect, virtual.till, virtual.moment):
            self._mismatch(found, at)
        if expect.metrics and self._exporter is None:
            self._fail((*at, "metrics"), "metrics", "nothing counts them here")
        elif self._exporter is not None:
            for found in measures(expect.metrics, self._exporter.render()[0].decode()):
                self._mismatch(found, at)
        self._since.clear()

    def _mismatch(self, found: Mismatch, at: Way) -> None:
        self._fail((*at, *found.key), found.expected, found.got)

    def _words(self, at: float, step: Step | str) -> str:
        if isinstance(step, str):
            return step
        did = told(step)
        if step.event.name == BEGIN:
            leaves = [n for n in step.configuration if not self._chart.tree.children(n)]
            did = ", ".join(filter(None, (f"in {' and '.join(leaves)}", did)))
        did = did or "nothing changes"
        return f"{format_duration(at)}: {step.event.name}: {did}"

    def _here(self) -> str:
        return f"active: {', '.join(self._till.till.configuration)}"

    def _line(self, at: Way) -> int:
        return self._document.place((*self._loc, *at), key=True)[0]

    def _fail(self, at: Way, expected: str, got: str) -> None:
        steps = tuple(self._words(*each) for each in self._trail)
        before = self._happened - len(steps)
        line = self._line(at)
        self._failures.append(Failure(line, self._till.now, expected, got, steps, before))


def _expectations(case: Case) -> Iterable[Expect]:
    every = [case.expect, *(entry.expect for entry in case.timeline)]
    return [expect for expect in every if expect is not None]


def _verb(entry: Entry) -> str:
    return next(verb for verb in VERBS if getattr(entry, verb) is not None)
