"""The catalogue on the page: what is loaded, how far a load is, what the last one said."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from engine.api.loads import DatasetView, LoadNowView, LoadsView, LoadView
from tests.integration.page.conftest import Look, Visit
from tests.integration.page.shop import TOKEN

Examine = Callable[[Page], list[str]]
NOW = datetime.now(UTC)
TABLES = ("articles", "barcodes", "prices", "customers", "offers", "staff", "tax_rates")
WORDS = {
    "en": {
        "full": "Load all data",
        "changes": "Load the changes",
        "done": "Load of the changes, ",
        "rows": ": done, 1,204 rows.",
        "age": "3 h 05 min",
        "never": "never",
    },
    "fr": {
        "full": "Charger les données",
        "changes": "Charger les modifications",
        "stage": "Chargement des données\u00a0: lecture de «\u00a0prices\u00a0»",
        "far": "43\u202f% · table 3 sur 7",
        "left": "43\u202f% · table 3 sur 7 · encore ",
        "done": "Chargement des modifications, ",
        "rows": "\u00a0: fait, 1\u202f204 lignes.",
        "failed": "\u00a0: échec. articles.zip, line 812: 'abc' is no number.",
        "age": "3 h 05 min",
        "never": "jamais",
    },
}


def dataset(place: int, name: str) -> DatasetView:
    """The last one was never loaded."""
    if name == TABLES[-1]:
        return DatasetView(name=name, version=None, loaded=None, rows=None)
    loaded = datetime.now(UTC) - timedelta(hours=3, minutes=5)
    return DatasetView(name=name, version=214 + place, loaded=loaded, rows=18_204 // (place + 1))


def ended(outcome: str = "ok", sentence: str = "") -> LoadView:
    at = NOW - timedelta(minutes=12)
    return LoadView(
        started=at,
        ended=at,
        kind="changes",
        outcome=outcome,
        sentence=sentence,
        rows=1204,
        bytes=88_000,
    )


def running(**more: Any) -> LoadNowView:
    usual = {
        "kind": "full",
        "stage": "loading",
        "table": "prices",
        "tables_done": 2,
        "tables_total": 7,
        "bytes_done": 9_000_000,
        "bytes_total": 9_000_000,
        "rows_done": 430_000,
        "rows_total": 1_000_000,
        "started": NOW - timedelta(seconds=20),
    }
    return LoadNowView.model_validate({**usual, **more})


class Agent:
    """What the page is told of a till's catalogue, and what it asked for."""

    def __init__(self) -> None:
        self.now: LoadNowView | None = None
        self.last: tuple[LoadView, ...] = (ended(),)
        self.configured = True
        self.more: dict[str, Any] = {}
        self.reply: dict[str, Any] = {"till": "01", "became": "started"}
        self.status = 202
        self.posted: list[Any] = []
        self.asked = 0

    def answer(self, route: Route) -> None:
        if route.request.method == "POST":
            assert route.request.headers["authorization"] == f"Bearer {TOKEN}"
            self.posted.append(route.request.post_data_json)
            route.fulfill(status=self.status, json=self.reply)
            return
        self.asked += 1
        view = LoadsView(
            till="01",
            configured=self.configured,
            now=self.now,
            datasets=tuple(dataset(place, name) for place, name in enumerate(TABLES)),
            last=self.last,
        )
        route.fulfill(json={**view.model_dump(mode="json"), **self.more})


@pytest.fixture
def agent() -> Agent:
    return Agent()


Open = Callable[..., Page]


@pytest.fixture
def opened(visit: Visit, agent: Agent) -> Open:
    """The page of a till with a catalogue; the token is there already."""

    def open_page(language: str = "en", **more: Any) -> Page:
        page = visit("/page/shared.css", language=language, bypass_csp=True, **more)
        page.route("**/v1/tills/01/loads", agent.answer)
        page.evaluate(f"sessionStorage.setItem('tillwire.token', '{TOKEN}')")
        page.goto(page.url.replace("/page/shared.css", "/"))
        return page

    return open_page


@pytest.mark.parametrize("language", ["en", "fr"])
def test_versions_their_age_and_the_last_load_are_told(
    opened: Open, examine: Examine, look: Look, language: str
) -> None:
    """On every size of screen, and clean for axe."""
    page = opened(language)
    words = WORDS[language]
    rows = page.locator("#datasets tr")
    expect(rows).to_have_count(7)
    expect(rows.first).to_contain_text("214")
    expect(rows.first).to_contain_text(words["age"])
    expect(rows.last).to_contain_text(words["never"])
    expect(page.locator("#load-last")).to_contain_text(words["done"])
    expect(page.locator("#load-last")).to_contain_text(words["rows"])
    expect(page.locator("#load-buttons button")).to_have_text([words["full"], words["changes"]])
    expect(page.locator("#load")).to_be_hidden()
    for name, (width, height) in {"till": (1024, 768), "narrow": (400, 800)}.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        look(page, f"page-catalogue-{language}-{name}")
        assert examine(page) == []


def test_a_load_is_followed_with_its_stage_percent_and_time_left(
    opened: Open, agent: Agent, examine: Examine, look: Look
) -> None:
    """It is asked about each second; the time left is said once a pace was seen."""
    agent.now = running()
    page = opened("fr")
    words = WORDS["fr"]
    expect(page.locator("#load-stage")).to_have_text(words["stage"])
    expect(page.locator("#load-far")).to_have_text(words["far"])
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("value", "430000")
    expect(bar).to_have_accessible_name(words["stage"])
    agent.now = running(rows_done=434_000)
    expect(page.locator("#load-far")).to_contain_text(words["left"])
    look(page, "page-loading-fr")
    assert examine(page) == []
    agent.now = running(stage="asking", table="", tables_total=0)
    expect(bar).not_to_have_attribute("value", "434000")
    expect(page.locator("#load-far")).to_have_text("")
    agent.now = None
    expect(page.locator("#load")).to_be_hidden()


def test_why_the_last_load_failed_is_said(
    opened: Open, agent: Agent, examine: Examine, look: Look
) -> None:
    """With a mark and in words, not by colour alone; what the server's files hold is only text."""
    sentence = "articles.zip, line 812: 'abc' is no number. <b>"
    agent.last = (ended("failed.bad_reply", sentence), ended())
    page = opened("fr")
    expect(page.locator("#load-last")).to_contain_text(WORDS["fr"]["failed"])
    expect(page.locator("#load-last")).to_contain_text("<b>")
    expect(page.locator("#load-last")).to_contain_text("⚠")
    look(page, "page-load-failed-fr")
    assert examine(page) == []


def test_the_buttons_ask_for_a_load_by_keyboard_too(opened: Open, agent: Agent) -> None:
    """Each for its kind; while one is under way they say so and post nothing."""
    page = opened()
    full = page.get_by_role("button", name="Load all data")
    changes = page.get_by_role("button", name="Load the changes")
    full.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#load-answer")).to_have_text("The load has begun.")
    page.keyboard.press("Tab")
    expect(changes).to_be_focused()
    assert changes.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    with page.expect_response(lambda one: one.request.method == "POST"):
        page.keyboard.press("Space")
    assert agent.posted == [{"kind": "full"}, {"kind": "changes"}]
    agent.now = running()
    expect(full).to_have_attribute("aria-disabled", "true")
    full.press("Enter")
    expect(page.locator("#load-answer")).to_have_text("A load is under way already.")
    assert len(agent.posted) == 2


@pytest.mark.parametrize(
    ("status", "reply", "words"),
    [
        (202, {"became": "later"}, "Le chargement commencera quand les tickets seront envoyés"),
        (409, {"error": "load_under_way", "message": "x"}, "Un chargement est déjà en cours."),
        (409, {"error": "not_loaded", "message": "x"}, "Cette machine ne charge rien."),
        (409, {"error": "no_catalogue", "message": "x"}, "Cette caisse n’a pas de catalogue."),
    ],
)
def test_what_became_of_asking_is_said(
    opened: Open, agent: Agent, status: int, reply: dict[str, Any], words: str
) -> None:
    """In the page's language, also when nothing came of it."""
    agent.status, agent.reply = status, reply
    page = opened("fr")
    page.get_by_role("button", name="Charger les données").click()
    expect(page.locator("#load-answer")).to_contain_text(words)


def test_a_load_that_waits_and_one_of_another_till_are_told(
    opened: Open, agent: Agent, look: Look
) -> None:
    """A lost connection is no alarm: the load is begun again by itself."""
    agent.more = {"waits": "full", "now": {**running().model_dump(mode="json"), "till": "07"}}
    agent.last = (ended("cancelled", "It was cut off: the link was lost."),)
    page = opened()
    expect(page.locator("#load-waits")).to_have_text(
        "Load of all data: begins when the tickets are sent or the connection is back."
    )
    expect(page.locator("#load-stage")).to_have_text("Till 07: Load of all data: reading “prices”")
    expect(page.locator("#load-last")).to_contain_text("not done. It was cut off: the link")
    expect(page.locator("#load-last")).not_to_contain_text("⚠")
    look(page, "page-load-waits-en")


def test_a_load_that_the_stream_tells_of_is_asked_about_at_once(opened: Open, agent: Agent) -> None:
    """Without the stream the page would ask every 10 s."""
    page = opened()
    body = 'retry: 200\n\nevent: load\nid: 1\ndata: {"till": "01", "now": {}, "ended": null}\n\n'
    page.route(
        "**/v1/stream?till=01",
        lambda route: route.fulfill(status=200, content_type="text/event-stream", body=body),
    )
    page.reload()
    expect(page.locator("#load-last")).to_contain_text("done")
    before, end = agent.asked, time.monotonic() + 5
    while agent.asked < before + 3 and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert agent.asked >= before + 3


def test_a_till_without_a_catalogue_shows_none(opened: Open, agent: Agent, visit: Visit) -> None:
    """Nor does one whose agent is older and knows no loads."""
    agent.configured = False
    page = opened()
    expect(page.locator("#steps-list li").first).to_be_visible()
    end = time.monotonic() + 5
    while not agent.asked and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert agent.asked
    expect(page.locator("#catalogue")).to_be_hidden()
