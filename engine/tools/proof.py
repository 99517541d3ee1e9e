"""``tillwire proof``: whether a day's tickets are all there, here and at the server.

The database is read beside a running agent, without its lock and without asking it: a proof does
not rest on the word of the program that it is about, it holds nothing up, and it can be had from
a copy when the till is gone.
"""

import json as encoding
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from engine.definition.report import report
from engine.problems import Refused, did_you_mean
from engine.server.connecting import connect
from engine.settings import Settings, load_settings
from engine.store.errors import StoreError
from engine.store.examining import Examination
from engine.store.journal import JournalReport
from engine.store.place import Place
from engine.tools.evidence import Found, Side, by_asking, by_journal, faults_here, gather

COMPLETE, NOT_COMPLETE, UNREADABLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class TillProof:
    """A till's day: both sides, and every fault in a sentence."""

    found: Found
    server: Side
    faults: Sequence[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """The day of a shop's tills. ``began`` and ``ends`` are its midnights, local time."""

    shop: str
    day: date
    began: datetime
    ends: datetime
    over: bool
    database: Place
    journal: JournalReport
    tills: Sequence[TillProof]

    @property
    def complete(self) -> bool:
        """Nothing is missing and nothing was changed."""
        return self.journal.broken_at is None and not any(till.faults for till in self.tills)


def proof(config: Path, day: str, till: str | None, json: bool, ask_server: bool = True) -> int:
    """Print the proof of a day, ``YYYY-MM-DD`` or ``today``, for one till or all.

    Returns 0 when it is complete, 1 when not, 2 when it cannot be had.
    """
    try:
        wanted = date.today() if day == "today" else date.fromisoformat(day)  # noqa: DTZ011 - the shop's own day
        began, ends = midnights(wanted)
    except (ValueError, OverflowError, OSError):
        return _cannot(f"'{day}' is no day: write it as 2026-11-24, or today.")
    try:
        settings = load_settings(config)
    except Refused as refused:
        return _cannot(report(refused.problems))
    if till is not None and till not in settings.tills:
        hint = did_you_mean(till, settings.tills)
        return _cannot(f"{config} names no till '{till}'. {hint}".rstrip())
    tills = settings.tills if till is None else (till,)
    try:
        found = _prove(settings, wanted, began, ends, tills, ask_server)
    except StoreError as fault:
        return _cannot(str(fault))
    if json:
        sys.stdout.write(encoding.dumps(as_data(found), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(as_text(found))
    return COMPLETE if found.complete else NOT_COMPLETE


def midnights(day: date) -> tuple[datetime, datetime]:
    """The beginning of a day and of the next one, in this machine's zone; they may be 23 or 25
    hours apart."""
    began, ends = (datetime.combine(each, time.min) for each in (day, day + timedelta(days=1)))
    return began.astimezone(), ends.astimezone()


def _cannot(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return UNREADABLE


def _prove(
    settings: Settings,
    day: date,
    began: datetime,
    ends: datetime,
    tills: Sequence[str],
    ask_server: bool,
) -> Proof:
    with Examination.open(settings.database_place) as evidence:
        journal, found = gather(evidence, tills, began.timestamp(), ends.timestamp())
    proofs = []
    server = connect(settings.server, settings.shop, settings.folder)
    try:
        for one in found:
            faults = list(faults_here(one))
            if not ask_server:
                side = by_journal(one, "it was not to be asked")
            elif not server.counts_tickets:
                side = by_journal(one, "it does not count tickets")
            else:
                side, more = by_asking(one, server)
                faults += more
            proofs.append(TillProof(one, side, faults))
    finally:
        server.close()
    over = ends <= datetime.now().astimezone()
    return Proof(settings.shop, day, began, ends, over, settings.database_place, journal, proofs)


def as_text(proof: Proof) -> str:
    """For a person."""
    lines = [
        f"Proof of {proof.day}, shop {proof.shop}",
        f"From {proof.began.isoformat()} to before {proof.ends.isoformat()}, this machine's time.",
    ]
    if not proof.over:
        lines.append("The day is not over: this is how it stands now.")
    lines += [journal_sentence(proof.journal), ""]
    for till in proof.tills:
        lines += [*_till_lines(till), ""]
    count = sum(len(till.faults) for till in proof.tills) + (proof.journal.broken_at is not None)
    found = "1 thing is" if count == 1 else f"{count} things are"
    verdict = "complete" if proof.complete else f"not complete: {found} not as it should be"
    return "\n".join([*lines, f"Verdict: {verdict}.", ""])


def journal_sentence(journal: JournalReport) -> str:
    """Whether the chain holds, and where it breaks."""
    entries = "1 entry" if journal.entries == 1 else f"{journal.entries} entries"
    if journal.broken_at is None:
        return f"The journal holds: {entries}, each chained to the one before it."
    return f"The journal is broken at entry {journal.broken_at}: {journal.why}."


def _till_lines(till: TillProof) -> list[str]:
    here, server = till.found.summary, till.server
    rows = [
        ("", "first", "last", "count", "bytes", "digest"),
        (
            "here",
            _told(here.first),
            _told(here.last),
            str(here.count),
            str(here.bytes),
            here.digest,
        ),
        (
            "server",
            _told(server.first),
            _told(server.last),
            str(server.count),
            "-",
            server.digest or "-",
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    table = [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    source = (
        "The server's side: asked just now."
        if server.asked
        else f"The server's side is from the journal's acknowledgements: {server.note}."
    )
    periods = [
        f"  Offline from {_moment(period.began_at)} to "
        f"{'now' if period.ended_at is None else _moment(period.ended_at)}."
        for period in till.found.offline
    ]
    verdict = "not complete" if till.faults else "complete"
    faults = [f"  - {fault}" for fault in till.faults]
    return [f"Till {till.found.till}: {verdict}", *table, f"  {source}", *periods, *faults]


def as_data(proof: Proof) -> dict[str, Any]:
    """For programs. Moments are ISO texts with their offset from UTC."""
    return {
        "shop": proof.shop,
        "day": proof.day.isoformat(),
        "from": proof.began.isoformat(),
        "to": proof.ends.isoformat(),
        "over": proof.over,
        "database": str(proof.database),
        "journal": proof.journal._asdict(),
        "tills": [
            {
                "till": till.found.till,
                "complete": not till.faults,
                "here": asdict(till.found.summary),
                "server": asdict(till.server),
                "offline": [
                    {
                        "began": _moment(period.began_at),
                        "ended": None if period.ended_at is None else _moment(period.ended_at),
                    }
                    for period in till.found.offline
                ],
                "faults": list(till.faults),
            }
            for till in proof.tills
        ],
        "complete": proof.complete,
    }


def _told(number: int | None) -> str:
    return "-" if number is None else str(number)


def _moment(wall: float) -> str:
    return datetime.fromtimestamp(wall).astimezone().isoformat(timespec="seconds")
