"""What can happen to a till: events from outside, answers of effects, timers, a restart.

Of all the data that an event can carry, one example is kept for each way in which the machine
may take it.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, islice, product
from typing import Literal, NamedTuple

from engine.core.build import Chart
from engine.core.exploration.likeness import Likeness
from engine.core.records import Event
from engine.definition.vocabulary import Field, Value

STARTED = "agent."
"""Events with this beginning come when the agent has started, from nobody else."""
MOST_EXAMPLES = 4096
"""So many combinations of data are looked at for one event."""


class Call(NamedTuple):
    """A call of an effect that is under way. ``arguments`` are those that every exploration
    knows; ``state`` is the state that invoked it, empty where it was started."""

    effect: str
    state: str
    arguments: tuple[tuple[str, Value], ...]


class Stimulus(NamedTuple):
    """One thing that happens. ``event`` is what the core is fed, with examples as data;
    ``call`` is set where it is an answer. A restart has the event ``restart``."""

    kind: Literal["event", "answer", "timer", "restart"]
    event: Event
    call: Call | None = None


RESTART = Stimulus("restart", Event("restart"))


class Stimuli:
    """All that may come to a machine from outside.

    ``posted`` come from people and the till program, ``starting`` when the agent starts;
    ``answers`` are those of each effect. Events that nothing hears are left out, but for one
    answer of each effect: it ends the call.
    """

    def __init__(self, chart: Chart, likeness: Likeness) -> None:
        self._chart = chart
        self._likeness = likeness
        definition = chart.definition
        words = definition.vocabulary
        posted = [*words.events, *(n for n in definition.model.events if n not in words.events)]
        fields = definition.events
        heard = [
            event
            for name in posted
            for event in self._examples({name: fields[name]})
            if chart.id_of(name) is not None
        ]
        self.posted = tuple(e for e in heard if not e.name.startswith(STARTED))
        self.starting = tuple(e for e in heard if e.name.startswith(STARTED))
        self.answers = {
            effect: tuple(self._examples(signature.answers()))
            for effect, signature in words.effects.items()
        }

    def _examples(self, events: Mapping[str, Mapping[str, Field]]) -> Iterator[Event]:
        """Of these events those that the machine may take in different ways."""
        seen = set()
        for event in chain.from_iterable(self._tried(*each) for each in events.items()):
            way = self._chart.id_of(event.name), self._likeness.outcome(event)
            if way not in seen:
                seen.add(way)
                yield event

    def _tried(self, name: str, fields: Mapping[str, Field]) -> Iterator[Event]:
        values = self._likeness.candidates(name, fields)
        fixed = {"reason": name.rpartition(".")[2]} if ".failed." in name else {}
        values = {field: tried for field, tried in values.items() if field not in fixed}
        for data in islice(product(*values.values()), MOST_EXAMPLES):
            yield Event(name, {**fixed, **dict(zip(values, data, strict=True))})
