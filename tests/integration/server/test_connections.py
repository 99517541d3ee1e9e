"""Connections: how they fail, when one is used again, and what of the environment counts."""

import errno
import hashlib
import json
import socket
import threading
from typing import Any

import pytest

from engine.server import CallFailed, Reason, TicketParcel, transport

SMALL = [TicketParcel("0042/01/1", 1, b"one", hashlib.sha256(b"one").hexdigest())]
STORED = {
    "resultcode": 0,
    "batch": "b",
    "count": 1,
    "tickets": [{"key": "0042/01/1", "status": "stored"}],
}


def test_a_refused_port_is_unreachable(client: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(CallFailed) as caught:
            client(f"http://127.0.0.1:{port}").ping("01", 5)
    assert caught.value.reason is Reason.UNREACHABLE
    assert caught.value.message.startswith(f"127.0.0.1:{port}: the connection was refused")
    assert not caught.value.reached


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no"), "not known to DNS"),
        (socket.gaierror(socket.EAI_AGAIN, "no"), "DNS gives no answer"),
    ],
)
def test_a_name_that_dns_does_not_give_is_unreachable(
    client: Any, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(CallFailed) as caught:
        client("http://nowhere.invalid").ping("01", 5)
    assert caught.value.reason is Reason.UNREACHABLE
    assert words in caught.value.message
    assert not caught.value.reached


def test_a_reset_after_the_request_is_unreachable_with_the_outcome_unknown(
    serve: Any, client: Any
) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.reset()

    with pytest.raises(CallFailed) as caught:
        client(serve(script).url).send_tickets("01", "b", SMALL, 5)
    assert caught.value.reason is Reason.UNREACHABLE
    assert caught.value.reached


def test_a_close_without_an_answer_is_unreachable_with_the_outcome_unknown(
    serve: Any, client: Any
) -> None:
    with pytest.raises(CallFailed) as caught:
        client(serve(lambda peer: peer.request()).url).send_tickets("01", "b", SMALL, 5)
    assert caught.value.reason is Reason.UNREACHABLE
    assert caught.value.reached


def test_one_connection_serves_call_after_call(serve: Any, client: Any, good_ping: bytes) -> None:
    def script(peer: Any) -> None:
        while peer.request():
            peer.send(good_ping)

    listening = serve(script)
    server = client(listening.url)
    for _ in range(5):
        server.ping("01", 5)
    assert listening.connections == 1


def stale(good_ping: bytes, answer: bytes) -> Any:
    """Answers one ping, closes at the next request of that connection, then answers again."""

    def script(peer: Any) -> None:
        peer.request()
        peer.send(good_ping if peer.number == 0 else answer)
        if peer.number == 0:
            peer.request()

    return script


def test_a_ping_on_a_connection_that_the_server_closed_is_made_again(
    serve: Any, client: Any, good_ping: bytes
) -> None:
    listening = serve(stale(good_ping, good_ping))
    server = client(listening.url)
    server.ping("01", 5)
    server.ping("01", 5)
    assert listening.connections == 2


def test_tickets_on_a_connection_that_the_server_closed_are_not_sent_again_in_secret(
    serve: Any, client: Any, good_ping: bytes
) -> None:
    listening = serve(stale(good_ping, good_ping))
    server = client(listening.url)
    server.ping("01", 5)
    with pytest.raises(CallFailed) as caught:
        server.send_tickets("01", "b", SMALL, 5)
    assert caught.value.reason is Reason.UNREACHABLE
    assert caught.value.reached
    assert listening.connections == 1


def test_tickets_that_did_not_go_out_in_full_are_sent_again_at_once(
    serve: Any, client: Any, good_ping: bytes, http: Any, soap_reply: Any
) -> None:
    def script(peer: Any) -> None:
        if peer.number == 0:
            peer.request()
            peer.send(good_ping)
            peer.sock.recv(10)
            peer.reset()
        else:
            peer.request()
            peer.send(http(soap_reply(json.dumps(STORED))))

    payload = b"x" * 16_000_000
    big = [TicketParcel("0042/01/1", 1, payload, hashlib.sha256(payload).hexdigest())]
    server = client(serve(script).url)
    server.ping("01", 5)
    assert [one.status for one in server.send_tickets("01", "b", big, 20)] == ["stored"]


def test_tickets_take_no_connection_that_lay_idle_for_long(
    serve: Any,
    client: Any,
    good_ping: bytes,
    http: Any,
    soap_reply: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "IDLE_LIMIT", 0.0)

    def script(peer: Any) -> None:
        while request := peer.request():
            tickets = b"TICKETS" in request
            peer.send(http(soap_reply(json.dumps(STORED))) if tickets else good_ping)

    listening = serve(script)
    server = client(listening.url)
    server.ping("01", 5)
    server.send_tickets("01", "b", SMALL, 5)
    assert listening.connections == 2


def test_dropping_connections_closes_idle_ones_and_calls_go_on(
    serve: Any, client: Any, good_ping: bytes
) -> None:
    ended = threading.Event()

    def script(peer: Any) -> None:
        while peer.request():
            peer.send(good_ping)
        if peer.number == 0:
            ended.set()

    listening = serve(script)
    server = client(listening.url)
    server.ping("01", 5)
    server.drop_connections()
    assert ended.wait(5), "the server sees the end of the idle connection"
    server.ping("01", 5)
    assert listening.connections == 2


def test_a_connection_in_use_while_connections_are_dropped_is_closed_after_its_call(
    serve: Any, client: Any, good_ping: bytes
) -> None:
    asked, go = threading.Event(), threading.Event()

    def script(peer: Any) -> None:
        while peer.request():
            asked.set()
            go.wait(5)
            peer.send(good_ping)

    listening = serve(script)
    server = client(listening.url)
    latencies: list[float] = []
    call = threading.Thread(target=lambda: latencies.append(server.ping("01", 5)))
    call.start()
    assert asked.wait(5)
    server.drop_connections()
    go.set()
    call.join(5)
    assert len(latencies) == 1, "the call under way ends well"
    server.ping("01", 5)
    assert listening.connections == 2


def test_calls_at_the_same_time_have_connections_of_their_own(
    serve: Any, client: Any, good_ping: bytes
) -> None:
    together = threading.Barrier(4)

    def script(peer: Any) -> None:
        peer.request()
        together.wait(5)
        peer.send(good_ping)

    listening = serve(script)
    server = client(listening.url)
    calls = [threading.Thread(target=server.ping, args=("01", 5)) for _ in range(4)]
    for call in calls:
        call.start()
    for call in calls:
        call.join(10)
    assert listening.connections == 4


def test_a_closed_server_calls_nobody(serve: Any, client: Any, good_ping: bytes) -> None:
    listening = serve(lambda peer: peer.send(good_ping))
    server = client(listening.url)
    server.close()
    with pytest.raises(CallFailed) as caught:
        server.ping("01", 5)
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert listening.connections == 0


def test_proxies_and_netrc_of_the_environment_do_not_count(
    serve: Any,
    client: Any,
    rest_reply: Any,
    http: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    proxy = serve(lambda peer: peer.reset())
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    seen: list[bytes] = []

    def script(peer: Any) -> None:
        while request := peer.request():
            seen.append(request)
            if b"/Authent/" in request:
                token = json.dumps({"error": 0, "access_token": "t0ken"}).encode()
                peer.send(http(token, kind="application/json"))
            else:
                peer.send(rest_reply({}))

    server = client(serve(script).url, protocol="rest", auth={"body": {"login": "a"}})
    server.ping("01", 5)
    assert proxy.connections == 0
    assert b"Basic" not in b"".join(seen)
    assert b"Authorization: Bearer t0ken\r\n" in seen[1]


def test_cookies_are_not_kept(serve: Any, client: Any, http: Any, soap_reply: Any) -> None:
    seen: list[bytes] = []

    def script(peer: Any) -> None:
        while request := peer.request():
            seen.append(request)
            peer.send(http(soap_reply(""), more="Set-Cookie: a=b\r\n"))

    server = client(serve(script).url)
    server.ping("01", 5)
    server.ping("01", 5)
    assert b"cookie" not in seen[1].lower()


def test_a_process_without_free_files_is_a_local_error(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(*_: Any, **__: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    server = client("http://127.0.0.1:9")
    monkeypatch.setattr(socket, "socket", no_more)
    with pytest.raises(CallFailed) as caught:
        server.ping("01", 5)
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert "Too many open files" in caught.value.message


def test_a_process_without_free_threads_is_a_local_error(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    server = client("http://threads.invalid")
    monkeypatch.setattr(threading.Thread, "start", no_more)
    with pytest.raises(CallFailed) as caught:
        server.ping("01", 5)
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert not caught.value.reached
