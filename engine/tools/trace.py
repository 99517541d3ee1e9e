"""``tillwire trace``: the story of a till from its database, and why it is not elsewhere."""

import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from engine.core.build import Chart, build
from engine.core.restore import saved
from engine.definition.report import report
from engine.effects.table import VOCABULARY
from engine.problems import Refused, did_you_mean
from engine.settings import Settings, load_definition, load_settings
from engine.store.errors import StoreError
from engine.store.examining import Examination
from engine.store.place import Place
from engine.story.entries import Entry
from engine.story.reading import EARLIER, Unreadable, gathered, newest_first, story, tell
from engine.story.why_not import Standing, why_not
from engine.tools.tracing import clock, lines, reasons

TOLD, NOTHING, UNREADABLE = 0, 1, 2
NEWEST = 200
"""Entries that are told where no time is named."""

PAUSE = 0.5
"""Seconds between two looks at the database with --follow."""


class Cannot(Exception):  # noqa: N818 - it is what is said
    """There is nothing to tell, in a sentence. ``code`` is the exit code."""

    def __init__(self, sentence: str, code: int = UNREADABLE) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. ``since`` and ``until`` are epoch seconds; ``state`` an id."""

    till: str | None
    config: Path | None
    database: Path | None
    since: float | None
    until: float | None
    state: str | None
    why_not: bool
    follow: bool
    json: bool


def trace(wanted: Wanted) -> int:
    """Print the story. Returns 0 when there was one, 1 when nothing happened in that time, 2 when
    it cannot be told."""
    try:
        return _Tracing(wanted).run()
    except Refused as refused:
        sys.stderr.write(f"{report(refused.problems)}\n")
    except Cannot as cannot:
        sys.stderr.write(f"{cannot}\n")
        return cannot.code
    except (StoreError, Unreadable) as fault:
        sys.stderr.write(f"{fault}\n")
    except KeyboardInterrupt:
        return TOLD
    return UNREADABLE


class _Tracing:
    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        settings = load_settings(wanted.config) if wanted.config is not None else None
        self._settings = settings
        place: Place | None = wanted.database
        if place is None and settings is not None:
            place = settings.database_place
        if place is None:
            raise Cannot("Name a till.yaml with --config, or a database with --database.")
        self._place = place
        self._chart = self._charted(settings)
        timers = {} if self._chart is None else self._chart.timers
        self._labels = {key: plan.label for key, plan in timers.items()}
        self._console = Console(highlight=False, soft_wrap=True)
        self._day = ""

    def run(self) -> int:
        with Examination.open(self._place) as evidence:
            till = self._till(evidence)
            if self._wanted.why_not:
                return self._reasons(evidence, till)
            entries = self._entries(evidence, till)
            newest = next(newest_first(evidence.history, till)).seq
        self._print(entries)
        if self._wanted.follow:
            self._follow(till, newest)
        return TOLD

    def _charted(self, settings: Settings | None) -> Chart | None:
        if settings is None:
            if self._wanted.why_not:
                raise Cannot("--why-not needs the machine: name a till.yaml with --config.")
            return None
        return build(load_definition(settings, VOCABULARY))

    def _till(self, evidence: Examination) -> str:
        names: Sequence[str] = evidence.tills() if self._settings is None else self._settings.tills
        till = self._wanted.till
        if till is None and len(names) == 1:
            return names[0]
        if till is None:
            raise Cannot(f"Name a till: {', '.join(names[:20]) or 'the database has none'}.")
        if till not in names:
            raise Cannot(f"There is no till '{till}'. {did_you_mean(till, names)}")
        return till

    def _entries(self, evidence: Examination, till: str) -> list[Entry]:
        """What is to be told, oldest first; at least one entry, but with --follow. Raises
        Cannot."""
        wanted, history = self._wanted, evidence.history
        newest = next((row for row in newest_first(history, till) if row.till == till), None)
        if newest is None:
            raise Cannot(f"Nothing has been recorded of till {till} yet.", NOTHING)
        with evidence.one_moment():
            if wanted.since is None and wanted.until is None and wanted.state is None:
                return story(history, till, NEWEST, labels=self._labels)[::-1]
            after = wanted.since if wanted.since is not None else float("-inf")
            rows = list(takewhile(lambda row: row.at >= after, newest_first(history, till)))
            before = rows[-1].seq if rows else newest.seq
            earlier = history.recent(till, EARLIER, before)
        first = rows[-1].seq if rows else newest.seq + 1
        until = wanted.until if wanted.until is not None else float("inf")
        told = tell([*reversed(earlier), *reversed(rows)], self._labels)
        told = [one for one in told if one.number >= first and one.at.timestamp() <= until]
        if not told and not wanted.follow:
            at = clock(datetime.fromtimestamp(newest.at, UTC), "%Y-%m-%d %H:%M:%S")
            raise Cannot(
                f"Nothing happened to till {till} in that time. The last that is known of it is "
                f"{newest.event}, at {at}.",
                NOTHING,
            )
        return self._in_state(told)

    def _in_state(self, told: list[Entry]) -> list[Entry]:
        state = self._wanted.state
        if state is None:
            return told
        found = [entry for entry in told if state in _touched(entry)]
        if not found and told:
            known = {name for entry in told for name in _touched(entry)}
            if self._chart is not None:
                known |= set(self._chart.plans)
            if state in known and self._wanted.follow:
                return []
            if state in known:
                raise Cannot(f"The till was not in {state} in that time.", NOTHING)
            raise Cannot(f"There is no state '{state}'. {did_you_mean(state, sorted(known))}")
        return found

    def _print(self, entries: Sequence[Entry]) -> None:
        if self._wanted.json:
            for entry in entries:
                sys.stdout.write(entry.model_dump_json() + "\n")
            sys.stdout.flush()
            return
        self._say(lines(gathered(entries), self._day))
        sys.stdout.flush()
        if entries:
            self._day = clock(entries[-1].at, "%Y-%m-%d")

    def _say(self, many: Iterable[Text]) -> None:
        for line in many:
            self._console.print(line)

    def _follow(self, till: str, last: int) -> None:
        """Print what comes until somebody stops it. A database that is away is waited for."""
        while True:
            time.sleep(PAUSE)
            with suppress(StoreError), Examination.open(self._place) as evidence:
                if next((row.seq for row in newest_first(evidence.history, till)), last) == last:
                    continue
                found = story(evidence.history, till, NEWEST, labels=self._labels)[::-1]
                fresh = [entry for entry in found if entry.number > last]
                last = fresh[-1].number if fresh else last
                self._print([e for e in fresh if self._wanted.state in (None, *_touched(e))])

    def _reasons(self, evidence: Examination, till: str) -> int:
        text = evidence.snapshot(till)
        if text is None or self._chart is None:
            raise Cannot(f"Nothing has been recorded of till {till} yet.", NOTHING)
        now = time.time()
        standing = _standing(till, text, now, self._chart)
        entries = story(evidence.history, till, NEWEST, labels=self._labels)
        told = why_not(self._chart, standing, entries, now)
        played = next((entry.machine for entry in entries if entry.machine), told.machine)
        if played != told.machine:
            sys.stderr.write(
                "The till plays another machine than the file has now: these are the file's ways.\n"
            )
        if self._wanted.json:
            sys.stdout.write(told.model_dump_json() + "\n")
        else:
            self._say(reasons(told, datetime.fromtimestamp(now, UTC)))
        return TOLD


def _touched(entry: Entry) -> set[str]:
    """The states that an entry has to do with."""
    return {*entry.states, *(name for one in entry.taken for name in (one.source, one.target))}


def _standing(till: str, text: str, now: float, chart: Chart) -> Standing:
    """Where a till is by what was saved of it. Delays that repeat went on since."""
    try:
        told = saved(text)
    except ValueError as fault:
        raise Cannot(f"What was saved of till {till} cannot be read.") from fault
    gone = [name for name in told.configuration if name not in chart.plans]
    if gone:
        raise Cannot(f"The till is in {gone[0]}, which the machine of till.yaml has not got.")
    due: dict[str, float] = {}
    for key, (start, length) in told.timers.items():
        plan = chart.timers.get(key)
        repeats = plan is not None and plan.repeats and length > 0
        rounds = max(1, -int((start - now) // length)) if repeats else 1
        due[key] = start + rounds * length
    running = frozenset(effect for effect, *_ in told.running)
    return Standing(till, tuple(told.configuration), told.context, told.entered, due, running)
