"""Selling, sending, faults and kills in any order: all is delivered once, in order, unchanged."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.server.port import CallFailed, Reason
from tests.unit.effects.scripted import SETTLE, TIMEOUT, ScriptedServer, Till, payload

FAULTS = st.sampled_from(["never left", "lost before", "lost after", "late", "torn", "half named"])


class Killed(BaseException):
    """The process is gone at this very point."""


class Delivery(RuleBasedStateMachine):
    """A till, its server, and what the till program was told is kept."""

    deduplicates = True
    tells = True

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name) / "till.db"
        self.till = Till(path, ScriptedServer(self.deduplicates, self.tells))
        self.sold: list[int] = []
        self.late: list[tuple[Any, ...]] = []
        self.faults: list[str] = []
        self._honest = self.till.server.send_tickets
        self.till.server.send_tickets = self._send  # type: ignore[method-assign]

    def _send(self, till: str, batch: str, tickets: Any, timeout: float) -> list[Any]:
        """The server, with the fault that is drawn for this call."""
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "never left":
            raise CallFailed(Reason.UNREACHABLE, "no route", reached=False)
        if fault == "lost before":
            raise CallFailed(Reason.TIMEOUT, "lost", reached=True)
        if fault == "late":
            # The request is still at work when everybody has given it up.
            self.late.append((till, batch, tickets, self.till.clock.monotonic()))
            raise CallFailed(Reason.TIMEOUT, "late", reached=True)
        if fault == "killed before":
            raise Killed
        verdicts = self._honest(till, batch, tickets, timeout)
        if fault == "killed after":
            raise Killed
        if fault == "lost after":
            raise CallFailed(Reason.TIMEOUT, "lost", reached=True)
        if fault == "torn":
            return []
        return verdicts[::2] if fault == "half named" else verdicts

    @rule(count=st.integers(1, 5))
    def sell(self, count: int) -> None:
        """The till program hands tickets over and is told that they are kept."""
        for _ in range(count):
            number = len(self.sold) + 1
            self.till.sell(number)
            self.sold.append(number)

    @rule(
        faults=st.lists(st.one_of(st.just(""), FAULTS), max_size=3),
        batch=st.integers(1, 4),
        cancelled_after=st.none() | st.integers(0, 2),
    )
    def send(self, faults: list[str], batch: int, cancelled_after: int | None) -> None:
        """One run: batch follows batch until one meets a fault or nobody waits any more."""
        self.faults = list(faults)
        sent = len(self.till.server.batches)

        def cancel() -> None:
            if len(self.till.server.batches) - sent == cancelled_after:
                self.till.cancelled.set()

        self.till.server.on_send = cancel
        self.till.run(batch=batch)
        self.till.server.on_send = lambda: None
        self.till.cancelled.clear()
        self.faults = []

    @rule()
    def unanswered_question(self) -> None:
        """Asking for the status may fail too."""

        def fail(_keys: list[str]) -> Any:
            raise CallFailed(Reason.SERVER_ERROR, "no")

        self.till.server.tell = [fail]
        self.till.run()
        self.till.server.tell = []

    @rule(moment=st.sampled_from(["killed before", "killed after"]))
    def kill_in_a_call(self, moment: str) -> None:
        """The process dies while the server works; a new one opens the store."""
        self.faults = [moment]
        try:
            self.till.run()
        except Killed:
            self.till.restart()
        self.faults = []

    @rule()
    def kill(self) -> None:
        """The process dies between two calls."""
        self.till.restart()

    @rule(seconds=st.sampled_from([1.0, 60.0, TIMEOUT + SETTLE]))
    def wait(self, seconds: float) -> None:
        """Time passes, at most so long that what is late comes to its end."""
        now = self.till.clock.monotonic() + seconds
        for till, batch, tickets, since in self.late:
            if now - since >= SETTLE:
                self._honest(till, batch, tickets, TIMEOUT)
        self.late = [each for each in self.late if now - each[3] < SETTLE]
        self.till.clock.advance(seconds)

    @precondition(lambda self: self.late)
    @rule()
    def late_request_ends(self) -> None:
        """Any time before the server has settled."""
        till, batch, tickets, _ = self.late.pop(0)
        self._honest(till, batch, tickets, TIMEOUT)

    @invariant()
    def nothing_is_called_sent_that_the_server_has_not(self) -> None:
        """What waits and what is sent are all that was sold."""
        at_server = {ticket.number for ticket in self.till.server.tickets("01")}
        waiting = set(self.till.attempted())
        assert set(self.sold) - waiting <= at_server
        assert self.till.backlog().pending == len(waiting)

    def teardown(self) -> None:
        """In the end the server has everything: once, in order, byte for byte."""
        self.faults = []
        for _ in range(3 * len(self.sold) + 3):
            self.wait(TIMEOUT + SETTLE)
            if self.till.run().data.get("pending") == 0:
                break
        try:
            there = self.till.server.tickets("01")
            assert self.till.server.twice() == {}
            assert sorted(ticket.number for ticket in there) == self.sold
            self._in_order([ticket.number for ticket in there])
            assert all(ticket.payload == payload(ticket.number) for ticket in there)
            assert self.till.backlog()[:3] == (0, 0, len(self.sold))
            assert self.till.store.journal.verify().broken_at is None
        finally:
            self.till.store.close()
            self.directory.cleanup()

    def _in_order(self, numbers: list[int]) -> None:
        assert numbers == self.sold


class AskedDelivery(Delivery):
    """A server that stores twice what it is sent twice, and tells what it has."""

    deduplicates = False


class RepeatedDelivery(Delivery):
    """A server that recognises keys and cannot be asked."""

    tells = False


LIMITS = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
TestDelivery = Delivery.TestCase
TestAskedDelivery = AskedDelivery.TestCase
TestRepeatedDelivery = RepeatedDelivery.TestCase
TestDelivery.settings = TestAskedDelivery.settings = TestRepeatedDelivery.settings = LIMITS
