"""The outcome of simulations as text for a terminal."""

from collections.abc import Iterator, Sequence

from engine.tools.simulation.figures import Figures, Outage, Spread
from engine.tools.simulation.measures import (
    clock,
    count,
    duration,
    share,
    told,
    written,
)

MOST_OUTAGES = 3
"""Outages that are listed; of more, the first ones."""

ANSWERS = {"late": "too late", "busy": "not asked for"}
"""Why an answer was not fresh, where the word alone does not say it."""


def told_alone(found: Figures) -> str:
    """One machine in one scenario."""
    lines = [heading(found), ""]
    lines += _outages(found)
    sold, load, calls = found.sold, found.load, found.calls
    lines += _part(
        "Tickets",
        f"{count(sold.closed)} sold, {count(sold.stored)} at the server, {count(sold.waiting)} "
        f"waiting, {count(sold.twice)} there twice",
        f"delay: {_spread(sold.delay)}",
    )
    lines += _part(
        "Server",
        f"{count(sum(load.calls.values()))} calls, at most {count(load.busiest_minute.most)} in a "
        f"minute ({clock(found.begins, load.busiest_minute.at, seconds=False)}), "
        f"{count(load.busiest_second.most)} in a second",
        f"{count(load.sql)} SQL statements, {count(load.sql_per_minute)} a minute, at most "
        f"{count(load.sql_busiest_minute.most)} "
        f"({clock(found.begins, load.sql_busiest_minute.at, seconds=False)})",
        *_crowd(found),
    )
    part = calls.wasted / calls.made if calls.made else 0.0
    lines += _part(
        "Calls", f"{count(calls.made)} made, {count(calls.wasted)} wasted ({share(part)})"
    )
    lines += _loads(found)
    lines += _part("Cashier", "no wait at the end of a ticket", *_offers(found))
    lines += _part("Offline", f"{share(found.offline_share)} of the time")
    return "\n".join(lines) + "\n"


def told_together(labels: Sequence[str], all_figures: Sequence[Figures]) -> str:
    """Several side by side, a column each."""
    measures = told(all_figures)
    width = max((len(measure.name) for measure in measures), default=0)
    rows = [[written(measure, each) for each in all_figures] for measure in measures]
    columns = [
        max(len(label), *(len(row[index]) for row in rows)) if rows else len(label)
        for index, label in enumerate(labels)
    ]
    head = "  ".join(label.rjust(size) for label, size in zip(labels, columns, strict=True))
    lines = [heading(all_figures[0]), "", f"  {'':{width}}  {head}"]
    for measure, row in zip(measures, rows, strict=True):
        cells = "  ".join(cell.rjust(size) for cell, size in zip(row, columns, strict=True))
        lines.append(f"  {measure.name:{width}}  {cells}")
    if all(row.count(row[0]) == len(row) for row in rows):
        lines += ["", "  No difference: nothing that happens here depends on it."]
    return "\n".join(lines) + "\n"


def heading(found: Figures) -> str:
    """What was played."""
    tills = "1 till" if found.tills == 1 else f"{count(found.tills)} tills"
    return (
        f"{found.scenario}: {tills}, from {clock(found.begins, 0.0, seconds=False)} for "
        f"{duration(found.length)}, seed {found.seed}, machine {found.machine}"
    )


def _part(name: str, *sentences: str) -> Iterator[str]:
    for index, sentence in enumerate(sentences):
        yield f"  {name if index == 0 else '':9}{sentence}"


def _outages(found: Figures) -> Iterator[str]:
    for outage in found.outages[:MOST_OUTAGES]:
        head = (
            f"{clock(found.begins, outage.begins)} for {duration(outage.ends - outage.begins)}, "
            f"{outage.what}"
        )
        yield from _part("Outage", head, *_lived(outage, found.tills))
    if len(found.outages) > MOST_OUTAGES:
        yield f"  {'':9}and {len(found.outages) - MOST_OUTAGES} more; --json tells of all"


def _lived(outage: Outage, tills: int) -> Iterator[str]:
    if outage.tills < tills:
        yield f"{count(outage.tills)} of {count(tills)} tills"
    if outage.noticed.count:
        yield f"noticed: {_spread(outage.noticed)}"
    if outage.overlooked:
        which = "not noticed" if tills == 1 else f"{count(outage.overlooked)} tills did not notice"
        yield which
    if outage.returned.count:
        yield f"back: {_spread(outage.returned)} after its end"
    if outage.not_back:
        yield "not back" if tills == 1 else f"{count(outage.not_back)} tills were not back"
    if outage.caught_up.max:
        yield f"all tickets at the server: {duration(outage.caught_up.max)} after its end"


def _spread(spread: Spread) -> str:
    if spread.p50 is None or spread.p99 is None or spread.max is None:
        return "nothing to tell"
    if spread.count == 1:
        return f"{duration(spread.max)}"
    return (
        f"half within {duration(spread.p50)}, 99 % within {duration(spread.p99)}, the longest "
        f"{duration(spread.max)}"
    )


def _crowd(found: Figures) -> Iterator[str]:
    load = found.load
    if load.longest_queue:
        yield (
            f"up to {count(load.longest_queue)} calls waited for a worker, for up to "
            f"{duration(load.longest_wait)}"
        )
    if load.turned_away:
        yield f"{count(load.turned_away)} calls were sent away: it was full"
    if load.for_nobody:
        yield f"{count(load.for_nobody)} calls were worked on for nobody: their tills had given up"


def _loads(found: Figures) -> Iterator[str]:
    ended = found.calls.ended.get("load", {})
    if ended:
        others = [f"{count(number)} {name}" for name, number in ended.items() if name != "ok"]
        yield from _part("Loads", ", ".join([f"{count(ended.get('ok', 0))} done", *others]))


def _offers(found: Figures) -> Iterator[str]:
    waited = found.waited
    if not waited.offers.count:
        yield "nobody asked for offers"
        return
    kept = ", ".join(
        f"{count(number)} {ANSWERS.get(answer, answer)}"
        for answer, number in waited.answers.items()
        if answer != "fresh"
    )
    fresh = count(waited.answers.get("fresh", 0))
    rest = f", the others from what was kept: {kept}" if kept else ""
    yield f"offers: {count(waited.offers.count)} times asked for, {fresh} fresh{rest}"
    yield f"waited for them: {_spread(waited.offers)}"
