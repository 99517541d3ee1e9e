"""``tillwire check --probe`` against the lab: each of the three in one line, good or wrong."""

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.cli import main
from engine.lab import LabThread
from engine.lab.exports import SIZES, read_entries, write_manifest
from engine.lab.exports import Shop as Published
from engine.lab.ftp import FtpLab
from engine.shipped import shipped_machine
from engine.store import Store
from engine.store.errors import Missing
from engine.store.examining import Examination
from tests.integration.page.shop import Shop

TILL = """\
shop: '0042'
till: '01'
parameters: {{ping_timeout: 1s, webservice_timeout: 1s}}
server:
  protocol: rest
  url: {url}
  auth: {{body: {{login: till, password: '${{env:LAB_PASSWORD}}'}}}}
{ftp}database: {{path: tickets.db}}
api: {{port: {port}}}
"""


class Result(NamedTuple):
    code: int
    lines: list[str]


class Till:
    """A till.yaml beside a lab, and the command on it in this process."""

    def __init__(self, lab: LabThread, folder: Path, call: Callable[..., Result]) -> None:
        self.lab = lab
        self.config = folder / "till.yaml"
        self.database = folder / "tickets.db"
        self.call = call
        self.write()

    def write(self, ftp: str = "", port: int = 1) -> None:
        text = TILL.format(url=self.lab.url_rest, ftp=ftp, port=port)
        self.config.write_text(text, encoding="utf-8")

    def probe(self, *more: str) -> Result:
        return self.call("check", "--no-explore", "--probe", str(self.config), *more)


@pytest.fixture
def till(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Till]:
    monkeypatch.setenv("LAB_PASSWORD", "hunter2")

    def call(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        out, err = capsys.readouterr()
        assert "hunter2" not in out + err
        return Result(int(caught.value.code or 0), (out + err).splitlines())

    with LabThread() as lab:
        yield Till(lab, tmp_path, call)


def test_what_is_good_is_said_with_how_fast_it_was(till: Till) -> None:
    """A database that is not there yet can be made; nothing but a ping is asked of the server."""
    code, lines = till.probe()
    assert code == 0
    assert lines[0].startswith(f"{till.config}: good (1 till,")
    assert lines[1] == f"  database    good   {till.database} is not there yet and can be made"
    assert lines[2].startswith(f"  webservice  good   {till.lab.url_rest} answers a ping, in ")
    assert lines[2].endswith(" ms")
    assert len(lines) == 3
    assert {name for name, count in till.lab.lab.calls.items() if count} == {"AUTH", "PING"}
    assert not till.database.exists()
    with Store.open(till.database):
        code, lines = till.probe()
    assert code == 0
    assert lines[1].startswith(f"  database    good   {till.database} can be read, in ")


def test_a_server_that_is_gone_or_hangs_is_said_in_one_line_and_in_time(till: Till) -> None:
    """The ping's own timeout holds; the exit code is 1, and JSON has the place of the key."""
    till.lab.turn("hang")
    began = time.monotonic()
    code, lines = till.probe()
    assert time.monotonic() - began < 3.0
    assert code == 1
    assert lines[2].startswith("  webservice  WRONG  127.0.0.1:")
    assert "no complete answer within 1 s" in lines[2]
    assert lines[2].endswith("[timeout]")
    till.lab.clear()
    till.lab.turn("down")
    code, lines = till.probe("--json")
    (problem,) = json.loads("\n".join(lines))
    assert (code, problem["code"], problem["line"]) == (1, "probe-webservice", 6)
    assert "the connection was refused" in problem["message"]


@pytest.fixture
def agent() -> Iterator[Shop]:
    shop = Shop()
    shop.open()
    yield shop
    shop.end()


def test_a_database_that_the_agent_has_open_is_read_beside_it(till: Till, agent: Shop) -> None:
    """Held for the agent alone it cannot be read, and that is no fault either."""
    till.write(port=agent.port)
    with Store.open(till.database):
        code, lines = till.probe()
    assert code == 0
    assert lines[1].endswith(f" ms, beside the agent at {agent.url}")


def test_a_database_held_by_somebody_is_a_fault_unless_it_is_the_agent(
    till: Till, agent: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.looking.WAIT_FOR_OTHERS", 0.05)
    with Store.open(till.database):
        pass
    held = sqlite3.connect(till.database, isolation_level=None)
    held.execute("PRAGMA locking_mode=EXCLUSIVE")
    held.execute("CREATE TABLE other (one)")  # what is written keeps the lock
    code, lines = till.probe()
    assert code == 1
    assert lines[1].startswith("  database    WRONG  The database ")
    till.write(port=agent.port)
    code, lines = till.probe()
    held.close()
    assert code == 0
    expected = f"{till.database} is held by the agent that answers at {agent.url}"
    assert lines[1] == f"  database    good   {expected}"


def test_a_database_that_is_none_or_hangs_is_said(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A foreign file, a folder that is a file, and a disk that does not answer."""
    till.database.write_bytes(b"")
    assert "the file is empty (zero bytes)" in till.probe().lines[1]
    till.database.unlink()
    till.config.write_text(till.config.read_text().replace("tickets.db", "till.yaml/x.db"))
    code, lines = till.probe()
    assert code == 1
    assert lines[1].endswith(f"and none can be made in {till.config}")
    release = threading.Event()
    monkeypatch.setattr("engine.tools.probe._database", lambda _: release.wait(9))
    monkeypatch.setattr("engine.tools.probe.OPENING", 0.05)
    monkeypatch.setattr("engine.tools.probe.GRACE", 0.05)
    code, lines = till.probe()
    release.set()
    assert code == 1
    assert lines[1] == "  database    WRONG  it hangs: no answer within 0.05 s"


def test_a_database_on_sql_server_is_logged_in_to(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not there, a password that cannot be read, one without our tables, a good one."""
    text = till.config.read_text()
    server = (
        "database: {kind: sqlserver, instance: '127.0.0.1,1', name: TPV, encrypt: 'no', "
        "driver: FreeTDS, login_timeout: 1s, authentication: sql, user: sa, "
        "password: '${env:SA_PASSWORD}'}"
    )
    till.config.write_text(text.replace("database: {path: tickets.db}", server))
    code, lines = till.probe()
    assert code == 1
    assert "the environment variable SA_PASSWORD is not set" in lines[-2]
    monkeypatch.setenv("SA_PASSWORD", "hunter2")
    code, lines = till.probe()
    assert code == 1
    assert lines[1].startswith("  database    WRONG  ")
    assert "TPV on 127.0.0.1,1" in lines[1]

    def opened(_place: object) -> Examination:
        raise Missing("There are no tables.")

    monkeypatch.setattr("engine.tools.probe.Examination.open", opened)
    code, lines = till.probe()
    assert code == 0
    said = "  database    good   TPV on 127.0.0.1,1 lets this till in and has no tables yet, in "
    assert lines[1].startswith(said)


def test_the_till_program_s_own_table_is_looked_at(till: Till, tmp_path: Path) -> None:
    """Where till.yaml names one: how many are not marked, or which column is missing."""
    path = tmp_path / "program.db"
    with sqlite3.connect(path) as program:
        program.execute("CREATE TABLE sales (no INTEGER, body TEXT, sent INTEGER)")
        rows = [(1, "a", 1), (2, "b", None), (3, "c", 0)]
        program.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    program.close()
    text = till.config.read_text()
    source = (
        "tickets: {source: {database: {path: program.db}, table: sales, number: no, "
        "payload: body, sent: {column: sent, value: 1}}}\n"
    )
    till.config.write_text(text + source)
    code, lines = till.probe()
    assert code == 0
    said = f"  tickets     good   the table sales of {path} can be read, 2 not marked as sent, in "
    assert lines[2].startswith(said)
    with sqlite3.connect(path) as program:
        assert program.execute("SELECT * FROM sales").fetchall() == rows
    program.close()
    till.config.write_text(text + source.replace("body", "bytes"))
    code, lines = till.probe()
    assert code == 1
    assert lines[2].startswith("  tickets     WRONG  ")
    assert "bytes" in lines[2]


def test_an_ftp_server_that_is_not_there_or_hangs_is_said_in_time(till: Till) -> None:
    """The webservice's timeout is the FTP server's too."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        ftp = f"  ftp: {{host: 127.0.0.1, port: {port}, tls: none}}\n"
        till.write(ftp)
        began = time.monotonic()
        code, lines = till.probe()
        assert time.monotonic() - began < 3.0
    assert code == 1
    assert lines[3].startswith(f"  ftp         WRONG  127.0.0.1:{port}: ")
    assert lines[3].endswith("[timeout]")
    code, lines = till.probe()
    assert code == 1
    assert lines[3].endswith("[unreachable]")


def test_an_ftp_server_is_logged_in_to_and_asked_for_its_manifest(
    till: Till, tmp_path: Path
) -> None:
    """One that has none is no fault by itself; a log-in that is refused is one."""
    folder = tmp_path / "served"
    folder.mkdir()
    with FtpLab(folder) as ftp:
        till.write(f"  ftp: {{host: 127.0.0.1, port: {ftp.port}, tls: none}}\n")
        code, lines = till.probe()
        assert code == 0
        said = f"  ftp         good   127.0.0.1:{ftp.port} lets this till in and "
        assert lines[3].startswith(f"{said}there is no manifest.json, in ")
        (folder / "manifest.json").write_bytes(b'{"exports": []}')
        assert till.probe().lines[3].startswith(f"{said}its manifest.json has 15 bytes, in ")
        ftp.turn("wrong_login")
        code, lines = till.probe()
        assert code == 1
        assert lines[3].startswith(f"  ftp         WRONG  127.0.0.1:{ftp.port}: ")
        assert lines[3].endswith("[unauthorized]")


def test_the_manifest_has_to_offer_the_whole_catalogue(till: Till, tmp_path: Path) -> None:
    """Every declared table in full; a manifest that is none, or not there, is a fault then."""
    folder = tmp_path / "served"
    folder.mkdir()
    published = Published(folder)
    published.publish()
    with FtpLab(folder) as ftp:
        till.write(f"  ftp: {{host: 127.0.0.1, port: {ftp.port}, tls: none}}\n")
        datasets = shipped_machine("datasets")
        with till.config.open("a", encoding="utf-8") as file:
            file.write(f"catalogue: {{datasets: '{datasets.as_posix()}'}}\n")
        code, lines = till.probe()
        assert code == 0
        assert f"its manifest.json offers {len(SIZES)} exports for 7 tables, in " in lines[3]
        entries = read_entries(folder)
        write_manifest(folder, entries[1:])
        code, lines = till.probe()
        assert code == 1
        assert "  ftp         WRONG  the till is let in, and cannot load: " in lines[3]
        (folder / "manifest.json").write_text("<html>", encoding="utf-8")
        assert "cannot load: manifest.json is no JSON" in till.probe().lines[3]
        (folder / "manifest.json").unlink()
        code, lines = till.probe()
        assert code == 1
        assert "550" in lines[3]


def test_only_a_till_yaml_can_be_probed(till: Till) -> None:
    """A machine alone is wrong usage; beside a till.yaml it is checked as ever."""
    machine = Path(__file__).parents[3] / "machines" / "connection.yaml"
    code, lines = till.call("check", "--no-explore", "--probe", str(machine))
    assert (code, lines) == (2, ["Nothing was probed: none of these files is a till.yaml."])
    code, lines = till.call("check", "--no-explore", "--probe", str(machine), str(till.config))
    assert (code, len(lines)) == (0, 4)


def test_a_till_yaml_that_is_refused_is_not_probed(till: Till) -> None:
    till.config.write_text(till.config.read_text() + "workers: 0\n")
    code, lines = till.probe()
    assert code == 1
    assert "Expected at least 1" in lines[0]
    assert not any("webservice" in line for line in lines)
