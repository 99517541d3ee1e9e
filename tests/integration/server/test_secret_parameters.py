"""Secrets among an action's parameters: sent as they are, repeated nowhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.server import CallFailed, CallRejected, Reason, TicketParcel

WORD = "hunter2&co"
PARAMETERS = {"ACTION": "{action}", "PWD": "${env:ACTION_PASSWORD}"}


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTION_PASSWORD", WORD)


def _always(answer: bytes) -> Any:
    def script(peer: Any) -> None:
        while peer.request():
            peer.send(answer)

    return script


def test_the_secret_is_read_at_each_call_and_sent(
    serve: Any, client: Any, good_ping: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that is changed takes effect with the next call."""
    asked: list[bytes] = []

    def script(peer: Any) -> None:
        while request := peer.request():
            asked.append(request)
            peer.send(good_ping)

    caller = client(serve(script).url, actions={"ping": {"parameters": PARAMETERS}})
    caller.ping("01", 5)
    monkeypatch.setenv("ACTION_PASSWORD", "changed")
    caller.ping("01", 5)
    assert b"&lt;PWD&gt;hunter2&amp;amp;co" in asked[0]
    assert b"&lt;PWD&gt;changed" in asked[1]


def test_a_servers_words_are_told_without_it(
    serve: Any, client: Any, http: Any, soap_reply: Any
) -> None:
    """Neither a refusal nor a ticket's verdict repeats the secret, escaped or not."""
    refusal = {"resultcode": 4, "errormessage": f"not {WORD}, nor hunter2&amp;co"}
    caller = client(
        serve(_always(http(soap_reply(json.dumps(refusal))))).url,
        actions={"ticket_status": {"parameters": {**PARAMETERS, "KEYS": "{keys}"}}},
    )
    with pytest.raises(CallRejected) as caught:
        caller.ticket_status("01", ["0042/01/1"], 5)
    assert caught.value.message == "not ***, nor ***"
    verdicts = {
        "resultcode": 0,
        "batch": "b",
        "count": 1,
        "tickets": [{"key": "k", "status": "refused", "code": "9", "message": f"bad {WORD}"}],
    }
    caller = client(
        serve(_always(http(soap_reply(json.dumps(verdicts))))).url,
        actions={"send_tickets": {"parameters": {**PARAMETERS, "B": "{batch}", "T": "{tickets}"}}},
    )
    (verdict,) = caller.send_tickets("01", "b", [TicketParcel("k", 1, b"x", "0")], 5)
    assert (verdict.status, verdict.message) == ("refused", "bad ***")


def test_a_secret_that_cannot_be_read_is_a_local_error(
    serve: Any, client: Any, good_ping: bytes, tmp_path: Path
) -> None:
    """Nothing is sent without it."""
    server = serve(_always(good_ping))
    parameters = {"ACTION": "{action}", "PWD": f"${{file:{tmp_path / 'none'}}}"}
    caller = client(server.url, actions={"ping": {"parameters": parameters}})
    with pytest.raises(CallFailed) as caught:
        caller.ping("01", 5)
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert "cannot be read" in caught.value.message
    assert server.connections == 0


def test_a_secret_that_no_wire_carries_is_named_and_not_shown(
    serve: Any, client: Any, good_ping: bytes, tmp_path: Path
) -> None:
    """A control character in the file of the secret."""
    (tmp_path / "odd").write_bytes(b"hunter\x012")
    server = serve(_always(good_ping))
    parameters = {"ACTION": "{action}", "PWD": f"${{file:{tmp_path / 'odd'}}}"}
    caller = client(server.url, actions={"ping": {"parameters": parameters}})
    with pytest.raises(CallFailed) as caught:
        caller.ping("01", 5)
    assert "the secret for PWD holds a character" in caught.value.message
    assert "hunter" not in caught.value.message
