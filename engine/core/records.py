"""What goes into the core and what comes out: a till, an event, a step.

These are plain records with no behaviour of their own and no clock. Times are seconds on
whatever scale the caller counts (monotonic in the agent, virtual in tools); durations are
seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from engine.definition.vocabulary import Value

NO_DATA: Mapping[str, Value] = MappingProxyType({})


class Event(NamedTuple):
    """Something that happened to a till.

    ``timer`` is the key of the timer that ran out, ``run`` the number of the effect run that
    answers; both make the core drop the event when it comes too late.
    """

    name: str
    data: Mapping[str, Value] = NO_DATA
    timer: str | None = None
    run: int | None = None


class Timer(NamedTuple):
    """A delay that is running. ``due`` and ``start`` are times, ``length`` is in seconds."""

    key: str
    due: float
    start: float
    length: float

    def starting(self, now: float) -> "Timer":
        """The same delay, counted from ``now``."""
        return Timer(self.key, now + self.length, now, self.length)


class Run(NamedTuple):
    """An effect that was started and has not answered. ``state`` is set when it is invoked."""

    number: int
    effect: str
    arguments: Mapping[str, Value]
    state: str | None


@dataclass(slots=True)
class Till:
    """Where one till is. Only ``feed`` and its siblings in the core change it.

    ``configuration`` holds the ids of all active states, outermost first in document order;
    ``entered`` the time at which each was entered; ``remembered`` what history states go back
    to. ``draws`` counts the random numbers taken, so that jitter can be repeated.
    """

    id: str
    configuration: tuple[str, ...] = ()
    context: dict[str, Value] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    running: dict[int, Run] = field(default_factory=dict)
    entered: dict[str, float] = field(default_factory=dict)
    remembered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    runs: int = 0
    draws: int = 0

    def calls(self, effect: str) -> list[Run]:
        """The runs of one effect. The core asks for runs by this and by ``dropping`` alone: an
        exploration notes what a step depends on."""
        return [run for run in self.running.values() if run.effect == effect]

    def dropping(self, effect: str) -> list[Run]:
        """The runs of one effect, all of which are about to be dropped."""
        return [run for run in self.running.values() if run.effect == effect]


class Taken(NamedTuple):
    """A transition that was taken.

    ``event`` is the descriptor as the file has it (``ping.failed``, ``after ping_timeout``,
    ``always``): a bounded set, fit for a metric's label. ``source`` and ``target`` are the
    innermost states left and entered where there is exactly one, else the states that the
    file names; a transition without target has the same state twice and ``stays``.
    """

    event: str
    source: str
    target: str
    stays: bool = False


class Refusal(NamedTuple):
    """A transition that the event asked for and whose guard did not hold.

    ``seen`` are the values that the guard had to go by, by the names that it has for them:
    parameters, variables, ``event.latency``. Durations are seconds. Of what is looked at after
    every event, whatever it is, no values are told: they would be the same again and again.
    """

    state: str
    event: str
    guard: str
    seen: tuple[tuple[str, Value], ...] = ()

    def kept(self) -> list[object]:
        """As a history keeps it: ten thousand tills write it, so nothing that is empty."""
        return [*self[:3], *([dict(self.seen)] if self.seen else [])]

    def told(self, event: Event) -> dict[str, object]:
        """As data for whoever watches; ``event`` is the step's. What a till program posted is
        none of theirs."""
        told = [pair for pair in self.seen if event.run is not None or not _carried(pair[0])]
        return {"state": self.state, "event": self.event, "guard": self.guard, "seen": dict(told)}


def _carried(name: str) -> bool:
    return name.startswith("event.") and name != "event.name"


@dataclass(slots=True)
class Step:
    """All that one event did to one till.

    ``handled`` is false when no transition was even asked for (``refused`` is then empty).
    ``late`` says that the event's timer or effect run was already gone: nothing happened.
    ``joined`` names effects not started because the same call is still running. ``changed``
    holds the context variables with their value before and after.
    """

    till: str
    event: Event
    at: float
    taken: list[Taken] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    exited: list[str] = field(default_factory=list)
    entered: list[str] = field(default_factory=list)
    started: list[Run] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    cancelled: list[Run] = field(default_factory=list)
    timers_started: list[Timer] = field(default_factory=list)
    timers_stopped: list[str] = field(default_factory=list)
    changed: dict[str, tuple[Value, Value]] = field(default_factory=dict)
    raised: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    configuration: tuple[str, ...] = ()
    handled: bool = False
    late: bool = False
