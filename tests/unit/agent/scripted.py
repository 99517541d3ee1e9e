"""What the tests of the agent's parts share: charts and a runner that only notes."""

from pathlib import Path

from engine.agent.clock import VirtualClock
from engine.core.build import Chart, build
from engine.core.records import Event, Run, Step
from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY

CONNECTION = Path(__file__).parents[3] / "machines" / "connection.yaml"

LINK = """
machine: link
about: The smallest link that has a pause, a probe, a ping and a sending.
parameters:
  patience: {default: 10s, min: 1s, max: 1h, about: How long a call may take.}
context:
  failures: {initial: 0, max: 9, about: Failures in a row.}
  waiting: {initial: false, about: Whether tickets may wait.}
initial: up
states:
  up:
    label: {en: Up, fr: Joignable}
    every:
      1min:
        - start: ping
          with: {timeout: patience}
      10s:
        - raise: tickets.due
    on:
      ticket.closed:
        actions: [{assign: {waiting: true}}]
      ticket.customer: {}
      tickets.due:
        guard: waiting
        target: sending
      sync.now: sending
      ping.ok: {}
      ping.failed: down
  sending:
    label: {en: Sending, fr: Envoi}
    invoke: {effect: send_tickets, with: {timeout: patience}}
    on:
      send_tickets.ok:
        target: up
        actions: [{assign: {waiting: false}}]
      send_tickets.rejected: up
      send_tickets.failed: down
  down:
    label: {en: Down, fr: Injoignable}
    offline: true
    after:
      5min:
        actions: [{start: ping, with: {timeout: patience}}]
    on:
      ping.ok: up
      ping.failed:
        target: down
        reenter: true
        actions: [{assign: {failures: failures + 1}}]
"""


def chart_of(text: str = LINK) -> Chart:
    """The chart of a machine that is written in the test."""
    return build(load_machine(read(text, "test.yaml"), VOCABULARY))


class NotingRunner:
    """Starts nothing; notes what was asked for."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Run]] = []
        self.cancelled: list[tuple[str, Run]] = []

    def start(self, till: str, run: Run) -> None:
        self.started.append((till, run))

    def cancel(self, till: str, run: Run) -> None:
        self.cancelled.append((till, run))


def answer(step: Step, name: str, **data: float | str) -> Event:
    """The event of an answer to the effect that ``step`` started."""
    (run,) = step.started
    return Event(f"{run.effect}.{name}", data, run=run.number)


def clock() -> VirtualClock:
    """A clock on an ordinary day."""
    return VirtualClock(at=1000.0, wall=1_800_000_000.0)
