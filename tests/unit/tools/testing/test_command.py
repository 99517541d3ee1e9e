"""``tillwire test``: which files, which cases, what is printed, with which exit code."""

import json
from pathlib import Path
from shutil import copy
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.unit.tools.testing.conftest import SMALL

GOOD = "  - case: It is online\n    expect: {active: online}\n"
BAD = "  - case: It rests\n    timeline: [{wait: 30s}]\n    expect: {active: resting}\n"


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder with the machine is where the command runs."""
    monkeypatch.chdir(folder)


def _written(text: str, name: str = "small.test.yaml") -> None:
    Path(name).write_text("cases:\n" + text, encoding="utf-8")


@pytest.mark.parametrize("path", ["small.test.yaml", "small.yaml", "."])
def test_a_test_file_is_found_by_its_name_its_machine_or_its_folder(
    tillwire: Any, path: str
) -> None:
    """The figures covered are printed behind it."""
    _written(GOOD)
    result = tillwire("test", path)
    assert (result.code, result.err) == (0, "")
    first, second = result.out.splitlines()
    assert first.startswith("small.test.yaml: 1 case passed (0.0 virtual hours in ")
    assert second == (
        "small.yaml: covered 1 of 2 states (50%), 0 of 7 transitions (0%), "
        "0 of 6 outcomes of guards (0%)"
    )


def test_a_case_that_fails_is_told_with_all_that_belongs_to_it(tillwire: Any) -> None:
    """Place, case, virtual time, expected, got, what led there; exit code 1."""
    _written(GOOD + BAD)
    result = tillwire("test", "small.yaml")
    assert result.code == 1
    told, summary = result.out.split("small.test.yaml: ")
    assert told == (
        "small.test.yaml:6: FAILED: It rests\n"
        "    after    30s\n"
        "    expected active: resting\n"
        "    got      online\n"
        "    What led there:\n"
        "      0s: begin: in online\n"
        "      30s: every 30s: starts ping\n"
    )
    assert summary.startswith("1 of 2 cases failed ")


def test_cases_are_chosen_by_their_names(tillwire: Any) -> None:
    """A part of it in any letters, or a pattern; a name that no case has is exit code 2."""
    _written(GOOD + BAD)
    assert tillwire("test", "small.yaml", "--case", "ONLINE").code == 0
    assert tillwire("test", "small.yaml", "--case", "it*rests").code == 1
    result = tillwire("test", "small.yaml", "--case", "It is onlin3")
    assert (result.code, result.out) == (2, "")
    assert result.err == "No case's name holds 'It is onlin3'. Did you mean 'It is online'?\n"


def test_what_cannot_be_read_is_exit_code_2(tillwire: Any, folder: Path) -> None:
    """Each is named; nothing is played."""
    (folder / "empty").mkdir()
    result = tillwire("test", "empty", "none.test.yaml")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "empty: There is no test file here. Their names end in .test.yaml.\n"
        "none.test.yaml: There is no such file.\n"
    )


def test_a_machine_without_tests_is_refused_as_no_test_file(tillwire: Any) -> None:
    """With the name of the file that is looked for beside it."""
    result = tillwire("test", "small.yaml")
    assert result.code == 2
    assert result.err == "small.yaml: There is no test file 'small.test.yaml' beside it.\n"


def test_coverage_names_every_line_that_was_not_met(tillwire: Any) -> None:
    """States, transitions, and each way in which a guard may come out; all files count."""
    _written(GOOD)
    _written(
        "  - case: It loses its server\n    answers: {ping: failed.timeout}\n"
        "    timeline: [{wait: 2min}]\n",
        "more.test.yaml",
    )
    Path("more.test.yaml").write_text(
        "machine: small.yaml\n" + Path("more.test.yaml").read_text(encoding="utf-8")
    )
    result = tillwire("test", ".", "--coverage")
    assert result.code == 0
    assert result.out.splitlines()[2:] == [
        (
            "small.yaml: covered 2 of 2 states (100%), 2 of 7 transitions (29%), "
            "2 of 6 outcomes of guards (33%)"
        ),
        "small.yaml:16: online: ping.ok -> resting was never taken",
        "small.yaml:16: online: ping.ok -> resting: the guard 'event.latency > slow' never held",
        "small.yaml:16: online: ping.ok -> resting: the guard 'event.latency > slow' always held",
        "small.yaml:23: online: ticket.customer was never taken",
        "small.yaml:24: online: fetch_offers was never taken",
        "small.yaml:27: resting: after rest -> online was never taken",
        "small.yaml:29: resting: sync.now -> online was never taken",
        "small.yaml:29: resting: sync.now -> online: the guard 'failures > 5' never held",
        "small.yaml:29: resting: sync.now -> online: the guard 'failures > 5' always held",
    ]


def test_programs_read_json(tillwire: Any) -> None:
    """Cases with their failures, and what was covered, with lines."""
    _written(GOOD + BAD)
    result = tillwire("test", "small.yaml", "--json")
    assert result.code == 1
    data = json.loads(result.out)
    (file,), (covered,) = data["files"], data["coverage"]
    assert [(case["case"], case["passed"]) for case in file["cases"]] == [
        ("It is online", True),
        ("It rests", False),
    ]
    assert file["cases"][1]["failures"] == [
        {
            "line": 6,
            "at": 30.0,
            "expected": "active: resting",
            "got": "online",
            "steps": ["0s: begin: in online", "30s: every 30s: starts ping"],
        }
    ]
    assert covered["states"] == {"met": 1, "of": 2}
    assert covered["missed"][0] == {
        "line": 16,
        "kind": "transitions",
        "message": "online: ping.ok -> resting was never taken",
    }


def test_programs_read_the_faults_of_a_file_as_json(tillwire: Any) -> None:
    """As `check --json` gives them."""
    _written("  - case: It\n    leves: online\n")
    result = tillwire("test", "small.yaml", "--json")
    assert result.code == 1
    (problem,) = json.loads(result.out)["problems"]
    assert (problem["line"], problem["code"]) == (3, "unknown-key")


def test_a_build_server_reads_junit(tillwire: Any, folder: Path) -> None:
    """One suite for each file, a failure with all its words, the shares covered."""
    _written(GOOD + BAD)
    result = tillwire("test", "small.yaml", "--junit", "report.xml")
    assert result.code == 1
    suite = ET.parse(folder / "report.xml").getroot()[0]  # noqa: S314 - we have just written it
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors")} == {
        "name": "small.test.yaml",
        "tests": "2",
        "failures": "1",
        "errors": "0",
    }
    properties = {each.get("name"): each.get("value") for each in suite[0]}
    assert properties["coverage.small.yaml.states"] == "1/2"
    good, bad = suite.findall("testcase")
    assert (good.get("name"), len(good)) == ("It is online", 0)
    assert bad[0].get("message") == "expected active: resting, got online"
    assert "What led there:" in (bad[0].text or "")


def test_a_report_that_cannot_be_written_is_exit_code_2(tillwire: Any) -> None:
    """With its name and the reason."""
    _written(GOOD)
    result = tillwire("test", "small.yaml", "--junit", "no/report.xml")
    assert (result.code, result.out) == (2, "")
    assert result.err == "no/report.xml: cannot be written: No such file or directory\n"


def test_cases_have_parameters_of_their_own(tillwire: Any) -> None:
    """Above those of the file; what they cover is one machine."""
    _written(
        "  - case: As the file says\n    timeline: [{wait: 30s}, {answer: ping.ok, "
        "with: {latency: 4s}}]\n    expect: {active: online}\n"
        "  - case: As the case says\n    parameters: {slow: 3s}\n    timeline: [{wait: 30s}, "
        "{answer: ping.ok, with: {latency: 4s}}]\n    expect: {active: resting}\n"
    )
    file = Path("small.test.yaml")
    file.write_text("parameters: {slow: 5s}\n" + file.read_text(encoding="utf-8"))
    result = tillwire("test", "small.yaml")
    assert result.code == 0
    assert "covered 2 of 2 states (100%), 1 of 7" in result.out


def test_a_till_that_cannot_begin_fails_its_case(tillwire: Any) -> None:
    """With the reason that the core gives."""
    Path("round.yaml").write_text(
        "machine: round\nparallel: true\nstates:\n"
        "  a: {entry: {raise: b.go}, on: {a.go: {actions: {raise: b.go}}}}\n"
        "  b: {on: {b.go: {actions: {raise: a.go}}}}\n"
    )
    _written("  - case: It begins\n", "round.test.yaml")
    result = tillwire("test", "round.yaml")
    assert result.code == 1
    assert "got      this step fails: more than 1000 " in result.out


def test_check_knows_test_files(tillwire: Any) -> None:
    """With the count of cases and the machine that they are for."""
    _written(GOOD)
    result = tillwire("check", "small.test.yaml")
    assert (result.code, result.out) == (0, "small.test.yaml: good (1 case of small.yaml)\n")


def test_the_machine_of_these_tests_is_good(tillwire: Any) -> None:
    """Without warnings."""
    assert tillwire("check", "--strict", copy(SMALL, "copy.yaml")).code == 0
