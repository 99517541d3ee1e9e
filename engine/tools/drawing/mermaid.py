"""A chart as Mermaid, which GitHub, GitLab and many editors draw.

Mermaid cannot draw a line from a state to one inside it. What such a state itself declares
leaves from a small state in it that stands for all of them.
"""

from collections.abc import Iterator

from engine.definition.tree import ROOT
from engine.tools.drawing.chart import Chart, Shape

INDENT = "    "
_CODED = {"#": "#35;", ":": "#58;", ";": "#59;", "<": "#lt;", ">": "#gt;", '"': "#quot;"}
"""Signs that mean something to Mermaid, as it wants them in a text."""


def mermaid(chart: Chart) -> str:
    """The chart as a ``stateDiagram-v2``."""
    names = {state: f"s{number}_{_plain(state)}" for number, state in enumerate(chart.shapes)}
    return "\n".join(_Drawing(chart, names).lines()) + "\n"


def _plain(name: str) -> str:
    return "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name)


def _text(text: str) -> str:
    return "".join(_CODED.get(sign, sign) for sign in text)


class _Drawing:
    """One drawing; ``names`` are those of the states in it."""

    def __init__(self, chart: Chart, names: dict[str, str]) -> None:
        self.chart = chart
        self.names = names

    def lines(self) -> Iterator[str]:
        """The drawing line by line: the states, then what leads from one to another."""
        chart = self.chart
        yield "stateDiagram-v2"
        yield f"{INDENT}accTitle: {_text(chart.name)}"
        if chart.leaving(ROOT):
            yield f'{INDENT}state "{_text(chart.words.everywhere)}" as everywhere'
        if chart.parallel:  # regions are drawn inside a state only
            yield f'{INDENT}state "{_text(chart.name)}" as machine {{'
        yield from self._inside(chart.top, chart.parallel, 1 + chart.parallel)
        if chart.parallel:
            yield f"{INDENT}}}"
        for arrow in chart.arrows:
            source = chart.shapes.get(arrow.source)
            begin = "everywhere" if source is None else self._begin(source)
            causes = "<br>".join(map(_text, arrow.causes))
            yield f"{INDENT}{begin} --> {self._end(arrow.source, arrow.target)} : {causes}"

    def _begin(self, shape: Shape) -> str:
        return f"any_{self.names[shape.id]}" if shape.frame else self.names[shape.id]

    def _end(self, source: str, target: str) -> str:
        """A line into a frame from within it ends at what stands for all in it."""
        around = source
        while around and around != target:
            around = self.chart.shapes[around].parent
        return self._begin(self.chart.shapes[target]) if around else self.names[target]

    def _inside(self, states: tuple[str, ...], parallel: bool, depth: int) -> Iterator[str]:
        for number, state in enumerate(states):
            shape = self.chart.shapes[state]
            if parallel and number and shape.kind != "history":
                yield f"{INDENT * depth}--"
            yield from self._shape(shape, depth)
            if shape.initial and not parallel:
                yield f"{INDENT * depth}[*] --> {self.names[state]}"
            if shape.kind == "final":
                yield f"{INDENT * depth}{self.names[state]} --> [*]"

    def _shape(self, shape: Shape, depth: int) -> Iterator[str]:
        name, space = self.names[shape.id], INDENT * depth
        code = "" if shape.code is None else f" ({shape.code})"
        kind = f" ({shape.what})" if shape.kind == "history" else ""
        head = f'{space}state "{_text(shape.title)}{code}{kind}" as {name}'
        if not shape.frame:
            yield head
            for note in shape.notes:
                yield f"{space}{name} : {_text(note)}"
            return
        yield head + " {"
        if self._any(shape):
            inner = INDENT * (depth + 1)
            yield f'{inner}state "{_text(self.chart.words.anywhere)}" as any_{name}'
            for note in shape.notes:
                yield f"{inner}any_{name} : {_text(note)}"
            if shape.kind == "parallel":
                yield f"{inner}--"
        yield from self._inside(shape.inside, shape.kind == "parallel", depth + 1)
        yield f"{space}}}"

    def _any(self, shape: Shape) -> bool:
        """Whether something has to stand for all states of a frame."""
        into = any(
            arrow.target == shape.id and self._end(arrow.source, arrow.target).startswith("any_")
            for arrow in self.chart.arrows
        )
        return bool(into or shape.notes or self.chart.leaving(shape.id))
