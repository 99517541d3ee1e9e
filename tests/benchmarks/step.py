"""What a step costs beside a bare ``send`` on the same machine definition.

Both drive python-statemachine through the same round of events of the shipped connection
machine, with the same guards. The bare one has no actions, timers, effects, records or tills.
Rounds alternate, so that what else the machine does falls on both alike; the ratio is taken of
the best rounds.
"""

from pathlib import Path
from time import perf_counter
from typing import Any

from statemachine.engines.sync import SyncEngine

from engine.core.build import Chart, _Assembly
from engine.core.feed import begin, feed
from engine.core.records import Event
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY

MACHINE = Path(__file__).parents[2] / "machines" / "connection.yaml"
EVENTS = [
    Event("ping.ok", {"latency": 0.05}),
    Event("ticket.closed", {"number": 1}),
    Event("send_tickets.ok", {"sent": 1, "refused": 0, "pending": 0}),
    Event("ping.ok", {"latency": 0.05}),
    Event("ping.failed.timeout", {"reason": "timeout", "message": "", "retry_after": 0.0}),
    Event("ping.ok", {"latency": 0.05}),
    Event("ping.ok", {"latency": 0.05}),
]
ROUNDS, TIMES = 40, 100


class _Now:
    """What the bare machine's guards read: a context that nobody changes, the event at hand."""

    context: dict[str, Any]
    event = EVENTS[0]


class _Bare(_Assembly):
    """The same definition without anything that tillwire does."""

    def __init__(self, chart: Chart, now: _Now) -> None:
        super().__init__(chart, chart.definition)
        self._now = now

    @staticmethod
    def engine(machine: Any) -> SyncEngine:
        """The library's own."""
        return SyncEngine(machine)

    def _state(self, name: str, state: Any, initial: bool) -> dict[str, Any]:
        built = super()._state(name, state, initial)
        return {key: part for key, part in built.items() if key not in ("enter", "exit")}

    def _transition(self, *arguments: Any) -> dict[str, Any]:
        built = super()._transition(*arguments)
        del built["on"]
        return built

    def _guard(self, _name: str, _label: str, part: Any, descriptor: str | None) -> Any:
        expression = self._definition.expression(part.guard, descriptor)
        now = self._now
        return lambda: bool(expression(now.context, now.event))


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    definition = load_machine(MACHINE, VOCABULARY)
    chart = Chart(definition)
    till, _ = begin(chart, "01", 0.0)
    now = _Now()
    now.context = {**chart.initial_context, "successes": 1, "waiting": False}
    bare = _Bare(Chart(definition), now).machine()
    bare.send("begin")
    names = [chart.id_of(event.name) for event in EVENTS]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        started = perf_counter()
        for _ in range(TIMES):
            for event, name in zip(EVENTS, names, strict=True):
                now.event = event
                bare.send(name)
        theirs.append(perf_counter() - started)
        started = perf_counter()
        for _ in range(TIMES):
            for event in EVENTS:
                feed(chart, till, event, 0.0)
        ours.append(perf_counter() - started)
    steps = TIMES * len(EVENTS)
    return [
        {"name": "bare send", "value": min(theirs) / steps * 1e6, "unit": "us", "must": ""},
        {"name": "step", "value": min(ours) / steps * 1e6, "unit": "us", "must": ""},
        {
            "name": "step / bare send",
            "value": min(ours) / min(theirs),
            "unit": "",
            "must": "<= 1.3",
        },
    ]


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:20} {row['value']:10.2f} {row['unit']:4} {row['must']}")
