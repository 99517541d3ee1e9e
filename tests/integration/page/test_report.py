"""The report of ``tillwire simulate`` in Chromium: nothing overlaps, nothing is fetched."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from engine.shipped import shipped_scenario
from engine.tools.simulate import Wanted, simulate
from tests.integration.page.conftest import SCREENSHOTS

SWEPT: dict[str, Any] = {
    "given": ("ticket_sync_on_close=false",),
    "sweep": "ticket_sync_interval=10s,30s,2min,10min",
}
OVERLAPS = """() => {
  const leaves = [...document.querySelectorAll('body *')].filter((node) =>
    node.checkVisibility() && !node.closest('svg') && !node.closest('.scroll') &&
    [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  const boxes = leaves.map((node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return [node, range.getBoundingClientRect()];
  });
  const found = [];
  boxes.forEach(([one, a], index) => boxes.slice(index + 1).forEach(([other, b]) => {
    if (one.contains(other) || other.contains(one)) return;
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 3) found.push([one.textContent, other.textContent]);
  }));
  boxes.forEach(([node, box]) => {
    if (box.left < -1 || box.right > innerWidth + 1) found.push([node.textContent, 'the edge']);
  });
  return found;
}"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A shop's day, a sweep of it, and a fleet (few tills of it: the picture is the same)."""
    folder = tmp_path_factory.mktemp("reports")

    def made(name: str, shipped: str, tills: str, **given: Any) -> Path:
        source = shipped_scenario(shipped)
        assert source is not None
        text, times = re.subn(r"(?m)^tills: .*$", tills, source.read_text(encoding="utf-8"))
        assert times == 1
        scenario, page = folder / f"{name}.yaml", folder / f"{name}.html"
        scenario.write_text(text, encoding="utf-8")
        assert simulate(Wanted(str(scenario), report=page, **given)) == 0
        return page

    return {
        "day": made("day", "fibre-cut-at-noon", "tills: 2"),
        "sweep": made("sweep", "fibre-cut-at-noon", "tills: 1", **SWEPT),
        "fleet": made("fleet", "back-after-an-outage", "tills: 20"),
    }


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[..., tuple[Page, list[str]]]]:
    """Opens a file; the list has what was asked for besides."""
    contexts = []

    def shown(file: Path, **given: Any) -> tuple[Page, list[str]]:
        context = browser.new_context(**given)
        contexts.append(context)
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: asked.append(str(error)))
        page.goto(file.as_uri())
        return page, [url for url in asked if url != file.as_uri()]

    yield shown
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", ["day", "sweep", "fleet"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overlaps_and_nothing_is_fetched(
    reports: dict[str, Path], show: Any, name: str, width: int, scheme: str
) -> None:
    """At both widths, by day and by night; the page is no wider than its window."""
    page, asked = show(reports[name], viewport={"width": width, "height": 900}, color_scheme=scheme)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"report-{name}-{width}-{scheme}.png", full_page=True)
    assert asked == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERLAPS) == []


def test_the_keyboard_reaches_links_tables_and_numbers(reports: dict[str, Path], show: Any) -> None:
    """In the order of the page; a summary opens."""
    page, _ = show(reports["day"], viewport={"width": 1280, "height": 900})
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.tagName + document.activeElement.className")
        )
        if reached[-1] == "SUMMARY":
            break
    assert reached[:6] == ["A"] * 6
    assert "DIVscroll" in reached
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None
    assert page.evaluate(OVERLAPS) == []


def test_on_paper_it_is_dark_on_white(reports: dict[str, Path], show: Any) -> None:
    """Whatever the screen is like."""
    page, _ = show(reports["day"], color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    colours = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
