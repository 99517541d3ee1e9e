"""The diagram of a machine, laid out so that no line ever runs through a state.

States stand below each other in the order of the file, those inside another one in its frame.
Every state has a lane on each side, down on the right and up on the left; whatever leads to the
state joins its lane and ends there in an arrow. There can be no tangle, whatever
the machine, and a file that is written from good to bad reads from top to bottom.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from engine.api.page.languages import Language, catalogue
from engine.api.port import LabelView, MachineView, StateView, TransitionView

WIDTH, ROW, GAP, INDENT = 270, 44, 16, 14
"""Of a state, in the units of the drawing; INDENT is by how much a frame is wider on each side."""
LANE = 15
MARK = 20
MARGIN = 12
LETTERS = 24
"""As many letters of a label fit into a state."""


class Box(NamedTuple):
    """Where a state stands. ``bottom`` is below all that is inside it."""

    state: StateView
    depth: int
    row: int
    left: float
    right: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """The height at which lines leave and reach it."""
        return self.top + ROW / 2


class Edge(NamedTuple):
    """All transitions from one state to another. ``lane`` counts from the states outwards."""

    source: Box
    target: Box
    events: tuple[str, ...]
    lane: int

    @property
    def down(self) -> bool:
        """It runs on the right."""
        return self.target.row > self.source.row


class Layout(NamedTuple):
    """Everything in its place. Sizes are in the units of the drawing."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float


EVERYWHERE = StateView(
    id="",
    parent="",
    kind="compound",
    label=LabelView(
        en=catalogue("en").gettext("In every state"), fr=catalogue("fr").gettext("In every state")
    ),
    about="",
    code=None,
    offline=False,
    initial=False,
    sign="unsure",
)
"""A frame around all states, drawn when the machine itself declares transitions to states."""


def laid_out(machine: MachineView) -> Layout:
    """Place the states and the lines of a machine."""
    everywhere = any(one.source == "" and one.target is not None for one in machine.transitions)
    states = (EVERYWHERE, *machine.states) if everywhere else machine.states
    pairs = _pairs(states, machine.transitions)
    rows = {state.id: row for row, state in enumerate(states)}
    down = _lanes([(rows[a], rows[b]) for a, b in pairs if rows[b] > rows[a]])
    up = _lanes([(rows[a], rows[b]) for a, b in pairs if rows[b] < rows[a]])
    deepest = max((depth for _, depth in _nested(states)), default=0)
    start = MARGIN + LANE * (max(up.values(), default=0) + 1)
    end = start + WIDTH + 2 * INDENT * deepest
    boxes, height = _placed(states, start, end)
    edges = tuple(
        Edge(boxes[a], boxes[b], tuple(dict.fromkeys(events)), lanes[rows[b]])
        for (a, b), events in pairs.items()
        for lanes in ((down if rows[b] > rows[a] else up),)
    )
    width = end + LANE * (max(down.values(), default=0) + 1) + MARGIN
    return Layout(tuple(boxes.values()), edges, width, height)


def _pairs(
    states: Sequence[StateView], transitions: Sequence[TransitionView]
) -> dict[tuple[str, str], list[str]]:
    """The events by the two states that they join; what stays or returns at once is no line."""
    known = {state.id for state in states}
    pairs: dict[tuple[str, str], list[str]] = {}
    for one in transitions:
        if one.source in known and one.target in known and one.source != one.target:
            pairs.setdefault((one.source, str(one.target)), []).append(one.event)
    return pairs


def _lanes(spans: Sequence[tuple[int, int]]) -> dict[int, int]:
    """A lane for each target, by its row: the shorter its reach, the nearer to the states.

    Targets whose lines are beside each other nowhere share one.
    """
    reach: dict[int, tuple[int, int]] = {}
    for source, target in spans:
        first, last = reach.get(target, (target, target))
        reach[target] = min(first, source), max(last, source)
    lanes: list[list[tuple[int, int]]] = []
    found: dict[int, int] = {}
    for target in sorted(reach, key=lambda row: (reach[row][1] - reach[row][0], row)):
        first, last = reach[target]
        free = (
            number
            for number, taken in enumerate(lanes)
            if all(last < begin or end < first for begin, end in taken)
        )
        lane = next(free, len(lanes))
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append((first, last))
        found[target] = lane + 1
    return found


def _nested(states: Sequence[StateView]) -> Iterator[tuple[StateView, int]]:
    depths = {"": -1}
    for state in states:
        depths[state.id] = depths.get(state.parent, -1) + 1
        yield state, depths[state.id]


def _placed(states: Sequence[StateView], left: float, right: float) -> tuple[dict[str, Box], float]:
    boxes: dict[str, Box] = {}
    open_frames: list[Box] = []
    y = float(MARGIN)
    for row, (state, depth) in enumerate(_nested(states)):
        while open_frames and open_frames[-1].depth >= depth:
            y = _close(boxes, open_frames.pop(), y)
        inset = INDENT * depth
        box = Box(state, depth, row, left + inset, right - inset, y, y + ROW)
        boxes[state.id] = box
        y += ROW + GAP
        if state.kind in ("compound", "parallel"):
            open_frames.append(box)
            y -= GAP / 2
    while open_frames:
        y = _close(boxes, open_frames.pop(), y)
    return boxes, y - GAP + MARGIN


def _close(boxes: dict[str, Box], frame: Box, y: float) -> float:
    """End a frame below the last state in it; returns where the next state begins."""
    bottom = y - GAP + INDENT
    boxes[frame.state.id] = frame._replace(bottom=bottom)
    return bottom + GAP


def drawn(machine: MachineView, language: Language) -> str:
    """The diagram as an SVG document, in black and white; the page adds what is active.

    States carry ``data-state``, lines ``data-source`` and ``data-target``.
    """
    layout = laid_out(machine)
    say = catalogue(language).gettext
    title = escape(say("Diagram of the machine {machine}").format(machine=machine.machine))
    wide, high = f"{layout.width:g}", f"{layout.height:g}"
    frames = [_frame(box, language) for box in layout.boxes if _framed(box)]
    lines = [_line(edge, layout) for edge in layout.edges]
    states = [_state(box, language) for box in layout.boxes if not _framed(box)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" aria-labelledby="diagram-title" lang="{language}" '
        'class="machine" font-family="sans-serif" font-size="16" color="#1d2733">'
        f'<title id="diagram-title">{title}</title>{"".join([*frames, *lines, *states])}</svg>\n'
    )


def _framed(box: Box) -> bool:
    return box.state.kind in ("compound", "parallel")


def _label(state: StateView, language: Language) -> str:
    if state.label is None:
        return state.id
    return state.label.fr if language == "fr" else state.label.en


def _written(state: StateView, language: Language) -> str:
    label = _label(state, language)
    cut = label if len(label) <= LETTERS else label[: LETTERS - 1] + "…"
    return escape({"history": f"H  {cut}", "final": f"◉  {cut}"}.get(state.kind, cut))


def _frame(box: Box, language: Language) -> str:
    dashes = ' stroke-dasharray="8 5"' if box.state.kind == "parallel" else ""
    return (
        f'<g class="frame" data-state="{escape(box.state.id)}"><title>{_about(box.state)}</title>'
        f'<rect x="{box.left:g}" y="{box.top:g}" width="{box.right - box.left:g}" '
        f'height="{box.bottom - box.top:g}" rx="10" fill="#fff" fill-opacity="0.5" '
        f'stroke="#5b6b7b"{dashes}/>'
        f'<text x="{box.left + 14:g}" y="{box.top + 27:g}" font-size="14">'
        f"{_written(box.state, language)}</text></g>"
    )


def _state(box: Box, language: Language) -> str:
    # The mark stands to the left of the label, which is bold when it does.
    middle = (box.left + box.right + MARK) / 2
    return (
        f'<g class="state" data-state="{escape(box.state.id)}"><title>{_about(box.state)}</title>'
        f'<rect x="{box.left:g}" y="{box.top:g}" width="{box.right - box.left:g}" '
        f'height="{ROW}" rx="8" fill="#fff" stroke="#5b6b7b" stroke-width="1.5"/>'
        f'<path class="mark" d="M{box.left + 12:g} {box.top + 14:g}l12 8l-12 8z" fill="none"/>'
        f'<text x="{middle:g}" y="{box.top + 28:g}" text-anchor="middle">'
        f"{_written(box.state, language)}</text></g>"
    )


def _about(state: StateView) -> str:
    return escape(": ".join(part for part in (state.id, state.about) if part))


def _line(edge: Edge, layout: Layout) -> str:
    """One line: out of the source, along the target's lane, into the target."""
    source, target = edge.source, edge.target
    edges = [box.right if edge.down else box.left for box in layout.boxes]
    out = 1 if edge.down else -1
    lane = (max(edges) if edge.down else min(edges)) + out * LANE * edge.lane
    begin = source.right if edge.down else source.left
    end = target.right if edge.down else target.left
    # Lines that leave a state and those that reach it keep apart.
    leaves, reaches = source.middle + 8 * out, target.middle - 8 * out
    bend, turn = 7 * out, 7 if reaches > leaves else -7
    path = (
        f"M{begin:g} {leaves:g}H{lane - bend:g}Q{lane:g} {leaves:g} {lane:g} {leaves + turn:g}"
        f"V{reaches - turn:g}Q{lane:g} {reaches:g} {lane - bend:g} {reaches:g}H{end + 9 * out:g}"
    )
    head = f"M{end:g} {reaches:g}l{10 * out:g} -6v12z"
    names = escape(", ".join(edge.events))
    return (
        f'<g class="line" data-source="{escape(source.state.id)}" '
        f'data-target="{escape(target.state.id)}"><title>{names}</title>'
        f'<path d="{path}" fill="none" stroke="#5b6b7b" stroke-width="1.5"/>'
        f'<path class="head" d="{head}" fill="#5b6b7b"/></g>'
    )
