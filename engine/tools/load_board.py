"""What ``tillwire load`` shows: bars with rate and time left on a terminal, elsewhere lines."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

EVERY = 5.0
"""Seconds between two lines about one stage where there is no terminal."""

WHILE = 20.0
"""Seconds over which the rate is taken: a break is forgotten soon."""

STAGES = {
    "asking": "asking which files there are",
    "downloading": "downloading",
    "loading": "loading rows",
    "swapping": "taking the new tables into use",
}
MEASURED = {"downloading": ("bytes_done", "bytes_total"), "loading": ("rows_done", "rows_total")}
"""The stages of which it is known how much there is to do."""


class Board(Protocol):
    """Shows how far a load has got, from ``with`` to the end of its block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, now: Mapping[str, Any]) -> None:
        """``now`` as ``GET …/loads`` has it."""

    def wait(self, sentence: str) -> None:
        """Nothing is under way, and why."""

    def note(self, key: str, sentence: str) -> None:
        """Something that happened on the way, said once for each key."""

    def finish(self) -> None:
        """Everything is loaded."""


class Lines:
    """Plain lines: each stage, and now and then how far it has got."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._said: set[str] = set()
        self._pace = Pace(clock)
        self._stage = ""
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.flush()

    def show(self, now: Mapping[str, Any]) -> None:
        """A line when the stage changes, then one each few seconds."""
        stage, at = str(now.get("stage")), self._clock()
        pace = self._pace.of(now)
        if stage == self._stage and at < self._next:
            return
        self._stage, self._next = stage, at + EVERY
        self._say(f"{_words(now)}{pace}")

    def wait(self, sentence: str) -> None:
        """Once."""
        self.note(sentence, sentence)

    def note(self, key: str, sentence: str) -> None:
        """Once."""
        if key not in self._said:
            self._said.add(key)
            self._say(sentence)

    def finish(self) -> None:
        """Nothing: the sentence of the load says it."""

    def _say(self, sentence: str) -> None:
        self._out.write(f"{sentence}\n")
        self._out.flush()


class Bars:
    """A bar for each stage."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn

        self._pace = Pace(clock)
        self._console = Console(file=out, highlight=False, emoji=False, markup=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[pace]}", markup=False),
            console=self._console,
            expand=True,
        )
        self._bars: dict[str, TaskID] = {}
        self._said: set[str] = set()
        self._began: object = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, now: Mapping[str, Any]) -> None:
        """Move the bar of the stage; those of the stages before it are full."""
        stage = str(now.get("stage"))
        if now.get("started") != self._began:  # another load: a full one after the changes
            self._began = now.get("started")
            self._clear()
        done, total = _measured(now)
        pace = self._pace.of(now)
        self._fill(but=stage)
        if stage not in self._bars:
            self._bars[stage] = self._progress.add_task("", total=None, pace="")
        self._progress.update(
            self._bars[stage],
            description=_words(now),
            total=total or None,
            completed=done,
            pace=pace.removeprefix(": "),
        )

    def wait(self, sentence: str) -> None:
        """Once, and no bar meanwhile."""
        self._clear()
        self.note(sentence, sentence)

    def note(self, key: str, sentence: str) -> None:
        """Once, above the bars."""
        if key not in self._said:
            self._said.add(key)
            self._progress.console.print(sentence)

    def finish(self) -> None:
        """Every bar is full."""
        self._fill()

    def _fill(self, but: str = "") -> None:
        for stage, bar in self._bars.items():
            if stage != but:
                size = self._progress.tasks[self._progress.task_ids.index(bar)].total or 1.0
                pace = "100 %" if stage in MEASURED else "done"
                self._progress.update(bar, total=size, completed=size, pace=pace)

    def _clear(self) -> None:
        for bar in self._bars.values():
            self._progress.remove_task(bar)
        self._bars.clear()


class Pace:
    """How fast a stage goes, as it was seen from here in the last while."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stage: tuple[object, ...] = ()
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, now: Mapping[str, Any]) -> str:
        """``: 42 %, 1.2 MB/s, 8 s left``, as far as it is known."""
        done, total = _measured(now)
        stage, at = (now.get("started"), now.get("stage")), self._clock()
        if stage != self._stage or done < self._seen[-1][1]:
            self._stage = stage
            self._seen.clear()
        self._seen.append((at, done))
        while len(self._seen) > 1 and at - self._seen[1][0] >= WHILE:
            self._seen.popleft()
        if not total:
            return ""
        parts = [f"{100 * done // total} %"]
        since, before = self._seen[0]
        if at > since and done > before:
            rate = (done - before) / (at - since)
            parts.append(f"{_amount(rate, str(now.get('stage')))}/s")
            parts.append(f"{_time((total - done) / rate)} left")
        return ": " + ", ".join(parts)


def board_for(out: TextIO) -> Board:
    """Bars on a terminal, else lines."""
    return Bars(out) if out.isatty() else Lines(out)


def _measured(now: Mapping[str, Any]) -> tuple[int, int]:
    """What is done of the stage, and how much there is to do; 0 where that is not known."""
    keys = MEASURED.get(str(now.get("stage")))
    if keys is None:
        return 0, 0
    done, total = (int(now.get(key, 0)) for key in keys)
    return min(done, total), total


def _words(now: Mapping[str, Any]) -> str:
    stage, table = str(now.get("stage")), str(now.get("table", ""))
    words = STAGES.get(stage, stage)
    return f"{words} of {table}" if table and stage in MEASURED else words


def _amount(number: float, stage: str) -> str:
    if stage == "loading":
        return f"{number:,.0f} rows"
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def _time(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
