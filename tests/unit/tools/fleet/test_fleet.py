"""tills.yaml: one bad file, one exact report; what a good one becomes for Prometheus."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from engine.definition.reader import read
from engine.definition.report import report
from engine.problems import Refused
from engine.tools.fleet import load_fleet
from tests.unit.tools.conftest import Command

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
BAD = sorted((HERE / "bad").glob("*.yaml"))
EXAMPLE = ROOT / "metrics" / "prometheus" / "tills.yaml"
TEXT = """\
port: 9000
shops:
  '0042':
    labels: {region: north}
    agents: [till01.example, '10.0.0.2:9344']
  '0043':
    agents: ['[::1]']
"""


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_list_gets_exactly_its_report(path: Path) -> None:
    """Place, message, code, line, mark and hint are those beside the file."""
    with pytest.raises(Refused) as raised:
        load_fleet(read(path.read_text(encoding="utf-8"), path.name, patient=True))
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert report(raised.value.problems) + "\n" == expected


def test_every_code_of_the_source_has_a_bad_file() -> None:
    reports = "".join(path.read_text(encoding="utf-8") for path in (HERE / "bad").glob("*.txt"))
    source = (ROOT / "engine" / "tools" / "fleet.py").read_text(encoding="utf-8")
    written = set(re.findall(r'problem\("([a-z-]+)"', source))
    assert len(written) == 3
    assert written <= set(re.findall(r"\[([a-z-]+)\]$", reports, re.MULTILINE))


def test_targets_have_their_port_and_the_labels_of_their_shop() -> None:
    fleet = load_fleet(read(TEXT, "tills.yaml"))
    assert fleet.targets() == [
        {
            "targets": ["till01.example:9000", "10.0.0.2:9344"],
            "labels": {"shop": "0042", "region": "north"},
        },
        {"targets": ["[::1]:9000"], "labels": {"shop": "0043"}},
    ]
    assert fleet.targets("0043") == fleet.targets()[1:]


def test_the_targets_are_printed_or_put_into_a_file(tillwire: Command, tmp_path: Path) -> None:
    """The file is whole at any moment: nothing of the writing is left beside it."""
    out = tmp_path / "targets.json"
    printed = tillwire("targets", EXAMPLE)
    assert (printed.code, printed.err) == (0, "")
    assert json.loads(printed.out) == load_fleet(EXAMPLE).targets()
    for _ in range(2):
        assert tillwire("targets", EXAMPLE, "--write", out).code == 0
    assert out.read_text(encoding="utf-8") == printed.out
    assert [path.name for path in tmp_path.iterdir()] == ["targets.json"]


def test_a_list_of_ten_thousand_tills_is_read(tillwire: Command, tmp_path: Path) -> None:
    shops = "".join(
        f"  '{shop:04}':\n    agents:\n"
        + "".join(f"      - till{till:02}.shop{shop:04}.example\n" for till in range(5))
        for shop in range(2000)
    )
    path = tmp_path / "tills.yaml"
    path.write_text(f"shops:\n{shops}", encoding="utf-8")
    assert tillwire("check", path).out == f"{path}: good (2000 shops, 10000 agents)\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--shop", "42"], 2, "has no shop '42'. Did you mean '0042'?"),
        (["--shop", "42", "--serve", "127.0.0.1:1"], 2, "has no shop '42'."),
        (["--serve", "8346"], 2, "'8346' is no host and port, as in 127.0.0.1:8346."),
        (["--serve", "127.0.0.1:0", "--write", "x"], 2, "Say either --write or --serve."),
        (["--serve", "192.0.2.1:8346"], 1, "192.0.2.1:8346 cannot be had: "),
        (["--write", "nowhere/targets.json"], 1, "cannot be written: No such file or directory."),
    ],
)
def test_what_cannot_be_done_is_said(
    tillwire: Command, words: list[str], code: int, told: str
) -> None:
    result = tillwire("targets", EXAMPLE, *words)
    assert (result.code, result.out) == (code, "")
    assert told in result.err


@pytest.mark.parametrize("words", [[], ["--serve", "127.0.0.1:0"]])
def test_a_list_that_is_bad_or_not_there_is_told(tillwire: Command, words: list[str]) -> None:
    bad = HERE / "bad" / "no-shops.yaml"
    assert tillwire("targets", bad, *words).code == 1
    assert tillwire("targets", HERE / "nowhere.yaml", *words).code == 2


class Served(NamedTuple):
    """A list that is served: its file, its port, its process."""

    file: Path
    port: int
    process: subprocess.Popen[str]

    def get(self) -> tuple[int, str, str]:
        """Status, content type, text."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/")
        answer = connection.getresponse()
        found = answer.status, answer.headers["Content-Type"], answer.read().decode()
        connection.close()
        return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The command in a process of its own."""
    file = tmp_path / "tills.yaml"
    file.write_text(TEXT, encoding="utf-8")
    words = ["targets", str(file), "--serve", "127.0.0.1:0"]
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "engine.cli", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            found = re.fullmatch(r"Targets  http://127\.0\.0\.1:(\d+)/\n", first)
            assert found, first
            yield Served(file, int(found[1]), process)
        finally:
            process.kill()


def test_a_served_list_is_read_anew_and_a_bad_one_is_no_empty_one(served: Served) -> None:
    """With anything but 200 Prometheus keeps the targets that it has."""
    status, kind, text = served.get()
    targets: Any = json.loads(text)
    assert (status, kind) == (200, "application/json")
    assert [each["labels"]["shop"] for each in targets] == ["0042", "0043"]

    served.file.write_text(TEXT.replace("'0043'", "'0044'"), encoding="utf-8")
    assert json.loads(served.get()[2])[1]["labels"] == {"shop": "0044"}
    served.file.write_text(TEXT.replace("agents", "agent"), encoding="utf-8")
    status, kind, text = served.get()
    assert (status, kind) == (503, "text/plain; charset=utf-8")
    assert "Did you mean 'agents'?" in text
    served.file.unlink()
    assert served.get()[0] == 503
    served.file.write_text(TEXT, encoding="utf-8")
    assert served.get()[0] == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_when_it_is_told_to(served: Served, number: signal.Signals) -> None:
    assert served.get()[0] == 200
    served.process.send_signal(number)
    assert served.process.wait(30) == 0
