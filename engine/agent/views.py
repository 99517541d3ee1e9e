"""Tills, steps and history as the local API shows them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from json import loads

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
from engine.core.records import Step, Taken, Till
from engine.definition.vocabulary import Field, Value
from engine.store.history import HistoryRow
from engine.store.tickets import Backlog


class Views:
    """Makes the views of one chart's tills."""

    def __init__(self, chart: Chart, clock: Clock, shop: str) -> None:
        self._chart = chart
        self._clock = clock
        self._shop = shop

    def state(self, configuration: tuple[str, ...]) -> str:
        """The state that a person is told: the innermost one with a label, else the innermost."""
        tree = self._chart.tree
        labelled = [name for name in configuration if tree[name].state.label is not None]
        return (labelled or list(configuration) or [""])[-1]

    def till(self, till: Till, backlog: Backlog) -> TillView:
        """Where a till is now."""
        state = self.state(till.configuration)
        label = self._chart.tree[state].state.label if state else None
        dues = [timer.due for timer in till.timers.values()]
        return TillView(
            till=till.id,
            shop=self._shop,
            machine=self._chart.name,
            state=state,
            active=till.configuration,
            label=None if label is None else LabelView(en=label.en, fr=label.fr),
            since=self._moment(till.entered.get(state, self._clock.monotonic())),
            next_try=self._moment(min(dues)) if dues else None,
            tickets=TicketsView(
                pending=backlog.pending,
                sent=backlog.sent,
                refused=backlog.refused,
                oldest_pending=None
                if backlog.oldest_pending_at is None
                else datetime.fromtimestamp(backlog.oldest_pending_at, UTC),
            ),
            context=dict(till.context),
        )

    def step(self, step: Step, before: tuple[str, ...]) -> StepView:
        """What a posted event did."""
        return StepView(
            till=step.till,
            event=step.event.name,
            state_before=self.state(before),
            state_after=self.state(step.configuration),
            taken=tuple(_taken(taken) for taken in step.taken),
            refused=tuple(RefusalView(**refusal._asdict()) for refusal in step.refused),
            unhandled=not step.handled,
        )

    def _moment(self, at: float) -> datetime:
        """A time of the monotonic clock on the wall."""
        wall = self._clock.wall() + at - self._clock.monotonic()
        return datetime.fromtimestamp(wall, UTC)


def history(row: HistoryRow) -> HistoryView:
    """One step of the past."""
    return HistoryView(
        number=row.seq,
        at=datetime.fromtimestamp(row.at, UTC),
        event=row.event,
        states=row.states,
        taken=tuple(_taken(Taken(*taken)) for taken in loads(row.taken)),
        dull=row.dull,
        detail=loads(row.detail),
    )


def _taken(taken: Taken) -> TakenView:
    return TakenView(**taken._asdict())


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
            raise BadData(f"'{name}' of '{event}' is {value!r}, where a {field.type} is needed.")
        checked[name] = value
    return checked


def _fits(field: Field, value: Value) -> bool:
    if field.type == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if field.type == "text":
        return isinstance(value, str)
    if field.type == "integer":
        return isinstance(value, int)
    return isinstance(value, int | float)
