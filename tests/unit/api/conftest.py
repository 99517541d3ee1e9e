"""The API in front of a stand-in, called without a socket."""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Protocol

import httpx
import pytest

from engine.api.access import Access, Limits
from engine.api.application import LocalApi, create_api
from engine.api.stand_in import StandIn

TOKEN = "correct horse"
BASE = "http://127.0.0.1:8344"


class Ask(Protocol):
    """One request to the API."""

    def __call__(
        self, method: str, path: str, *, token: str | None = TOKEN, **more: Any
    ) -> httpx.Response: ...


@pytest.fixture
def office() -> StandIn:
    return StandIn()


@pytest.fixture
def limits() -> Limits:
    return Limits(ticket=1000, event=600, room=3000)


@pytest.fixture
def access() -> Access:
    return Access(token=TOKEN)


@pytest.fixture
def api(office: StandIn, access: Access, limits: Limits) -> LocalApi:
    return create_api(office, access, limits)


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The OpenAPI document; it is the same whatever the office, the token and the limits."""
    return create_api(StandIn(), Access(token=None)).document()


@pytest.fixture
def ask(api: LocalApi, document: dict[str, Any]) -> Ask:
    """Calls the API; whatever it asks, the answer must be documented and properly dressed."""

    def asked(method: str, path: str, *, token: str | None = TOKEN, **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(app=api)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, path, headers=headers, **more)

        reply = asyncio.run(exchange())
        dressed(reply)
        documented(document, reply)
        return reply

    return asked


def dressed(reply: httpx.Response) -> None:
    """Every answer has the headers that keep it from being kept, guessed or read by others."""
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert "date" in reply.headers
    assert "server" not in reply.headers
    assert not [name for name in reply.headers if name.startswith("access-control")]


def documented(document: dict[str, Any], reply: httpx.Response) -> None:
    """A route answers only with the statuses and the media types that OpenAPI tells."""
    path = reply.request.url.path
    for template, operations in document["paths"].items():
        pattern = re.sub(r"\{[a-z]+\}", "[^/]+", template)
        operation = operations.get(reply.request.method.lower())
        if operation and re.fullmatch(pattern, path):
            told = operation["responses"]
            assert str(reply.status_code) in told
            media_type = reply.headers["content-type"].partition(";")[0]
            assert media_type in told[str(reply.status_code)]["content"]
    if reply.status_code >= 400 and path not in ("/healthz", "/readyz"):
        more = {"problems", "text"} if reply.json()["error"] == "refused" else set()
        assert set(reply.json()) == {"error", "message", "hint", *more}


@pytest.fixture
def refusal(ask: Ask) -> Callable[..., tuple[int, str, str, str]]:
    """Status, code, message and hint of an answer that is an error."""

    def asked(method: str, path: str, **more: Any) -> tuple[int, str, str, str]:
        reply = ask(method, path, **more)
        body = reply.json()
        return reply.status_code, body["error"], body["message"], body["hint"]

    return asked
