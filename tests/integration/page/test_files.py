"""The page says what is wrong with the files of the agent, and goes on showing the till."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from engine.api.config import ProblemView
from tests.integration.page.conftest import Look, Visit
from tests.integration.page.shop import Shop

Examine = Callable[[Page], list[str]]
WORDS = {
    "en": ("The till works on", "And 1 more", "started again: server.url, workers"),
    "fr": ("La caisse continue", "Et 1 de plus", "prochain démarrage de l’agent : server.url"),
}
PROBLEM = ProblemView(
    file="/etc/tillwire/machines/connection-of-our-shops.yaml",
    line=12,
    column=5,
    severity="error",
    code="unknown-key",
    message="There is no key 'aftr' in a state, however long the sentence about it may be.",
    hint="Did you mean 'after'?",
)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("width", [1280, 400])
def test_files_that_are_refused_show_with_their_place(
    shop: Shop, visit: Visit, look: Look, examine: Examine, language: str, width: int
) -> None:
    """In words of the page's language, the first faults with file, line and column; the rest is
    counted, the state stays in view, and nothing is wider than the screen."""
    shop.office.files = shop.office.files.model_copy(
        update={
            "good": False,
            "problems": (PROBLEM,) * 4,
            "restart": ("server.url", "workers"),
        }
    )
    page = visit(language=language, size=(width, 800), bypass_csp=True)
    banner = page.locator("#files")
    for words in (*WORDS[language], "connection-of-our-shops.yaml:12:5: There is no key"):
        expect(banner).to_contain_text(words)
    expect(page.locator("#state-word")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    look(page, f"files-{language}-{width}")
    assert examine(page) == []


def test_good_files_show_nothing(shop: Shop, visit: Visit) -> None:
    """And once they are mended the banner goes by itself."""
    shop.office.files = shop.office.files.model_copy(update={"good": False, "problems": (PROBLEM,)})
    page = visit()
    expect(page.locator("#files")).to_contain_text("at fault")
    shop.office.files = shop.office.files.model_copy(update={"good": True, "problems": ()})
    expect(page.locator("#files")).to_be_hidden(timeout=20_000)  # it asks every 5 s
