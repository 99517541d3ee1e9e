"""What came of a time that was lived, or played: offline time, calls, how late tickets were."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from engine.tools.replaying.recording import Recording

SHORTEST = 1.0
"""Seconds: being somewhere else for less than this is no difference worth a line."""

LAST_MOMENT = 0.1
"""Seconds before the end of a recording in which calls do not count: which of them the end still
holds is a matter of how late a timer was, or of how a time was rounded."""


class Place(NamedTuple):
    """From ``at`` on these states were active."""

    at: float
    states: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """Counts steps in the order of time. ``offline`` are the states in which the server counts
    as not there."""

    offline: frozenset[str]
    places: list[Place] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)

    def at(self, at: float, states: tuple[str, ...]) -> None:
        """Where a till is after a step."""
        if not self.places or self.places[-1].states != states:
            self.places.append(Place(at, states))

    def called(self, effects: Iterable[str]) -> None:
        """Calls that were started."""
        self.calls.update(effects)

    def closed(self, at: float) -> None:
        """A ticket was closed."""
        self.waiting.append(at)

    def left(self, began: float) -> int:
        """Tickets that a call that began then does not take."""
        return sum(closed > began for closed in self.waiting)

    def sent(self, began: float, at: float) -> None:
        """A call brought all that was closed before it began to the server."""
        self.delays += [at - closed for closed in self.waiting if closed <= began]
        self.waiting = [closed for closed in self.waiting if closed > began]

    def spans(self, end: float) -> Iterator[tuple[float, float, tuple[str, ...]]]:
        """From, to and states, one after the other."""
        for place, following in pairwise([*self.places, Place(end, ())]):
            yield place.at, following.at, place.states

    def offline_spans(self, end: float) -> list[tuple[float, float]]:
        """The offline periods, each once however many states it led through."""
        found: list[tuple[float, float]] = []
        for begin, until, states in self.spans(end):
            if not self.offline.isdisjoint(states):
                if found and found[-1][1] == begin:
                    found[-1] = (found[-1][0], until)
                else:
                    found.append((begin, until))
        return found


class Elsewhere(NamedTuple):
    """From ``begin`` to ``end`` a till would have been in other states than it was."""

    begin: float
    end: float
    was: tuple[str, ...]
    would: tuple[str, ...]


def elsewhere(lived: Tally, played: Tally, end: float) -> list[Elsewhere]:
    """Where the two differ, for longer than a moment."""
    times = sorted({place.at for tally in (lived, played) for place in tally.places} | {end})
    found: list[Elsewhere] = []
    was, would = _at(lived, times), _at(played, times)
    for begin, until in pairwise(times):
        one, other = was[begin], would[begin]
        if one == other:
            continue
        last = found[-1] if found else None
        if last is not None and (last.end, last.was, last.would) == (begin, one, other):
            found[-1] = last._replace(end=until)
        else:
            found.append(Elsewhere(begin, until, one, other))
    return [each for each in found if each.end - each.begin >= SHORTEST]


def _at(tally: Tally, times: list[float]) -> dict[float, tuple[str, ...]]:
    """The states from each of these times on."""
    places, now, index = {}, tally.places[0].states, 0
    for time in times:
        while index < len(tally.places) and tally.places[index].at <= time:
            now = tally.places[index].states
            index += 1
        places[time] = now
    return places


def lived(recording: Recording, offline: frozenset[str], names: Mapping[str, str]) -> Tally:
    """The tally of what was recorded. ``names`` are the present names of states renamed since.

    Calls of the last moment do not count; nor do they in what is played.
    """
    tally, end = Tally(offline), recording.steps[-1].at - LAST_MOMENT
    began: dict[int, float] = {}
    for index, step in enumerate(recording.steps):
        shift = step.at - step.own
        for quiet in step.quiet if index else ():
            if quiet.own + shift < end:
                tally.called(run.effect for run in quiet.started)
            began |= {run.number: quiet.own + shift for run in quiet.started}
        if step.posted and step.event == "ticket.closed":
            tally.closed(step.at)
        if step.event == "send_tickets.ok" and step.run is not None:
            tally.sent(began.get(step.run, recording.steps[0].at), step.at)
        if step.at < end:
            tally.called(run.effect for run in step.started)
        began |= {run.number: step.at for run in step.started}
        tally.at(step.at, tuple(names.get(state, state) for state in step.states))
    return tally
