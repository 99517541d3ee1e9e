"""Tills, steps and history as the local API shows them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from json import loads
from math import isfinite

from engine.agent.clock import Clock
from engine.api.port import (
    BadData,
    HistoryView,
    LabelView,
    RefusalView,
    StepView,
    TakenView,
    TicketsView,
    TillView,
)
from engine.core.build import Chart
from engine.core.feed import StepFailed, feed, timer_event
from engine.core.records import Step, Taken, Till, Timer
from engine.definition.vocabulary import Field, Value
from engine.store.history import REPLAY, HistoryRow
from engine.store.tickets import Backlog

MOST_KNOWN = 4096
"""Answers kept to the question whether a timer makes a call."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT = 253_402_300_799.0
"""The last second of the year 9999, which is as far as dates go."""

Situation = tuple[object, ...]


class Views:
    """Makes the views of one chart's tills."""

    def __init__(self, chart: Chart, clock: Clock, shop: str) -> None:
        self._chart = chart
        self._clock = clock
        self._shop = shop
        self._calling: dict[Situation, bool] = {}

    def follow(self, chart: Chart) -> None:
        """The tills play another chart from now on."""
        self._chart = chart
        self._calling.clear()

    def state(self, configuration: tuple[str, ...]) -> str:
        """The state that a person is told: the innermost one with a label, else the innermost."""
        tree = self._chart.tree
        labelled = [name for name in configuration if tree[name].state.label is not None]
        return (labelled or list(configuration) or [""])[-1]

    def till(self, till: Till, backlog: Backlog) -> TillView:
        """Where a till is now."""
        state = self.state(till.configuration)
        label = self._chart.tree[state].state.label if state else None
        due = self.next_try(till)
        return TillView(
            till=till.id,
            shop=self._shop,
            machine=self._chart.name,
            state=state,
            active=till.configuration,
            label=None if label is None else LabelView(en=label.en, fr=label.fr),
            since=self._moment(till.entered.get(state, self._clock.monotonic())),
            next_try=None if due is None else self._moment(due),
            tickets=TicketsView(
                pending=backlog.pending,
                sent=backlog.sent,
                refused=backlog.refused,
                oldest_pending=None
                if backlog.oldest_pending_at is None
                else moment(backlog.oldest_pending_at),
            ),
            context=dict(till.context),
        )

    def next_try(self, till: Till) -> float | None:
        """When the server is called next if nothing else happens, on the monotonic clock.

        In ``offline-cooldown`` that is the probe, which is what a cashier wants to know. In
        ``online`` it is the next ping, or the next sending if tickets wait: a timer that would
        only find that there is nothing to send does not count. None while a call is all that
        is waited for.
        """
        timers = sorted(till.timers.values(), key=lambda timer: timer.due)
        return next((timer.due for timer in timers if self._calls(till, timer)), None)

    def _calls(self, till: Till, timer: Timer) -> bool:
        """Whether a call leaves when the timer runs out, as far as is known now.

        The core itself is asked, on a copy of the till: only it knows what guards say. Many
        tills are in few situations, so the answers are kept.
        """
        situation = (timer.key, till.configuration, *till.context.items())
        known = self._calling.get(situation)
        if known is None:
            if len(self._calling) >= MOST_KNOWN:
                self._calling.clear()
            known = self._calling[situation] = self._would_call(till, timer)
        return known

    def _would_call(self, till: Till, timer: Timer) -> bool:
        copy = Till(
            till.id,
            till.configuration,
            dict(till.context),
            dict(till.timers),
            entered=dict(till.entered),
            remembered=till.remembered,
            draws=till.draws,
        )
        try:
            step = feed(self._chart, copy, timer_event(self._chart, timer.key), timer.due)
        except StepFailed:
            return False
        return bool(step.started)

    def step(self, step: Step, before: tuple[str, ...]) -> StepView:
        """What a posted event did."""
        return StepView(
            till=step.till,
            event=step.event.name,
            state_before=self.state(before),
            state_after=self.state(step.configuration),
            taken=tuple(_taken(taken) for taken in step.taken),
            refused=tuple(
                RefusalView.model_validate(refusal.told(step.event)) for refusal in step.refused
            ),
            unhandled=not step.handled,
        )

    def _moment(self, at: float) -> datetime:
        """A time of the monotonic clock on the wall."""
        wall = self._clock.wall() + at - self._clock.monotonic()
        return moment(wall)


def moment(wall: float) -> datetime:
    """Wall-clock seconds as a date; a clock that is set to no date at all reads as 1970."""
    # Windows's own call ends with the year 3000.
    return EPOCH + timedelta(seconds=min(max(wall, 0.0), LAST_MOMENT))


def history(row: HistoryRow) -> HistoryView:
    """One step of the past."""
    return HistoryView(
        number=row.seq,
        at=moment(row.at),
        event=row.event,
        states=row.states,
        taken=tuple(_taken(Taken(*taken)) for taken in loads(row.taken)),
        dull=row.dull,
        detail={name: told for name, told in loads(row.detail).items() if name != REPLAY},
    )


def _taken(taken: Taken) -> TakenView:
    return TakenView(**taken._asdict())


def postable(chart: Chart) -> dict[str, Mapping[str, Field]]:
    """The events that a machine may be fed, with what they carry."""
    own = {name: chart.definition.events[name] for name in chart.definition.model.events}
    return {**chart.definition.vocabulary.events, **own}


def event_data(
    event: str, fields: Mapping[str, Field], data: Mapping[str, Value]
) -> dict[str, Value]:
    """The data of a posted event, checked. Fields that are missing read as zero or empty.

    Raises BadData with a sentence.
    """
    checked: dict[str, Value] = {}
    for name, value in data.items():
        field = fields.get(name)
        if field is None:
            allowed = ", ".join(fields) or "no data"
            raise BadData(f"'{event}' has no '{name}'; it carries {allowed}.")
        if not _fits(field, value):
            # Not the value: it may be a customer's, and the sentence may be written down.
            found, needed = _kind(value), KINDS[field.type]
            raise BadData(f"'{name}' of '{event}' is {found}, where {needed} is needed.")
        checked[name] = value
    return checked


KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "duration": "a number of seconds",
    "boolean": "true or false",
    "text": "a text",
}


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int):
        return "a whole number"
    return "a number" if isfinite(value) else "no number"


def _fits(field: Field, value: Value) -> bool:
    if field.type == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if field.type == "text":
        return isinstance(value, str)
    if field.type == "integer":
        return isinstance(value, int)
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))
