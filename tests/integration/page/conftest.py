"""The system's Chromium before a shop. Screenshots are kept in build/screenshots."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.integration.page.shop import Shop

ROOT = Path(__file__).parents[3]
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
PATIENCE = 8000
"""Milliseconds after which something does not come any more."""

Visit = Callable[..., Page]
Look = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: while it is open no other test could run a loop."""
    program = shutil.which("chromium")
    assert program, "The tests of the page need chromium; `make test-setup` installs it."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop with one till, online, and a day behind it."""
    shop = Shop()
    shop.put("online")
    shop.past()
    shop.open()
    yield shop
    shop.end()


@pytest.fixture
def visit(browser: Browser, shop: Shop) -> Iterator[Visit]:
    """Opens the page; at the end no script may have failed and nothing been asked elsewhere."""
    contexts, faults = [], []

    def visited(
        path: str = "/", language: str = "en", size: tuple[int, int] = (1024, 768), **more: Any
    ) -> Page:
        context = browser.new_context(
            locale=LOCALES[language],
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
            **more,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda line: faults.append(line.text) if "Content Security" in line.text else None,
        )
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(shop.url) else faults.append(asked.url),
        )
        page.goto(shop.url + path)
        return page

    yield visited
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def look() -> Look:
    """Keeps a screenshot, by name."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def kept(page: Page, name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return kept


@pytest.fixture(scope="session")
def examine() -> Callable[[Page], list[str]]:
    """What axe finds on a page: its serious and critical faults, each with its place."""
    assert AXE.exists(), "The tests of the page need axe-core; `make test-setup` installs it."
    axe = AXE.read_text(encoding="utf-8")

    def examined(page: Page) -> list[str]:
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{fault['id']}: {node['html']}"
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]

    return examined
