"""What the lab has received: every ticket, in the order of arrival, and how often.

The ledger is the witness of the tests: it stores bytes as they came, checks their digest, and
counts each key. With a storage directory it also appends to ``tickets.jsonl`` there, so that a
lab that is stopped and started again still knows what it had. Lines are handed to the operating
system before a ticket is answered; they outlive the process, not a power cut.
"""

import base64
import binascii
import hashlib
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NamedTuple

from pydantic_core import from_json, to_json

Status = Literal["stored", "duplicate", "refused"]


class LabError(Exception):
    """The lab cannot do what it was asked to: one sentence that says why."""


class Parcel(NamedTuple):
    """A ticket as it arrived. ``sha256`` is what the sender says the digest of the payload is."""

    shop: str
    till: str
    number: int
    key: str
    payload: bytes
    sha256: str


class StoredTicket(NamedTuple):
    """A ticket as it is kept. ``at`` is wall-clock time in epoch seconds."""

    key: str
    shop: str
    till: str
    number: int
    payload: bytes
    sha256: str
    batch: str
    at: float


class Verdict(NamedTuple):
    """What became of one ticket of a batch."""

    key: str
    status: Status
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """``count`` rows, ``distinct`` keys, ``twice`` keys that were stored more than once.

    ``sha256`` gives the digest by key, in the order in which the keys were first stored.
    """

    count: int
    distinct: int
    twice: int
    sha256: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Held:
    """What is stored of a till's numbers in a range, each number once.

    ``first`` and ``last`` are the lowest and the highest, None when there is none; ``digest`` is
    the SHA-256, in hex, of one line ``number sha256`` each, ascending; ``missing`` the numbers
    of the range that are not stored, as ``5,9-11``.
    """

    count: int
    first: int | None
    last: int | None
    digest: str
    missing: str


class Ledger:
    """The tickets of all tills. Any thread may read while the server writes.

    ``refuses`` holds the numbers of tickets that get a business refusal; replace it at any time.
    """

    def __init__(
        self, deduplicates: bool, storage: Path | None, clock: Callable[[], float]
    ) -> None:
        self.deduplicates = deduplicates
        self.refuses: frozenset[int] = frozenset()
        self._clock = clock
        self._lock = threading.Lock()
        self._tills: dict[str, list[StoredTicket]] = {}
        self._first: dict[str, str] = {}
        self._twice: dict[str, int] = {}
        self._refused: dict[str, Verdict] = {}
        self._storage = storage
        self._file: IO[bytes] | None = None

    def open(self) -> None:
        """Read what the storage directory holds and keep it open; LabError when that fails."""
        if self._storage is not None and self._file is None:
            self._file = _open(self._storage, self._keep)

    def receive(self, parcels: Sequence[Parcel], batch: str) -> list[Verdict]:
        """Store what can be stored of one batch, all of it or (LabError) none of it."""
        at = self._clock()
        verdicts: list[Verdict] = []
        fresh: dict[str, str] = {}
        rows: list[StoredTicket] = []
        for parcel in parcels:
            verdict = self._judge(parcel, fresh)
            verdicts.append(verdict)
            if verdict.status == "stored":
                shop, till, number, key, payload, digest = parcel
                fresh.setdefault(key, digest)
                rows.append(StoredTicket(key, shop, till, number, payload, digest, batch, at))
        if rows and self._file is not None:
            _append(self._file, rows)
        with self._lock:
            for row in rows:
                self._keep(row)
            self._refused.update((v.key, v) for v in verdicts if v.status == "refused")
        return verdicts

    def status(self, key: str) -> tuple[Literal["stored", "refused", "unknown"], str]:
        """What is known of a key, and the digest of what is stored under it (else "")."""
        digest = self._first.get(key)
        if digest is not None:
            return "stored", digest
        return ("refused" if key in self._refused else "unknown"), ""

    def tickets(self, till: str | None = None) -> list[StoredTicket]:
        """All rows of one till in the order of arrival; of all tills, till by till, for None."""
        with self._lock:
            if till is not None:
                return list(self._tills.get(till, ()))
            return [row for rows in self._tills.values() for row in rows]

    def counts(self) -> dict[str, int]:
        """Rows per till."""
        with self._lock:
            return {till: len(rows) for till, rows in self._tills.items()}

    def twice(self) -> dict[str, int]:
        """The keys that were stored more than once, and how often."""
        with self._lock:
            return dict(self._twice)

    def summary(self, till: str | None = None) -> Summary:
        """The counts of one till, or of all of them."""
        rows = self.tickets(till)
        times = Counter(row.key for row in rows)
        digests: dict[str, str] = {}
        for row in rows:
            digests.setdefault(row.key, row.sha256)
        return Summary(len(rows), len(times), sum(n > 1 for n in times.values()), digests)

    def held(self, till: str, low: int, high: int) -> Held:
        """What is stored of the numbers from ``low`` to ``high`` of a till."""
        digests: dict[int, str] = {}
        for row in self.tickets(till):
            if low <= row.number <= high:
                digests.setdefault(row.number, row.sha256)
        numbers = sorted(digests)
        lines = hashlib.sha256()
        runs: list[str] = []
        expected = low
        for number in [*numbers, high + 1]:
            if number > expected:
                runs.append(_run(expected, number - 1))
            expected = number + 1
        for number in numbers:
            lines.update(f"{number} {digests[number]}\n".encode())
        first = numbers[0] if numbers else None
        last = numbers[-1] if numbers else None
        return Held(len(numbers), first, last, lines.hexdigest(), ",".join(runs))

    def numbers(self, till: str, since: float, until: float) -> list[int]:
        """The numbers of a till that arrived from ``since`` to before ``until``."""
        return [row.number for row in self.tickets(till) if since <= row.at < until]

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _judge(self, parcel: Parcel, fresh: Mapping[str, str]) -> Verdict:
        key = parcel.key
        if hashlib.sha256(parcel.payload).hexdigest() != parcel.sha256:
            return Verdict(key, "refused", "DIGEST", "The payload does not have this sha256.")
        known = self._first.get(key) or fresh.get(key)
        if known is not None and self.deduplicates:
            if known == parcel.sha256:
                return Verdict(key, "duplicate")
            return Verdict(key, "refused", "DIFFERENT", "Other bytes are stored under this key.")
        if parcel.number in self.refuses:
            return Verdict(key, "refused", "BUSINESS", f"Ticket {parcel.number} is refused here.")
        return Verdict(key, "stored")

    def _keep(self, row: StoredTicket) -> None:
        rows = self._tills.get(row.till)
        if rows is None:
            self._tills[row.till] = [row]
        else:
            rows.append(row)
        if row.key in self._first:
            self._twice[row.key] = self._twice.get(row.key, 1) + 1
        else:
            self._first[row.key] = row.sha256


def _run(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def payload_fields(payload: bytes) -> dict[str, str]:
    """``{"text": …}`` where the bytes are UTF-8, else ``{"base64": …}``."""
    try:
        return {"text": payload.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(payload).decode("ascii")}


def payload_bytes(fields: Mapping[str, object]) -> bytes:
    """The bytes that ``text`` or ``base64`` stands for; ValueError says what is wrong."""
    text, packed = fields.get("text"), fields.get("base64")
    if isinstance(text, str) and packed is None:
        return text.encode("utf-8")
    if isinstance(packed, str) and text is None:
        try:
            return base64.b64decode(packed, validate=True)
        except binascii.Error as error:
            raise ValueError(f"base64 cannot be read: {error}") from None
    raise ValueError("a ticket carries either 'text' or 'base64', as a string")


def _append(file: IO[bytes], rows: Iterable[StoredTicket]) -> None:
    lines = [
        to_json(
            {
                "key": row.key,
                "shop": row.shop,
                "till": row.till,
                "number": row.number,
                "sha256": row.sha256,
                "batch": row.batch,
                "at": row.at,
                **payload_fields(row.payload),
            }
        )
        for row in rows
    ]
    end = file.seek(0, os.SEEK_END)
    try:
        left = memoryview(b"\n".join([*lines, b""]))
        while left:  # a disk that fills up takes a part before it says so
            left = left[file.write(left) :]
    except OSError as error:
        file.truncate(end)
        raise LabError(f"The lab cannot write its tickets: {error.strerror}.") from error


def _open(storage: Path, keep: Callable[[StoredTicket], None]) -> IO[bytes]:
    path = storage / "tickets.jsonl"
    try:
        storage.mkdir(parents=True, exist_ok=True)
        # Unbuffered: a line is with the operating system before its ticket is answered.
        file = path.open("ab+", buffering=0)
    except OSError as error:
        raise LabError(f"The lab cannot keep tickets in {storage}: {error.strerror}.") from error
    try:
        file.seek(0)
        end = _load(path, file.readall(), keep)
        # What follows the last line end was being written when the process died: it was never
        # answered, so the sender will send it again.
        file.truncate(end)
    except BaseException:
        file.close()
        raise
    return file


def _load(path: Path, content: bytes, keep: Callable[[StoredTicket], None]) -> int:
    end = content.rfind(b"\n") + 1
    for count, line in enumerate(content[:end].splitlines(), start=1):
        try:
            fields = from_json(line)
            payload = payload_bytes(fields)
            row = StoredTicket(
                str(fields["key"]),
                str(fields["shop"]),
                str(fields["till"]),
                int(fields["number"]),
                payload,
                str(fields["sha256"]),
                str(fields["batch"]),
                float(fields["at"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise LabError(f"{path}:{count}: this line is not a ticket that a lab wrote.") from None
        keep(row)
    return end
