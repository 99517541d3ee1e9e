"""``tillwire status``: one line a till, and an exit code for scripts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from engine.tools.status import language, status, table

NOW = 1_800_000_000.0
ROW = {
    "till": "01",
    "shop": "0042",
    "machine": "connection",
    "state": "offline-cooldown",
    "active": ["offline-cooldown"],
    "label": {"en": "Offline", "fr": "Hors ligne"},
    "since": "2027-01-15T07:55:00Z",
    "next_try": "2027-01-15T08:00:42Z",
    "tickets": {"pending": 12, "sent": 3, "refused": 0, "oldest_pending": "2027-01-15T05:00:00Z"},
    "context": {},
}
ONLINE = {
    **ROW,
    "till": "02",
    "state": "online",
    "label": None,
    "since": "2027-01-13T07:00:00Z",
    "next_try": None,
    "tickets": {"pending": 0, "sent": 3, "refused": 0, "oldest_pending": None},
}

NOBODY = (
    "No agent answers at http://127.0.0.1:8344/v1/tills. Start it with: tillwire run -c till.yaml"
)

Answer = Callable[..., None]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Makes the agent answer, with no socket; the URL asked for is checked too."""

    def make(body: Any, code: int = 200, fault: Exception | None = None) -> None:
        def get(_session: Any, url: str, **_settings: Any) -> requests.Response:
            assert url == "http://127.0.0.1:8344/v1/tills"
            if fault is not None:
                raise fault
            response = requests.Response()
            response.status_code = code
            response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return response

        monkeypatch.setattr(requests.Session, "get", get)

    return make


def test_a_table_has_a_line_for_each_till() -> None:
    """State with its label, since when, next try, backlog and its oldest ticket."""
    assert table([ROW, ONLINE], NOW).splitlines() == [
        "till  state                       since      next try  pending  oldest pending",
        "01    Offline (offline-cooldown)  5 min ago  in 42 s   12       3 h ago",
        "02    online                      2 d ago    -         0        -",
    ]


def test_labels_are_french_where_people_are() -> None:
    """The account's language chooses."""
    assert "Hors ligne (offline-cooldown)" in table([ROW], NOW, "fr")


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("fr_FR", "fr"), ("French_France", "fr"), ("en_GB", "en"), (None, "en")],
)
def test_the_language_is_that_of_the_account(
    monkeypatch: pytest.MonkeyPatch, locale: str | None, expected: str
) -> None:
    """As POSIX and as Windows name it."""
    monkeypatch.setattr("locale.getlocale", lambda: (locale, "UTF-8"))
    assert language() == expected


def test_a_try_that_is_due_is_now() -> None:
    """A time that has passed is not shown as negative."""
    assert "  now  " in table([{**ROW, "next_try": NOW - 1}], NOW)


def test_what_the_agent_leaves_out_is_shown_as_unknown() -> None:
    """An older or newer agent does not break the table."""
    assert table([{"till": "1", "since": "soon"}], NOW).splitlines()[1].split() == [
        "1",
        "?",
        "-",
        "-",
        "?",
        "-",
    ]


def test_no_till_is_said() -> None:
    """An empty list is no empty screen."""
    assert table([], NOW) == "The agent looks after no till.\n"


@pytest.mark.parametrize("state", ["online", "syncing", "loading"])
def test_all_online_is_0(answer: Answer, capsys: pytest.CaptureFixture[str], state: str) -> None:
    """A till that sends or loads is online too."""
    answer([ONLINE, {**ONLINE, "state": state}])
    assert status("http://127.0.0.1:8344", json=False) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize("state", ["degraded", "offline-cooldown"])
def test_one_that_is_not_online_is_1(answer: Answer, state: str) -> None:
    """Whatever the others are."""
    answer([ONLINE, {**ROW, "state": state}])
    assert status("http://127.0.0.1:8344/", json=False) == 1


def test_json_is_what_the_agent_said(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get the API's own data."""
    answer([ROW])
    assert status("http://127.0.0.1:8344", json=True) == 1
    assert json.loads(capsys.readouterr().out) == [ROW]


@pytest.mark.parametrize(
    ("body", "code", "fault", "sentence"),
    [
        (
            b"",
            200,
            requests.exceptions.ConnectionError("refused"),
            NOBODY,
        ),
        (
            b"",
            200,
            requests.exceptions.ReadTimeout("slow"),
            NOBODY,
        ),
        (
            b"<html>",
            200,
            None,
            "What answers at http://127.0.0.1:8344/v1/tills is not a tillwire agent.",
        ),
        (
            b'{"tills": 3}',
            200,
            None,
            "What answers at http://127.0.0.1:8344/v1/tills is not a tillwire agent.",
        ),
        (
            b"[1]",
            200,
            None,
            "What answers at http://127.0.0.1:8344/v1/tills is not a tillwire agent.",
        ),
        (b"", 404, None, "http://127.0.0.1:8344/v1/tills answered with HTTP status 404."),
    ],
)
def test_no_agent_is_2_and_a_sentence(
    answer: Answer,
    capsys: pytest.CaptureFixture[str],
    body: bytes,
    code: int,
    fault: Exception | None,
    sentence: str,
) -> None:
    """Nobody there, too slow, somebody else: nothing on standard output."""
    answer(body, code, fault)
    assert status("http://127.0.0.1:8344", json=False) == 2
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", f"{sentence}\n")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8344", "here", "ftp://here", "http://", "http://[", "http://a:b", ""]
)
def test_what_is_no_address_is_said(capsys: pytest.CaptureFixture[str], url: str) -> None:
    """A slip of the keyboard is a sentence, and nothing is called."""
    assert status(url, json=False) == 2
    assert capsys.readouterr().err == f"'{url}' is not an address: write http://HOST:PORT.\n"
