"""A central server without a network: what an effect calls, answered in the same process.

For tests of effects and for benchmarks with thousands of tills. It has the shape of the client's
port and imports nothing of it; tickets are judged and kept by the same ledger as the lab's.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from engine.lab.answers import PROGRAMS
from engine.lab.ledger import Held, Ledger, Parcel, StoredTicket
from engine.lab.notices import Notices


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


class StubMessage(NamedTuple):
    """A message: the fields of the port's own, in its order."""

    id: str
    at: str
    level: str
    title: str
    text: str


class StubOffer(NamedTuple):
    """An offer: the fields of the port's own, in its order."""

    id: str
    customer: str
    title: str
    text: str
    starts: str
    ends: str
    data: str


class StubRefusal(Exception):  # noqa: N818 - a refusal is an answer
    """A business refusal, where no other exception was given for it."""


class StubServer:
    """Answers the port's calls after ``latency`` seconds.

    Verdicts are StubVerdicts (messages StubMessages, and so on), typed as anything so that the
    stub fits where the port is asked for without importing it. What it tells is put in
    ``notices``; ``rejected(code, message)`` makes what is raised for an unknown customer.

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
        rejected: Callable[[str, str], Exception] = StubRefusal,
    ) -> None:
        self.latency = latency
        self.deduplicates = deduplicates
        self.tells_ticket_status = tells_ticket_status
        self.settle = settle
        self.strike = strike
        self.lost = lost
        self.late = late
        self.rejected = rejected
        self.tells_messages = True
        self.takes_acknowledgements = True
        self.tells_offers = True
        self.counts_tickets = True
        self.tells_configuration = False
        self.tells_files = False
        self.exports: list[dict[str, Any]] = []
        self.notices = Notices()
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

    def poll_messages(self, till: str, reason: str, timeout: float) -> list[Any]:  # noqa: ARG002 - the port's shape
        """What this till has not acknowledged."""
        self._begin("MESSAGES", till, timeout)
        rows = self.notices.messages(till)
        self._end("MESSAGES", till)
        return [StubMessage(**row) for row in rows]

    def acknowledge_messages(self, till: str, ids: Sequence[str], timeout: float) -> list[str]:
        """Take note of all of them."""
        self._begin("MESSAGESACK", till, timeout)
        told = self.notices.acknowledge(till, ids)
        self._end("MESSAGESACK", till)
        return told

    def fetch_offers(self, till: str, customer: str, timeout: float) -> list[Any]:
        """The general offers and that customer's."""
        self._begin("OFFERS", till, timeout)
        rows = self.notices.offers(customer)
        self._end("OFFERS", till)
        if rows is None:
            raise self.rejected("1", "This customer is not known.")
        return [
            StubOffer(
                row["id"],
                row["customer"],
                row["title"],
                row["text"],
                row["from"],
                row["until"],
                json.dumps(row["data"], separators=(",", ":")),
            )
            for row in rows
        ]

    def count_tickets(self, till: str, first: int, last: int, timeout: float) -> Any:
        """What is stored of these numbers."""
        self._begin("TICKETCOUNT", till, timeout)
        held: Held = self.ledger.held(till, first, last)
        self._end("TICKETCOUNT", till)
        return held

    def fetch_configuration(self, till: str, timeout: float) -> Any:
        """There is none: the till's own command asks for it, and no effect."""
        self._begin("CONFIG", till, timeout)
        raise self.rejected("1", "There is no configuration here.")

    def newest_files(
        self,
        till: str,
        versions: Mapping[str, int | None],
        timeout: float,
    ) -> list[dict[str, Any]]:
        """Those of ``exports`` that are about the tables asked for."""
        self._begin("TABLES", till, timeout)
        told = [row for row in self.exports if row["dataset"] in versions]
        self._end("TABLES", till)
        return told

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
