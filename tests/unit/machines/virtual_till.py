"""The shipped machine on one till in virtual time, with a scripted server behind its effects."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from engine.core.build import Chart, build
from engine.core.feed import begin, feed, timer_event
from engine.core.records import NO_DATA, Event, Run, Step
from engine.core.restore import pack, unpack
from engine.definition.machine import Definition, load_machine
from engine.definition.vocabulary import Value
from engine.effects.table import VOCABULARY

MACHINE = Path(__file__).parents[3] / "machines" / "connection.yaml"


class Reply(NamedTuple):
    """How an effect answers: ``ok``, ``rejected`` or ``failed.<reason>``, after how long."""

    name: str
    seconds: float = 0.05
    data: dict[str, Value] = {}  # noqa: RUF012 - nobody changes it


def failing(reason: str, seconds: float = 0.05, retry_after: float = 0.0) -> Reply:
    """An answer that is a failure."""
    data: dict[str, Value] = {"reason": reason, "message": "", "retry_after": retry_after}
    return Reply(f"failed.{reason}", seconds, data)


REFUSED = failing("unreachable")
REJECTED = Reply("rejected", 0.05, {"code": "7", "message": "no"})
GOOD = Reply("ok", 0.05, {"latency": 0.05})
SLOW = Reply("ok", 3.0, {"latency": 3.0})
LOADED: dict[str, Value] = {"kind": "full", "tables": 1, "rows": 1, "bytes": 1, "gap": False}
Server = Callable[[Run], Reply | None]
"""What comes of an effect that is started; None for the till's own good answer."""


@cache
def machine(**overrides: str | float) -> Definition:
    """The shipped machine with some parameters of till.yaml."""
    return load_machine(MACHINE, VOCABULARY, overrides)


@cache
def chart(**overrides: str | float) -> Chart:
    """Its chart."""
    return build(machine(**overrides))


def good(_run: Run) -> Reply | None:
    """A server that is there."""
    return None


class VirtualTill:
    """One till, its tickets and its server; ``server`` may be changed at any time.

    ``closed`` counts the tickets of this till, ``sent`` those that the server has. A call of
    ``send_tickets`` takes what has been closed when it starts, as the effect does.
    """

    def __init__(
        self,
        server: Server = good,
        till: str = "01",
        overrides: Mapping[str, str | float] | None = None,
    ) -> None:
        self.chart = chart(**(overrides or {}))
        self.server = server
        self.now = 0.0
        self.closed = self.sent = 0
        self.steps: list[Step] = []
        self.answers: dict[int, tuple[float, Event, int]] = {}
        self.till, step = begin(self.chart, till, 0.0)
        self._note(step)
        self.send("agent.started", pending=0)

    @property
    def state(self) -> str:
        """The innermost active state."""
        return self.till.configuration[-1]

    @property
    def waiting(self) -> bool:
        """Whether the machine thinks that tickets wait."""
        return bool(self.till.context["waiting"])

    def send(self, name: str, **data: Value) -> Step:
        """An event of the till program or of a person."""
        return self._feed(Event(name, data or NO_DATA))

    def close_ticket(self) -> Step:
        """The cashier ends a ticket, which is on disk before the machine hears of it."""
        self.closed += 1
        return self.send("ticket.closed", number=self.closed)

    def next_due(self) -> float:
        """When something happens next."""
        dues = [timer.due for timer in self.till.timers.values()]
        return min([*dues, *(at for at, _, _ in self.answers.values())], default=float("inf"))

    def wait(self, seconds: float) -> None:
        """Let time pass, with all that falls due on the way."""
        end = self.now + seconds
        while (due := self.next_due()) <= end:
            self.now = max(self.now, due)
            self.turn()
        self.now = end

    def wait_for(self, state: str, most: float = 86_400.0) -> float:
        """Let time pass until a state is entered; the seconds that it took."""
        began = self.now
        while self.state != state:
            self.now = max(self.now, self.next_due())
            assert self.now - began <= most, f"{state} was not entered in {most} s"
            self.turn()
        return self.now - began

    def turn(self) -> None:
        """Play the earliest thing that is due."""
        timers = [(timer.due, timer.key) for timer in self.till.timers.values()]
        answers = [(at, number) for number, (at, _, _) in self.answers.items()]
        if answers and (not timers or min(answers)[0] <= min(timers)[0]):
            _, event, took = self.answers.pop(min(answers)[1])
            if event.name == "load.ok" and "gap" not in event.data:
                event = event._replace(data={**LOADED, **event.data})
            if event.name == "send_tickets.ok":
                self.sent = max(self.sent, took)
                pending = self.closed - self.sent
                event = event._replace(data={"sent": took, "refused": 0, "pending": pending})
            self._feed(event)
        else:
            self._feed(timer_event(self.chart, min(timers)[1]))

    def restart(self, away: float = 1.0) -> None:
        """Kill the process and start it again: what was under way is never heard of again."""
        text = pack(self.till, self.now, 1e9 + self.now)
        self.answers.clear()
        wall = 1e9 + self.now + away
        self.now = 5.0  # the new process counts from somewhere else
        self.till, step = unpack(self.chart, self.till.id, text, self.now, wall)
        self._note(step)
        self.send("agent.started", pending=self.closed - self.sent)

    def started(self, effect: str, since: int = 0) -> list[tuple[float, Run]]:
        """When calls of an effect were made, from the step of this number on."""
        return [
            (step.at, run)
            for step in self.steps[since:]
            for run in step.started
            if run.effect == effect
        ]

    def _feed(self, event: Event) -> Step:
        return self._note(feed(self.chart, self.till, event, self.now))

    def _note(self, step: Step) -> Step:
        self.steps.append(step)
        for run in step.cancelled:
            self.answers.pop(run.number, None)
        for run in step.started:
            reply = self.server(run) or GOOD
            event = Event(f"{run.effect}.{reply.name}", reply.data, run=run.number)
            self.answers[run.number] = (self.now + reply.seconds, event, self.closed)
        return step


NO_LOST_LINK = [
    REJECTED,
    failing("unauthorized"),
    failing("local_error"),
    failing("server_error", retry_after=30.0),
]
"""Answers of a server that is there, or of a till that is itself at fault."""


def always(reply: Reply) -> Server:
    return lambda _run: reply


def hanging(run: Run) -> Reply:
    """A server that says nothing: the call ends with its own deadline."""
    return failing("timeout", float(run.arguments["timeout"]))


def pings(reply: Reply, tickets: Reply | None = None) -> Server:
    return lambda run: reply if run.effect == "ping" else tickets


def online(**overrides: str | float) -> VirtualTill:
    till = VirtualTill(overrides=overrides)
    till.wait_for("online")
    return till


def parameter(name: str, till: VirtualTill) -> float:
    return float(till.chart.definition.parameters[name])


def offline(till: VirtualTill) -> VirtualTill:
    till.server = always(REFUSED)
    till.wait_for("offline-cooldown")
    return till
