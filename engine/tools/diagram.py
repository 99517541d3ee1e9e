"""``tillwire diagram``: a machine drawn from the model that runs, for people to look at."""

import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TextIO

from engine.definition.machine import Definition
from engine.definition.report import report
from engine.problems import Refused
from engine.tools.diff import load_side
from engine.tools.drawing.chart import Chart, chart_of
from engine.tools.drawing.wording import Language

DRAWN, NOT_WRITTEN, UNREADABLE = 0, 1, 2
Format = Literal["mermaid", "svg", "text"]
WIDTH = 100
"""Characters of a line that goes into a file."""
BY_SUFFIX: Mapping[str, Format] = {".svg": "svg", ".txt": "text"}


def diagram(
    file: Path, form: Format | None, language: Language, detail: bool, output: Path | None
) -> int:
    """Draw the machine of a file, or of a till.yaml with its parameters; returns the exit code.

    Without a format it is that of the output's name, text on a terminal, else Mermaid. Raises
    :class:`~engine.problems.Refused` for a file that is at fault.
    """
    definition = read_machine(file)
    if definition is None:
        return UNREADABLE
    chart = chart_of(definition, language, detail)
    if output is None:
        _draw(chart, form or ("text" if _on_terminal() else "mermaid"), sys.stdout, None)
        return DRAWN
    text = io.StringIO()
    _draw(chart, form or BY_SUFFIX.get(output.suffix, "mermaid"), text, WIDTH)
    try:
        output.write_text(text.getvalue(), encoding="utf-8", newline="\n")
    except OSError as error:
        sys.stderr.write(f"{output} cannot be written: {error.strerror or error}.\n")
        return NOT_WRITTEN
    sys.stderr.write(f"Wrote {output}.\n")
    return DRAWN


def read_machine(file: Path) -> Definition | None:
    """The machine of a file, or of a till.yaml with its parameters; None when it cannot be read,
    which is said. Raises :class:`~engine.problems.Refused` for a file that is at fault."""
    try:
        return load_side(file).definition
    except Refused as refused:
        if all(problem.code != "unreadable" for problem in refused.problems):
            raise
        sys.stderr.write(report(refused.problems) + "\n")
        return None


def _on_terminal() -> bool:
    return sys.stdout.isatty()


def _draw(chart: Chart, form: Format, stream: TextIO, width: int | None) -> None:
    if form == "text":
        from engine.tools.drawing.outline import outline

        outline(chart, stream, width)
    elif form == "svg":
        from engine.tools.drawing.svg import svg

        stream.write(svg(chart))
    else:
        from engine.tools.drawing.mermaid import mermaid

        stream.write(mermaid(chart))
