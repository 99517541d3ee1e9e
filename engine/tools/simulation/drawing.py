"""Plots as HTML with inline SVG: words in HTML, so that they stay readable at any width; shapes
in SVG that is stretched to the room there is. No script, nothing fetched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from engine.tools.simulation.measures import clock, count, duration

COLOURS = 7
STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
MOST_TICKS = 9


@dataclass(frozen=True, slots=True)
class Axis:
    """From ``low`` to ``high``; ``ticks`` with their words. ``log``: tenfold is as far as
    tenfold."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def part(self, value: float) -> float:
        """How far along the axis a value lies, from 0 to 1."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = log10(low), log10(high), log10(max(value, self.low))
        return min(1.0, max(0.0, (value - low) / (high - low)))


@dataclass(frozen=True, slots=True)
class Mark:
    """How something is drawn: a colour, and whether it is hatched or dashed beside, because
    colours are not the same to everybody."""

    name: str
    colour: int
    hatched: bool = False
    dashed: bool = False


Span = tuple[float, float]


def times(begins: float, length: float) -> Axis:
    """The time of day."""
    step = next((each for each in STEPS if length / each <= MOST_TICKS), 86_400 * 7)
    first = ceil(begins / step) * step - begins
    ticks = []
    at = first
    while at <= length:
        words = clock(begins, at, seconds=False)
        ticks.append((at, words.removeprefix("day ")))
        at += step
    return Axis(0.0, length, ticks)


def counts(most: float) -> Axis:
    """From 0 to something round that is at least ``most``."""
    most = max(most, 1.0)
    size = 10 ** floor(log10(most))
    step = next(each * size for each in (0.2, 0.5, 1, 2, 5, 10) if most / (each * size) <= 5)
    step = max(step, 1.0)
    top = ceil(most / step)
    return Axis(0.0, top * step, [(n * step, count(n * step)) for n in range(top + 1)])


def delays(most: float) -> Axis:
    """From 10 ms on, tenfold by tenfold up to a day."""
    marks = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36_000.0, 86_400.0)
    high = next((each for each in marks[1:] if each >= most), max(most, 86_400.0))
    return Axis(0.01, high, [(each, duration(each)) for each in marks if each <= high], log=True)


def plot(x: Axis, y: Axis, shapes: Iterable[str], shades: Iterable[Span], label: str) -> str:
    """A plot with its axes; ``label`` says in a sentence what it shows."""
    grid = "".join(
        f'<line class="tick" x1="0" x2="1000" y1="{_down(y, value)}" y2="{_down(y, value)}"/>'
        for value, _ in y.ticks
    )
    shaded = "".join(_shade(x, span) for span in shades)
    up = "".join(
        f'<span style="top:{100 - 100 * y.part(value):.2f}%">{escape(words)}</span>'
        for value, words in y.ticks
    )
    return (
        f'<div class="plot"><div class="y" aria-hidden="true">{up}</div>'
        f'<div class="area"><svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{shaded}{grid}{"".join(shapes)}</svg></div>'
        f"{_under(x)}</div>"
    )


def band(x: Axis, name: str, pieces: Iterable[tuple[Span, Mark]], shades: Iterable[Span]) -> str:
    """One line of a timeline: a name and what followed what."""
    drawn = "".join(
        f"<g>{_rect(x, span, mark)}<title>{escape(mark.name)}: {escape(words)}</title></g>"
        for span, mark, words in (
            (span, mark, duration(span[1] - span[0])) for span, mark in pieces
        )
    )
    shaded = "".join(_shade(x, span) for span in shades)
    return (
        f'<div class="plot"><div class="name">{escape(name)}</div><div class="area">'
        f'<svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(name)}">{shaded}{drawn}</svg></div></div>'
    )


def under(x: Axis) -> str:
    """The words of a time axis on their own, under bands."""
    return f'<div class="plot"><div></div>{_under(x)}</div>'


def line(x: Axis, y: Axis, points: Sequence[tuple[float, float | None]], mark: Mark) -> str:
    """A line, broken where there is no value. A point alone is a short dash."""
    path, pen = [], False
    for at, value in points:
        if value is None:
            pen = False
            continue
        path.append(f"{'L' if pen else 'M'}{_right(x, at)} {_down(y, value)}")
        if not pen:
            path.append("h0.8")
        pen = True
    dash = " dash" if mark.dashed else ""
    return f'<path class="line s{mark.colour % COLOURS}{dash}" d="{"".join(path)}"/>'


def layers(
    x: Axis, y: Axis, width: float, columns: Sequence[Sequence[float]], marks: Sequence[Mark]
) -> str:
    """Areas one upon the other: ``columns`` holds, for each piece of ``width`` along the x axis,
    the value of each mark."""
    shapes = []
    below = [0.0] * len(columns)
    for index, mark in enumerate(marks):
        above = [low + column[index] for low, column in zip(below, columns, strict=True)]
        there = [f"{_stair(x, y, width, above, forth=True)}"]
        back = _stair(x, y, width, below, forth=False)
        d = f"M{''.join(there)[1:]}{back}Z"
        shapes.append(f'<path class="f{mark.colour % COLOURS}" d="{d}"/>')
        if mark.hatched:
            shapes.append(f'<path fill="url(#hatch)" d="{d}"/>')
        below = above
    return "".join(shapes)


def legend(marks: Iterable[Mark], lines: bool = False) -> str:
    """What the colours mean."""
    items = []
    for mark in marks:
        colour = mark.colour % COLOURS
        if lines:
            dash = " dash" if mark.dashed else ""
            shape = f'<path class="line s{colour}{dash}" d="M0 6H22"/>'
        else:
            shape = f'<rect class="f{colour}" width="22" height="12"/>'
            if mark.hatched:
                shape += '<rect fill="url(#hatch)" width="22" height="12"/>'
        items.append(
            f'<li><svg viewBox="0 0 22 12" aria-hidden="true">{shape}</svg>{escape(mark.name)}</li>'
        )
    return f'<ul class="legend">{"".join(items)}</ul>'


def bar(part: float, colour: int, *, leftwards: bool) -> str:
    """A bar that takes ``part`` of the room there is."""
    width = round(100 * part, 2)
    start = round(100 - width, 2) if leftwards else 0
    return (
        '<svg viewBox="0 0 100 22" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="f{colour}" x="{start}" width="{width}" height="22"/></svg>'
    )


def _right(x: Axis, value: float) -> str:
    return f"{1000 * x.part(value):.1f}"


def _down(y: Axis, value: float) -> str:
    return f"{100 - 100 * y.part(value):.2f}"


def _stair(x: Axis, y: Axis, width: float, values: Sequence[float], *, forth: bool) -> str:
    """The outline of columns: to the right, or back to the left."""
    places = range(len(values)) if forth else range(len(values) - 1, -1, -1)
    return "".join(
        f"L{_right(x, width * (n if forth else n + 1))} {_down(y, values[n])}"
        f"H{_right(x, width * (n + 1 if forth else n))}"
        for n in places
    )


def _rect(x: Axis, span: Span, mark: Mark) -> str:
    left, right = 1000 * x.part(span[0]), 1000 * x.part(span[1])
    place = f'x="{left:.1f}" width="{max(0.6, right - left):.1f}" height="100"'
    drawn = f'<rect class="f{mark.colour % COLOURS}" {place}/>'
    return drawn + (f'<rect fill="url(#hatch)" {place}/>' if mark.hatched else "")


def _shade(x: Axis, span: Span) -> str:
    left, right = 1000 * x.part(span[0]), 1000 * x.part(span[1])
    return f'<rect class="shade" x="{left:.1f}" width="{max(0.6, right - left):.1f}" height="100"/>'


def _under(x: Axis) -> str:
    words = []
    for index, (value, text) in enumerate(x.ticks):
        part = x.part(value)
        edge = " first" if part < 0.03 else " last" if part > 0.97 else ""
        odd = " odd" if index % 3 else ""
        place = f'class="{(edge + odd).strip()}" style="left:{100 * part:.2f}%"'
        words.append(f"<span {place}>{escape(text)}</span>")
    return f'<div class="x" aria-hidden="true">{"".join(words)}</div>'
