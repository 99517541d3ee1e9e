"""What is wrong with a till.yaml, in exact sentences and at exact places."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.problems import Problem, Refused
from engine.settings import load_settings

SERVER = "server: {protocol: soap, url: 'http://server.example'}\n"
GOOD = f"shop: '0042'\ntill: '01'\n{SERVER}"
Refusal = Callable[[str], list[Problem]]

NUMBER = (
    "An id is a text, and this is a number, which would lose its leading zeros: "
    "write it in quotes, as in '0042'."
)


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "message", "hint"),
    [
        pytest.param(
            f"shop: 0042\ntill: '01'\n{SERVER}", 1, 7, "value", NUMBER, "", id="shop without quotes"
        ),
        pytest.param(
            f"shop: '0042'\ntill: 01\n{SERVER}", 2, 7, "value", NUMBER, "", id="till without quotes"
        ),
        pytest.param(
            f"shop: '0042'\ntills: ['01', 02]\n{SERVER}",
            2,
            15,
            "value",
            NUMBER,
            "",
            id="one of the tills without quotes",
        ),
        pytest.param(
            f"shop: ''\ntill: '01'\n{SERVER}",
            1,
            7,
            "value",
            "An id cannot be empty.",
            "",
            id="empty id",
        ),
        pytest.param(
            f"shop: '0042'\ntill: a/b\n{SERVER}",
            2,
            7,
            "value",
            "An id has letters a to z, digits, '-', '_' and '.' only; found '/'.",
            "",
            id="a sign that ticket keys use",
        ),
        pytest.param(
            f"shop: '0042'\ntill: ..\n{SERVER}",
            2,
            7,
            "value",
            "An id cannot start with '.'.",
            "",
            id="an id that is a folder",
        ),
        pytest.param(
            f"shop: {'x' * 65}\ntill: '01'\n{SERVER}",
            1,
            7,
            "value",
            "An id has at most 64 characters, this one has 65.",
            "",
            id="an endless id",
        ),
        pytest.param(
            f"shop: '0042'\n{SERVER}",
            1,
            1,
            "value",
            "'till' is missing: the till's id, or 'tills' with a list of ids.",
            "",
            id="no till",
        ),
        pytest.param(
            f"{GOOD}tills: ['02']\n",
            1,
            1,
            "value",
            "Give either 'till' or 'tills', not both.",
            "",
            id="till and tills",
        ),
        pytest.param(
            f"shop: '0042'\ntills: ['01', '02', '01']\n{SERVER}",
            1,
            1,
            "value",
            "'tills' names 01 more than once.",
            "",
            id="a till twice",
        ),
        pytest.param(
            f"{GOOD}database: {{kind: mysql}}\n",
            4,
            18,
            "choice",
            "Found the text 'mysql'.",
            "Allowed: sqlite, sqlserver.",
            id="another database",
        ),
        pytest.param(
            f"{GOOD}log: {{format: jsn}}\n",
            4,
            15,
            "choice",
            "Found the text 'jsn'.",
            "Did you mean 'json'?",
            id="a format of no log",
        ),
        pytest.param(
            f"{GOOD}workerz: 4\n",
            4,
            1,
            "unknown-key",
            "Unknown key 'workerz'.",
            "Did you mean 'workers'?",
            id="a misspelt key",
        ),
        pytest.param(
            f"{GOOD}api: {{port: '8344'}}\n",
            4,
            13,
            "type",
            "Expected a whole number, found the text '8344'.",
            "",
            id="a port in quotes",
        ),
        pytest.param(
            "shop: '0042'\ntill: '01'\n",
            1,
            1,
            "missing-key",
            "The key 'server' is missing.",
            "The central server and how to speak to it.",
            id="no server",
        ),
        pytest.param("", 1, 1, "empty", "The file is empty.", "", id="empty file"),
    ],
)
def test_one_fault_one_sentence(
    refusal: Refusal, text: str, line: int, column: int, code: str, message: str, hint: str
) -> None:
    """Each fault alone gives its one sentence, at its place."""
    found = [(p.line, p.column, p.code, p.message, p.hint) for p in refusal(text)]
    assert found == [(line, column, code, message, hint)]


def test_a_file_that_is_not_there_is_named(
    refusal: Refusal, tmp_path: Path, till_yaml: Path
) -> None:
    """A machine and CA files that do not exist are said at their keys, all at once."""
    text = (
        "shop: '1'\ntill: '1'\nmachine: mine.yaml\n"
        "server:\n  protocol: soap\n  url: http://server.example\n  ca_file: ca.pem\n"
        "  ftp:\n    host: ftp.example\n    ca_file: ftp.pem\n"
    )
    assert [(p.file, p.line, p.column, p.message) for p in refusal(text)] == [
        (str(till_yaml), 3, 10, f"There is no file '{tmp_path / 'mine.yaml'}'."),
        (str(till_yaml), 7, 12, f"There is no file '{tmp_path / 'ca.pem'}'."),
        (str(till_yaml), 10, 14, f"There is no file '{tmp_path / 'ftp.pem'}'."),
    ]


def test_all_faults_come_at_once(refusal: Refusal) -> None:
    """Who mends one fault does not find the next by trying again."""
    text = "shop: 0042\ntill: 01\nworkers: 0\napi: {port: 0}\nlog: {level: loud}\nnew: 1\n"
    assert [p.line for p in refusal(text)] == [1, 1, 2, 3, 4, 5, 6]


def test_a_till_yaml_that_is_not_there(tmp_path: Path) -> None:
    """No file: one problem without a line."""
    with pytest.raises(Refused) as caught:
        load_settings(tmp_path / "none.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.code) == (0, "unreadable")


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{GOOD}api: {{token: {SECRET}}}\n", id="token"),
        pytest.param(f"{GOOD}api:\n  token: '{SECRET}'\n", id="token in quotes"),
        pytest.param(f"{GOOD}api:\n  tokn: {SECRET}\n", id="misspelt token"),
        pytest.param(f"{GOOD}pasword: {SECRET}\n", id="misspelt and misplaced"),
        pytest.param(f"{GOOD}api: {{tokn: {SECRET}, prot: 8344}}\n", id="on one line"),
        pytest.param(
            "shop: '1'\ntill: '1'\nserver:\n  protocol: rest\n  url: http://server.example\n"
            f"  auth:\n    body:\n      pin: {SECRET}\n      login: me\n",
            id="any field of a log-in",
        ),
        pytest.param(
            "shop: '1'\ntill: '1'\nserver:\n  protocol: rest\n  url: http://server.example\n"
            f"  auth:\n    body: {{pin: {SECRET}, login: me}}\n",
            id="any field of a log-in on one line",
        ),
        pytest.param(
            "shop: '1'\ntill: '1'\nserver:\n  protocol: soap\n"
            f"  url: http://me:{SECRET}@server.example\n",
            id="in the address",
        ),
        pytest.param(
            "shop: '1'\ntill: '1'\nserver:\n  protocol: soap\n  url: http://server.example\n"
            f"  auth: {{user: me, password: {SECRET}}}\n",
            id="password",
        ),
        pytest.param(f"{GOOD}password: {SECRET}\npassword: {SECRET}\n", id="twice"),
        pytest.param(f"{GOOD}password: {SECRET}: [\n", id="not YAML"),
    ],
)
def test_a_secret_in_plain_is_refused_and_never_repeated(refusal: Refusal, text: str) -> None:
    """Neither sentence, nor hint, nor the line shown holds what was typed."""
    problems = refusal(text)
    assert problems
    for problem in problems:
        assert SECRET not in "".join((problem.sentence(), problem.text, repr(problem)))


def test_a_plain_token_is_told_how_to_be_written(refusal: Refusal) -> None:
    """The sentence names both ways to refer to a secret."""
    (problem,) = refusal(f"{GOOD}api:\n  token: {SECRET}\n")
    assert (problem.line, problem.column) == (5, 10)
    assert "never written in the file itself" in problem.message
    assert "${env:NAME}" in problem.message
    assert "${file:path}" in problem.message


def test_a_ca_file_that_is_no_certificate_is_refused(
    refusal: Refusal, tmp_path: Path, till_yaml: Path
) -> None:
    """At its place: no server could ever be trusted by it."""
    (tmp_path / "ca.pem").write_text("#!/bin/sh\n", encoding="utf-8")
    text = (
        "shop: '1'\ntill: '1'\n"
        "server:\n  protocol: soap\n  url: https://server.example\n  ca_file: ca.pem\n"
    )
    (problem,) = refusal(text)
    assert (problem.file, problem.line, problem.column) == (str(till_yaml), 6, 12)
    assert problem.code == "certificate"
    assert problem.message == f"The file '{tmp_path / 'ca.pem'}' is not a certificate in PEM form."


def test_a_plain_secret_parameter_is_told_how_to_be_written(refusal: Refusal) -> None:
    """An action's parameter whose name tells a secret takes a reference only."""
    (problem,) = refusal(
        "shop: '1'\ntill: '1'\nserver:\n  protocol: soap\n  url: http://server.example\n"
        f"  actions:\n    ping:\n      parameters: {{ACTION: '{{action}}', PASSWORD: {SECRET}}}\n"
    )
    assert problem.message.startswith("The parameter 'PASSWORD' is taken for secret")
    assert "${env:NAME}" in problem.message
    assert SECRET not in problem.sentence() + problem.text
