"""Tills that do at random, in virtual time, what tills may do; and machines made at random.

Nothing of the exploration is used here but the way in which it names where a till is.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from engine.core.build import Chart
from engine.core.feed import begin, feed, timer_event
from engine.core.records import Event, Till
from engine.core.restore import pack, unpack
from engine.definition.vocabulary import Field, Value

WALL = 1_790_000_000.0
STARTED = "agent.started"
Look = Callable[[Till, bool], None]
"""Called with a till after each step, and whether the agent has just started."""


class Wanderer:
    """One till on its way; ``look`` is shown each place that it comes to."""

    def __init__(self, chart: Chart, seed: int, look: Look) -> None:
        self.chart = chart
        self.random = Random(seed)
        self.look = look
        self.now = 0.0
        definition = chart.definition
        own = {name: definition.events[name] for name in definition.model.events}
        self.events = {**definition.vocabulary.events, **own}
        self.starts = self.events.pop(STARTED, None)
        self.till, _ = begin(chart, f"{seed}", 0.0)
        self.start()

    def start(self) -> None:
        """The agent has started: first of all it says so."""
        self.look(self.till, True)
        if self.starts is not None:
            self.feed(Event(STARTED, self.data(self.starts)))

    def feed(self, event: Event) -> None:
        feed(self.chart, self.till, event, self.now)
        self.look(self.till, False)

    def data(self, fields: Any) -> dict[str, Value]:
        """Something for most fields."""
        return {
            name: self.value(field) for name, field in fields.items() if self.random.random() < 0.9
        }

    def value(self, field: Field) -> Value:
        some: dict[str, list[Value]] = {
            "integer": [0, 1, 2, 3, 7, 50],
            "number": [0.0, 0.5, 30.0],
            "duration": [0.0, 0.1, 3.0, 70.0],
            "boolean": [False, True],
            "text": ["", "a", "b", "c"],
        }
        return self.random.choice(field.choices or some[field.type])

    def wander(self, steps: int) -> None:
        """Do so many things."""
        for _ in range(steps):
            self.random.choices(
                [self.restart, self.answer, self.timeout, self.wait, self.event],
                [1, 8, 8, 2, 8],
            )[0]()

    def restart(self) -> None:
        text = pack(self.till, self.now, WALL + self.now)
        away = self.random.choice([0.0, 1.0, 100.0, 5000.0])
        wall = WALL + self.now + away
        self.now = 5.0
        self.till, _ = unpack(self.chart, self.till.id, text, self.now, wall)
        self.start()

    def answer(self) -> None:
        if self.till.running:
            run = self.random.choice(list(self.till.running.values()))
            answers = self.chart.definition.vocabulary.effects[run.effect].answers()
            name, fields = self.random.choice(list(answers.items()))
            data = self.data(fields)
            if "reason" in fields:
                data["reason"] = name.rpartition(".")[2]
            self.feed(Event(name, data, run=run.number))

    def timeout(self) -> None:
        if self.till.timers:
            first = min(self.till.timers.values(), key=lambda timer: timer.due)
            self.now = max(self.now, first.due)
            self.feed(timer_event(self.chart, first.key))

    def wait(self) -> None:
        """Part of the time until something is due."""
        due = min((timer.due for timer in self.till.timers.values()), default=self.now)
        self.now += max(0.0, due - self.now) * self.random.random()

    def event(self) -> None:
        if self.events:
            name, fields = self.random.choice(list(self.events.items()))
            self.feed(Event(name, self.data(fields)))


def machine(seed: int) -> dict[str, Any]:
    """A machine of two or three states, perhaps beside another region, with calls and delays."""
    random = Random(seed)
    names = [f"s{number}" for number in range(random.randint(2, 3))]
    states = {name: _state(random, names) for name in names}
    made: dict[str, Any] = {
        "machine": "random",
        "events": {"go": {"data": {"n": "integer"}}, "far": {"data": {"n": "integer"}}},
        "context": {
            "count": {"initial": random.choice([0, 3]), "max": 4},
            "flag": {"initial": False},
        },
        "states": states,
        "on": {"far": list(_transitions(random, names, "far"))[:1]},
    }
    if random.random() < 0.3:
        others = ["t0", "t1"]
        inside = {name: _state(random, others) for name in others}
        made["parallel"] = True
        made["states"] = {"left": {"states": states}, "right": {"states": inside}}
        made["on"] = {}
    return made


def _state(random: Random, names: list[str]) -> dict[str, Any]:
    state: dict[str, Any] = {
        "entry": list(_actions(random, "")),
        "exit": list(_actions(random, "")) if random.random() < 0.3 else [],
        "on": {
            event: list(_transitions(random, names, event))
            for event in ("go", "ask.ok", "ask.failed", "ask.failed.timeout", "tell", "sign")
            if random.random() < 0.5
        },
        "after": [
            {"delay": delay, "on_restart": _way(random), **part}
            for delay in ("1s", "2s", "4s")
            if random.random() < 0.3
            for part in _transitions(random, names, "")
        ],
        "every": [
            {"delay": delay, "on_restart": _way(random), "actions": list(_actions(random, ""))}
            for delay in ("3s", "7s")
            if random.random() < 0.3
        ],
    }
    if random.random() < 0.3:
        state["invoke"] = random.choice(["ask", "tell", {"effect": "ask", "with": {"what": 1}}])
    return state


def _way(random: Random) -> str:
    return random.choice(["resume", "restart", "expire"])


def _transitions(random: Random, names: list[str], event: str) -> Iterator[dict[str, Any]]:
    for _ in range(random.randint(1, 2)):
        part: dict[str, Any] = {"actions": list(_actions(random, event))}
        if random.random() < 0.7:
            part["target"] = random.choice(names)
            part["reenter"] = random.random() < 0.5
        if random.random() < 0.5:
            part["guard"] = random.choice(_guards(event))
        yield part


def _guards(event: str) -> list[str]:
    own = ["count >= 2", "count + 1 >= 4 or flag", "not flag", "count % 3 == 0"]
    read = ["event.n > 2", "event.n + count > 5", "event.n % 2 == 0 and flag", "event.n == 3"]
    return own + read if event in ("go", "far", "ask.ok", "sign") else own


def _actions(random: Random, event: str) -> Iterator[dict[str, Any]]:
    plain: list[dict[str, Any]] = [
        {"assign": {"count": "count + 1"}},
        {"assign": {"count": 0, "flag": "count > 1"}},
        {"assign": {"flag": "not flag"}},
        {"start": "ask"},
        {"start": "ask", "with": {"what": "count"}},
        {"start": "tell"},
        {"cancel": "ask"},
    ]
    if event in ("go", "far", "ask.ok", "sign"):
        plain += [
            {"assign": {"count": "event.n + 1"}},
            {"start": "ask", "with": {"what": "event.n"}},
        ]
    for _ in range(random.choice([0, 0, 1, 1, 2])):
        yield random.choice(plain)
