"""The icon: its shape follows the state, and its title says it in words."""

import re
from typing import Any

import pytest

from engine.api.page import icon
from engine.api.port import LabelView, Sign, TillView
from engine.api.stand_in import StandIn

SVG = "{http://www.w3.org/2000/svg}"
WHERE: dict[Sign, tuple[str, ...]] = {
    "connected": ("reachable", "online"),
    "sending": ("reachable", "syncing"),
    "loading": ("reachable", "loading"),
    "unsure": ("reachable", "degraded"),
    "barred": ("offline-cooldown",),
}


def put(office: StandIn, active: tuple[str, ...], label: LabelView | None = None) -> TillView:
    """Set till 01 to a state."""
    view = office._view("01").model_copy(
        update={"active": active, "state": active[-1], "label": label}
    )
    office.instead["01"] = view
    return view


@pytest.mark.parametrize(("sign", "active"), WHERE.items())
def test_the_shape_follows_the_state(
    ask: Any, office: StandIn, sign: Sign, active: tuple[str, ...], read: Any
) -> None:
    """Each of the shipped machine's states has the sign that a person would expect."""
    put(office, active)
    reply = ask("GET", "/v1/tills/01/icon.svg", token=None)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/svg+xml"
    assert reply.headers["content-security-policy"] == "default-src 'none'"
    assert read(reply.text).get("data-sign") == sign


def test_the_shapes_differ_without_any_colour() -> None:
    """With all colours and titles taken away, five different drawings remain."""
    drawings = {
        re.sub(r"<title.*</title>|#[0-9a-f]{3,6}|data-sign=\"\w+\"", "", icon.drawn(sign, "", "en"))
        for sign in icon.SHAPES
    }
    assert len(drawings) == 5


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "Offline: No connection to the central server."),
        ("fr", "Hors ligne\u00a0: Pas de connexion au serveur central."),
    ],
)
def test_the_title_is_in_the_language_and_starts_with_the_label(
    ask: Any, office: StandIn, language: str, title: str, read: Any
) -> None:
    """A screen reader says the state in the words of the machine file, then what it means."""
    put(office, ("offline-cooldown",), LabelView(en="Offline", fr="Hors ligne"))
    reply = ask("GET", "/v1/tills/01/icon.svg", headers={"Accept-Language": language})
    assert read(reply.text).findtext(f"{SVG}title") == title


def test_a_label_with_marks_of_xml_is_written_harmlessly(
    ask: Any, office: StandIn, read: Any
) -> None:
    """A label is text, whatever it holds."""
    put(office, ("x",), LabelView(en="<b>&", fr=""))
    reply = ask("GET", "/v1/tills/01/icon.svg", headers={"Accept-Language": "en"})
    title = read(reply.text).findtext(f"{SVG}title")
    assert title == "<b>&: The connection to the central server is uncertain."


def test_an_offline_state_anywhere_bars_the_icon(office: StandIn, ask: Any) -> None:
    """Of several active states one that is offline decides, and one unknown is never connected."""
    both = put(office, ("offline-cooldown", "online"))
    unknown = put(office, ("elsewhere",))
    ask("GET", "/v1/machine")
    assert office.drawn is not None
    assert icon.sign_of(office.drawn, both) == "barred"
    assert icon.sign_of(office.drawn, unknown) == "unsure"


def test_the_icon_of_an_unknown_till_is_not_found(refusal: Any) -> None:
    """The error has the shape of every other."""
    assert refusal("GET", "/v1/tills/99/icon.svg")[:2] == (404, "unknown_till")
