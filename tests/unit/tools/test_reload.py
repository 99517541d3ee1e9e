"""``tillwire reload``: what the agent says of the files, for people and for programs."""

import json
from typing import Any

import pytest

from engine.tools import reload as verb

GOOD = {
    "machine": "connection",
    "hash": "ab" * 32,
    "changed": True,
    "problems": [{"file": "m.yaml", "line": 3, "message": "Nothing leads to it."}],
    "restart": ["server.url"],
}
SAID = """\
The machine connection plays now (abababababab).
m.yaml:3: Nothing leads to it.
Takes effect at a restart: server.url.
"""
BAD = {
    "message": "The files are refused.",
    "problems": [{"file": "m.yaml"}],
    "text": "m.yaml:3:1: error: It is at fault. [fault]",
}


@pytest.mark.parametrize(
    ("answer", "code", "out", "err"),
    [
        (
            (200, GOOD),
            0,
            SAID,
            "",
        ),
        (
            (200, {**GOOD, "changed": False, "problems": [], "restart": []}),
            0,
            "The machine connection plays on, as the files have it (abababababab).\n",
            "",
        ),
        ((422, BAD), 1, f"{BAD['text']}\n", "The files are refused.\n"),
        ((401, {"message": "Wrong token.", "hint": "Look."}), 2, "", "Wrong token. Look.\n"),
        ((0, {}), 2, "", "No tillwire agent answers at http://till/-/reload.\n"),
    ],
)
def test_what_came_of_it_is_said(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, Any],
    code: int,
    out: str,
    err: str,
) -> None:
    """In a sentence, with the report of what is wrong; the exit code says which it was."""
    monkeypatch.setattr(verb, "_ask", lambda *_: answer)
    assert verb.reload("http://till/", "token", json=False) == code
    assert capsys.readouterr() == (out, err)


def test_programs_get_the_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "_ask", lambda *_: (422, BAD))
    assert verb.reload("http://till", "token", json=True) == 1
    assert json.loads(capsys.readouterr().out) == BAD


def test_without_a_token_nobody_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert verb.reload("http://till", None, json=False) == 2
    assert "TILLWIRE_TOKEN" in capsys.readouterr().err
