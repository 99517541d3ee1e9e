"""Tills that live at random in virtual time, late timers and restarts included, and the history
that the agent would have kept of it."""

from heapq import heappop, heappush
from pathlib import Path
from random import Random

from engine.agent.clock import VirtualClock
from engine.agent.keeping import history_row, worth_keeping
from engine.agent.noting import Notes
from engine.agent.tills import Tills
from engine.core.build import Chart, build
from engine.core.records import Event, Run, Step, Till
from engine.core.restore import pack
from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.definition.vocabulary import Value
from engine.effects.table import VOCABULARY
from engine.store.history import HistoryRow

MACHINE = Path(__file__).parents[4] / "machines" / "connection.yaml"
TEXT = MACHINE.read_text(encoding="utf-8")
NOW = 1_790_000_000.0
POSTED: tuple[tuple[str, dict[str, Value]], ...] = (
    ("ticket.started", {}),
    ("ticket.customer", {"customer": "4711"}),
    ("ticket.customer", {"customer": "0815"}),
    ("ticket.closed", {"number": 1}),
    ("ticket.closed", {"number": 2}),
    ("sync.now", {}),
    ("till.opened", {}),
    ("offline.hold", {}),
    ("offline.release", {}),
)


def chart_of(text: str = TEXT, **overrides: str | float) -> Chart:
    """The chart of a machine, the shipped one where no other is given."""
    return build(load_machine(read(text, "machine.yaml"), VOCABULARY, overrides))


class Kept:
    """The history as the store would give it."""

    def __init__(self) -> None:
        self.rows: list[HistoryRow] = []

    def add(self, row: HistoryRow) -> None:
        self.rows.append(row._replace(seq=len(self.rows) + 1))

    def recent(
        self, till: str, limit: int = 100, before: int | None = None, dull: bool = True
    ) -> list[HistoryRow]:
        """See :meth:`engine.store.history.History.recent`."""
        assert dull
        found = [row for row in self.rows if row.till == till]
        return [row for row in reversed(found) if before is None or row.seq < before][:limit]


class Life:
    """A till ``01`` whose server is there at some times and not at others."""

    def __init__(
        self, seed: int, chart: Chart | None = None, jitter: float = 0.004, posts: bool = True
    ) -> None:
        self.random = Random(seed)
        self.chart = chart or chart_of()
        self.clock = VirtualClock(at=500.0, wall=NOW)
        self.kept = Kept()
        self.jitter = jitter
        self.steps: list[Step] = []
        self.there, self.hangs = True, False
        self.pace = 1 / 20 if posts else 1e-9
        self.begin(None)

    def begin(self, saved: str | None) -> None:
        """A new process."""
        self.notes = Notes(self.chart.definition)
        self.answers: list[tuple[float, int, Run]] = []
        self.tills = Tills(self.chart, self.clock, self, [self.observe])
        self.tills.add("01", saved)
        self.tills.deliver("01", Event("agent.started", {"pending": 0}))

    def observe(self, step: Step, till: Till) -> None:
        """As the keeper does."""
        if step.late:
            return
        self.steps.append(step)
        if worth_keeping(step):
            self.kept.add(history_row(step, self.clock.wall(), self.notes.note(step, till)))
        else:
            self.notes.quiet(step)

    def start(self, _till: str, run: Run) -> None:
        """It takes a while."""
        if self.hangs:
            return
        lasts = self.random.uniform(0.01, 0.4) if self.there else self.random.uniform(0.5, 3.0)
        heappush(self.answers, (self.clock.monotonic() + lasts, run.number, run))

    def cancel(self, _till: str, _run: Run) -> None:
        """Its answer is late."""

    def restart(self) -> None:
        """The process ends and begins anew, on another monotonic clock."""
        now, wall = self.clock.monotonic(), self.clock.wall()
        saved = pack(self.tills["01"], now, wall)
        gone = self.random.uniform(1, 100)
        self.clock = VirtualClock(at=self.random.uniform(0, 1000), wall=wall + gone)
        self.begin(saved)

    def live(self, seconds: float) -> None:
        """Timers and answers, each a little late, and now and then something that is posted."""
        end = self.clock.monotonic() + seconds
        post = self.clock.monotonic() + self.random.expovariate(self.pace)
        while True:
            due = self.tills.next_due()
            answer = self.answers[0][0] if self.answers else end
            at = min(end if due is None else due, answer, post, end)
            late = self.random.uniform(0, self.jitter)
            self.clock.jump(max(self.clock.monotonic(), at) + late)
            if at >= end:
                return
            if at == post:
                self.tills.deliver("01", Event(*self.random.choice(POSTED)))
                post += self.random.expovariate(self.pace)
            elif at == answer:
                self.answer(heappop(self.answers)[2])
            else:
                self.tills.advance()

    def answer(self, run: Run) -> None:
        """Good where the server is there."""
        if self.there:
            data: dict[str, Value] = {"latency": 0.1} if run.effect == "ping" else {}
            self.tills.deliver("01", Event(f"{run.effect}.ok", data, run=run.number))
        else:
            lost: dict[str, Value] = {"reason": "unreachable", "message": "", "retry_after": 0.0}
            event = Event(f"{run.effect}.failed.unreachable", lost, run=run.number)
            self.tills.deliver("01", event)


def lived(seed: int, restarts: bool = True, jitter: float = 0.004) -> Life:
    """Half an hour with outages."""
    life = Life(seed, jitter=jitter)
    for _ in range(life.random.randint(2, 6)):
        life.there = life.random.random() < 0.6
        life.live(life.random.uniform(30, 400))
        if restarts and life.random.random() < 0.3:
            life.restart()
    return life


def long(seed: int) -> Life:
    """Twenty minutes of one process."""
    life = Life(seed)
    for there in (True, False, True):
        life.there = there
        life.live(400)
    return life
