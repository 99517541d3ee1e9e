"""The page in use: live, silent, by keyboard, with messages, buttons and many tills."""

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from engine.api.port import UnknownTill
from tests.integration.page.conftest import Look, Visit
from tests.integration.page.shop import TOKEN, Shop

Examine = Callable[[Page], list[str]]
MESSAGES = [
    {
        "id": "m-17",
        "at": "2026-03-14T09:20:00Z",
        "level": "urgent",
        "title": "Recall of <b>lot</b> 4471",
        "text": "Take it off the shelf.\nDo not sell it.",
    },
    {"id": "m-18", "at": "", "level": "info", "title": "Inventory", "text": "On Sunday."},
]


def test_an_outage_and_its_end_are_seen_live(shop: Shop, visit: Visit) -> None:
    """Without a reload the page follows the till: lost, counting down, and back."""
    page = visit(language="fr")
    word = page.locator("#state-word")
    expect(word).to_have_text("En ligne")
    shop.put("offline-cooldown", since=1)
    expect(word).to_have_text("Hors ligne")
    expect(page.locator("#spoken")).to_have_text("Hors ligne. Tickets gardés ici\u00a0: 12.")
    first = page.locator("#next").inner_text()
    expect(page.locator("#next")).not_to_have_text(first)
    shop.put("online", since=1)
    expect(word).to_have_text("En ligne")


@pytest.mark.parametrize("event", ['step\nid: 1\ndata: {"till": "01"}', "missed\nid: 1\ndata: {}"])
def test_the_stream_makes_the_page_ask_at_once(shop: Shop, visit: Visit, event: str) -> None:
    """A step told on the stream, or that more happened than it can tell, is asked about before
    the next question would have been; the stream is asked about this till alone."""
    page = visit()
    expect(page.locator("#state-word")).to_have_text("Online")
    asked: list[float] = []
    body = f"retry: 60000\n\nevent: {event}\n\n"

    def stream(route: Route) -> None:
        route.fulfill(status=200, content_type="text/event-stream", body=body)

    page.route("**/v1/stream?till=01", stream)
    page.on("request", lambda one: asked.append(time.monotonic()) if "dull" in one.url else None)
    page.reload()
    expect(page.locator("#state-word")).to_have_text("Online")
    end = time.monotonic() + 5  # without the stream it would be asked again after 10 s
    while len(asked) < 2 and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert len(asked) >= 2


@pytest.fixture
def hanging(shop: Shop) -> Iterator[Callable[[bool], None]]:
    """Makes the agent's loop hang, as a stopped process would."""
    go_on = threading.Event()
    go_on.set()
    shop.office.before_each = lambda _call: (go_on.wait(9), None)[1]
    yield lambda hangs: go_on.clear() if hangs else go_on.set()
    go_on.set()


def test_an_agent_that_hangs_is_told_within_5_seconds(
    visit: Visit, hanging: Callable[[bool], None], examine: Examine, look: Look
) -> None:
    """No state, no countdown and no shape of an old state are left, on page and widget."""
    page = visit(language="fr", bypass_csp=True)
    widget = visit("/widget", language="fr", size=(220, 48), bypass_csp=True)
    for one in (page, widget):
        expect(one.locator("#state-word")).to_have_text("En ligne")
    began = time.monotonic()
    hanging(True)
    for one in (page, widget):
        one.wait_for_function("document.getElementById('state-word').textContent === 'Inconnu'")
    assert time.monotonic() - began < 5.0
    for one in (page, widget):
        expect(one.locator("#sign use")).to_have_attribute("href", "#sign-none")
    expect(page.get_by_role("alert").first).to_contain_text("ne répond pas")
    expect(page.locator("#next")).to_have_text("–")
    expect(page.locator("#since")).to_have_text("")
    expect(page.locator("#machine-drawing .active")).to_have_count(0)
    assert page.title() == "Pas de réponse – tillwire"
    assert examine(page) == []
    look(page, "page-silent-fr")
    look(widget, "widget-silent-fr")
    hanging(False)
    for one in (page, widget):
        expect(one.locator("#state-word")).to_have_text("En ligne")
    expect(page.locator("#stale")).to_have_text("")
    expect(page.locator("#machine-drawing .active").first).to_be_visible()


def test_an_agent_that_is_gone_and_comes_back_is_followed(shop: Shop, visit: Visit) -> None:
    """A closed port is told like a silence, and needs no reload either."""
    page = visit()
    word = page.locator("#state-word")
    expect(word).to_have_text("Online")
    shop.close()
    expect(word).to_have_text("Not known")
    shop.open()
    expect(word).to_have_text("Online")


def test_a_button_asks_for_the_token_once(
    shop: Shop, visit: Visit, examine: Examine, look: Look
) -> None:
    """A wrong token is said to be one; the right one is kept for this window only."""
    page = visit(bypass_csp=True)
    send = page.get_by_role("button", name="Send now")
    send.click()
    expect(page.get_by_label("Token", exact=True)).to_be_focused()
    assert examine(page) == []
    look(page, "page-token-en")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#token-fault")).to_have_text("This is not the token of this agent.")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_have_text("Done. State: Sending tickets.")
    assert shop.office.steps[-1].event == "sync.now"
    before = len(shop.office.steps)
    with page.expect_response(lambda one: one.request.method == "POST"):
        send.click()
    assert len(shop.office.steps) == before + 1
    assert page.evaluate("Object.keys(localStorage).length + document.cookie.length") == 0


def test_a_button_that_would_do_nothing_says_so(shop: Shop, visit: Visit) -> None:
    """In cooldown the machine does not listen to sync.now: nothing is posted."""
    shop.put("offline-cooldown")
    page = visit(language="fr")
    before = len(shop.office.steps)
    send = page.get_by_role("button", name="Envoyer maintenant")
    expect(send).to_have_attribute("aria-disabled", "true")
    send.press("Enter")
    expect(page.locator("#answer")).to_contain_text(
        "Impossible dans l’état «\u00a0Hors ligne\u00a0»"
    )
    assert len(shop.office.steps) == before


def test_a_till_that_is_held_offers_to_be_released(shop: Shop, visit: Visit, look: Look) -> None:
    """Held by hand is not said to be a lost server, and only Release is offered beside sending."""
    shop.put("held")
    page = visit()
    buttons = page.locator("#buttons button:visible")
    expect(buttons).to_have_text(["Send now", "Release"])
    expect(page.locator("#meaning")).to_contain_text("Held offline by hand.")
    expect(page.locator("#next")).to_have_text("none")
    look(page, "page-held-en")
    shop.put("online")
    expect(buttons).to_have_text(["Send now", "Hold offline"])


def test_everything_can_be_reached_by_keyboard_and_is_seen_to_be(shop: Shop, visit: Visit) -> None:
    """Tab goes from the skip link on, and whatever has the focus has an outline."""
    page = visit()
    expect(page.get_by_role("button", name="Send now")).to_be_visible()
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid"
    assert reached == ["Skip to the state", "Français", "Send now"]


def test_messages_are_read_with_a_button_and_are_only_text(
    visit: Visit, shop: Shop, examine: Examine, look: Look
) -> None:
    """Urgent is said in words; reading one takes it away and leaves the focus on the next."""
    left = list(MESSAGES)

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            assert route.request.headers["authorization"] == f"Bearer {TOKEN}"
            left[:] = [one for one in left if f"/{one['id']}/read" not in route.request.url]
            route.fulfill(json={"id": "m", "read": "read"})
        else:
            route.fulfill(json={"messages": left})

    page = visit(bypass_csp=True)
    page.route("**/v1/tills/01/messages**", answer)
    page.route("**/v1/tills/01/messages/**", answer)
    page.evaluate(f"sessionStorage.setItem('tillwire.token', {json.dumps(TOKEN)})")
    page.reload()
    urgent = page.locator("#messages-list li").first
    expect(urgent).to_contain_text("Urgent")
    expect(urgent.locator("h3")).to_have_text("Recall of <b>lot</b> 4471")
    assert examine(page) == []
    look(page, "page-messages-en")
    urgent.get_by_role("button").click()
    expect(page.locator("#messages-list li")).to_have_count(1)
    expect(page.get_by_role("button", name="Read: Inventory")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#messages-none")).to_be_visible()


class TestManyTills:
    """A back-office PC that looks after several tills."""

    @pytest.fixture
    def shop(self) -> Iterator[Shop]:
        shop = Shop("01", "02", "03")
        for till, state in (("01", "online"), ("02", "offline-cooldown"), ("03", "degraded")):
            shop.put(state, till)
        shop.open()
        yield shop
        shop.end()

    def test_a_till_is_chosen_from_a_list(self, visit: Visit, examine: Examine, look: Look) -> None:
        """Each is told by shape and word; its page leads back to the list and to French."""
        page = visit(bypass_csp=True)
        links = page.locator("#tills-list a")
        expect(links).to_have_count(3)
        expect(links.nth(1)).to_contain_text("Offline")
        expect(links.nth(1).locator("use")).to_have_attribute("href", "#sign-barred")
        assert examine(page) == []
        look(page, "tills-en")
        links.nth(1).click()
        expect(page.locator("#where")).to_have_text("Shop 0042, till 02")
        page.get_by_role("link", name="Français").click()
        expect(page.locator("#where")).to_have_text("Magasin 0042, caisse 02")
        page.get_by_role("link", name="Toutes les caisses").click()
        expect(page.locator("#tills-list a")).to_have_count(3)

    def test_a_till_that_is_not_there_is_said_to_be_so(self, visit: Visit, shop: Shop) -> None:
        """A wrong address shows no state at all, on the page and on the widget."""
        with pytest.raises(UnknownTill):
            shop.office._known("99")
        for path in ("/?till=99", "/widget?till=99"):
            expect(visit(path).locator("#state-word")).to_have_text("No such till")

    def test_the_widget_asks_which_till(self, visit: Visit) -> None:
        """With several tills the address has to name one."""
        expect(visit("/widget").locator("#state-word")).to_have_text("Which till?")
