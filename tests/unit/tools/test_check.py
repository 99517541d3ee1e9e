"""``tillwire check``: reports, exit codes, data."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.definition.machine import Definition, load_machine
from engine.shipped import shipped_machine

TILL = "shop: '1'\ntill: '1'\nserver: {protocol: soap, url: 'http://server.example'}\n"
MACHINE = """\
machine: lamp
parameters:
  rest: {default: 1s, min: 1s, about: How long it is off.}
states:
  off:
    after: {rest: on}
  on:
    on: {sync.now: off}
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine file without fault."""
    return _write(tmp_path / "lamp.yaml", MACHINE)


@pytest.fixture
def warned(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same machine with a warning, whatever the check of today warns about."""

    def load(source: Any, *arguments: Any) -> Definition:
        definition = load_machine(source, *arguments)
        problem = definition.document.problem(
            "slow", ("parameters", "rest"), "It rests long.", severity="warning"
        )
        return replace(definition, problems=(problem,))

    monkeypatch.setattr("engine.tools.check.load_machine", load)
    monkeypatch.setattr("engine.settings.load_machine", load)
    return machine


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_machine_is_counted(tillwire: Any, machine: Path) -> None:
    """One line with states, transitions and parameters, exit code 0."""
    result = tillwire("check", machine)
    assert result.out == f"{machine}: good (2 states, 2 transitions, 1 parameter, 2 situations)\n"
    assert (result.code, result.err) == (0, "")


def test_a_good_till_yaml_is_read_with_its_machine(tillwire: Any, tmp_path: Path) -> None:
    """A till.yaml is known by its keys, and its overrides are checked against its machine."""
    path = _write(tmp_path / "till.yaml", f"{TILL}parameters: {{slow_ping: 3s, ping_timeout: }}\n")
    result = tillwire("check", path)
    assert result.out == f"{path}: good (1 till, machine connection, 1 parameter set)\n"
    assert result.code == 0


def test_a_datasets_file_is_counted(tillwire: Any) -> None:
    """It is known by its one key; the one that comes with the program is good."""
    path = shipped_machine("datasets")
    result = tillwire("check", path)
    assert result.out == f"{path}: good (7 datasets, 46 columns)\n"
    assert result.code == 0


def test_a_bad_datasets_file_is_1(tillwire: Any, tmp_path: Path) -> None:
    """Its problems come as those of the other files do."""
    path = _write(tmp_path / "datasets.yaml", "datasets:\n  a: {columns: {b: text}, key: c}\n")
    result = tillwire("check", path)
    assert result.code == 1
    assert f"{path}:2:32: error: There is no column 'c'. [unknown-column]" in result.out


def test_the_machine_that_comes_with_the_program_is_good(tillwire: Any) -> None:
    """Not even a warning, so --strict changes nothing."""
    assert tillwire("check", "--strict", shipped_machine()).code == 0


def test_errors_are_reported_with_place_line_and_hint(tillwire: Any, tmp_path: Path) -> None:
    """Place, message, the line, a mark under the column, what to do; exit code 1."""
    path = _write(tmp_path / "till.yaml", f"{TILL}workerz: 4\n")
    result = tillwire("check", path)
    assert result.code == 1
    assert result.out == (
        f"{path}:4:1: error: Unknown key 'workerz'. [unknown-key]\n"
        "    workerz: 4\n"
        "    ^\n"
        "    Did you mean 'workers'?\n"
    )


def test_a_bad_override_stands_in_till_yaml(tillwire: Any, tmp_path: Path) -> None:
    """The place is where the value was typed."""
    path = _write(tmp_path / "till.yaml", f"{TILL}parameters:\n  slow_ping: 3\n")
    result = tillwire("check", path)
    assert result.code == 1
    assert result.out.startswith(f"{path}:5:14: error: Expected a duration")


def test_json_is_a_list_of_problems(tillwire: Any, tmp_path: Path, machine: Path) -> None:
    """Programs get every problem of every file as data; a good file adds nothing."""
    bad = _write(tmp_path / "till.yaml", f"{TILL}workerz: 4\napi: {{port: 0}}\n")
    result = tillwire("check", "--json", machine, bad)
    assert result.code == 1
    data = json.loads(result.out)
    assert [(item["line"], item["column"], item["code"]) for item in data] == [
        (4, 1, "unknown-key"),
        (5, 13, "value"),
    ]
    assert data[0] == {
        "file": str(bad),
        "line": 4,
        "column": 1,
        "severity": "error",
        "code": "unknown-key",
        "message": "Unknown key 'workerz'.",
        "hint": "Did you mean 'workers'?",
    }
    assert json.loads(tillwire("check", "--json", machine).out) == []


def test_warnings_fail_only_when_strict(tillwire: Any, warned: Path) -> None:
    """Exit code 0 with the warning shown, 3 with --strict."""
    result = tillwire("check", warned)
    assert result.code == 0
    assert result.out.splitlines() == [
        f"{warned}:3:9: warning: It rests long. [slow]",
        "      rest: {default: 1s, min: 1s, about: How long it is off.}",
        "            ^",
        f"{warned}: good, with 1 warning (2 states, 2 transitions, 1 parameter, 2 situations)",
    ]
    assert tillwire("check", "--strict", warned).code == 3


def test_a_warning_of_a_shared_machine_is_said_once(
    tillwire: Any, tmp_path: Path, warned: Path
) -> None:
    """A machine and the till.yaml that names it have one problem together."""
    till = _write(tmp_path / "till.yaml", f"{TILL}machine: {warned.name}\n")
    assert len(json.loads(tillwire("check", "--json", warned, till).out)) == 1


def test_errors_outweigh_warnings(tillwire: Any, tmp_path: Path, warned: Path) -> None:
    """With both, --strict gives 1."""
    bad = _write(tmp_path / "till.yaml", f"{TILL}workerz: 4\n")
    assert tillwire("check", "--strict", warned, bad).code == 1


def test_a_file_that_cannot_be_read_is_a_sentence(
    tillwire: Any, tmp_path: Path, machine: Path
) -> None:
    """Exit code 2; the other files are checked all the same."""
    missing = tmp_path / "none.yaml"
    result = tillwire("check", missing, machine)
    assert result.code == 2
    assert result.err == f"{missing}: cannot be read: No such file or directory\n"
    assert result.out.startswith(f"{machine}: good")


def test_a_file_of_another_kind_is_refused(tillwire: Any, tmp_path: Path) -> None:
    """What is neither machine nor till.yaml is said to be neither."""
    path = _write(tmp_path / "other.yaml", "colour: red\n")
    result = tillwire("check", path)
    assert result.code == 1
    assert ("This is none of the files that tillwire knows. [unknown-kind]") in result.out
    assert "A machine file has 'machine' and 'states', a test file 'cases'" in result.out


@pytest.mark.parametrize("text", ["- 1\n", "just a text\n"])
def test_a_file_that_is_no_mapping_is_refused(tillwire: Any, tmp_path: Path, text: str) -> None:
    """A list and a text are no traceback."""
    result = tillwire("check", _write(tmp_path / "other.yaml", text))
    assert result.code == 1
    assert "none of the files that tillwire knows" in result.out


def test_an_empty_file_is_said_to_be_empty(tillwire: Any, tmp_path: Path) -> None:
    """Not to be of the wrong kind."""
    path = _write(tmp_path / "empty.yaml", "# nothing yet\n")
    result = tillwire("check", path)
    assert (result.code, result.out) == (
        1,
        f"{path}:1:1: error: The file is empty. [empty]\n    # nothing yet\n    ^\n",
    )


def test_bytes_that_are_not_utf8_are_refused(tillwire: Any, tmp_path: Path) -> None:
    """A file in another encoding has its place too."""
    path = tmp_path / "till.yaml"
    path.write_bytes(b"shop: '1'\ntill: caf\xe9\n")
    result = tillwire("check", path)
    assert result.code == 1
    assert f"{path}:2:10: error: The byte 0xe9 is not UTF-8. [not-utf-8]" in result.out


def test_no_file_is_wrong_usage(tillwire: Any) -> None:
    """Exit code 2 and a sentence."""
    result = tillwire("check")
    assert result.code == 2
    assert "Missing argument" in result.err


def test_a_secret_that_cannot_be_read_now_is_a_warning(
    tillwire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent may run under another account: 0, and 3 when strict; no secret is shown."""
    monkeypatch.delenv("NOWHERE", raising=False)
    monkeypatch.setenv("SOMEWHERE", "hunter2")
    path = _write(
        tmp_path / "till.yaml",
        "shop: '1'\ntill: '1'\nserver:\n  protocol: soap\n  url: http://server.example\n"
        "  auth: {user: u, password: '${env:SOMEWHERE}'}\n"
        "  actions:\n    ping: {parameters: {PWD: '${env:NOWHERE}'}}\n"
        "api: {token: '${file:none.token}'}\n",
    )
    result = tillwire("check", path)
    assert result.code == 0
    assert f"{path}:8:30: warning: A secret cannot be read now: " in result.out
    assert "the environment variable NOWHERE is not set" in result.out
    assert f"{path}:9:14: warning: " in result.out
    assert "    api: {token: '${file:none.token}'}\n" in result.out
    assert "good, with 2 warnings" in result.out
    assert "hunter2" not in result.out
    assert tillwire("check", "--strict", path).code == 3


def test_a_machine_that_cannot_begin_is_refused(tillwire: Any, tmp_path: Path) -> None:
    """A circle of events through two regions is seen when the beginning is played."""
    path = _write(
        tmp_path / "m.yaml",
        "machine: m\nparallel: true\nstates:\n"
        "  a: {entry: {raise: sync.now}, on: {till.opened: {actions: {raise: sync.now}}}}\n"
        "  b: {on: {sync.now: {actions: {raise: till.opened}}}}\n",
    )
    result = tillwire("check", path)
    assert tillwire("check", "--no-explore", path) == result
    assert result.code == 1
    assert result.out == (
        f"{path}:3:1: error: A till cannot begin with this machine: more than 1000 "
        "events raised in one step. [cannot-begin]\n"
        "    states:\n"
        "    ^\n"
        "    Look at what is entered first, and at what its actions raise.\n"
    )


def test_a_till_yaml_and_its_machine_are_told_together(tillwire: Any, tmp_path: Path) -> None:
    """Every section, the files that it names, the machine and its parameters, each once."""
    machine = _write(tmp_path / "lamp.yaml", MACHINE.replace("sync.now: off", "sync.now: of"))
    path = _write(
        tmp_path / "till.yaml",
        "shop: 42\n"
        "shop: 43\n"
        "workerz: 3\n"
        f"machine: {machine.name}\n"
        "parameters: {rest: 9x, rust: 3s, other: [1]}\n"
        "api: {prt: 5, host: 3}\n"
        "server: {protocol: sop, ca_file: nowhere.pem, deduplicates: &x maybe}\n"
        "log: {level: loud}\n"
        "database: {kind: sqlserver, path: *x}\n",
    )
    result = tillwire("check", "--json", path)
    found = [(each["line"], each["column"], each["code"]) for each in json.loads(result.out)]
    assert found == [
        (8, 20, "unknown-target"),
        (1, 1, "value"),
        (1, 7, "value"),
        (2, 1, "duplicate-key"),
        (3, 1, "unknown-key"),
        (5, 20, "parameter-type"),
        (5, 24, "unknown-parameter"),
        (5, 41, "type"),
        (6, 7, "unknown-key"),
        (6, 21, "type"),
        (7, 1, "missing-key"),
        (7, 20, "choice"),
        (7, 34, "no-file"),
        (7, 61, "anchor"),
        (7, 61, "type"),
        (8, 14, "choice"),
        (9, 11, "value"),
        (9, 35, "alias"),
    ]


def test_till_or_tills_is_missed_beside_other_faults(tillwire: Any, tmp_path: Path) -> None:
    """What holds of the file as a whole is told with the rest."""
    path = _write(tmp_path / "till.yaml", TILL.replace("till: '1'\n", "workerz: 3\nlog: 4\n"))
    found = json.loads(tillwire("check", "--json", path).out)
    assert [(each["line"], each["code"]) for each in found] == [
        (1, "value"),
        (2, "unknown-key"),
        (3, "type"),
    ]


def test_a_file_that_cannot_be_read_is_in_the_data(tillwire: Any, tmp_path: Path) -> None:
    """With the code unreadable; a folder as well."""
    missing = tmp_path / "none.yaml"
    result = tillwire("check", "--json", missing, tmp_path)
    assert result.code == 2
    found = [(item["file"], item["line"], item["code"]) for item in json.loads(result.out)]
    assert found == [(str(missing), 0, "unreadable"), (str(tmp_path), 0, "unreadable")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_refused_at_once(tillwire: Any, tmp_path: Path) -> None:
    """It would wait for ever for somebody who writes."""
    pipe = tmp_path / "till.yaml"
    os.mkfifo(pipe)
    result = tillwire("check", pipe)
    assert (result.code, result.err) == (2, f"{pipe}: cannot be read: Is no regular file\n")
    shown = tillwire("config", "show", "-c", pipe)
    assert "The file cannot be read: it is no regular file. [unreadable]" in shown.err
