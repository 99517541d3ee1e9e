"""REST's token: when it is asked for, when it is renewed, and that nobody ever reads it."""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from engine.server import CallFailed, Reason, tokens

PASSWORD = "c0rrect-horse"


class Service:
    """A REST service with tokens. ``good`` holds those that it takes."""

    def __init__(self, http: Any, rest_reply: Any) -> None:
        self._http = http
        self._rest_reply = rest_reply
        self.logins: list[Any] = []
        self.calls: list[bytes] = []
        self.good: set[str] = set()
        self.expires_in: int | None = None
        self.slow: threading.Event | None = None
        self.login_answer: Callable[[int], bytes] | None = None
        self.lock = threading.Lock()

    def script(self, peer: Any) -> None:
        while request := peer.request():
            if b"/Authent/Auth" in request:
                peer.send(self._login(request))
            else:
                peer.send(self._execute(request))

    def _login(self, request: bytes) -> bytes:
        if self.slow is not None:
            self.slow.wait(5)
        with self.lock:
            self.logins.append(json.loads(request.partition(b"\r\n\r\n")[2]))
            number = len(self.logins)
            if self.login_answer is not None:
                return self.login_answer(number)
            self.good.add(f"token-{number}")
        reply = {"error": 0, "access_token": f"token-{number}", "expires_in": self.expires_in}
        return self._http(json.dumps(reply).encode(), kind="application/json")  # type: ignore[no-any-return]

    def _execute(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        asked = json.loads(body)
        self.calls.append(request)
        token = asked["access_token"]
        assert f"Authorization: Bearer {token}".encode() in head
        if token not in self.good:
            return self._http(f"no {token}".encode(), "401 Unauthorized", "text/html")  # type: ignore[no-any-return]
        return self._rest_reply({})  # type: ignore[no-any-return]


@pytest.fixture
def service(http: Any, rest_reply: Any) -> Service:
    return Service(http, rest_reply)


@pytest.fixture
def caller(serve: Any, client: Any, service: Service, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TILL_PASSWORD", PASSWORD)
    auth = {"body": {"login": "till01", "password": "${env:TILL_PASSWORD}"}}
    return client(serve(service.script).url, protocol="rest", auth=auth)


def test_the_token_is_fetched_by_the_first_call_and_used_by_all(
    caller: Any, service: Service
) -> None:
    assert service.logins == []
    for _ in range(3):
        caller.ping("01", 5)
    assert service.logins == [{"login": "till01", "password": PASSWORD}]


def test_a_401_renews_the_token_once_and_the_call_goes_through(
    caller: Any, service: Service
) -> None:
    caller.ping("01", 5)
    service.good.clear()
    caller.ping("01", 5)
    assert len(service.logins) == 2
    assert len(service.calls) == 3


def test_a_401_to_a_new_token_is_unauthorized(caller: Any, service: Service) -> None:
    service.good = frozenset()  # type: ignore[assignment]
    service.login_answer = lambda number: service._http(
        json.dumps({"access_token": f"token-{number}"}).encode(), kind="application/json"
    )
    with pytest.raises(CallFailed) as caught:
        caller.ping("01", 5)
    assert caught.value.reason is Reason.UNAUTHORIZED
    assert len(service.logins) == 2


def test_a_403_renews_nothing(caller: Any, service: Service, http: Any) -> None:
    service._rest_reply = lambda _: http(b"", "403 Forbidden")
    with pytest.raises(CallFailed) as caught:
        caller.ping("01", 5)
    assert caught.value.reason is Reason.UNAUTHORIZED
    assert len(service.logins) == 1


@pytest.mark.parametrize(
    ("told", "after", "logins"),
    [(None, 2641, 2), (None, 2639, 1), (100, 91, 2), (100, 89, 1), (9999, 2641, 2)],
)
def test_the_token_is_renewed_before_its_lifetime_ends(
    caller: Any,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    told: int | None,
    after: float,
    logins: int,
) -> None:
    service.expires_in = told
    caller.ping("01", 5)
    now = time.monotonic()
    monkeypatch.setattr(
        tokens, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now + after)})
    )
    caller.ping("01", 5)
    assert len(service.logins) == logins


def test_many_threads_renew_once(caller: Any, service: Service) -> None:
    service.slow = threading.Event()
    done: list[float] = []
    calls = [threading.Thread(target=lambda: done.append(caller.ping("01", 5))) for _ in range(8)]
    for call in calls:
        call.start()
    service.slow.set()
    for call in calls:
        call.join(10)
    assert len(done) == 8
    assert len(service.logins) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b'{"error": 5, "txterr": "wrong password c0rrect-horse"}', Reason.UNAUTHORIZED),
        (b'{"error": 0}', Reason.BAD_REPLY),
        (b'{"access_token": "two\\r\\nlines"}', Reason.BAD_REPLY),
        (b'{"access_token": 7}', Reason.BAD_REPLY),
        (b"[]", Reason.BAD_REPLY),
    ],
)
def test_a_login_without_a_token_fails_before_the_call_is_made(
    caller: Any, service: Service, http: Any, answer: bytes, reason: Reason
) -> None:
    service.login_answer = lambda _: http(answer, kind="application/json")
    with pytest.raises(CallFailed) as caught:
        caller.ping("01", 5)
    assert caught.value.reason is reason
    assert not caught.value.reached
    assert PASSWORD not in str(caught.value)
    assert service.calls == []


def test_a_secret_that_is_not_there_is_a_local_error(
    caller: Any, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TILL_PASSWORD")
    with pytest.raises(CallFailed) as caught:
        caller.ping("01", 5)
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert "TILL_PASSWORD" in caught.value.message
    assert service.logins == []


def test_neither_token_nor_password_is_ever_printed(
    caller: Any,
    service: Service,
    rest_reply: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = []
    for words in ("token-1 is bad", f"{PASSWORD} is bad"):
        service._rest_reply = lambda _, words=words: rest_reply({}, error=3, txterr=words)
        with pytest.raises(CallFailed) as caught:
            caller.ping("01", 5)
        texts += [str(caught.value), repr(caught.value), repr(vars(caught.value))]
    texts += [repr(vars(caller)), repr(vars(caller._tokens)["_auth"]), caplog.text]
    texts += list(capfd.readouterr())
    assert "*** is bad" in texts[0]
    for secret in ("token-1", PASSWORD):
        assert secret not in "".join(texts)


def test_a_service_without_a_login_gets_no_token(serve: Any, client: Any, rest_reply: Any) -> None:
    def script(peer: Any) -> None:
        while request := peer.request():
            assert b"uthorization" not in request
            assert b"access_token" not in request
            peer.send(rest_reply({}))

    assert client(serve(script).url, protocol="rest").ping("01", 5) > 0
