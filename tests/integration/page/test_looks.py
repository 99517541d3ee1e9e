"""What the page shows in each state, in both languages and on every size of screen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.integration.page.conftest import Look, Visit
from tests.integration.page.shop import STATES, Shop

Examine = Callable[[Page], list[str]]
SIZES = {"till": (1024, 768), "desk": (1280, 800), "narrow": (400, 800)}
WORDS = {
    "en": {"next": "in 7:", "now": "now", "lost": "Without connection for 1 h 1"},
    "fr": {"next": "dans 7:", "now": "en cours", "lost": "Sans connexion pendant 1 h 1"},
}


def settled(page: Page) -> None:
    """Wait until the past is drawn too."""
    expect(page.locator("#machine-drawing svg .active").first).to_be_visible()
    expect(page.locator("#steps-list li").first).to_be_visible()


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("state", STATES)
def test_each_state_is_told_in_words_and_by_its_shape(
    shop: Shop, visit: Visit, look: Look, examine: Examine, state: str, language: str
) -> None:
    """Word, shape, tickets and next try are those of the state, on every screen; axe agrees."""
    told = STATES[state]
    shop.put(state)
    page = visit(language=language, bypass_csp=True)
    settled(page)
    expect(page.locator("#state-word")).to_have_text(getattr(told.label, language))
    expect(page.locator("#sign use")).to_have_attribute("href", f"#sign-{told.sign}")
    expect(page.locator("#pending")).to_have_text(str(told.pending))
    expect(page.locator("#refused")).to_have_text(str(told.refused))
    words = WORDS[language]
    expect(page.locator("#next")).to_contain_text(words["next" if told.next_try else "now"])
    expect(page.locator("#timeline-words")).to_contain_text(words["lost"])
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        look(page, f"page-{state}-{language}-{name}")
        if name == ("till" if language == "en" else "narrow"):
            assert examine(page) == []


def test_the_state_and_the_timeline_are_seen_without_scrolling(shop: Shop, visit: Visit) -> None:
    """On the screen of a till everything that matters is on its first view, in large letters."""
    shop.put("offline-cooldown")
    page = visit(language="fr")
    settled(page)
    for place in ("#state", "#timeline"):
        box = page.locator(place).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 768
    size = page.locator("#state-word").evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert size >= 40


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_widget_fits_into_220_by_48(
    shop: Shop, visit: Visit, look: Look, examine: Examine, language: str
) -> None:
    """In each state: shape, word and number of tickets, none of them cut off."""
    page = visit("/widget", language=language, size=(220, 48), bypass_csp=True)
    for state, told in STATES.items():
        shop.put(state)
        page.reload()
        expect(page.locator("#state-word")).to_have_text(getattr(told.label, language))
        expect(page.locator("#sign use")).to_have_attribute("href", f"#sign-{told.sign}")
        expect(page.locator("#pending")).to_contain_text(str(told.pending))
        for place in ("#state-word", "#pending", "html"):
            cut = page.locator(place).evaluate(
                "one => one.scrollWidth > one.clientWidth "
                "|| one.scrollHeight > one.clientHeight + 1"
            )
            assert not cut
        assert examine(page) == []
        look(page, f"widget-{state}-{language}")


def test_the_past_says_why_and_why_not(shop: Shop, visit: Visit) -> None:
    """Causes in words, refused guards as the machine has them, ignored events as ignored."""
    page = visit()
    settled(page)
    steps = page.locator("#steps-list li").all_inner_texts()
    texts = [" ".join(text.split()) for text in steps]
    assert texts[0].endswith("Ping: the server could not be reached Slow or unsure → Offline")
    assert "failures + 1 >= failures_to_offline" in texts[1]
    assert "Nothing changed." in texts[1]
    assert "Ignored: in the state “Online” nothing is done about it." in texts[3]
    assert "Ping: done 3 ×" in texts[4]


def test_what_is_looked_at_after_every_event_is_no_reason(shop: Shop, visit: Visit) -> None:
    """A condition under `always` that does not hold is told where something else came of it."""
    owed, slow = ["online", "always", "load == 'owed'"], ["online", "ping.ok", "slow"]
    shop.step(5, "ping.ok", "online", refused=[owed, slow])
    shop.step(4, "sync.now", "online", "syncing", refused=[owed])
    page = visit()
    settled(page)
    rows = page.locator("#steps-list li")
    expect(rows.nth(0).locator("details code")).to_have_text("load == 'owed'")
    expect(rows.nth(1).locator("code")).to_have_text(["slow"])


def test_the_diagram_lights_what_is_active_and_the_last_change(shop: Shop, visit: Visit) -> None:
    """Active states and the line of the last transition are marked, and told in words."""
    shop.put("offline-cooldown")
    page = visit()
    settled(page)
    active = page.locator("#machine-drawing .active").evaluate_all(
        "all => all.map(one => one.dataset.state)"
    )
    lit = page.locator("#machine-drawing .lit").evaluate_all(
        "all => all.map(one => [one.dataset.source, one.dataset.target])"
    )
    assert active == ["offline-cooldown"]
    assert lit == [["degraded", "offline-cooldown"]]
    expect(page.locator("#machine-words")).to_contain_text("Slow or unsure → Offline at")


def test_a_transition_that_a_state_around_declares_is_lit_there(shop: Shop, visit: Visit) -> None:
    """sync.now is declared by `reachable`: its line is lit though `online` was left."""
    shop.put("syncing")
    shop.step(5, "sync.now", "online", "syncing")
    page = visit()
    settled(page)
    lit = page.locator("#machine-drawing .lit").evaluate_all(
        "all => all.map(one => [one.dataset.source, one.dataset.target])"
    )
    assert lit in ([["reachable", "syncing"]], [["online", "syncing"]])


def test_what_was_while_the_agent_did_not_run_is_not_known(shop: Shop, visit: Visit) -> None:
    """From its last step to its next start the last state is not said to have gone on."""
    shop.office.steps.clear()
    shop.step(72_000, "ping.ok", "degraded", "online")
    shop.step(50_430, "ping.ok", "online")
    shop.step(14_400, "restored", "online")
    shop.step(14_399, "agent.started", "online")
    shop.step(7_200, "ping.failed.timeout", "online", "degraded")
    page = visit()
    settled(page)
    bands = page.locator("#timeline-bands .band")
    signs = bands.evaluate_all("all => all.map(one => one.dataset.sign)")
    assert signs == ["none", "connected", "none", "connected", "unsure"]
    expect(page.locator("#timeline-words")).to_have_text(
        "The connection was never lost. Nothing is known of 14 h 00 min of this time."
    )
    expect(page.locator("#steps-list")).to_contain_text("The agent took up where it had stopped")


def test_an_outage_began_when_it_began_not_with_the_last_try(shop: Shop, visit: Visit) -> None:
    """A state that is entered anew after each failed probe still lasts since its beginning."""
    shop.put("offline-cooldown", since=20)
    shop.step(300, "ping.failed.timeout", "offline-cooldown", "offline-cooldown")
    shop.step(20, "ping.failed.timeout", "offline-cooldown", "offline-cooldown")
    page = visit()
    settled(page)
    expect(page.locator("#since")).to_contain_text(", for 12 min")
    expect(page.locator("#steps-list li").first).to_contain_text("Offline, once more")
    expect(page.locator("#machine-words")).to_contain_text("Slow or unsure → Offline at")
