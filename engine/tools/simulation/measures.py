"""What is compared when machines or values stand side by side, each measure with its words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.tools.simulation.figures import Figures, Outage, Spread
from engine.tools.simulation.scenario import DAY

Reading = Callable[[Figures], float | None]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. ``kind`` says how it is written: ``time``, ``count`` or ``share``."""

    key: str
    name: str
    kind: str
    read: Reading


def _worst(part: Callable[[Outage], Spread], figure: str) -> Reading:
    def read(found: Figures) -> float | None:
        values = [getattr(part(outage), figure) for outage in found.outages]
        return max((value for value in values if value is not None), default=None)

    return read


MEASURES: Sequence[Measure] = (
    Measure("noticed", "Noticed after, half", "time", _worst(lambda o: o.noticed, "p50")),
    Measure("noticed_max", "Noticed after, last", "time", _worst(lambda o: o.noticed, "max")),
    Measure("returned", "Back after, half", "time", _worst(lambda o: o.returned, "p50")),
    Measure("returned_max", "Back after, last", "time", _worst(lambda o: o.returned, "max")),
    Measure("caught_up", "All tickets there after", "time", _worst(lambda o: o.caught_up, "max")),
    Measure("offline", "Part of the time offline", "share", lambda f: f.offline_share),
    Measure("delay", "Ticket delay, half", "time", lambda f: f.sold.delay.p50),
    Measure("delay_p99", "Ticket delay, 99 %", "time", lambda f: f.sold.delay.p99),
    Measure("delay_max", "Ticket delay, longest", "time", lambda f: f.sold.delay.max),
    Measure("waiting", "Tickets that still wait", "count", lambda f: f.sold.waiting),
    Measure("calls", "Calls to the server", "count", lambda f: sum(f.load.calls.values())),
    Measure("calls_peak", "Calls, busiest minute", "count", lambda f: f.load.busiest_minute.most),
    Measure("calls_second", "Calls, busiest second", "count", lambda f: f.load.busiest_second.most),
    Measure("sql", "SQL statements a minute", "count", lambda f: f.load.sql_per_minute),
    Measure("sql_peak", "SQL, busiest minute", "count", lambda f: f.load.sql_busiest_minute.most),
    Measure("queue", "Longest queue", "count", lambda f: f.load.longest_queue),
    Measure("turned_away", "Calls sent away", "count", lambda f: f.load.turned_away),
    Measure("wasted", "Wasted calls", "count", lambda f: f.calls.wasted),
    Measure("offers_p99", "Waited for offers, 99 %", "time", lambda f: f.waited.offers.p99),
    Measure("offers_max", "Waited for offers, longest", "time", lambda f: f.waited.offers.max),
)


def written(measure: Measure, found: Figures) -> str:
    """The figure as a person reads it; a dash where there is none."""
    value = measure.read(found)
    if value is None:
        return "–"
    if measure.kind == "time":
        return duration(value)
    if measure.kind == "share":
        return share(value)
    return count(value)


def told(all_figures: Sequence[Figures]) -> list[Measure]:
    """The measures that say anything: what is nothing everywhere is left out."""
    return [
        measure
        for measure in MEASURES
        if any(measure.read(each) not in (None, 0, 0.0) for each in all_figures)
    ]


def duration(seconds: float) -> str:
    """``87 ms``, ``3.2 s``, ``2 min 10 s``, ``1 h 3 min``."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def count(value: float) -> str:
    """A number with its thousands apart, one decimal where it is small and has some."""
    if value != round(value) and value < 1000:
        return f"{value:,.1f}"
    return f"{round(value):,}"


def share(value: float) -> str:
    """A part as a percentage."""
    return f"{value * 100:.1f} %"


def clock(scenario_begins: float, at: float, *, seconds: bool = True) -> str:
    """The time of day ``at`` seconds from the beginning, with the day from the second one on."""
    day, left = divmod(round(scenario_begins + at), round(DAY))
    hours, left = divmod(left, 3600)
    text = f"{hours:02}:{left // 60:02}" + (f":{left % 60:02}" if seconds else "")
    return text if not day else f"day {day + 1}, {text}"
