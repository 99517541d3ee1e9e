"""A central server without a network: what an effect calls, answered in the same process.

For tests of effects and for benchmarks with thousands of tills. It has the shape of the client's
port and imports nothing of it; tickets are judged and kept by the same ledger as the lab's.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from engine.lab.answers import PROGRAMS
from engine.lab.ledger import Ledger, Parcel, StoredTicket


class Ticket(Protocol):
    """What the stub reads of a ticket parcel."""

    @property
    def key(self) -> str: ...

    @property
    def number(self) -> int: ...

    @property
    def payload(self) -> bytes: ...

    @property
    def sha256(self) -> str: ...


class StubVerdict(NamedTuple):
    """What became of one ticket: the fields of the port's own verdict, in its order."""

    key: str
    status: Literal["stored", "refused", "unknown"]
    code: str = ""
    message: str = ""
    sha256: str = ""


class StubServer:
    """Answers ping, send_tickets and ticket_status after ``latency`` seconds.

    Verdicts are StubVerdicts, typed as anything so that the stub fits where the port is asked
    for without importing it.

    ``strike(action, till)`` is called for each call before it is worked on: it may raise what
    the port raises, or note when the call came. ``lost`` is called after the work and before
    the answer: what it raises is an answer lost after the commit. A latency longer than the
    call's timeout ends in ``late()``, by default a TimeoutError. Any thread may call.
    """

    def __init__(
        self,
        latency: float = 0.0,
        deduplicates: bool = True,
        tells_ticket_status: bool = True,
        settle: float = 0.0,
        *,
        strike: Callable[[str, str], None] | None = None,
        lost: Callable[[str, str], None] | None = None,
        late: Callable[[], Exception] = TimeoutError,
    ) -> None:
        self.latency = latency
        self.deduplicates = deduplicates
        self.tells_ticket_status = tells_ticket_status
        self.settle = settle
        self.strike = strike
        self.lost = lost
        self.late = late
        self.dropped = 0
        self.ledger = Ledger(deduplicates, None, time.time)
        self._calls = Counter(dict.fromkeys(PROGRAMS, 0))
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @property
    def calls(self) -> Counter[str]:
        """How many calls came, by action, those that failed included."""
        with self._lock:
            return Counter(self._calls)

    def tickets(self, till: str | None = None) -> list[StoredTicket]:
        """What was stored for one till (None: for all), in the order of arrival."""
        return self.ledger.tickets(till)

    def twice(self) -> dict[str, int]:
        """The keys that were stored more than once, and how often."""
        return self.ledger.twice()

    def ping(self, till: str, timeout: float) -> float:
        """Answer after the latency, which is returned, in seconds."""
        started = time.perf_counter()
        self._begin("PING", till, timeout)
        self._end("PING", till)
        return time.perf_counter() - started

    def send_tickets(
        self, till: str, batch: str, tickets: Sequence[Ticket], timeout: float
    ) -> list[Any]:
        """Store the tickets; a duplicate counts as stored."""
        self._begin("TICKETS", till, timeout)
        parcels = [
            Parcel(t.key.split("/")[0], till, t.number, t.key, t.payload, t.sha256) for t in tickets
        ]
        with self._lock:
            verdicts = self.ledger.receive(parcels, batch)
        self._end("TICKETS", till)
        return [
            StubVerdict(key, "refused" if status == "refused" else "stored", code, message)
            for key, status, code, message in verdicts
        ]

    def ticket_status(self, till: str, keys: Sequence[str], timeout: float) -> list[Any]:
        """What is known of each key."""
        self._begin("TICKETSTATUS", till, timeout)
        verdicts = []
        for key in keys:
            status, digest = self.ledger.status(key)
            verdicts.append(StubVerdict(key, status, sha256=digest))
        self._end("TICKETSTATUS", till)
        return verdicts

    def drop_connections(self) -> None:
        """There are none; the calls of this method are counted in ``dropped``."""
        self.dropped += 1

    def close(self) -> None:
        """Let the calls that wait for their latency go on at once."""
        self._closed.set()

    def _begin(self, action: str, till: str, timeout: float) -> None:
        with self._lock:
            self._calls[action] += 1
        if self.latency > 0:
            self._closed.wait(min(self.latency, timeout))
        if self.latency > timeout:
            raise self.late()
        if self.strike is not None:
            self.strike(action, till)

    def _end(self, action: str, till: str) -> None:
        if self.lost is not None:
            self.lost(action, till)
