"""The pieces under a call: options of a socket, words for errors, addresses, deadlines."""

import errno
import socket
import threading
from typing import Any

import pytest

from engine.server import CallFailed, Reason
from engine.server.deadline import Deadline, describe
from engine.server.resolver import Resolver
from engine.server.sockets import tune
from engine.server.transport import endpoint


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such option")
def test_a_peer_that_acknowledges_nothing_is_given_up_after_30_seconds() -> None:
    with socket.socket() as sock:
        tune(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


def test_a_system_without_the_options_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"):
        monkeypatch.delattr(socket, name, raising=False)
    with socket.socket() as sock:
        tune(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EHOSTUNREACH, "x"), "there is no route to the host"),
        (OSError(errno.ENETUNREACH, "x"), "the network cannot be reached"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "the connection was refused"),
        (ConnectionResetError("odd"), "the connection was reset"),
        (OSError(errno.EIO, "words of the system"), "words of the system"),
        (OSError("nothing known"), "the connection broke"),
    ],
)
def test_an_error_has_the_same_words_everywhere(error: OSError, words: str) -> None:
    assert describe(error) == words


def test_the_systems_own_timeout_is_an_unreachable_host_and_not_our_deadline() -> None:
    deadline = Deadline(60, "host:80", 1)
    assert deadline.broken(TimeoutError(errno.ETIMEDOUT, "x")).reason is Reason.UNREACHABLE
    assert deadline.broken(TimeoutError("timed out")).reason is Reason.TIMEOUT


def test_a_deadline_of_nothing_has_passed() -> None:
    with pytest.raises(CallFailed) as caught:
        Deadline(0, "host:80", 1).left()
    assert caught.value.reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://till.example/a?b=secret", "till.example:80"),
        ("https://till.example", "till.example:443"),
        ("https://[::1]:8443/x", "[::1]:8443"),
    ],
)
def test_only_host_and_port_of_an_address_are_shown(url: str, where: str) -> None:
    assert endpoint(url).where == where


def test_an_address_in_numbers_needs_no_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    deadline = Deadline(5, "x:80", 1)
    assert Resolver().resolve("127.0.0.1", 80, deadline)[0][3] == ("127.0.0.1", 80)
    assert Resolver().resolve("::1", 80, deadline)[0][3] == ("::1", 80, 0, 0)


def test_stuck_look_ups_do_not_gather_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up that may be stuck is not waited for by later calls, and there are four at most."""
    answer = threading.Event()
    asked: list[str] = []

    def hangs(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        answer.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    monkeypatch.setattr("engine.server.resolver._STALE", 0.0)
    resolver = Resolver()
    try:
        for _ in range(7):
            with pytest.raises(CallFailed):
                resolver.resolve("stuck.invalid", 80, Deadline(0.01, "x:80", 1))
        assert len(asked) == 4
    finally:
        answer.set()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnicodeError("label too long"), "not one that DNS allows"),
        (OSError("odd"), "cannot be looked up"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "not known to DNS"),
    ],
)
def test_a_look_up_that_fails_has_a_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(CallFailed, match=words) as caught:
        Resolver().resolve("odd.invalid", 80, Deadline(5, "odd.invalid:80", 1))
    assert caught.value.reason is Reason.UNREACHABLE
