"""The tills of a process and the one place that feeds them.

Everything happens in the thread that owns this object: events come in, steps go out to whoever
listens, effects are asked for, timers run out. The time comes from a clock that is passed in,
and effects from a port, so that the agent drives it with real ones and the tools with virtual
ones.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from engine.agent.clock import Clock
from engine.agent.logs import write
from engine.agent.timers import TimerHeap
from engine.core.build import Chart
from engine.core.carrying import Carrying
from engine.core.feed import StepFailed, begin, feed, timer_event
from engine.core.records import Event, Run, Step, Till, Timer
from engine.core.restore import unpack

RETRY = 60.0
"""Seconds after which a timer is tried again whose step failed: it must not be lost."""


class Runner(Protocol):
    """What carries out the effects that machines ask for."""

    def start(self, till: str, run: Run) -> None:
        """Start an effect. Its answer comes back through ``Tills.deliver``, later."""

    def cancel(self, till: str, run: Run) -> None:
        """Nobody waits for this run's answer any more."""


Listener = Callable[[Step, Till], None]
Feed = Callable[[Chart, Till, Event, float], Step]


def _nobody_counts(_till: str) -> None:
    pass


class Tills:
    """All tills of one chart.

    ``listeners`` are told each step with its till, after the step. One that fails is logged
    and stops nothing. ``failing`` has, by till, the sentence about the last step that could not
    be played, until one of that till can; ``failed`` is told of each. ``play`` plays a step in
    place of the core's ``feed``.
    """

    def __init__(
        self,
        chart: Chart,
        clock: Clock,
        runner: Runner,
        listeners: Sequence[Listener] = (),
        failed: Callable[[str], None] = _nobody_counts,
        play: Feed | None = None,
    ) -> None:
        self.chart = chart
        self._play = play
        self.failing: dict[str, str] = {}
        self._failed = failed
        self._clock = clock
        self._runner = runner
        self._listeners = list(listeners)
        self._tills: dict[str, Till] = {}
        self._timers = TimerHeap(self._is_current)
        self._untold: dict[str, Step] = {}

    def __iter__(self) -> Iterator[Till]:
        return iter(self._tills.values())

    def __contains__(self, name: object) -> bool:
        return name in self._tills

    def __getitem__(self, name: str) -> Till:
        return self._tills[name]

    def add(self, name: str, saved: str | None = None) -> Step:
        """Take over a till: from the text it was saved as, else new.

        A text that is no saved till is logged and the till begins anew: its tickets are not in
        there, only its place in the machine.
        """
        now = self._clock.monotonic()
        if saved is not None:
            try:
                till, step = unpack(self.chart, name, saved, now, self._clock.wall())
            except Exception as fault:  # noqa: BLE001 - whatever is wrong with it, the till works
                write(logging.WARNING, "till.begins_anew", name, message=str(fault))
            else:
                return self._took(till, step)
        till, step = begin(self.chart, name, now)
        return self._took(till, step)

    def deliver(self, name: str, event: Event) -> Step | None:
        """Feed an event to a till. None when its step failed, which is logged; the till is then
        where it was."""
        till = self._tills[name]
        try:
            step = (self._play or feed)(self.chart, till, event, self._clock.monotonic())
        except StepFailed as fault:
            write(logging.ERROR, "step.failed", name, message=str(fault))
            self.failing[name] = str(fault)
            self._failed(name)
            return None
        self.failing.pop(name, None)
        self._act(till, step)
        return step

    def advance(self, limit: int | None = None) -> int:
        """Play the timers that have run out, ``limit`` at the most; tells how many there were."""
        due = self._timers.pop_due(self._clock.monotonic(), limit)
        for name, timer in due:
            step = self.deliver(name, timer_event(self.chart, timer.key))
            if step is None:
                self._put_off(name, timer)
        return len(due)

    def swap(self, carrying: Carrying) -> list[str]:
        """Have all tills go on in another chart, or none: the chart that ``carrying`` leads to.

        Gives the tills whose active states have other names. Listeners are told by
        :meth:`tell`, or before a till's next step: ten thousand of them would hold up the loop.
        Raises StepFailed when a till cannot go on there; all are as they were then.
        """
        now = self._clock.monotonic()
        carried = [carrying.carry(till, now) for till in self]
        self.chart = carrying.new
        elsewhere = []
        for till, step in carried:
            if self._tills[till.id].configuration != till.configuration:
                elsewhere.append(till.id)
            self._tills[till.id] = till
            self._untold[till.id] = step
        for till, step in carried:
            self._perform(till, step)
        return elsewhere

    def tell(self, limit: int) -> bool:
        """Tell listeners of ``limit`` tills that were swapped; whether there are more."""
        for name in list(islice(self._untold, limit)):
            self._tell(self._tills[name], self._untold.pop(name))
        return bool(self._untold)

    def next_due(self) -> float | None:
        """When ``advance`` has something to do next, on the clock's monotonic scale."""
        return self._timers.next_due()

    def _took(self, till: Till, step: Step) -> Step:
        self._tills[till.id] = till
        self._act(till, step)
        return step

    def _act(self, till: Till, step: Step) -> None:
        self._perform(till, step)
        if self._untold and (before := self._untold.pop(till.id, None)) is not None:
            self._tell(till, before)
        self._tell(till, step)

    def _perform(self, till: Till, step: Step) -> None:
        for timer in step.timers_started:
            self._timers.push(till.id, timer)
        for run in step.cancelled:
            self._runner.cancel(till.id, run)
        for run in step.started:
            self._runner.start(till.id, run)

    def _tell(self, till: Till, step: Step) -> None:
        for listener in self._listeners:
            try:
                listener(step, till)
            except Exception as fault:  # noqa: BLE001 - who listens stops nothing
                write(logging.ERROR, "listener.failed", till.id, fault=fault)

    def _put_off(self, name: str, timer: Timer) -> None:
        later = timer._replace(due=self._clock.monotonic() + RETRY)
        self._tills[name].timers[timer.key] = later
        self._timers.push(name, later)

    def _is_current(self, name: str, timer: Timer) -> bool:
        return self._tills[name].timers.get(timer.key) is timer
