"""What the till's database says, for the zip: history, tickets by count, the journal's chain.

It is opened for reading alone, beside a running agent too. No ticket, message or offer is read.
"""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.store.errors import StoreError
from engine.store.examining import Examination
from engine.store.history import AGENT, REPLAY, HistoryRow
from engine.store.journal import JournalReport, Mark
from engine.tools.support.pack import Entry, LeftOut, as_json
from engine.tools.support.place import Till

MOST_STEPS = 20_000
"""Steps of a till's history: the newest."""

MOST_HISTORY = 24_000_000
"""Bytes of the history of all tills."""

PAGE = 1_000

JOURNAL_SECONDS = 20.0
"""For which the journal is read: a year of a till takes minutes."""

JOURNAL_PART = 5_000


def read(till: Till, since: float) -> Iterator[Entry]:
    """All that the database says; ``since`` is in seconds since 1970."""
    if till.settings is None:
        raise LeftOut("till.yaml does not say where the database is.")
    try:
        with Examination.open(till.settings.database_place) as evidence:
            tills = _tills(till, evidence)
            data = {name: evidence.backlog(name)._asdict() for name in tills}
            about = "How many tickets wait, are sent, were refused, by till. None of their content."
            yield Entry("tickets.json", about, as_json(data))
            yield from _history(evidence, tills, since)
            yield Entry("journal.json", "Whether its chain holds.", as_json(_journal(evidence)))
    except StoreError as fault:
        raise LeftOut(str(fault)) from None


def _tills(till: Till, evidence: Examination) -> Sequence[str]:
    """Those of till.yaml; where it is at fault, those that the database knows."""
    return till.settings.tills if till.settings and till.good else evidence.tills()


def _history(evidence: Examination, tills: Sequence[str], since: float) -> Iterator[Entry]:
    room = MOST_HISTORY
    for name in (AGENT, *tills):
        lines = [
            json.dumps(_step(row), ensure_ascii=False) for row in _steps(evidence, name, since)
        ]
        content = "".join(f"{line}\n" for line in reversed(lines)).encode()
        room -= len(content)
        if room < 0:
            raise LeftOut(f"The history of till {name} and those after it is too large.")
        if name == AGENT:
            yield Entry("history/agent.jsonl", "What befell the agent, oldest first.", content)
        else:
            about = f"What till {name} did, oldest first; without what a replay needs."
            yield Entry(f"history/till-{name}.jsonl", about, content)


def _steps(evidence: Examination, till: str, since: float) -> Iterator[HistoryRow]:
    before: int | None = None
    for _ in range(MOST_STEPS // PAGE):
        rows = evidence.history.recent(till, PAGE, before)
        for row in rows:
            if row.at < since:
                return
            yield row
        if len(rows) < PAGE:
            return
        before = rows[-1].seq


def _step(row: HistoryRow) -> dict[str, Any]:
    detail = json.loads(row.detail)
    detail.pop(REPLAY, None)
    at = datetime.fromtimestamp(row.at, UTC).isoformat(timespec="milliseconds")
    return {
        "number": row.seq,
        "at": at,
        "event": row.event,
        "states": row.states,
        "taken": json.loads(row.taken),
        "dull": row.dull,
        **detail,
    }


def _journal(evidence: Examination) -> dict[str, Any]:
    """How far it was read and what was found; one read to its end is whole."""
    end, mark = time.monotonic() + JOURNAL_SECONDS, Mark()
    report: JournalReport | None = None
    while report is None and time.monotonic() < end:
        mark, report = evidence.journal.verify_part(mark, JOURNAL_PART)
    if report is None:
        return {"entries": mark.seq, "whole": False, "why": "there was no time to read it all"}
    return {**report._asdict(), "whole": report.broken_at is None}
