"""``tillwire diagram``: the three ways to draw, and what the verb does with files."""

import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from engine.tools.drawing.chart import Chart, chart_of
from engine.tools.drawing.outline import outline
from engine.tools.drawing.svg import length, svg, wrapped
from tests.unit.tools.drawing.conftest import EVERYTHING

HERE = Path(__file__).parent
SVG = "{http://www.w3.org/2000/svg}"
TILL = "shop: '1'\ntill: '1'\nserver: {protocol: soap, url: 'http://server.example'}\n"


def _read(text: str) -> "ET.Element":
    return ET.fromstring(text)  # noqa: S314 - it is our own


@pytest.fixture
def everything() -> Chart:
    """A chart with a shape of each kind."""
    return chart_of(load_machine(EVERYTHING, VOCABULARY))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("everything.mmd", ("--format", "mermaid")),
        ("everything.txt", ("--format", "text")),
        ("detail-fr.txt", ("--format", "text", "--detail", "--language", "fr")),
    ],
)
def test_a_drawing_is_what_it_was(
    tillwire: Any, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    """Each kind of state, transition, action and delay, in Mermaid and as text."""
    result = tillwire("diagram", EVERYTHING, *options, "-o", tmp_path / name)
    assert (result.code, result.out, result.err) == (0, "", f"Wrote {tmp_path / name}.\n")
    assert (tmp_path / name).read_text("utf-8") == (HERE / name).read_text("utf-8")


def test_the_svg_is_a_document_of_its_own(everything: Chart) -> None:
    """It names every state and asks for nothing from elsewhere; the reader's light decides."""
    text = svg(everything)
    texts = {node.text or "" for node in _read(text).iter(f"{SVG}text")}
    for shape in everything.shapes.values():
        assert shape.mark + shape.title in texts
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\(|@import|<script|href", text)
    assert "prefers-color-scheme:dark" in text


def test_every_arrow_of_the_svg_begins_beside_its_words(everything: Chart) -> None:
    """One line for each pair of states, and one arrow for each state that is led to."""
    root = _read(svg(everything))
    ways = [group.find(f"{SVG}path") for group in root.iter(f"{SVG}g")]
    away = [arrow for arrow in everything.arrows if arrow.source != arrow.target]
    begun = sum((way.get("d") or "").count("M") for way in ways if way is not None)
    assert begun == len(away)
    assert len(ways) == len({arrow.target for arrow in away})


def test_a_long_text_is_wrapped_and_a_long_word_is_cut() -> None:
    """Nothing is lost and nothing too wide."""
    text = "a guard that goes on " + "x" * 200 + " and on"
    lines = [*wrapped(text, 12, 100)]
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(length(line, 12) <= 100 for line in lines)
    assert [*wrapped("", 12, 100)] == [""]


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("utf-8", "│   ├── ● En ligne  online · 1 · commence ici"),
        ("cp1252", "|   +-- * En ligne  online · 1 · commence ici"),
        ("ascii", "|   +-- * En ligne  online - 1 - commence ici"),
    ],
)
def test_a_terminal_gets_the_signs_that_it_has(encoding: str, line: str) -> None:
    """Frames, arrows and accents; the words stay readable."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    outline(chart_of(load_machine(EVERYTHING, VOCABULARY), "fr"), stream, 100)
    stream.flush()
    text = raw.getvalue().decode(encoding)
    assert line in text.splitlines()
    assert "à la fois" in text or "a la fois" in text


def test_a_terminal_gets_text_and_a_pipe_mermaid(
    tillwire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a file, it is the machine that comes with the program."""
    assert tillwire("diagram").out.startswith("stateDiagram-v2\n")
    monkeypatch.setattr("engine.tools.diagram._on_terminal", lambda: True)
    assert tillwire("diagram").out.startswith("connection\n")


def test_a_drawing_of_a_till_has_its_parameters(tillwire: Any, tmp_path: Path) -> None:
    """The values in force, which till.yaml may set."""
    path = tmp_path / "till.yaml"
    path.write_text(TILL + "parameters: {ping_interval: 45s}\n", encoding="utf-8")
    assert "every 45s#58; ping" in tillwire("diagram", path).out
    assert "every 30s#58; ping" in tillwire("diagram", shipped_machine()).out


def test_the_name_of_the_output_tells_the_format(tillwire: Any, tmp_path: Path) -> None:
    """Unless --format does."""
    for name, begin in (("a.svg", "<svg"), ("a.txt", "every"), ("a.mmd", "stateDiagram")):
        assert tillwire("diagram", EVERYTHING, "-o", tmp_path / name).code == 0
        assert (tmp_path / name).read_text("utf-8").startswith(begin)


def test_a_machine_that_is_refused_is_not_drawn(tillwire: Any, tmp_path: Path) -> None:
    """Its faults are told as the check tells them: exit code 1."""
    path = tmp_path / "bad.yaml"
    path.write_text("machine: m\nstates: {a: {on: {sync.now: b}}}\n", encoding="utf-8")
    result = tillwire("diagram", path)
    assert (result.code, result.out) == (1, "")
    assert "[unknown-target]" in result.err


def test_a_file_that_cannot_be_read_is_2(tillwire: Any, tmp_path: Path) -> None:
    """With a sentence."""
    result = tillwire("diagram", tmp_path / "none.yaml")
    assert (result.code, result.out) == (2, "")
    assert "The file cannot be read: no such file or directory." in result.err


def test_an_output_that_cannot_be_written_is_1(tillwire: Any, tmp_path: Path) -> None:
    """With a sentence."""
    result = tillwire("diagram", EVERYTHING, "-o", tmp_path)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"{tmp_path} cannot be written: ")
