"""The central server: workers, a queue, what calls cost it, and when it is not there.

It has the shape of the client's port (:class:`engine.server.port.Server`). A call stands still
until its answer comes or its time is over; what the till gave up, the server works on. Tickets
are judged and kept by the ledger that the lab's server has too.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from greenlet import getcurrent, greenlet

from engine.lab.ledger import Ledger, Parcel
from engine.server.port import (
    CallFailed,
    CallRejected,
    Message,
    Offer,
    Reason,
    TicketParcel,
    TicketVerdict,
)
from engine.tools.simulation.network import Lines
from engine.tools.simulation.record import Record
from engine.tools.simulation.scenario import USUAL, Action, Cost, Scenario, ServerWindow
from engine.tools.simulation.windows import Spells
from engine.tools.simulation.world import World

AT_ONCE = 0.002
"""Seconds after which a till knows that there is no way, and the work of an answer that is
none: an error, or that the server is full."""


class Costs:
    """What calls cost: seconds of a worker, and SQL statements."""

    def __init__(self, scenario: Scenario) -> None:
        self._costs: dict[str, tuple[float, float, int, int]] = {}
        for action, (work, each, sql, sql_each) in USUAL.items():
            cost: Cost = getattr(scenario.server.costs, action)
            self._costs[action] = (
                work if cost.work is None else cost.work,
                each if cost.work_per_ticket is None else cost.work_per_ticket,
                sql if cost.sql is None else cost.sql,
                sql_each if cost.sql_per_ticket is None else cost.sql_per_ticket,
            )

    def work(self, action: str, tickets: int) -> float:
        """Seconds."""
        work, each, _, _ = self._costs[action]
        return work + each * tickets

    def sql(self, action: str, tickets: int) -> int:
        """Statements."""
        _, _, sql, each = self._costs[action]
        return sql + each * tickets


class _Attempt:
    """A call on its way. ``over`` once its till does not wait any more."""

    __slots__ = ("action", "arrived", "over", "reply", "sent", "tickets", "till", "waiter", "way")

    def __init__(
        self, action: Action, till: str, tickets: int, way: float, reply: Callable[[], Any]
    ) -> None:
        self.waiter: greenlet = getcurrent()
        self.action = action
        self.till = till
        self.tickets = tickets
        self.way = way
        self.reply = reply
        self.sent = False
        self.over = False
        self.arrived = 0.0


class SimulatedServer:
    """One server for all tills."""

    tells_messages = True
    takes_acknowledgements = True
    tells_offers = True
    counts_tickets = False
    tells_configuration = False

    def __init__(self, scenario: Scenario, lines: Lines, world: World, record: Record) -> None:
        server = scenario.server
        self.deduplicates = server.deduplicates
        self.tells_ticket_status = server.tells_ticket_status
        self.tells_files = scenario.files is not None
        self.settle = server.settle
        self.spells: Spells[ServerWindow] = Spells(
            server.windows, world, scenario.begins, scenario.length, self._changed
        )
        self._server = server
        self._costs = Costs(scenario)
        self._lines = lines
        self._world = world
        self._record = record
        self._ledger = Ledger(server.deduplicates, None, world.clock.wall)
        self._queue: deque[_Attempt] = deque()
        self._working: set[_Attempt] = set()

    def ping(self, till: str, timeout: float) -> float:
        """See :class:`engine.server.port.Server`."""
        began = self._world.now
        self._call("ping", till, timeout, lambda: None)
        # To the millisecond: what differs by less is one step to the machines.
        return round(self._world.now - began, 3)

    def send_tickets(
        self, till: str, batch: str, tickets: Sequence[TicketParcel], timeout: float
    ) -> list[TicketVerdict]:
        """See :class:`engine.server.port.Server`."""
        parcels = [
            Parcel(each.key.partition("/")[0], till, each.number, each.key, *each[2:])
            for each in tickets
        ]
        found: list[TicketVerdict] = self._call(
            "send_tickets", till, timeout, lambda: self._store(till, parcels, batch), len(parcels)
        )
        return found

    def ticket_status(self, till: str, keys: Sequence[str], timeout: float) -> list[TicketVerdict]:
        """See :class:`engine.server.port.Server`."""

        def reply() -> list[TicketVerdict]:
            known = [(key, *self._ledger.status(key)) for key in keys]
            return [TicketVerdict(key, status, "", "", digest) for key, status, digest in known]

        told: list[TicketVerdict] = self._call("ticket_status", till, timeout, reply, len(keys))
        return told

    def poll_messages(self, till: str, reason: str, timeout: float) -> list[Message]:  # noqa: ARG002 - the port's shape
        """There are none."""
        told: list[Message] = self._call("poll_messages", till, timeout, list)
        return told

    def acknowledge_messages(self, till: str, ids: Sequence[str], timeout: float) -> list[str]:  # noqa: ARG002 - the port's shape
        """There was nothing to acknowledge."""
        return list(ids)

    def fetch_offers(self, till: str, customer: str, timeout: float) -> list[Offer]:  # noqa: ARG002 - the port's shape
        """There are none, and that is an answer."""
        told: list[Offer] = self._call("fetch_offers", till, timeout, list)
        return told

    def newest_files(
        self,
        till: str,
        versions: Mapping[str, int | None],  # noqa: ARG002 - the port's shape
        timeout: float,
    ) -> list[dict[str, Any]]:
        """Which files there are: the simulated load knows without being told."""
        told: list[dict[str, Any]] = self._call("load", till, timeout, list)
        return told

    def count_tickets(self, till: str, first: int, last: int, timeout: float) -> Any:  # noqa: ARG002 - the port's shape
        """No effect asks."""
        raise CallRejected("1", "Nothing is counted here.")

    def fetch_configuration(self, till: str, timeout: float) -> Any:  # noqa: ARG002 - the port's shape
        """No effect asks."""
        raise CallRejected("1", "There is no configuration here.")

    def drop_connections(self) -> None:
        """There are none."""

    def close(self) -> None:
        """Nothing to close."""

    def _store(self, till: str, parcels: Sequence[Parcel], batch: str) -> list[TicketVerdict]:
        now, verdicts = self._world.now, []
        for parcel, verdict in zip(parcels, self._ledger.receive(parcels, batch), strict=True):
            if verdict.status == "refused":
                verdicts.append(TicketVerdict(verdict.key, "refused", *verdict[2:]))
                continue
            known = verdict.status == "duplicate"
            self._record.stored(till, parcel.number, now, known=known)
            verdicts.append(TicketVerdict(verdict.key, "stored", "", ""))
        return verdicts

    def _call(
        self, action: Action, till: str, timeout: float, reply: Callable[[], Any], tickets: int = 0
    ) -> Any:
        """What the server answers; raises CallFailed, or what ``reply`` raises."""
        world, now = self._world, self._world.now
        line = self._lines.line(till)
        self._record.called(action, now)
        if line.down == "refused":
            world.wait(AT_ONCE)
            raise CallFailed(Reason.UNREACHABLE, "there is no way to the server")
        attempt = _Attempt(action, till, tickets, self._lines.way(till, line), reply)
        world.at(now + timeout, self._give_up, attempt)
        if line.down is None:
            attempt.sent = True
            if not self._lines.happens(till, line.loss):
                world.at(now + attempt.way / 2, self._arrive, attempt)
        answer = world.pause()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _give_up(self, attempt: _Attempt) -> None:
        if not attempt.over:
            attempt.over = True
            fault = CallFailed(Reason.TIMEOUT, "no answer came in time", reached=attempt.sent)
            attempt.waiter.switch(fault)

    def _down(self) -> str | None:
        return next((each.down for each in reversed(self.spells.now) if each.down), None)

    def _arrive(self, attempt: _Attempt) -> None:
        down, record, now = self._down(), self._record, self._world.now
        record.arrived(attempt.action, now)
        attempt.arrived = now
        if down == "refused":
            self._answer_with(attempt, CallFailed(Reason.UNREACHABLE, "nobody listens there"))
        elif down == "errors":
            self._answer_with(attempt, CallFailed(Reason.SERVER_ERROR, "HTTP 500", reached=True))
        elif down == "silent":
            pass
        elif self._server.workers is None or len(self._working) < self._server.workers:
            self._work(attempt)
        elif len(self._queue) < self._server.queue:
            self._queue.append(attempt)
            record.queued(len(self._queue), now)
        else:
            record.turned_away(now)
            wait = self._server.retry_after
            self._answer_with(attempt, CallFailed(Reason.SERVER_ERROR, "the server is full", wait))

    def _work(self, attempt: _Attempt) -> None:
        now = self._world.now
        self._working.add(attempt)
        sql = self._costs.sql(attempt.action, attempt.tickets)
        self._record.worked(sql, now, now - attempt.arrived, unheard=attempt.over)
        seconds = self._costs.work(attempt.action, attempt.tickets)
        for window in self.spells.now:
            seconds *= window.slower
        self._world.at(now + seconds, self._finish, attempt)

    def _finish(self, attempt: _Attempt) -> None:
        if attempt not in self._working:  # the server fell meanwhile
            return
        self._working.remove(attempt)
        if self._queue:
            self._work(self._queue.popleft())
        try:
            answer = attempt.reply()
        except CallRejected as refusal:
            answer = refusal
        line = self._lines.line(attempt.till)
        if not self._lines.happens(attempt.till, line.lost_answers):
            self._answer_with(attempt, answer)

    def _answer_with(self, attempt: _Attempt, answer: Any) -> None:
        if not attempt.over:
            self._world.at(self._world.now + attempt.way / 2, self._answered, attempt, answer)

    def _answered(self, attempt: _Attempt, answer: Any) -> None:
        if not attempt.over and self._lines.line(attempt.till).down is None:
            attempt.over = True
            attempt.waiter.switch(answer)

    def _changed(self, window: ServerWindow) -> None:
        """The server falls: what it was at is lost, and so is what waited. A process that ends
        takes its connections with it, one that hangs leaves its callers waiting."""
        if window.down not in ("refused", "silent"):
            return
        lost = [*sorted(self._working, key=lambda each: each.till), *self._queue]
        self._working.clear()
        self._queue.clear()
        if window.down == "refused":
            for attempt in lost:
                fault = CallFailed(Reason.UNREACHABLE, "the connection broke", reached=True)
                self._answer_with(attempt, fault)
