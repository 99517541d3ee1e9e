"""A till with a real store and a server that does as the test says; no thread, no real clock."""

from collections.abc import Callable, Sequence
from json import loads
from pathlib import Path
from threading import Event
from typing import Any, Protocol, TypeVar

from engine.agent.clock import VirtualClock
from engine.effects.call import Answer, Call, Patience
from engine.effects.table import perform
from engine.lab.stub import StubServer
from engine.server.port import CallFailed, CallRejected, Reason, TicketParcel, TicketVerdict
from engine.store import Backlog, Store

T = TypeVar("T")
TIMEOUT = 10.0
SETTLE = 120.0


class ScriptedServer(StubServer):
    """A stub server that notes what it is sent and answers the next calls as scripted.

    ``send`` and ``tell`` hold what comes instead of the honest answer to the next calls, once
    each: a function of the keys, which may raise.
    """

    def __init__(self, deduplicates: bool = True, tells_ticket_status: bool = True) -> None:
        super().__init__(0.0, deduplicates, tells_ticket_status, SETTLE)
        self.send: list[Callable[[list[str]], list[TicketVerdict]]] = []
        self.tell: list[Callable[[list[str]], list[TicketVerdict]]] = []
        self.batches: list[list[int]] = []
        self.ids: list[str] = []
        self.keys: list[str] = []
        self.questions: list[list[str]] = []
        self.on_send: Callable[[], None] = lambda: None

    def send_tickets(
        self, till: str, batch: str, tickets: Sequence[Any], timeout: float
    ) -> list[Any]:
        self.on_send()
        self.batches.append([ticket.number for ticket in tickets])
        self.keys = [ticket.key for ticket in tickets]
        self.ids.append(batch)
        assert all(isinstance(ticket, TicketParcel) for ticket in tickets)
        if self.send:
            return self.send.pop(0)(self.keys)
        return super().send_tickets(till, batch, tickets, timeout)

    def ticket_status(self, till: str, keys: Sequence[str], timeout: float) -> list[Any]:
        self.questions.append(list(keys))
        if self.tell:
            return self.tell.pop(0)(list(keys))
        return super().ticket_status(till, keys, timeout)


class Till:
    """One till: its store, its server, its clock, and what it did."""

    def __init__(self, path: Path, server: ScriptedServer) -> None:
        self.path = path
        self.store = Store.open(path)
        self.server = server
        self.clock = VirtualClock(at=1000.0, wall=50_000.0)
        self.patience = Patience()
        self.cancelled = Event()
        self.counted: list[Backlog] = []
        self.told: list[tuple[list[str], int]] = []
        self.fail_visits: dict[int, Exception] = {}
        self.visits = 0

    def call(self, work: Callable[[Store], T], timeout: float, *, write: bool = True) -> T:
        """The store, as :class:`engine.effects.call.Books` has it."""
        assert timeout > 0
        self.visits += 1
        if self.visits in self.fail_visits:
            raise self.fail_visits[self.visits]
        if not write:
            return work(self.store)
        with self.store.transaction():
            return work(self.store)

    def sell(self, *numbers: int) -> None:
        """Tickets that the till program hands over."""
        for number in numbers:
            assert self.store.tickets.accept("0042", "01", number, payload(number), 7.0) == "new"

    def run(self, effect: str = "send_tickets", **arguments: Any) -> Answer:
        """Perform an effect."""
        self.visits = 0
        call = Call(
            "0042",
            "01",
            {"timeout": TIMEOUT, **arguments},
            self.server,
            self,
            self.patience,
            self.cancelled,
            self.clock.wall,
            self.clock.monotonic,
            lambda _till, backlog: self.counted.append(backlog),
            lambda _till, new, unread: self.told.append(([each.id for each in new], unread)),
        )
        return perform(effect, call)

    def restart(self) -> None:
        """A kill and a new process: what was in memory is gone."""
        self.store.close()
        self.store = Store.open(self.path, create=False)
        self.patience = Patience()

    def backlog(self) -> Backlog:
        return self.store.tickets.backlog("01")

    def attempted(self) -> dict[int, float | None]:
        """The last attempt of each ticket that waits."""
        return {each.number: each.attempted_at for each in self.store.tickets.batch("01", 999)}

    def at_server(self) -> list[int]:
        return [ticket.number for ticket in self.server.tickets("01")]

    def journal(self, kind: str) -> list[dict[str, Any]]:
        rows = self.store._database.stream("journal_entries")
        return [loads(row[4]) for row in rows if row[3] == kind]


def payload(number: int) -> bytes:
    """Bytes that are no text, to see that nothing takes them for it."""
    return b"ticket \xff\x00 %d" % number


def key(number: int) -> str:
    return f"0042/01/{number}"


def says(**statuses: str) -> Callable[[list[str]], list[TicketVerdict]]:
    """An answer made by hand: ``n5="stored"`` for ticket 5."""

    def answer(_keys: list[str]) -> list[TicketVerdict]:
        return [
            TicketVerdict(key(int(name[1:])), status, "", "")  # type: ignore[arg-type]
            for name, status in statuses.items()
        ]

    return answer


def breaks(reason: Reason = Reason.TIMEOUT, **details: Any) -> Callable[[list[str]], Any]:
    """A call that fails."""

    def fail(_keys: list[str]) -> Any:
        raise CallFailed(reason, "the cable", **details)

    return fail


def rejects(_keys: list[str]) -> Any:
    """A call that the server refuses as a whole."""
    raise CallRejected("7", "not today")


class Make(Protocol):
    """Makes a till with a server of the kind asked for."""

    def __call__(self, deduplicates: bool = True, tells: bool = True) -> Till: ...
