"""Who may not: a page of another site, a wrong host name, no token. Nothing changes."""

from typing import Any

import pytest
import requests

from engine.server.port import Message
from tests.integration.document.conftest import LIMIT, TOKEN, Served

BEARER = {"Authorization": f"Bearer {TOKEN}"}
CHANGES: dict[str, dict[str, Any]] = {
    "/v1/tills/02/events": {"json": {"event": "offline.hold"}},
    "/v1/tills/02/tickets?number=4711": {"data": b"a ticket"},
    "/v1/tills/02/messages/m-1/read": {},
}
TRESPASSES: dict[str, tuple[dict[str, str], int, str]] = {
    "another origin": ({**BEARER, "Origin": "http://elsewhere.example"}, 403, "foreign_origin"),
    "the origin of a sandbox": ({**BEARER, "Origin": "null"}, 403, "foreign_origin"),
    "another port": ({**BEARER, "Origin": "http://127.0.0.1:1"}, 403, "foreign_origin"),
    "a wrong host": ({**BEARER, "Host": "evil.example"}, 400, "unknown_host"),
    "no token": ({}, 401, "no_token"),
    "a wrong token": ({"Authorization": "Bearer guess"}, 401, "wrong_token"),
    "a simple form": (
        {"Origin": "http://elsewhere.example", "Content-Type": "text/plain"},
        403,
        "foreign_origin",
    ),
}


def seen(served: Served) -> list[Any]:
    """All that can be seen of till 02, but for what time does to it."""
    till = requests.get(f"{served.url}/v1/tills/02", timeout=LIMIT).json()
    messages = requests.get(f"{served.url}/v1/tills/02/messages", timeout=LIMIT).json()
    events = requests.get(f"{served.url}/v1/tills/02/history", timeout=LIMIT).json()["steps"]
    posted = {"offline.hold", "ticket.closed"}
    return [
        till["tickets"],
        "held" in till["active"],
        [(message["id"], message["read"]) for message in messages["messages"]],
        [step["number"] for step in events if step["event"] in posted],
    ]


@pytest.fixture(scope="module")
def message(served: Served) -> None:
    """A message that waits to be read."""
    books = served.house.books
    kept = books.call(
        lambda store: store.messages.keep("02", [Message("m-1", "", "info", "t", "x")], 1e9), LIMIT
    )
    assert kept == ["m-1"]


@pytest.mark.usefixtures("message")
@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("trespass", TRESPASSES)
def test_nothing_changes(served: Served, path: str, trespass: str) -> None:
    """The refusal has its status and name, and whoever may look sees what was there before."""
    headers, status, error = TRESPASSES[trespass]
    before = seen(served)
    reply = requests.post(f"{served.url}{path}", headers=headers, timeout=LIMIT, **CHANGES[path])
    assert (reply.status_code, reply.json()["error"]) == (status, error)
    assert not [name for name in reply.headers if name.lower().startswith("access-control")]
    assert seen(served) == before


@pytest.mark.usefixtures("message")
@pytest.mark.parametrize("path", CHANGES)
def test_with_the_token_the_same_changes_something(served: Served, path: str) -> None:
    """So that the tests above show what they say."""
    before = seen(served)
    reply = requests.post(f"{served.url}{path}", headers=BEARER, timeout=LIMIT, **CHANGES[path])
    assert reply.status_code in (200, 201)
    assert seen(served) != before
