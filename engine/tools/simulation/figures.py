"""What a simulation comes to: plain figures, all of them fit for JSON.

Times are seconds from the beginning, to the millisecond; ``minutes`` counts from 0. What did
not happen is None.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from engine.definition.machine import Definition
from engine.tools.simulation.play import Played, Span
from engine.tools.simulation.record import MINUTE, Record, TillRecord
from engine.tools.simulation.scenario import Scenario

SHOWN_TILLS = 40
"""The tills whose states are told one by one; the others only count."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations: how many, the middle one, the one that a hundredth is above, the longest."""

    count: int
    p50: float | None
    p99: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class Peak:
    """The most in one minute or second, and when that began, in seconds."""

    most: int
    at: float


@dataclass(frozen=True, slots=True)
class Outage:
    """A time without server. ``tills`` it was about; ``noticed`` is how long after its beginning
    they were offline, ``returned`` how long after its end they no longer were, ``caught_up`` how
    long after its end the server had all that was sold by then. ``overlooked`` tills never went
    offline, ``not_back`` were not back by the end of the simulation."""

    what: str
    begins: float
    ends: float
    tills: int
    noticed: Spread
    returned: Spread
    caught_up: Spread
    overlooked: int
    not_back: int


@dataclass(frozen=True, slots=True)
class Sold:
    """Tickets: handed over, at the server at the end, still waiting; those that came ``again``
    and were known, and those that are there ``twice``; ``delay`` from one to the other."""

    closed: int
    stored: int
    waiting: int
    again: int
    twice: int
    delay: Spread


@dataclass(frozen=True, slots=True)
class Load:
    """What came to the server. ``for_nobody`` are calls that it worked on when their till had
    given them up."""

    calls: dict[str, int]
    busiest_minute: Peak
    busiest_second: Peak
    sql: int
    sql_per_minute: float
    sql_busiest_minute: Peak
    longest_queue: int
    longest_wait: float
    turned_away: int
    for_nobody: int


@dataclass(frozen=True, slots=True)
class Calls:
    """What the tills called. ``wasted`` are effects that brought their machine nothing: no
    answer, or one that it had given up. ``ended`` by effect and answer."""

    made: int
    wasted: int
    ended: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Waited:
    """The cashier. A ticket is handed over without waiting for the server, so that all that can
    be waited for are offers; ``answers`` says how many of the questions got what."""

    tickets: float
    offers: Spread
    answers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minute by minute: calls at the server by action, SQL statements, the longest queue, calls
    sent away, and in which states the tills were at the end of it."""

    calls: dict[str, list[int]]
    sql: list[int]
    queue: list[int]
    turned_away: list[int]
    states: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Figures:
    """One machine in one scenario. ``lives`` are the states of the first tills, ``(from, state)``
    each; ``delays`` the tickets of all, ``(closed at, delay)`` each in the order of time."""

    scenario: str
    machine: str
    hash: str
    parameters: dict[str, Any]
    seed: int
    begins: float
    length: float
    tills: int
    steps: int
    offline_share: float
    outages: tuple[Outage, ...]
    sold: Sold
    load: Load
    calls: Calls
    waited: Waited
    minutes: Minutes
    lives: dict[str, list[tuple[float, str]]]
    delays: list[tuple[float, float]]

    def as_data(self) -> dict[str, Any]:
        """As JSON has it; the ticket by ticket list is left out."""
        data = asdict(self)
        del data["delays"]
        return data


def figures(scenario: Scenario, definition: Definition, played: Played) -> Figures:
    """Count it all up."""
    record = played.record
    lives = list(record.tills.items())
    offline = sum(_offline(till, scenario.length) for till in record.tills.values())
    return Figures(
        scenario.scenario,
        definition.model.machine,
        definition.hash,
        dict(definition.parameters),
        scenario.seed,
        scenario.begins,
        scenario.length,
        scenario.tills,
        record.steps,
        round(offline / (scenario.length * scenario.tills), 6),
        tuple(_outage(span, record, scenario.length) for span in played.outages),
        _sold(record),
        _load(record, scenario.length),
        _calls(record),
        Waited(
            0.0,
            spread(asked.waited for asked in record.asked),
            dict(sorted(Counter(asked.answer for asked in record.asked).items())),
        ),
        _minutes(record, scenario.length),
        {
            name: [(round(at, 3), state) for at, state in till.states]
            for name, till in lives[:SHOWN_TILLS]
        },
        _delays(record),
    )


def spread(values: Iterable[float]) -> Spread:
    """The figures of some durations: the nearest of them, never something between two."""
    ordered = sorted(values)
    if not ordered:
        return Spread(0, None, None, None)

    def nearest(part: float) -> float:
        return round(ordered[max(0, ceil(part * len(ordered)) - 1)], 3)

    return Spread(len(ordered), nearest(0.5), nearest(0.99), round(ordered[-1], 3))


def _offline(till: TillRecord, length: float) -> float:
    return sum((length if end is None else end) - begin for begin, end in till.offline)


def _outage(span: Span, record: Record, length: float) -> Outage:
    noticed: list[float] = []
    returned: list[float] = []
    caught_up: list[float] = []
    tills = overlooked = not_back = 0
    for name, till in record.tills.items():
        if span.tills is not None and name not in span.tills:
            continue
        tills += 1
        within = [
            (max(begin, span.begins), end)
            for begin, end in till.offline
            if begin < span.ends and (end is None or end > span.begins)
        ]
        if not within:
            overlooked += 1
        else:
            noticed.append(within[0][0] - span.begins)
            end = within[-1][1]
            if end is None:
                not_back += 1
            else:
                returned.append(max(0.0, end - span.ends))
        late = [
            stored
            for closed, stored in zip(till.closed, till.stored, strict=True)
            if closed < span.ends and (stored < 0 or stored > span.ends)
        ]
        if all(stored >= 0 for stored in late):
            caught_up.append(max(late, default=span.ends) - span.ends)
    return Outage(
        span.what,
        round(span.begins, 3),
        round(span.ends, 3),
        tills,
        spread(noticed),
        spread(returned if span.ends < length else ()),
        spread(caught_up if span.ends < length else ()),
        overlooked,
        not_back,
    )


def _delays(record: Record) -> list[tuple[float, float]]:
    return sorted(
        (round(closed, 3), round(stored - closed, 3))
        for till in record.tills.values()
        for closed, stored in zip(till.closed, till.stored, strict=True)
        if stored >= 0
    )


def _sold(record: Record) -> Sold:
    delays = [delay for _, delay in _delays(record)]
    closed = sum(len(till.closed) for till in record.tills.values())
    again = sum(till.again for till in record.tills.values())
    twice = sum(till.twice for till in record.tills.values())
    return Sold(closed, len(delays), closed - len(delays), again, twice, spread(delays))


def _peak(counted: Mapping[int, int], unit: float) -> Peak:
    if not counted:
        return Peak(0, 0.0)
    most = max(counted.values())
    return Peak(most, min(at for at, count in counted.items() if count == most) * unit)


def _load(record: Record, length: float) -> Load:
    by_minute: Counter[int] = Counter()
    by_action: Counter[str] = Counter()
    for (minute, action), count in record.calls.items():
        by_minute[minute] += count
        by_action[action] += count
    sql = sum(record.sql.values())
    return Load(
        dict(sorted(by_action.items())),
        _peak(by_minute, MINUTE),
        _peak(record.seconds, 1.0),
        sql,
        round(sql * MINUTE / length, 3),
        _peak(record.sql, MINUTE),
        max(record.queue.values(), default=0),
        round(record.longest_wait, 3),
        sum(record.full.values()),
        record.for_nobody,
    )


def _calls(record: Record) -> Calls:
    ended: dict[str, dict[str, int]] = {}
    wasted = 0
    for (effect, answer), count in sorted(record.ended.items()):
        ended.setdefault(effect, {})[answer] = count
        if answer not in ("ok", "rejected"):
            wasted += count
    return Calls(sum(record.actions.values()), wasted, ended)


def _minutes(record: Record, length: float) -> Minutes:
    count = ceil(length / MINUTE)
    calls: dict[str, list[int]] = {}
    for (minute, action), number in sorted(record.calls.items(), key=lambda each: each[0][::-1]):
        if minute < count:
            calls.setdefault(action, [0] * count)[minute] = number

    def listed(counted: Mapping[int, int]) -> list[int]:
        return [counted.get(minute, 0) for minute in range(count)]

    return Minutes(
        calls, listed(record.sql), listed(record.queue), listed(record.full), _states(record, count)
    )


def _states(record: Record, count: int) -> dict[str, list[int]]:
    """How many tills were in which state at the end of each minute."""
    found: dict[str, list[int]] = {}
    for till in record.tills.values():
        _add(found, till.states, count)
    return found


def _add(found: dict[str, list[int]], states: Sequence[tuple[float, str]], count: int) -> None:
    for index, (at, state) in enumerate(states):
        until = states[index + 1][0] if index + 1 < len(states) else (count + 1) * MINUTE
        first, last = ceil(at / MINUTE), ceil(until / MINUTE)
        if last > max(first, 1):
            row = found.setdefault(state, [0] * count)
            for minute in range(max(first, 1), min(last, count + 1)):
                row[minute - 1] += 1
