"""The pictures of a report: where the tills were, what the server had to bear, how late tickets
were, and what a swept value costs."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from math import ceil
from statistics import median

from engine.definition.tree import Tree
from engine.tools.simulation.drawing import (
    Mark,
    Span,
    band,
    bar,
    counts,
    delays,
    layers,
    legend,
    line,
    plot,
    times,
    under,
)
from engine.tools.simulation.figures import Figures
from engine.tools.simulation.measures import Measure, clock, written
from engine.tools.simulation.record import MINUTE

MOST_BANDS = 12
"""So many tills have a line of their own; of more it is counted how many are where."""

MOST_COLUMNS = 240
"""Columns of a plot: of several minutes that share one, the busiest is shown."""

POINTS = 2000
"""Points of a line of time: what is shorter than one is not drawn."""

ACTIONS = ("ping", "send_tickets", "ticket_status", "poll_messages", "fetch_offers", "load")


def shades(found: Figures) -> list[Span]:
    """When the server could not be reached."""
    return [(outage.begins, outage.ends) for outage in found.outages]


def states(found: Figures, tree: Tree) -> str:
    """Where the tills were, one by one or counted."""
    marks = _state_marks(found, tree)
    x = times(found.begins, found.length)
    if found.tills <= MOST_BANDS:
        bands = "".join(
            band(x, f"Till {name}", _pieces(life, found.length, marks), shades(found))
            for name, life in found.lives.items()
        )
        return legend(marks.values()) + f'<div class="bands">{bands}{under(x)}</div>'
    width, columns = _columns([found.minutes.states[name] for name in marks])
    y = counts(found.tills)
    drawn = layers(x, y, width, columns, list(marks.values()))
    label = "How many tills were in which state, minute by minute."
    return legend(marks.values()) + plot(x, y, [drawn], shades(found), label)


def calls(found: Figures, most: int) -> str:
    """Calls at the server each minute, by action."""
    marks = [
        Mark(action, ACTIONS.index(action))
        for action in ACTIONS
        if any(found.minutes.calls.get(action, ()))
    ]
    rows = [found.minutes.calls[mark.name] for mark in marks]
    width, columns = _columns(rows)
    x, y = times(found.begins, found.length), counts(most)
    drawn = layers(x, y, width, columns, marks)
    label = "Calls that came to the server, minute by minute."
    return legend(marks) + plot(x, y, [drawn], shades(found), label)


def statements(found: Figures, most: int) -> str:
    """SQL statements each minute."""
    width, columns = _columns([found.minutes.sql])
    x, y = times(found.begins, found.length), counts(most)
    drawn = layers(x, y, width, columns, [Mark("SQL statements", 0)])
    label = "SQL statements that calls made at the server, minute by minute."
    return plot(x, y, [drawn], shades(found), label)


def lateness(found: Figures, most: float) -> str:
    """How late tickets were, by when they were sold: half of them, and the latest."""
    width = MINUTE * ceil(found.length / MINUTE / MOST_COLUMNS)
    bins: dict[int, list[float]] = {}
    for at, delay in found.delays:
        bins.setdefault(int(at // width), []).append(delay)
    x, y = times(found.begins, found.length), delays(most)
    number = ceil(found.length / width)
    marks = [Mark("half of them within", 0), Mark("the latest", 1, dashed=True)]
    drawn = []
    kinds: tuple[Callable[[list[float]], float], ...] = (median, max)
    for mark, of in zip(marks, kinds, strict=True):
        points = [((n + 0.5) * width, of(bins[n]) if n in bins else None) for n in range(number)]
        drawn.append(line(x, y, points, mark))
    label = "How long after its end a ticket was at the server, by the time of its end."
    return legend(marks, lines=True) + plot(x, y, drawn, shades(found), label)


def trade(labels: Sequence[str], results: Sequence[Figures], late: Measure, load: Measure) -> str:
    """What a value costs on either side: later tickets to the left, SQL to the right."""
    heads = (
        f'<div class="head left">{escape(late.name)}</div>',
        f'<div></div><div class="head">{escape(load.name)}</div>',
    )
    rows = [*heads]
    most = [
        max((measure.read(each) or 0.0 for each in results), default=0.0)
        for measure in (late, load)
    ]
    for label, found in zip(labels, results, strict=True):
        parts = [
            (measure.read(found) or 0.0) / top if top else 0.0
            for measure, top in zip((late, load), most, strict=True)
        ]
        rows.append(
            f'<div class="bar left">{bar(parts[0], 1, leftwards=True)}'
            f"<span>{escape(written(late, found))}</span></div>"
            f'<div class="value">{escape(label)}</div>'
            f'<div class="bar">{bar(parts[1], 0, leftwards=False)}'
            f"<span>{escape(written(load, found))}</span></div>"
        )
    return f'<div class="trade">{"".join(rows)}</div>'


def hours(found: Figures) -> str:
    """The numbers behind the pictures, an hour a row (a minute a row where it is short)."""
    step = 60 if found.length > 2 * 3600 else 5
    total = ceil(found.length / MINUTE)
    rows = []
    for first in range(0, total, step):
        last = min(first + step, total)
        made = sum(sum(row[first:last]) for row in found.minutes.calls.values())
        sql = found.minutes.sql[first:last]
        late = [d for at, d in found.delays if first * MINUTE <= at < last * MINUTE]
        words = [
            clock(found.begins, first * MINUTE, seconds=False),
            f"{made:,}",
            f"{sum(sql):,}",
            f"{max(sql, default=0):,}",
            f"{len(late):,}",
            f"{max(late):,.1f} s" if late else "–",
        ]
        rows.append(f"<tr>{''.join(f'<td>{escape(word)}</td>' for word in words)}</tr>")
    heads = ("From", "Calls", "SQL statements", "Busiest minute", "Tickets sold", "The latest")
    head = "".join(f"<th scope='col'>{each}</th>" for each in heads)
    return (
        f"<details><summary>The numbers, every {step} minutes</summary><div class='scroll' "
        f"tabindex='0'><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div></details>"
    )


def _state_marks(found: Figures, tree: Tree) -> dict[str, Mark]:
    """A mark for each state that some till was in, in the order of the machine file."""
    met = {state for life in found.lives.values() for _, state in life}
    met |= set(found.minutes.states)
    order = [node.id for node in tree]
    known = sorted(met, key=lambda name: (_first(name, order), name))
    if found.tills > MOST_BANDS:
        known = [name for name in known if name in found.minutes.states]
    return {
        name: Mark(name, index, hatched=_is_offline(name, tree)) for index, name in enumerate(known)
    }


def _first(name: str, order: Sequence[str]) -> int:
    first = name.split(" + ", maxsplit=1)[0]
    return order.index(first) if first in order else len(order)


def _is_offline(name: str, tree: Tree) -> bool:
    return any(tree[part].state.offline for part in name.split(" + "))


def _pieces(
    life: Sequence[tuple[float, str]], length: float, marks: dict[str, Mark]
) -> Iterator[tuple[Span, Mark]]:
    since, lasting = 0.0, ""
    for index, (at, state) in enumerate(life):
        until = life[index + 1][0] if index + 1 < len(life) else length
        if state == lasting or (lasting and until - at < length / POINTS):
            continue
        if lasting:
            yield (since, at), marks[lasting]
        since, lasting = at, state
    if lasting:
        yield (since, length), marks[lasting]


def _columns(rows: Sequence[Sequence[int]]) -> tuple[float, list[list[float]]]:
    """Columns out of minutes, and how wide they are in seconds: of the minutes that share one,
    the busiest."""
    minutes = max((len(row) for row in rows), default=0)
    step = max(1, ceil(minutes / MOST_COLUMNS))
    columns = []
    for first in range(0, minutes, step):
        of = range(first, min(first + step, minutes))
        busiest = max(of, key=lambda minute: (sum(row[minute] for row in rows), -minute))
        columns.append([float(row[busiest]) for row in rows])
    return step * MINUTE, columns
