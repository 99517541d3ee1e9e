"""Why a till is not elsewhere: the ways out of where it is, and what held each of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.core.build import Chart
from engine.core.plans import ALWAYS, after_groups, delay_label
from engine.core.routes import possible_targets, route
from engine.definition.events import catches
from engine.definition.expressions import NO_EVENT
from engine.definition.model import Action, Transition
from engine.definition.tree import ROOT
from engine.definition.vocabulary import Value
from engine.story.entries import Entry, Held, Way, WhyNot
from engine.story.reading import moment

UNDER_WAY = "under way"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a till is. Times are epoch seconds: ``entered`` by state, ``due`` by timer;
    ``running`` are the effects under way."""

    till: str
    configuration: tuple[str, ...]
    context: Mapping[str, Value]
    entered: Mapping[str, float]
    due: Mapping[str, float]
    running: frozenset[str]


class _Out(NamedTuple):
    """A transition that leads out, the state that declares it and its timer, if it has one."""

    state: str
    label: str
    part: Transition
    timer: str | None


def why_not(chart: Chart, standing: Standing, entries: Sequence[Entry], now: float) -> WhyNot:
    """What holds a till where it is. ``entries`` are of its story, the newest first, as far back
    as is known; ``now`` in epoch seconds."""
    tree = chart.tree
    labelled = [name for name in standing.configuration if tree[name].state.label is not None]
    state = (labelled or list(standing.configuration) or [""])[-1]
    leaf = standing.configuration[-1] if standing.configuration else ""
    since = standing.entered.get(leaf, now)
    asked = _Asked(chart, standing, list(_lately(entries, since)))
    return WhyNot(
        till=standing.till,
        machine=chart.definition.hash,
        state=state,
        states=standing.configuration,
        since=moment(standing.entered.get(state, now)),
        ways=tuple(asked.way(out) for out in _ways_out(chart, standing.configuration)),
    )


def _lately(entries: Sequence[Entry], since: float) -> Iterator[Entry]:
    """Those after the one by which the state was entered: what led in says nothing of the way
    out. It is noted a moment after it was played."""
    for entry in entries:
        if entry.kind == "step" and not entry.dull and entry.at.timestamp() <= since + 1.0:
            return
        yield entry


def _ways_out(chart: Chart, configuration: tuple[str, ...]) -> Iterator[_Out]:
    """Innermost first. What a rule without a guard stands before is never taken."""
    settled: set[str] = set()
    tree = chart.tree
    for name in (*reversed(configuration), ROOT):
        # Where several regions are entered together, the state that the file names stands for all.
        here = {o for o in configuration if name in (ROOT, o) or tree.inside(o, name)}
        for out in _declared(chart, name):
            if out.label in settled:
                continue
            if out.part.guard is None or out.part.guard is True:
                settled.add(out.label)
            way = route(tree, name, out.part)
            if way.target is not None and not here.issuperset(possible_targets(tree, way.target)):
                yield out


def _declared(chart: Chart, name: str) -> Iterator[_Out]:
    model = chart.definition.model
    if name == ROOT:
        for label, parts in model.on.items():
            yield from (_Out(name, label, part, None) for part in parts)
        return
    state = chart.tree[name].state
    for label, parts in state.on.items():
        yield from (_Out(name, label, part, None) for part in parts)
    for index, group in enumerate(after_groups(state)):
        label = delay_label("after", group[0].delay)
        yield from (_Out(name, label, entry, f"{name}.after.{index}") for entry in group)
    yield from (_Out(name, ALWAYS, part, None) for part in state.always)


class _Asked:
    """What is known of each way out."""

    def __init__(self, chart: Chart, standing: Standing, lately: Sequence[Entry]) -> None:
        self._chart = chart
        self._standing = standing
        self._lately = lately

    def way(self, out: _Out) -> Way:
        """One transition, with what held it."""
        guard = out.part.guard if isinstance(out.part.guard, str) else None
        held, last, seen = self._held(out, guard)
        due, by = self._due(out)
        return Way(
            state=out.state,
            event=out.label,
            target=out.part.target or out.state,
            guard=guard,
            held=held,
            last=None if last is None else last.at,
            seen=seen,
            due=None if due is None else moment(due),
            by=by,
            now=self._now(guard, out.label),
        )

    def _held(self, out: _Out, guard: str | None) -> tuple[Held, Entry | None, dict[str, Value]]:
        if out.label == ALWAYS:
            return ("open" if guard is None or self._holds(guard) else "refused"), None, {}
        named = out.state or self._chart.name
        for entry in self._lately:
            for refused in entry.refused:
                if (refused.state, refused.event, refused.guard) == (named, out.label, guard):
                    return "refused", entry, refused.seen
        if out.timer is not None:
            return ("due" if out.timer in self._standing.due else "open"), None, {}
        heard = next((entry for entry in self._lately if _heard(entry, out.label)), None)
        return ("passed" if heard is not None else "never"), heard, {}

    def _due(self, out: _Out) -> tuple[float | None, str | None]:
        """When the delay of a way runs out, or what can bring its event."""
        if out.timer is not None:
            return self._standing.due.get(out.timer), None
        effect = out.label.partition(".")[0]
        if effect in self._standing.running:
            return None, UNDER_WAY
        bringing = [
            (self._standing.due[key], label)
            for key, label, actions in self._delays()
            if key in self._standing.due
            and any(action.start == effect or action.raise_ == out.label for action in actions)
        ]
        return min(bringing) if bringing else (None, None)

    def _delays(self) -> Iterator[tuple[str, str, Sequence[Action]]]:
        """The delays of active states: key, label and what they do."""
        for name in self._standing.configuration:
            state = self._chart.tree[name].state
            for index, group in enumerate(after_groups(state)):
                label = delay_label("after", group[0].delay)
                for entry in group:
                    yield f"{name}.after.{index}", label, entry.actions
            for index, every in enumerate(state.every):
                yield f"{name}.every.{index}", delay_label("every", every.delay), every.actions

    def _holds(self, guard: str) -> bool:
        """Whether a guard that needs no event holds now."""
        return bool(self._chart.definition.expression(guard)(self._standing.context, NO_EVENT))

    def _now(self, guard: str | None, label: str) -> dict[str, Value]:
        if guard is None:
            return {}
        definition = self._chart.definition
        descriptor = label if label in self._chart.descriptors else None
        names = definition.expression(guard, descriptor).names
        known = {**self._standing.context, **definition.parameters}
        return {name: known[name] for name in sorted(names, key=guard.find) if name in known}


def _heard(entry: Entry, descriptor: str) -> bool:
    if entry.kind == "agent":
        return False
    return any(catches(descriptor, event) for event in (entry.event, *entry.raised))
