"""A server that hangs: how long anybody waits for offers and for an event's answer meanwhile.

    python -m tests.faults.asking --calls 10000 --wait 60

A real agent, in a process of its own, has asked for the offers of some customers; then the
server says nothing any more. From the first call that fails on, offers are asked for and events
are posted, one after the other, until ``--calls`` of each were made; the server must see no
call for messages or offers. Then it answers again, and when the wait is over one ping has to
come, and after it one call for messages. Prints one JSON object; exit code 0 when all of it is
so and 99 in 100 answers came within 10 ms, else 1.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from engine.lab import Lab, LabThread
from tests.acceptance.agent_process import (
    PATIENCE,
    QUICK,
    AgentProcess,
    log_faults,
    server_lines,
    wait_until,
)

BOUND = 0.010
"""Seconds within which 99 of 100 answers come."""

KNOWN = tuple(f"C-{number}" for number in range(10))
"""Customers whose offers the till was told of."""

STRANGE = tuple(f"S-{number}" for number in range(10))
"""Customers whom it never heard of."""

EVENTS = ("ticket.started", "ticket.customer", "till.opened", "till.closed", "till.day_closed")
ASKED = ("MESSAGES", "OFFERS")


def ranked(seconds: list[float]) -> dict[str, float]:
    """Milliseconds: the middle, 99 of 100, the worst; how many there were."""
    ordered = sorted(seconds)
    return {
        "calls": len(ordered),
        "p50_ms": round(1000 * ordered[len(ordered) // 2], 2),
        "p99_ms": round(1000 * ordered[int(0.99 * (len(ordered) - 1))], 2),
        "max_ms": round(1000 * ordered[-1], 2),
    }


class Counter:
    """A till program that keeps one connection and looks at the clock."""

    def __init__(self, agent: AgentProcess) -> None:
        self._agent = agent
        self._connection = HTTPConnection("127.0.0.1", agent.port, timeout=PATIENCE)

    def offers(self, customer: str, within: str) -> tuple[dict[str, Any], float]:
        """The offers of a customer, and the seconds until they were there."""
        return self._ask("GET", f"/v1/tills/01/offers?customer={customer}&within={within}", None)

    def event(self, name: str, customer: str) -> float:
        """The seconds until an event was answered."""
        data = {"customer": customer} if name == "ticket.customer" else {}
        _, took = self._ask("POST", "/v1/tills/01/events", {"event": name, "data": data})
        return took

    def _ask(self, method: str, path: str, body: object) -> tuple[dict[str, Any], float]:
        headers = {"Authorization": f"Bearer {self._agent.token}"} if body else {}
        sent = json.dumps(body).encode() if body else None
        began = time.perf_counter()
        self._connection.request(method, path, sent, headers)
        answer = self._connection.getresponse()
        read = answer.read()
        took = time.perf_counter() - began
        assert answer.status == 200, (path, answer.status, read)
        told: dict[str, Any] = json.loads(read)
        return told, took


class Trial:
    """One outage."""

    def __init__(self, folder: Path, calls: int, wait: float) -> None:
        self._calls = calls
        self.lab = LabThread(Lab(storage=folder / "lab"))
        self._folder = folder
        self._wait = wait
        self._faults: list[str] = []

    def run(self) -> dict[str, Any]:
        """Everything, and what came of it."""
        with self.lab:
            self._fill()
            wait = f"{1000 * self._wait:.0f}ms"
            parameters = {**QUICK, "message_retry_wait": wait, "message_retry_wait_max": wait}
            lines = server_lines(self.lab, "soap", "1s")
            agent = AgentProcess(self._folder / "agent", lines, parameters=parameters)
            try:
                agent.start()
                agent.wait_for_state("online")
                return self._outage(agent)
            finally:
                agent.end()

    def _fill(self) -> None:
        notices = self.lab.lab.notices
        notices.put_offers([{"id": f"g-{n}", "title": f"offer {n}"} for n in range(20)])
        for customer in KNOWN:
            notices.put_offers([{"id": f"o-{customer}"}], customer)

    def _outage(self, agent: AgentProcess) -> dict[str, Any]:
        counter = Counter(agent)
        for customer in KNOWN:
            view, _ = counter.offers(customer, "5s")
            self._expect(view["fresh"], f"fresh offers of {customer}: {view['reason']}")
        agent.wait_for_state("online")
        self.lab.turn("hang")
        first, took = counter.offers(KNOWN[0], "5s")
        self._expect(not first["fresh"], "offers that are not fresh when the server hangs")
        self._expect(len(first["offers"]) == 21, "the offers as they were kept")
        agent.wait_for_state("offline-cooldown")
        before, number = self._asked(), agent.history(limit=1)[-1]["number"]
        offers, events = self._sell(agent, counter)
        during = {name: now - before[name] for name, now in self._asked().items()}
        self.lab.clear()
        agent.wait_for_state("online", seconds=self._wait * 1.5 + PATIENCE)
        wait_until(lambda: self._asked()["MESSAGES"] > before["MESSAGES"], "messages are asked for")
        after = {name: now - before[name] for name, now in self._asked().items()}
        started = [
            effect
            for step in agent.history(limit=1000)
            if step["number"] > number
            for effect in step["detail"].get("started", ())
        ]
        self._expect(during == dict.fromkeys(ASKED, 0), f"silence in cooldown: {during}")
        self._expect(after == {"MESSAGES": 1, "OFFERS": 0}, f"one call after it: {after}")
        probes = [effect for effect in started if effect == "ping"]
        self._expect(started[: len(probes)] == probes, f"first pings, then more: {started}")
        self._faults += log_faults(agent)
        return self._verdict(ranked(offers), ranked(events), took, during, after)

    def _sell(self, agent: AgentProcess, counter: Counter) -> tuple[list[float], list[float]]:
        """Ask and post as often as was asked for; a ticket now and then, so that the disk has
        something to do."""
        offers, events = [], []
        customers = (*KNOWN, *STRANGE)
        for number in range(self._calls):
            customer = customers[number % len(customers)]
            view, took = counter.offers(customer, "1500ms")
            offers.append(took)
            wanted = (False, "offline", 21 if customer in KNOWN else 20)
            found = (view["fresh"], view["reason"], len(view["offers"]))
            self._expect(found == wanted, f"offers of {customer}: {found}, not {wanted}")
            events.append(counter.event(EVENTS[number % len(EVENTS)], customer))
            if number % 50 == 0:
                self._expect(agent.post_ticket(number + 1, b"x" * 1500)[0] == 201, "a ticket")
        return offers, events

    def _asked(self) -> dict[str, int]:
        return {name: self.lab.lab.calls[name] for name in ASKED}

    def _expect(self, holds: bool, what: str) -> None:
        if not holds and len(self._faults) < 20:
            self._faults.append(what)

    def _verdict(
        self,
        offers: dict[str, float],
        events: dict[str, float],
        first: float,
        during: dict[str, int],
        after: dict[str, int],
    ) -> dict[str, Any]:
        quick = max(offers["p99_ms"], events["p99_ms"]) <= 1000 * BOUND
        return {
            "offers": offers,
            "events": events,
            "first_failure_seconds": round(first, 3),
            "calls_in_cooldown": during,
            "calls_after_it": after,
            "faults": self._faults,
            "right": not self._faults,
            "quick": quick,
        }


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Ask while the server hangs.")
    parser.add_argument("--calls", type=int, default=10_000, help="of each kind")
    parser.add_argument("--wait", type=float, default=60.0, help="seconds of cooldown")
    asked = parser.parse_args()
    # Whoever ends this program by a signal leaves no agent behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="tillwire-asking-") as folder:
        verdict = Trial(Path(folder), asked.calls, asked.wait).run()
    print(json.dumps(verdict, indent=1))
    return 0 if verdict["right"] and verdict["quick"] else 1


if __name__ == "__main__":
    sys.exit(main())
