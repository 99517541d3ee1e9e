"""A chart as SVG: the states below each other, and a lane on the right for each of them.

What leads from a state stands in it in words; a line goes from there to the lane of the state
that it leads to, which ends in an arrow at that state. So no line runs through a state or a text,
whatever the machine, and a narrow screen shows as much as a wide one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from engine.definition.tree import ROOT
from engine.tools.drawing.chart import Arrow, Chart, Shape

WIDTH = 340
"""Of a state that is in no other."""
MARGIN, GAP, PADDING, INDENT = 10, 12, 10, 10
LANE = 9
SIZES = {"title": 15, "name": 11, "note": 12, "to": 13, "cause": 12}
"""Heights of letters, in the units of the drawing, which are pixels where there is room."""
LEADING = 1.4
NESTED_LEAST = 140
"""However deep a state lies, it keeps so much width."""

_NARROW, _WIDE = frozenset("iljtfrI.,:;'|![]()/ ·"), frozenset("mwMW@%—→≥≤≠+=<>_")
COLOURS = 8
STYLE = """
.drawing{--ground:#fff;--ink:#1d2733;--soft:#536271;--edge:#8a97a5;--card:#f6f8fa;
--c0:#0b62a8;--c1:#a8480b;--c2:#157347;--c3:#8a2f8f;--c4:#a3202c;--c5:#6b5d00;--c6:#00666e;--c7:#5346b8}
@media (prefers-color-scheme:dark){.drawing{--ground:#12181f;--ink:#e6ebf0;--soft:#a5b1bd;
--edge:#66737f;--card:#1b232c;
--c0:#6cb4f0;--c1:#f09a5f;--c2:#63cf98;--c3:#d792dc;--c4:#f58a94;--c5:#d6c452;--c6:#58c8d1;--c7:#a99ff5}}
.drawing{max-width:100%;height:auto;background:var(--ground)}
.drawing text{font-family:system-ui,sans-serif;fill:var(--ink)}
.drawing rect{fill:var(--card);stroke:var(--edge)}
.drawing .parallel{stroke-dasharray:7 4}
.drawing .title{font-size:15px;font-weight:600}
.drawing .name{font-size:11px;fill:var(--soft)}
.drawing .note{font-size:12px;fill:var(--soft)}
.drawing .to{font-size:13px;font-weight:600}
.drawing .cause{font-size:12px}
.drawing path{fill:none;stroke-width:1.5}
""".strip()


class Line(NamedTuple):
    """A line of text in a state. ``port`` is the state that a lane leads to from here."""

    text: str
    style: str
    indent: int = 0
    port: str = ""

    @property
    def height(self) -> float:
        """What it takes of the state's height."""
        return SIZES[self.style] * LEADING


@dataclass(slots=True)
class Box:
    """Where a state stands, with the height of each line's middle."""

    id: str
    style: str
    left: float
    right: float
    top: float
    bottom: float = 0.0
    lines: list[tuple[Line, float]] = field(default_factory=list)

    @property
    def head(self) -> float:
        """The height at which its lane reaches it."""
        return self.lines[0][1]


def svg(chart: Chart) -> str:
    """The chart as a document of its own: nothing is fetched, light and dark as the reader is."""
    boxes = _Placing(chart).boxes
    lanes = _lanes(chart, boxes)
    edge = max(box.right for box in boxes.values())
    width = edge + LANE * (max(lanes.values(), default=0) + 1) + MARGIN
    height = max(box.bottom for box in boxes.values()) + MARGIN
    colours = {target: lane % COLOURS for target, lane in lanes.items()}
    frames = [_card(box) for box in boxes.values()]
    lines = [_way(boxes, lanes, colours, edge, target) for target in lanes]
    texts = [_texts(box, colours) for box in boxes.values()]
    about = f"<desc>{escape(chart.about)}</desc>" if chart.about else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" class="drawing">'
        f"<title>{escape(chart.name)}</title>{about}<style>{STYLE}</style>\n"
        + "\n".join([*frames, *lines, *texts])
        + "\n</svg>\n"
    )


class _Placing:
    """Puts the states below each other, in the order of the file, those inside in their frame."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.boxes: dict[str, Box] = {}
        y = float(MARGIN)
        if chart.leaving(ROOT) or chart.notes:
            everywhere = self._box(ROOT, "state", MARGIN, MARGIN + WIDTH, y)
            head = [Line(chart.words.everywhere, "title")]
            y = self._fill(everywhere, (*head, *self._told(ROOT, chart.notes))) + GAP
        for state in chart.top:
            y = self._place(chart.shapes[state], MARGIN, MARGIN + WIDTH, y) + GAP

    def _place(self, shape: Shape, left: float, right: float, top: float) -> float:
        """Place a state and all in it; returns where it ends."""
        style = shape.kind if shape.frame else "state"
        box = self._box(shape.id, style, left, right, top)
        y = self._fill(box, (*self._head(shape), *self._told(shape.id, shape.notes)))

        inset = INDENT if right - left - 2 * INDENT >= NESTED_LEAST else 0
        for number, state in enumerate(shape.inside):
            begin = y + (GAP if number else 0)
            y = self._place(self.chart.shapes[state], left + inset, right - inset, begin)
        box.bottom = y + (PADDING if shape.inside else 0)
        return box.bottom

    def _box(self, state: str, style: str, left: float, right: float, top: float) -> Box:
        self.boxes[state] = Box(state, style, left, right, top)
        return self.boxes[state]

    def _fill(self, box: Box, lines: Iterable[Line]) -> float:
        """Wrap the lines into the box; returns where they end."""
        y = box.top + PADDING
        for line in lines:
            room = box.right - box.left - 2 * PADDING - line.indent
            port = line.port
            for text in wrapped(line.text, SIZES[line.style], room):
                box.lines.append((line._replace(text=text, port=port), y + line.height / 2))
                y += line.height
                port = ""
        box.bottom = y + PADDING
        return box.bottom

    @staticmethod
    def _head(shape: Shape) -> Iterator[Line]:
        yield Line(shape.mark + shape.title, "title")
        if shape.told:
            yield Line(shape.told, "name")

    def _told(self, state: str, notes: Iterable[str]) -> Iterator[Line]:
        for note in notes:
            yield Line(note, "note")
        for arrow in self.chart.leaving(state):
            yield from self._arrow(arrow)

    def _arrow(self, arrow: Arrow) -> Iterator[Line]:
        if arrow.target == arrow.source:
            yield Line(f"↻ {self.chart.words.again}", "to")
        else:
            yield Line(f"→ {self.chart.title(arrow.target)}", "to", port=arrow.target)
        for cause in arrow.causes:
            yield Line(cause, "cause", indent=PADDING * 2)


def length(text: str, size: float) -> float:
    """How wide a text is at the most, in any usual font without serifs."""
    widths = (0.4 if sign in _NARROW else 0.95 if sign in _WIDE else 0.66 for sign in text)
    return sum(widths) * size


def wrapped(text: str, size: float, room: float) -> Iterator[str]:
    """The text in lines that fit; a word that is too long is cut."""
    line = ""
    for word in text.split(" "):
        for part in _cut(word, size, room):
            longer = f"{line} {part}" if line else part
            if line and length(longer, size) > room:
                yield line
                longer = part
            line = longer
    yield line


def _cut(word: str, size: float, room: float) -> Iterator[str]:
    rest = word
    while length(rest, size) > room:
        fits = next(n for n in range(len(rest) - 1, 0, -1) if length(rest[:n], size) <= room)
        yield rest[:fits]
        rest = rest[fits:]
    yield rest


def _ports(boxes: dict[str, Box], target: str) -> list[tuple[Box, float]]:
    return [(box, y) for box in boxes.values() for line, y in box.lines if line.port == target]


def _lanes(chart: Chart, boxes: dict[str, Box]) -> dict[str, int]:
    """A lane for each state that something leads to: the shorter its reach, the nearer."""
    spans = {}
    for target in chart.shapes:
        heights = [y for _, y in _ports(boxes, target)]
        if heights:
            spans[target] = (
                min(*heights, boxes[target].head),
                max(*heights, boxes[target].head),
            )
    lanes: dict[str, int] = {}
    for target in sorted(spans, key=lambda each: spans[each][1] - spans[each][0]):
        first, last = spans[target]
        taken = {
            lanes[other] for other in lanes if first <= spans[other][1] and spans[other][0] <= last
        }
        lanes[target] = next(lane for lane in range(1, len(spans) + 1) if lane not in taken)
    return lanes


def _card(box: Box) -> str:
    parallel = ' class="parallel"' if box.style == "parallel" else ""
    size = f'width="{box.right - box.left:g}" height="{box.bottom - box.top:g}"'
    return f'<rect x="{box.left:g}" y="{box.top:g}" {size} rx="8"{parallel}/>'


def _texts(box: Box, colours: dict[str, int]) -> str:
    shown = []
    for line, y in box.lines:
        x, size = box.left + PADDING + line.indent, SIZES[line.style]
        colour = f' style="fill:var(--c{colours[line.port]})"' if line.port else ""
        shown.append(
            f'<text class="{line.style}" x="{x:g}" y="{y + size * 0.35:.1f}"{colour}>'
            f"{escape(line.text)}</text>"
        )
    return "".join(shown)


def _way(
    boxes: dict[str, Box], lanes: dict[str, int], colours: dict[str, int], edge: float, target: str
) -> str:
    """All lines to a state: from where it is named to its lane, and along that into the state."""
    x, goal = edge + LANE * lanes[target], boxes[target]
    paths = []
    for box, y in _ports(boxes, target):
        turn = 5 if goal.head > y else -5
        paths.append(
            f"M{box.right:g} {y:.1f}H{x - 5:g}Q{x:g} {y:.1f} {x:g} {y + turn:.1f}"
            f"V{goal.head - turn:.1f}Q{x:g} {goal.head:.1f} {x - 5:g} {goal.head:.1f}"
            f"H{goal.right + 8:g}"
        )
    colour = f"var(--c{colours[target]})"
    head = f"M{goal.right:g} {goal.head:.1f}l9 -5v10z"
    return (
        f'<g style="stroke:{colour}"><path d="{"".join(paths)}"/>'
        f'<path d="{head}" style="fill:{colour};stroke:none"/></g>'
    )
