"""A chart for a terminal: the states as a tree, and under each what is done and where it leads."""

from typing import TextIO
from unicodedata import normalize

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from engine.definition.tree import ROOT
from engine.tools.drawing.chart import Chart, Shape

SIGNS = {
    "→": "->",
    "●": "*",
    "◉": "(end)",
    "Ⓗ": "(H)",
    "↻": "@",
    "·": "-",
    "×": "x",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
}
"""What stands for a sign that the terminal does not have."""
NOTE, ARROW, CAUSE = 2, 2, 6
"""By how much the lines of a state are set in."""


def outline(chart: Chart, stream: TextIO, width: int | None = None) -> None:
    """Print the chart. Without ``width`` it is as wide as the terminal."""
    console = Console(file=stream, width=width, highlight=False, emoji=False, markup=False)
    console.print(_Outline(chart, console.encoding).tree())


def shown(text: str, encoding: str) -> str:
    """The text in the signs that an encoding has."""
    return "".join(_sign(sign, encoding) for sign in text)


def _sign(sign: str, encoding: str) -> str:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        bare = normalize("NFKD", sign).encode("ascii", "ignore").decode()
        return SIGNS.get(sign, bare or "?")
    return sign


class _Outline:
    def __init__(self, chart: Chart, encoding: str) -> None:
        self.chart = chart
        self.encoding = encoding

    def tree(self) -> Tree:
        """The machine with all of its states."""
        chart = self.chart
        head = [self._text(chart.name, "bold")]
        head += [self._text(chart.about, "dim")] if chart.about else []
        root = Tree(Group(*head), guide_style="dim")
        if chart.leaving(ROOT) or chart.notes:
            everywhere = self._text(chart.words.everywhere, "bold")
            root.add(self._with_lines(everywhere, ROOT, chart.notes))
        for state in chart.top:
            self._add(root, chart.shapes[state])
        return root

    def _add(self, around: Tree, shape: Shape) -> None:
        head = self._text(shape.mark + shape.title, "bold")
        if shape.told:
            head.append(self._text(f"  {shape.told}", "dim"))
        inside = around.add(self._with_lines(head, shape.id, shape.notes))
        for state in shape.inside:
            self._add(inside, self.chart.shapes[state])

    def _with_lines(self, head: Text, state: str, notes: tuple[str, ...]) -> RenderableType:
        lines: list[RenderableType] = [head]
        lines += [self._line(note, "dim", NOTE) for note in notes]
        for arrow in self.chart.leaving(state):
            goal = f"→ {self.chart.title(arrow.target)}"
            again = f"↻ {self.chart.words.again}"
            lines.append(self._line(again if arrow.target == state else goal, "cyan", ARROW))
            lines += [self._line(cause, "", CAUSE) for cause in arrow.causes]
        return Group(*lines)

    def _line(self, text: str, style: str, indent: int) -> Padding:
        return Padding(self._text(text, style), (0, 0, 0, indent), expand=False)

    def _text(self, text: str, style: str) -> Text:
        return Text(shown(text, self.encoding), style)
