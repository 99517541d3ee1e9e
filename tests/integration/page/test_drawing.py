"""``tillwire diagram`` in Chromium: nothing overlaps, and Mermaid takes every drawing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from engine.definition.machine import load_machine
from engine.definition.vocabulary import EffectSignature, Field, Vocabulary
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from engine.tools.drawing.chart import Chart, chart_of
from engine.tools.drawing.mermaid import mermaid
from engine.tools.drawing.svg import svg
from engine.tools.drawing.wording import Language
from tests.integration.page.conftest import ROOT, SCREENSHOTS

UNIT = ROOT / "tests" / "unit"
MACHINES = [
    shipped_machine(),
    UNIT / "tools" / "drawing" / "everything.yaml",
    *sorted((UNIT / "definition" / "good").glob("*.yaml")),
    *sorted((UNIT / "core" / "charts").glob("*.yaml")),
]
MERMAID = ROOT / "build" / "mermaid" / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
PAPER = Field("text", "the paper", ("thin", "thick"), required=True)
PRINT = EffectSignature("print", "prints", {"paper": PAPER, "copies": Field("integer")})
DRAWINGS: tuple[tuple[Language, bool], ...] = (("en", False), ("fr", True))
"""Languages, and whether in detail."""

FAULTS = """() => {
  const found = [];
  const svg = document.querySelector('svg');
  const texts = [...svg.querySelectorAll('text')].map((node) => [node.textContent, node.getBBox()]);
  const cards = [...svg.querySelectorAll('rect')].map((node) => node.getBBox());
  const right = (box) => box.x + box.width, bottom = (box) => box.y + box.height;
  texts.forEach(([text, a], index) => {
    const around = (b) => b.x <= a.x && right(a) <= right(b) &&
      b.y <= a.y + 2 && bottom(a) - 2 <= bottom(b);
    if (!cards.some(around)) found.push([text, 'is in no state']);
    texts.slice(index + 1).forEach(([other, b]) => {
      const wide = Math.min(right(a), right(b)) - Math.max(a.x, b.x);
      const high = Math.min(bottom(a), bottom(b)) - Math.max(a.y, b.y);
      if (wide > 1 && high > 3) found.push([text, other]);
    });
  });
  for (const path of svg.querySelectorAll('path'))
    for (let at = 0, length = path.getTotalLength(); at <= length; at += 6) {
      const { x, y } = path.getPointAtLength(at);
      if (x < 0 || x > svg.viewBox.baseVal.width) found.push(['a line', 'leaves the drawing']);
      for (const [text, box] of texts)
        if (x > box.x && x < right(box) && y > box.y && y < bottom(box))
          found.push(['a line', text]);
    }
  return found;
}"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll('text')].map((node) =>
  node.getBoundingClientRect().height))"""
DRAW = """async (text) => {
  mermaid.initialize({startOnLoad: false});
  try {
    const { svg } = await mermaid.render('drawing', text);
    document.body.innerHTML = svg;
    return '';
  } catch (error) { return String(error); }
}"""


def _chart(path: Path, language: Language = "en", detail: bool = False) -> Chart:
    vocabulary = Vocabulary({**VOCABULARY.effects, "print": PRINT}, VOCABULARY.events)
    return chart_of(load_machine(path, vocabulary), language, detail)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that may fetch nothing."""
    page = browser.new_page(offline=True)
    yield page
    page.close()


def _show(page: Page, drawing: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(f'<body style="margin: 0">{drawing}')


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_no_text_of_an_svg_is_hidden(page: Page, path: Path) -> None:
    """No two texts overlap, none leaves its state, and no line runs through one."""
    for language, detail in DRAWINGS:
        _show(page, svg(_chart(path, language, detail)), 1280)
        assert page.evaluate(FAULTS) == [], (language, detail)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("light", ["light", "dark"])
def test_the_shipped_machine_can_be_read_on_any_screen(page: Page, width: int, light: str) -> None:
    """It is as wide as the screen at the most, and its letters stay large enough."""
    page.emulate_media(color_scheme="dark" if light == "dark" else "light")
    _show(page, svg(_chart(shipped_machine())), width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(SMALLEST) >= 11
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"diagram-{width}-{light}.png", full_page=True)


@pytest.fixture(scope="module")
def drawer(browser: Browser) -> Iterator[Page]:
    """A page with Mermaid in it."""
    assert MERMAID.exists(), "The tests of drawings need mermaid; `make test-setup` installs it."
    page = browser.new_page(offline=True)
    page.add_script_tag(content=MERMAID.read_text(encoding="utf-8"))
    yield page
    page.close()


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_mermaid_draws_every_machine(drawer: Page, path: Path) -> None:
    """With every title in the picture."""
    # The detailed drawing holds whatever the other one does.
    for detail in (False, True) if path == shipped_machine() else (True,):
        chart = _chart(path, "fr", detail)
        assert drawer.evaluate(DRAW, mermaid(chart)) == ""
        shown = drawer.evaluate("document.body.textContent")
        assert all(shape.title in shown for shape in chart.shapes.values())
        assert "Syntax error" not in shown
