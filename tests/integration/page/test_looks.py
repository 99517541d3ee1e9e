"""What the page shows in each state, in both languages and on every size of screen."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import time

import pytest
from playwright.sync_api import Page, expect

from engine.story.entries import Entry
from tests.integration.page.conftest import Look, Visit
from tests.integration.page.shop import STATES, Shop

Examine = Callable[[Page], list[str]]
SIZES = {"till": (1024, 768), "desk": (1280, 800), "narrow": (400, 800)}
WORDS = {
    "en": {
        "next": "in 7:",
        "now": "now",
        "lost": "Without connection for 1 h 1",
        "never": "That has not happened since.",
    },
    "fr": {
        "next": "dans 7:",
        "now": "en cours",
        "lost": "Sans connexion pendant 1 h 1",
        "never": "Ce n’est pas arrivé depuis.",
    },
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


def test_a_step_opens_to_show_its_cause(shop: Shop, visit: Visit, look: Look) -> None:
    """The call that it answers, what changed and followed, and conditions with their values."""
    guard = ["online", "ping.failed", "failures >= 3", {"failures": 1}]
    began = datetime.now(UTC) - timedelta(seconds=7)
    answer = {
        "effect": "ping",
        "outcome": "failed.timeout",
        "took": 2.5,
        "began": began,
        "by": "every ping_interval",
    }
    shop.step(
        4,
        "ping.failed.timeout",
        "online",
        "degraded",
        answer=answer,
        changed={"failures": [0, 1]},
        raised=["link.lost"],
        joined=["ping"],
        refused=[guard],
    )
    page = visit(size=(400, 800))
    settled(page)
    opened = page.locator("#steps-list details").first
    opened.locator("summary").click()
    for words in (
        "(It was time again), answered after 2.5 s.",
        "Changed: failures 0 → 1.",
        "Followed by: link.lost.",
        "Not begun again, as it is under way: Ping.",
        "Not taken in “Online”, because this does not hold: failures >= 3 (failures = 1)",
    ):
        expect(opened).to_contain_text(words)
    look(page, "steps-open")


def test_what_befell_the_agent_stands_among_the_steps(shop: Shop, visit: Visit) -> None:
    """A crash, a stop, a refused file and a clock that was set, each in words."""

    def own(ago: float, event: str, **data: object) -> Entry:
        at = datetime.now(UTC) - timedelta(seconds=ago)
        return Entry(number=0, at=at, kind="agent", event=event, states=(), data=data)

    shop.office.steps.clear()
    told = {"version": "0.1.0", "machine": "connection", "hash": "3f2a1b7c99"}
    shop.office.befell = [
        own(10, "agent.stopped", reason="SIGTERM"),
        own(20, "clock.jumped", seconds=-3600.0),
        own(30, "config.refused", message="till.yaml:3:1: no"),
        own(40, "agent.started", before="crashed", last=time() - 4000, **told),
    ]
    page = visit()
    rows = page.locator("#steps-list li")
    expect(rows).to_have_count(4)
    expect(rows.nth(0)).to_contain_text("The agent was stopped")
    expect(rows.nth(1)).to_contain_text("1 h 00 min back")
    expect(rows.nth(2)).to_contain_text("till.yaml:3:1: no")
    expect(rows.nth(3)).to_contain_text("The one before it was not stopped; it was last heard of")
    expect(rows.nth(3)).to_contain_text("Version 0.1.0, machine connection 3f2a1b7c")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_why_a_till_is_in_no_other_state_is_told_to_who_asks(
    shop: Shop, visit: Visit, look: Look, examine: Examine, language: str
) -> None:
    """Asked for when it is opened; each way out with what holds it; axe agrees."""
    page = visit(language=language, bypass_csp=True)
    settled(page)
    page.locator("#why summary").click()
    way = page.locator("#why-list li").first
    label = {"en": "Sending tickets", "fr": "Envoi des tickets"}[language]
    expect(way).to_contain_text(label)
    expect(way).to_contain_text(WORDS[language]["never"])
    assert examine(page) == []
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("#why").scroll_into_view_if_needed()
        look(page, f"why-{language}-{name}")


def test_what_is_looked_at_after_every_event_is_no_reason(shop: Shop, visit: Visit) -> None:
    """A condition under `always` that does not hold is told where something else came of it."""
    owed, slow = ["online", "always", "load == 'owed'"], ["online", "ping.ok", "slow"]
    shop.step(5, "ping.ok", "online", refused=[owed, slow])
    shop.step(4, "sync.now", "online", "syncing", refused=[owed])
    page = visit()
    settled(page)
    rows = page.locator("#steps-list li")
    expect(rows.nth(0).locator("details code")).to_have_text("load == 'owed'")
    expect(rows.nth(1).locator("div > .why code")).to_have_text(["slow"])
    expect(rows.nth(1).locator("details code")).to_have_text(["load == 'owed'"])


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
    now = time()
    shop.office.befell = [
        Entry(
            number=0,
            at=datetime.fromtimestamp(now - 14_400, UTC),
            kind="agent",
            event="agent.started",
            states=(),
            data={"before": "stopped", "last": now - 50_430},
        )
    ]
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
