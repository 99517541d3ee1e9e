"""Who may ask what."""

from typing import Any

import pytest

from engine.api.access import Access, shown
from engine.api.stand_in import StandIn

EVENTS = "/v1/tills/01/events"
SYNC = {"event": "sync.now"}
BEARER = {"www-authenticate": "Bearer"}


def test_a_change_without_a_token_is_refused(ask: Any, office: StandIn) -> None:
    """Events and tickets without a token are 401 with a sentence, and change nothing."""
    for path in (EVENTS, "/v1/tills/01/tickets?number=1"):
        reply = ask("POST", path, token=None, json=SYNC)
        assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert reply.json() == {
            "error": "no_token",
            "message": "A token is needed to change anything.",
            "hint": "Send it in a header: Authorization: Bearer TOKEN.",
        }
    assert (office.steps, office.tickets) == ([], {})


@pytest.mark.parametrize(
    "authorization",
    ["Bearer wrong", "Bearer ", "Bearer", "", "Basic correct horse", "correct horse",
     "Bearer correct horse, Bearer correct horse", "Bearer correct hors\xe9"],
)  # fmt: skip
def test_a_wrong_token_is_refused(refusal: Any, office: StandIn, authorization: str) -> None:
    """Another token, another scheme, or two at once are 401, and nobody is told how near."""
    headers = {"Authorization": authorization.encode("latin-1")}
    assert refusal("POST", EVENTS, token=None, json=SYNC, headers=headers)[:3] == (
        401,
        "wrong_token",
        "This is not the token of this agent.",
    )
    assert office.steps == []


def test_the_scheme_of_the_token_may_be_written_in_any_case(ask: Any) -> None:
    """HTTP's schemes have no case."""
    headers = {"Authorization": "bearer correct horse"}
    assert ask("POST", EVENTS, token=None, json=SYNC, headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_every_method_but_the_safe_ones_needs_the_token(refusal: Any, method: str) -> None:
    """A route that does not exist yet is protected already."""
    assert refusal(method, "/v1/whatever", token=None)[:2] == (401, "no_token")


class TestWithoutAToken:
    """An agent whose settings name no token."""

    @pytest.fixture
    def access(self) -> Access:
        return Access(token=None)

    def test_nothing_can_be_changed(self, refusal: Any, office: StandIn) -> None:
        """No token set means no change, not no check."""
        assert refusal("POST", EVENTS, json=SYNC) == (
            403,
            "read_only",
            "This agent has no token, so nothing can be changed through its API.",
            "Set the token under api in till.yaml and start the agent again.",
        )
        assert office.steps == []

    def test_reading_is_possible(self, ask: Any) -> None:
        """Questions need no token."""
        assert ask("GET", "/v1/tills", token=None).status_code == 200


def test_the_token_is_not_printed() -> None:
    """What ends up in a log or a traceback does not hold the secret."""
    assert "horse" not in repr(Access(token="correct horse"))


@pytest.mark.parametrize("token", ["", "  "])
def test_an_empty_token_is_no_token(token: str) -> None:
    """Settings whose secret is empty are refused, not taken for an open door."""
    with pytest.raises(ValueError, match=r"^The token of the local API is empty\.$"):
        Access(token=token)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8344", "localhost:1", "LOCALHOST", "localhost.", "[::1]:8344"]
)
def test_the_names_of_this_machine_are_answered(ask: Any, host: str) -> None:
    """With and without port, in any case."""
    assert ask("GET", "/readyz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8344", "127.0.0.1.evil.example", "x@127.0.0.1", "127.0.0.1/",
     "127.0.0.1:x", "[::1", "", "127.0.0.1, evil.example", "10.0.0.1"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/tills", "/metrics", "/openapi.json", "/nowhere"])
def test_another_host_name_is_refused(refusal: Any, host: str, path: str) -> None:
    """A name that a page's owner points at this machine is answered by nothing, on any path."""
    status, code, message, hint = refusal("GET", path, headers={"Host": host})
    assert (status, code) == (400, "unknown_host")
    told = f"called '{host}'" if host else "called without a host name"
    assert message == f"This API is not {told}."
    assert hint == (
        "Call it by one of: 127.0.0.1, localhost, [::1]. "
        "More names go into allowed_hosts in till.yaml."
    )


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:1234", "https://127.0.0.1:8344", "",
     "http://127.0.0.1:8344.evil.example", "http://localhost:8344"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_origin_is_refused(
    refusal: Any, office: StandIn, origin: str, method: str
) -> None:
    """Even with the right token, and for a question too; the preflight gets no permission."""
    answer = refusal(method, EVENTS, json=SYNC, headers={"Origin": origin})
    assert answer == (
        403,
        "foreign_origin",
        f"Web pages of '{origin}' may not call this API.",
        (
            "Programs send no Origin header; pages that may call it go into allowed_origins in "
            "till.yaml."
        ),
    )
    assert office.steps == []


def test_a_page_of_this_origin_is_served(ask: Any) -> None:
    """The API's own pages may call it."""
    headers = {"Origin": "http://127.0.0.1:8344"}
    assert ask("POST", EVENTS, json=SYNC, headers=headers).status_code == 200


class TestWithNamesAndOriginsOfItsOwn:
    """An agent that is told to answer to more."""

    @pytest.fixture
    def access(self) -> Access:
        return Access("correct horse", ("till-01.shop.example",), ("https://panel.example/",))

    def test_the_names_given_are_answered_and_the_others_are_not(self, ask: Any) -> None:
        """The list replaces the names of this machine."""
        hosts = ("till-01.shop.example:8344", "127.0.0.1")
        statuses = [ask("GET", "/readyz", headers={"Host": host}).status_code for host in hosts]
        assert statuses == [200, 400]

    def test_the_origin_given_is_served_and_still_needs_the_token(self, ask: Any) -> None:
        """An allowed page has no right of its own, and gets no CORS headers either."""
        headers = {"Host": "till-01.shop.example", "Origin": "https://panel.example"}
        assert ask("POST", EVENTS, json=SYNC, headers=headers).status_code == 200
        assert ask("POST", EVENTS, token=None, json=SYNC, headers=headers).status_code == 401


def test_what_a_caller_wrote_is_repeated_short_and_printable() -> None:
    """Control characters, half characters and endless texts do no harm in a sentence."""
    assert shown("a\n\x1b[2J\ud800é") == r"a\n\x1b[2J\ud800é"
    assert shown("x" * 100) == "x" * 60 + "…"
