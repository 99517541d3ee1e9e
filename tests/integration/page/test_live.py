"""The page before a real agent whose central server is a lab: nothing of it is played."""

import json
import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine.lab import LabThread
from tests.acceptance.agent_process import QUICK, AgentProcess, log_faults, server_lines
from tests.integration.page.conftest import Look, Visit

Examine = Callable[[Page], list[str]]

PARAMETERS = {
    **QUICK,
    "message_retry_wait": "4s",
    "message_retry_wait_max": "4s",
    "message_retry_jitter": "0.0",
    "ping_interval": "1s",
    "ping_timeout": "2s",
    "slow_ping": "1500ms",
    "ticket_sync_interval": "2s",
}
"""An outage long enough to look at; a busy machine is no slow server."""

WORDS = {
    "en": {
        "online": "Online",
        "offline": "Offline",
        "held": "Held offline by hand",
        "silent": "Not known",
        "kept": "tickets are kept here",
        "cause": "Ping: the server could not be reached",
        "lost": "Without connection",
    },
    "fr": {
        "online": "En ligne",
        "offline": "Hors ligne",
        "held": "Mise hors ligne manuelle",
        "silent": "Inconnu",
        "kept": "les tickets sont gardés ici",
        "cause": "Ping\u00a0: serveur injoignable",
        "lost": "Sans connexion",
    },
}
GUARD = "failures + 1 >= failures_to_offline"
MESSAGES = [
    {"id": "m/1", "level": "urgent", "title": "Rappel du lot 4471", "text": "Ne pas vendre."},
    {"id": "m-2", "title": "Inventaire", "text": "Dimanche à 8 h."},
]


class Live:
    """A real agent with one till, and the server that it calls."""

    def __init__(self, folder: Path, lab: LabThread) -> None:
        self.lab = lab
        self.agent = AgentProcess(folder, server_lines(lab, "soap", "500ms"), parameters=PARAMETERS)
        self.url = f"http://127.0.0.1:{self.agent.port}"
        self._sold = 0

    def sell(self, count: int) -> None:
        """Hand over tickets."""
        for _ in range(count):
            self._sold += 1
            assert self.agent.post_ticket(self._sold, b"a ticket")[0] == 201

    def tell(self) -> None:
        """The central server has messages, and the till asks for them."""
        body = json.dumps({"till": "01", "messages": MESSAGES}).encode()
        control = HTTPConnection("127.0.0.1", self.lab.lab.control_port, timeout=5)
        try:
            control.request("POST", "/lab/messages", body)
            assert control.getresponse().status == 200
        finally:
            control.close()
        self.agent.post_event("till.opened")

    def messages(self, which: str = "") -> dict[str, bool]:
        """The ids of the messages, and whether each was read."""
        status, body = self.agent.ask("GET", f"/v1/tills/01/messages{which}")
        assert status == 200
        return {one["id"]: one["read"] is not None for one in json.loads(body)["messages"]}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Live]:
    """The agent is online; what it printed by the end is looked over."""
    with LabThread() as lab:
        live = Live(tmp_path / "agent", lab)
        try:
            live.agent.start()
            live.agent.wait_for_state("online")
            yield live
        finally:
            live.agent.end()
    assert log_faults(live.agent) == []


class Screens:
    """The same till in both languages; ``mark`` is gone from a page that is loaded anew."""

    def __init__(self, visit: Visit, look: Look, examine: Examine) -> None:
        self._look = look
        self._examine = examine
        self.pages = {
            "en": visit(language="en", bypass_csp=True),
            "fr": visit(language="fr"),
        }
        for page in self.pages.values():
            page.evaluate("window.mark = 'the same page'")

    def show(self, state: str, sign: str, active: str | None = None) -> None:
        """Word, shape and the diagram's lit state are these, in both languages."""
        for language, page in self.pages.items():
            expect(page.locator("#state-word")).to_have_text(WORDS[language][state])
            expect(page.locator("#sign use")).to_have_attribute("href", f"#sign-{sign}")
            lit = page.locator("#machine-drawing .active[data-state]")
            if active is None:
                expect(lit).to_have_count(0)
            else:
                expect(lit.last).to_have_attribute("data-state", active)

    def have(self, place: str, text: str) -> None:
        """A place holds this text, or the word of that name."""
        for language, page in self.pages.items():
            expect(page.locator(place)).to_contain_text(WORDS[language].get(text, text))

    def count(self, place: str, number: int) -> None:
        """So many of these are there."""
        for page in self.pages.values():
            expect(page.locator(place)).to_have_count(number)

    def have_counted_down(self) -> None:
        """The next try is in 2 s or 3 s, and then in less."""
        for page in self.pages.values():
            counting = page.locator("#next")
            expect(counting).to_have_text(re.compile(r" [23] s$"))
            expect(counting).to_have_text(re.compile(r" 1 s$"))

    def keep(self, name: str) -> None:
        """Keep a screenshot of each, on the screen of a till; axe has nothing to say."""
        for language, page in self.pages.items():
            self._look(page, f"live-{name}-{language}")
        assert self._examine(self.pages["en"]) == []

    def press(self, language: str, button: str, token: str) -> None:
        """Press a button; whoever is asked for the token types it."""
        page = self.pages[language]
        page.locator(button).click()
        if token:
            expect(page.locator("#token-field")).to_be_focused()
            page.keyboard.type(token)
            page.keyboard.press("Enter")


def outage(live: Live, screens: Screens) -> None:
    """The server stops: cause, guard, countdown, timeline; it comes back: all is sent."""
    live.lab.turn("down")
    screens.show("offline", "barred", "offline-cooldown")
    live.sell(3)
    screens.have("#meaning", "kept")
    screens.have("#pending", "3")
    screens.have("#steps-list", "cause")
    screens.count(f"#steps-list div > .why code:text-is('{GUARD}')", 1)
    screens.have("#timeline-words", "lost")
    screens.count("#timeline-bands .band[data-sign=barred]", 1)
    screens.have_counted_down()
    screens.keep("offline")
    live.lab.clear()
    screens.show("online", "connected", "online")
    screens.have("#pending", "0")
    assert live.lab.lab.ledger.summary().count == 3
    screens.count("#timeline-bands .band[data-sign=barred]", 1)
    screens.keep("back")


def reading(live: Live, screens: Screens) -> None:
    """Messages come by the stream, go when they are read, and stay read over a restart."""
    live.tell()
    screens.count("#messages-list li", 2)
    screens.keep("messages")
    screens.press("fr", "#messages-list li:first-child button", live.agent.token)
    screens.count("#messages-list li", 1)
    assert live.messages("?unread=true") == {"m-2": False}
    screens.keep("read")
    live.agent.kill()
    screens.show("silent", "none")
    live.agent.start()
    screens.show("online", "connected", "online")
    screens.count("#messages-list li", 1)
    assert live.messages() == {"m-2": False, "m/1": True}


def holding(live: Live, screens: Screens) -> None:
    """A person holds the till offline and another releases it."""
    screens.press("en", "[data-event='offline.hold']", live.agent.token)
    screens.show("held", "barred", "held")
    live.sell(2)
    screens.have("#pending", "2")
    screens.keep("held")
    screens.press("fr", "[data-event='offline.release']", "")
    screens.show("online", "connected", "online")
    screens.have("#pending", "0")


def test_a_shop_is_followed_live_in_both_languages(
    shop: Live, visit: Visit, look: Look, examine: Examine
) -> None:
    """Outage and return, messages, a restart, hold and release: all without loading anew."""
    screens = Screens(visit, look, examine)
    screens.show("online", "connected", "online")
    screens.keep("online")
    outage(shop, screens)
    reading(shop, screens)
    holding(shop, screens)
    for page in screens.pages.values():
        assert page.evaluate("window.mark") == "the same page"
