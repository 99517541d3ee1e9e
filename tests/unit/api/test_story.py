"""A till's story by the API: pages of it, what holds a till, and sentences where there is none."""

from typing import Any

import pytest

from engine.api.port import StoreUnavailable
from engine.api.stand_in import StandIn


def test_a_story_is_newest_first_and_can_be_paged(ask: Any) -> None:
    """``next_before`` leads from page to page to its beginning."""
    for event in ("till.day_closed", "sync.now"):
        ask("POST", "/v1/tills/01/events", json={"event": event})
    told = []
    before = ""
    for _ in range(3):
        page = ask("GET", f"/v1/tills/01/trace?limit=1{before}").json()
        told += [(entry["kind"], entry["event"]) for entry in page["entries"]]
        before = f"&before={page['next_before']}"
    assert told == [("step", "sync.now"), ("step", "till.day_closed"), ("agent", "agent.started")]
    last = ask("GET", "/v1/tills/01/trace").json()
    assert (len(last["entries"]), last["next_before"]) == (3, None)


def test_what_holds_a_till_is_told(ask: Any) -> None:
    """Each way out with how it is held."""
    told = ask("GET", "/v1/tills/01/why-not").json()
    assert (told["state"], [way["held"] for way in told["ways"]]) == ("online", ["never"])


@pytest.mark.parametrize("what", ["trace", "why-not"])
def test_where_there_is_no_story_that_is_said(
    ask: Any, refusal: Any, office: StandIn, what: str
) -> None:
    """A till that is not there, and a database that is away."""
    assert refusal("GET", f"/v1/tills/99/{what}")[:2] == (404, "unknown_till")

    def away(_call: str) -> None:
        raise StoreUnavailable("The disk is full.")

    office.before_each = away
    reply = ask("GET", f"/v1/tills/01/{what}")
    assert (reply.status_code, reply.json()["message"]) == (503, "The disk is full.")
