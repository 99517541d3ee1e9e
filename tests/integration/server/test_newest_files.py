"""Which files bring the catalogue up to date, over both wires, as the lab has it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.lab import Lab, LabThread
from engine.lab.exports import Shop, read_entries
from engine.lab.ftp import FtpLab
from engine.server import CallFailed, CallRejected, Reason, ServerSettings, connect
from engine.server.port import Server

SIZES = {"staff": 3, "tax_rates": 2}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two versions of two datasets."""
    shop = Shop(tmp_path, sizes=SIZES)
    shop.publish()
    shop.evolve()
    shop.publish()
    return tmp_path


@pytest.fixture(params=["soap", "rest"])
def server(
    folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    monkeypatch.setenv("LAB_PASSWORD", "x")
    with LabThread(Lab(ftp=FtpLab(folder))) as lab:
        url = lab.url_soap if request.param == "soap" else lab.url_rest
        settings: dict[str, Any] = {
            "protocol": request.param,
            "url": url,
            "actions": {"newest_files": {}},
        }
        if request.param == "rest":
            settings["auth"] = {"body": {"login": "till", "password": "${env:LAB_PASSWORD}"}}
        made = connect(ServerSettings.model_validate(settings), "0042")
        yield made
        made.close()


def test_the_rows_of_the_manifest_come_as_they_are(server: Server, folder: Path) -> None:
    """Those of the tables that were asked about, but for changes that the till has already."""
    assert server.tells_files
    entries = read_entries(folder)
    nothing: dict[str, int | None] = dict.fromkeys(SIZES)
    assert server.newest_files("01", nothing, 5) == entries
    staff = [row for row in entries if row["dataset"] == "staff"]
    assert server.newest_files("01", {"staff": None}, 5) == staff
    newest = max(row["version_to"] for row in staff)
    told = server.newest_files("01", {"staff": newest}, 5)
    assert {row["kind"] for row in told} == {"full"}
    assert server.newest_files("01", {"nobody": 1}, 5) == []


def test_a_manifest_that_is_not_there_is_the_server_s_trouble(server: Server, folder: Path) -> None:
    (folder / "manifest.json").unlink()
    with pytest.raises(CallFailed, match="no manifest") as failure:
        server.newest_files("01", {"staff": 1}, 5)
    assert failure.value.reason is Reason.SERVER_ERROR


def test_a_server_without_the_action_is_not_asked() -> None:
    """As by default: the manifest tells then."""
    settings = ServerSettings.model_validate({"protocol": "soap", "url": "http://h.example"})
    server = connect(settings, "0042")
    assert not server.tells_files
    with pytest.raises(CallFailed, match="no action 'newest_files'"):
        server.newest_files("01", {}, 1)


@pytest.mark.parametrize("sent", ["nothing", "[1]"])
def test_the_lab_refuses_what_is_no_list_of_tables(
    folder: Path, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LabThread(Lab(ftp=FtpLab(folder))) as lab:
        action = {"parameters": {"TILL": "{till}", "PVTBLSYNC": sent, "X": "{tables}"}}
        settings = {"protocol": "soap", "url": lab.url_soap, "actions": {"newest_files": action}}
        server = connect(ServerSettings.model_validate(settings), "0042")
        with pytest.raises(CallRejected, match="PVTBLSYNC"):
            server.newest_files("01", {}, 5)
        server.close()


def test_the_tables_travel_as_json(folder: Path) -> None:
    """A table that was never loaded is null."""
    from engine.server.program import table_text

    assert json.loads(table_text({"a": 7, "b": None})) == {"a": 7, "b": None}
    assert table_text({"a": 7}) == '{"a":7}'
