"""The REST wire gives tokens with an end and asks for them."""

import json
from typing import Any

import pytest

from engine.lab.answers import Request, Response
from engine.lab.ledger import Ledger
from engine.lab.programs import Programs
from engine.lab.rest import AUTH, EXECUTE, Tokens, understand


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def post(tokens: Tokens, path: str, body: object, **headers: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(
        "POST", path, {}, {"content-type": "application/json", **headers}, data, False
    )
    programs = Programs(Ledger(True, None, lambda: 0.0), tells_ticket_status=True)
    response: Response = understand(request, programs, tokens).answer()
    return response.status, json.loads(response.body)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(clock, lifetime=60.0)


def test_a_token_is_good_until_its_lifetime_ends(tokens: Tokens, clock: Clock) -> None:
    status, answer = post(tokens, AUTH, {"login": "shop", "password": "x"})
    assert (status, answer["error"], answer["expires_in"]) == (200, 0, 60)
    ping = {"action": "PING", "param": "", "access_token": answer["access_token"]}
    assert post(tokens, EXECUTE, ping)[0] == 200
    clock.now += 60.0
    assert post(tokens, EXECUTE, ping)[0] == 401


def test_a_bearer_header_does_as_well_as_the_body(tokens: Tokens) -> None:
    bearer = f"Bearer {tokens.issue()}"
    status, answer = post(tokens, EXECUTE, {"action": "PING", "param": ""}, authorization=bearer)
    assert status == 200
    assert json.loads(answer["result"])["resultcode"] == 0


@pytest.mark.parametrize("token", [None, "", "unknown", 7])
def test_without_a_good_token_the_answer_is_401(tokens: Tokens, token: object) -> None:
    assert post(tokens, EXECUTE, {"action": "PING", "access_token": token})[0] == 401


def test_all_tokens_can_be_ended_at_once(tokens: Tokens) -> None:
    token = tokens.issue()
    tokens.expire()
    assert not tokens.good(token)


def test_tokens_that_ended_are_forgotten(tokens: Tokens, clock: Clock) -> None:
    first = tokens.issue()
    clock.now += 61.0
    tokens.issue()
    clock.now -= 61.0
    assert not tokens.good(first)


def test_login_and_password_are_asked_for_where_they_are_set(clock: Clock) -> None:
    tokens = Tokens(clock, credentials=("shop", "secret"))
    assert post(tokens, AUTH, {"login": "shop", "password": "wrong"})[0] == 401
    assert post(tokens, AUTH, {"login": "shop", "password": "secret"})[0] == 200


def test_a_login_without_a_password_gets_no_token(tokens: Tokens) -> None:
    assert post(tokens, AUTH, {"login": "shop"})[0] == 401


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"\xff", {}, 400),
        ({"action": 1}, {}, 400),
        ({"action": "PING"}, {"content-type": "text/plain"}, 415),
    ],
)
def test_a_request_of_a_wrong_form_is_refused(
    tokens: Tokens, body: object, headers: dict[str, str], status: int
) -> None:
    assert post(tokens, EXECUTE, body, **headers)[0] == status


def test_a_technical_failure_has_an_error_and_no_result(tokens: Tokens) -> None:
    status, answer = post(tokens, EXECUTE, {"action": "PRICES", "access_token": tokens.issue()})
    assert status == 200
    assert answer == {
        "error": 2,
        "txterr": "The action 'PRICES' is not declared here.",
        "result": "",
    }
