"""The report: one HTML file that holds everything it needs."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from engine import __version__
from engine.definition.tree import Tree
from engine.tools.simulation.figures import Figures, Outage, Spread
from engine.tools.simulation.measures import (
    MEASURES,
    clock,
    count,
    duration,
    share,
    told,
    written,
)
from engine.tools.simulation.pictures import calls, hours, lateness, statements, states, trade
from engine.tools.simulation.scenario import Scenario

HATCH = (
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><pattern '
    'id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatch" x1="0" y1="0" x2="0" y2="7"/></pattern></defs></svg>'
)
MOST_OUTAGES = 40
BY_KEY = {measure.key: measure for measure in MEASURES}
TILES = (
    "noticed",
    "returned",
    "caught_up",
    "delay",
    "delay_p99",
    "sql",
    "sql_peak",
    "calls_second",
    "queue",
    "turned_away",
    "wasted",
    "offers_p99",
)


def report(
    scenario: Scenario,
    labels: Sequence[str],
    results: Sequence[Figures],
    trees: Sequence[Tree],
    swept: str = "",
) -> str:
    """The page. ``swept`` is the name of the parameter whose values are compared, if one is."""
    first = results[0]
    sections = [_short(labels, results, swept), _outages(labels, results)]
    sections += _pictures(labels, results, trees)
    facts = (
        f"{count(first.tills)} {'till' if first.tills == 1 else 'tills'}, from "
        f"{clock(first.begins, 0.0, seconds=False)} for {duration(first.length)}, seed "
        f"{first.seed}, machine {first.machine}"
    )
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    links = "".join(
        f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title, _ in sections if name
    )
    body = "".join(
        f'<section id="{name}"><h2>{escape(title)}</h2>{content}</section>'
        for name, title, content in sections
        if name
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(scenario.scenario)}: simulated</title><style>{style}</style></head>"
        f"<body>{HATCH}<header><h1>{escape(scenario.scenario)}</h1>"
        f'<p>{escape(scenario.about)}</p><p class="soft">{escape(facts)}</p>'
        f'<nav aria-label="On this page"><ul>{links}</ul></nav></header>'
        f"<main>{body}</main><footer><p>Simulated by tillwire {__version__}. The machine and "
        "what it starts are those of a till; network, server and cashier are those of the "
        "scenario, and what calls cost the server is what the scenario says of it.</p>"
        "</footer></body></html>\n"
    )


Section = tuple[str, str, str]


def _short(labels: Sequence[str], results: Sequence[Figures], swept: str) -> Section:
    if len(results) == 1:
        return "short", "In short", _tiles(results[0])
    measures = told(results)
    head = "".join(f"<th scope='col'>{escape(label)}</th>" for label in labels)
    rows = "".join(
        f"<tr><td>{escape(measure.name)}</td>"
        + "".join(f"<td>{escape(written(measure, found))}</td>" for found in results)
        + "</tr>"
        for measure in measures
    )
    table = (
        f"<div class='scroll' tabindex='0'><table><thead><tr><th scope='col'>{escape(swept)}</th>"
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    picture = trade(labels, results, BY_KEY["delay"], BY_KEY["sql"])
    words = "What comes later, against what the server has to bear."
    return "short", "Side by side", f"<p class='soft'>{words}</p>{picture}{table}"


def _tiles(found: Figures) -> str:
    tiles = [
        (BY_KEY[key].name, written(BY_KEY[key], found))
        for key in TILES
        if BY_KEY[key].read(found) not in (None, 0, 0.0)
    ]
    sold = found.sold
    tiles.insert(0, ("Tickets sold", count(sold.closed)))
    tiles.insert(1, ("At the server", count(sold.stored)))
    tiles.append(("Waited at a ticket's end", duration(found.waited.tickets)))
    tiles.append(("Part of the time offline", share(found.offline_share)))
    inner = "".join(
        f"<div><dt>{_whole(name)}</dt><dd>{_whole(value)}</dd></div>" for name, value in tiles
    )
    return f"<dl class='tiles'>{inner}</dl>"


def _whole(words: str) -> str:
    """Words in which no line ends before a per cent sign."""
    return escape(words).replace(" %", "\u00a0%")


def _outages(labels: Sequence[str], results: Sequence[Figures]) -> Section:
    if not results[0].outages:
        return "", "", ""
    rows = []
    for index in range(min(MOST_OUTAGES, len(results[0].outages))):
        for label, found in zip(labels, results, strict=True):
            rows.append(_outage(label if len(results) > 1 else "", found, found.outages[index]))
    heads = ["From", "For", "What", "Noticed, half", "the last", "Back, half", "the last"]
    heads += ["All tickets there", "Not noticed by"]
    if len(results) > 1:
        heads.insert(3, "With")
    head = "".join(f"<th scope='col'>{each}</th>" for each in heads)
    more = len(results[0].outages) - MOST_OUTAGES
    rest = f"<p class='soft'>And {more} more.</p>" if more > 0 else ""
    table = (
        f"<div class='scroll' tabindex='0'><table><thead><tr>{head}</tr></thead><tbody>"
        f"{''.join(rows)}</tbody></table></div>{rest}"
    )
    return "outages", "Outages", table


def _outage(label: str, found: Figures, outage: Outage) -> str:
    def figure(spread: Spread, name: str) -> str:
        value = getattr(spread, name)
        return "–" if value is None else duration(value)

    cells = [
        clock(found.begins, outage.begins),
        duration(outage.ends - outage.begins),
        outage.what,
        *([label] if label else []),
        figure(outage.noticed, "p50"),
        figure(outage.noticed, "max"),
        figure(outage.returned, "p50"),
        figure(outage.returned, "max"),
        figure(outage.caught_up, "max"),
        f"{count(outage.overlooked)} of {count(outage.tills)}",
    ]
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _pictures(
    labels: Sequence[str], results: Sequence[Figures], trees: Sequence[Tree]
) -> list[Section]:
    most_calls = max(found.load.busiest_minute.most for found in results)
    most_sql = max(found.load.sql_busiest_minute.most for found in results)
    latest = max((found.sold.delay.max or 0.1 for found in results), default=0.1)
    by_tree = dict(zip(map(id, results), trees, strict=True))

    def each(draw: Callable[[Figures], str], caption: str) -> str:
        parts = []
        for label, found in zip(labels, results, strict=True):
            head = f"<h3>{escape(label)}</h3>" if len(results) > 1 else ""
            parts.append(f"{head}{draw(found)}")
        return f"<figure><figcaption>{caption}</figcaption>{''.join(parts)}</figure>"

    shaded = " Shaded: the server could not be reached." if results[0].outages else ""
    return [
        (
            "states",
            "Where the tills were",
            each(
                lambda found: states(found, by_tree[id(found)]),
                "Hatched: offline, the server is left alone. What is shorter than a point of the "
                "picture is left out.",
            ),
        ),
        (
            "calls",
            "Calls to the server, each minute",
            each(lambda found: calls(found, most_calls), f"By what is asked.{shaded}"),
        ),
        (
            "sql",
            "SQL statements, each minute",
            each(lambda found: statements(found, most_sql), f"What the calls cost.{shaded}"),
        ),
        (
            "late",
            "How late tickets were",
            each(
                lambda found: lateness(found, latest) + hours(found),
                f"From a ticket's end to the server, by the time of its end.{shaded}",
            ),
        ),
    ]
