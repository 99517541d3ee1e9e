"""The journal of transfers: only ever added to, each entry chained to the one before it.

The hash of an entry is the SHA-256, in hex, of the UTF-8 bytes of a JSON object with the members
``at`` (number), ``kind``, ``previous``, ``seq`` (number), ``subject`` and ``till``: names sorted,
no spaces, characters unescaped where JSON allows it. ``subject`` is itself a JSON text, taken as
it stands. ``previous`` is the hash of the entry before; the first one has 64 zeros. One chain
runs over all tills of a database.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from math import isfinite
from typing import Literal, NamedTuple

from engine.store.port import AnyDatabase, Row

Kind = Literal[
    "accepted",
    "attempted",
    "withdrawn",
    "acknowledged",
    "refused",
    "offline_began",
    "offline_ended",
]
Fields = Mapping[str, str | int | float | bool | None]

FIRST_PREVIOUS = "0" * 64

# One encoder for all: json.dumps with arguments makes a new one for each call. What JSON cannot
# hold (a blob put there by another hand) becomes text that no hash will match.
canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=repr
).encode


class JournalReport(NamedTuple):
    """``entries`` that hold, and the first ``seq`` that does not, with the reason why."""

    entries: int
    broken_at: int | None = None
    why: str = ""


class Mark(NamedTuple):
    """A place in the chain up to which it was found to hold: the last entry and its hash."""

    seq: int = 0
    hash: str = FIRST_PREVIOUS


def entry_hash(seq: int, at: float, till: str, kind: str, subject: str, previous: str) -> str:
    """The hash of one entry; ``at`` in wall-clock seconds."""
    # Written out by hand: the encoder takes three times as long for the same text.
    text = (
        f'{{"at":{at!r},"kind":{canonical(kind)},"previous":{canonical(previous)},"seq":{seq},'
        f'"subject":{canonical(subject)},"till":{canonical(till)}}}'
    )
    return sha256(text.encode()).hexdigest()


class Journal:
    """What happened to which ticket, and when the server was out of reach."""

    def __init__(self, database: AnyDatabase) -> None:
        self._database = database

    def append(self, kind: Kind, till: str, fields: Fields, at: float) -> int:
        """Adds one entry and returns its seq; ``fields`` become its subject."""
        with self._database.atomic():
            return self.chain(kind, till, (fields,), at)

    def chain(self, kind: Kind, till: str, subjects: Sequence[Fields], at: float) -> int:
        """Adds one entry per subject, in their order, and returns the last seq.

        Only inside a transaction: of the entries and the head that is kept apart, all must be
        written or none. ValueError when ``at`` is no time.
        """
        at = float(at)  # the database gives floats back, and 1 is hashed otherwise than 1.0
        if not isfinite(at):
            raise ValueError(f"{at} is not a time")
        seq, previous = self._head()
        rows = []
        for fields in subjects:
            seq += 1
            subject = canonical(fields)
            digest = entry_hash(seq, at, till, kind, subject, previous)
            rows.append((seq, at, till, kind, subject, previous, digest))
            previous = digest
        self._database.run_many("journal_add", rows)
        self._database.run("journal_head_moves", seq, previous)
        return seq

    def verify(self) -> JournalReport:
        """Reads the whole chain, one entry at a time, up to the first that does not hold."""
        found = _follow(Mark(), self._database.stream("journal_entries"))
        return found if isinstance(found, JournalReport) else self._against_head(*found)

    def verify_part(self, after: Mark, most: int) -> tuple[Mark, JournalReport | None]:
        """Reads up to ``most`` entries behind ``after`` and gives where it is now.

        With it comes a report when the end is reached, or an entry does not hold. Neither a
        transaction nor a lock is needed while others add to the chain: all entries up to the
        head that is read first are there. What another hand put behind the head is found by
        :meth:`verify` only.
        """
        head = Mark(*self._head())
        until = min(after.seq + most, head.seq)
        entries = self._database.stream("journal_part", after.seq, until)
        found = _follow(after, entries)
        if isinstance(found, JournalReport):
            return after, found
        if until == head.seq:
            return found, _against(head, found)
        if found.seq < until:
            gap = found.seq + 1
            return found, JournalReport(found.seq, gap, f"entry {gap} is missing")
        return found, None

    def _against_head(self, entries: int, last: str) -> JournalReport:
        return _against(Mark(*self._head()), Mark(entries, last))

    def _head(self) -> tuple[int, str]:
        seq, digest = self._database.only_row("journal_head")
        return seq, digest


def _follow(after: Mark, rows: Iterable[Row]) -> Mark | JournalReport:
    """The last of the entries, or the first that does not hold."""
    entries, last = after
    for seq, at, till, kind, subject, previous, digest in rows:
        expected = entries + 1
        if seq != expected:
            why = f"entry {expected} is missing: the next one there is {seq}"
            return JournalReport(entries, expected, why)
        if previous != last:
            why = f"entry {seq} does not follow from entry {entries}: its previous hash differs"
            return JournalReport(entries, seq, why)
        if entry_hash(seq, at, till, kind, subject, previous) != digest:
            return JournalReport(entries, seq, f"entry {seq} was changed: its hash differs")
        entries, last = seq, digest
    return Mark(entries, last)


def _against(head: Mark, found: Mark) -> JournalReport:
    """What the head that is kept apart says of entries that hold."""
    (seq, digest), (entries, last) = head, found
    if seq > entries:
        why = f"the last {seq - entries} entries are missing: {seq} were written"
        return JournalReport(entries, entries + 1, why)
    if seq < entries:
        why = f"entry {seq + 1} was added by another hand: only {seq} were written"
        return JournalReport(seq, seq + 1, why)
    if digest != last:
        why = f"entry {seq} is not the one that was written: the hash kept apart differs"
        return JournalReport(max(entries - 1, 0), seq, why)
    return JournalReport(entries)
