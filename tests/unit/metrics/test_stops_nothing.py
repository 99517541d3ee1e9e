"""Metrics off, on, or raising at every call: the tills live the same outage to the last step."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from engine.agent.clock import VirtualClock
from engine.agent.rules import rules_of
from engine.agent.streaming import Streaming
from engine.agent.telling import Telling
from engine.agent.tills import Tills
from engine.agent.views import Views
from engine.agent.watching import Unwatched, Watch
from engine.core.facts import machine_facts
from engine.core.records import Event, Run, Step
from engine.store.tickets import Backlog
from metrics.exporter import Exporter
from metrics.listening import Guarded
from tests.unit.machines.virtual_till import GOOD, REFUSED, chart

WALL = 1_800_000_000.0
NAMES = ("01", "02", "03")
HOOKS = [name for name in vars(Watch) if not name.startswith("_") and name != "chunks"]
LOST_AT, BACK_AT, END = 60.0, 1_200.0, 3_600.0

Lived = list[tuple[float, str, str, tuple[str, ...], list[Any], dict[str, Any]]]


class Shop:
    """Three tills in virtual time, with the agent's own telling between them and who counts."""

    def __init__(self, watch: Watch) -> None:
        self.clock = VirtualClock(0.0, WALL)
        self.lived: Lived = []
        self.answers: dict[tuple[str, int], tuple[float, Event]] = {}
        self.closed = dict.fromkeys(NAMES, 0)
        self.sent = dict.fromkeys(NAMES, 0)
        stream = Streaming(Views(chart(), self.clock, "0042"), self.clock)
        self.telling = Telling(watch, stream, self.clock, rules_of(chart()))
        self.tills = Tills(
            chart(),
            self.clock,
            self,
            (self.telling.observe, self._note),
            failed=self.telling.step_failed,
        )

    def start(self, till: str, run: Run) -> None:
        """An effect begins; its answer comes after a moment."""
        reply = REFUSED if LOST_AT <= self.clock.monotonic() < BACK_AT else GOOD
        data = dict(reply.data)
        if run.effect == "send_tickets" and reply is GOOD:
            self.sent[till] = self.closed[till]
            data = {"sent": 1, "refused": 0, "pending": 0}
        event = Event(f"{run.effect}.{reply.name}", data, run=run.number)
        self.answers[till, run.number] = (self.clock.monotonic() + reply.seconds, event)

    def cancel(self, till: str, run: Run) -> None:
        """Nobody waits for it."""
        self.answers.pop((till, run.number), None)

    def live(self) -> None:
        """An hour in which the server is away for nineteen minutes; a ticket each 25 seconds."""
        for name in NAMES:
            self.tills.add(name)
            self.telling.at(self.tills[name])
            self.tills.deliver(name, Event("agent.started", {"pending": 0}))
        self.telling.follow(rules_of(chart()))
        selling = 25.0
        while self.clock.monotonic() < END:
            due = min(self.tills.next_due() or END, selling, *self._answers_due(), END)
            self.clock.jump(max(due, self.clock.monotonic()))
            self.tills.advance()
            self._answer()
            if selling <= self.clock.monotonic():
                selling += 25.0
                for name in NAMES:
                    self._sell(name)

    def _sell(self, name: str) -> None:
        self.closed[name] += 1
        waiting = self.closed[name] - self.sent[name]
        self.telling.counted(name, Backlog(waiting, 0, self.sent[name], WALL, 1, 0))
        self.tills.deliver(name, Event("ticket.closed", {"number": self.closed[name]}))
        self.telling.read(name, 0)
        self.telling.abandoned("a ping")

    def _answers_due(self) -> list[float]:
        return [at for at, _ in self.answers.values()]

    def _answer(self) -> None:
        now = self.clock.monotonic()
        for key in [key for key, (at, _) in self.answers.items() if at <= now]:
            _, event = self.answers.pop(key)
            effect, _, outcome = event.name.partition(".")
            self.telling.ended(effect, outcome, 0.05)
            self.tills.deliver(key[0], event)

    def _note(self, step: Step, _: object) -> None:
        taken = [tuple(each) for each in step.taken]
        told = (step.at, step.till, step.event.name, step.configuration, taken, step.changed)
        self.lived.append(told)


def exporter() -> Exporter:
    return Exporter("1", machine_facts(chart().definition), lambda: WALL)


def break_hooks(watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call of it raises."""

    def fail(name: str, *_: object) -> None:
        raise MemoryError(f"nothing left for {name}")

    for name in HOOKS:
        monkeypatch.setattr(watch, name, partial(fail, name))


def counting(_: pytest.MonkeyPatch) -> Watch:
    return Guarded(exporter(), lambda: 0.0)


def raising(monkeypatch: pytest.MonkeyPatch) -> Watch:
    inner = exporter()
    break_hooks(inner, monkeypatch)
    return Guarded(inner, lambda: 0.0)


def unguarded(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Unwatched()
    break_hooks(watch, monkeypatch)
    return watch


def failures(watch: Watch) -> int:
    """What a scrape says of it."""
    lines = b"".join(watch.chunks("")[0]).decode().splitlines()
    (value,) = [line for line in lines if line.startswith("tillwire_listener_failures_total ")]
    return int(float(value.split()[1]))


@pytest.fixture(scope="module")
def unwatched() -> Shop:
    """How the hour is with nobody counting."""
    shop = Shop(Unwatched())
    shop.live()
    return shop


@pytest.mark.parametrize("watching", [counting, raising, unguarded])
def test_who_counts_changes_no_step_and_loses_no_ticket(
    unwatched: Shop,
    watching: Callable[[pytest.MonkeyPatch], Watch],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each step at the same moment, with the same transitions and variables; all tickets sent."""
    watch = watching(monkeypatch)
    shop = Shop(watch)
    shop.live()
    assert shop.lived == unwatched.lived
    assert shop.sent == unwatched.sent
    states = {states[-1] for _, _, _, states, _, _ in shop.lived}
    assert {"online", "syncing", "offline-cooldown"} <= states
    assert all(shop.closed[name] - shop.sent[name] <= 1 for name in NAMES)
    if watching is not unguarded:
        assert (failures(watch) > len(shop.lived)) == (watching is raising)


def test_every_call_that_fails_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the agent may tell; the next scrape says how often it failed."""
    watch = raising(monkeypatch)
    arguments: dict[str, Any] = {
        "add_till": ("01", (), {}),
        "observe": (None, 0.0),
        "machine": (None,),
    }
    for count, name in enumerate(HOOKS, 1):
        call = getattr(watch, name)
        call(*arguments.get(name, [0] * call.__code__.co_argcount)[: call.__code__.co_argcount - 1])
        assert failures(watch) == count, name
