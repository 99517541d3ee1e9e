"""The lab's FTP server as Python's own client sees it, and its control."""

import ftplib
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from engine.catalogue.datasets import load_datasets
from engine.lab import BadKnobError, Lab, LabThread
from engine.lab.exports import read_entries
from engine.lab.ftp import FtpLab
from engine.lab.ledger import LabError

DATASETS = Path("machines/datasets.yaml")
CONTENT = bytes(range(256)) * 4096


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file of a mebibyte."""
    (tmp_path / "a.bin").write_bytes(CONTENT)
    return tmp_path


@pytest.fixture
def lab(folder: Path) -> Iterator[FtpLab]:
    """The FTP server alone."""
    with FtpLab(folder) as running:
        yield running


def client(lab: FtpLab, *login: str) -> ftplib.FTP:
    """Python's own client, logged in."""
    made = ftplib.FTP(timeout=5.0)  # noqa: S321 - over loopback
    try:
        made.connect("127.0.0.1", lab.port)
        made.login(*login)
    except BaseException:
        made.close()
        raise
    return made


def download(ftp: ftplib.FTP, rest: int | None = None) -> bytes:
    kept = BytesIO()
    ftp.retrbinary("RETR a.bin", kept.write, rest=rest)
    return kept.getvalue()


def test_a_folder_is_served_to_be_read_and_not_changed(lab: FtpLab, folder: Path) -> None:
    """To anonymous; commands and bytes are counted."""
    with client(lab) as ftp:
        assert ftp.nlst() == ["a.bin"]
        ftp.voidcmd("TYPE I")
        assert ftp.size("a.bin") == len(CONTENT)
        assert download(ftp) == CONTENT
        assert download(ftp, 1_000_000) == CONTENT[1_000_000:]
        for forbidden in ("DELE a.bin", "MKD b", "RNFR a.bin"):
            with pytest.raises(ftplib.error_perm, match="550"):
                ftp.sendcmd(forbidden)
    assert lab.commands["LOGIN"] == 1
    assert lab.commands["RETR"] == 2
    assert lab.sent == 2 * len(CONTENT) - 1_000_000
    assert lab.state()["faults"] == []


def test_with_a_user_nobody_else_gets_in(folder: Path) -> None:
    with FtpLab(folder, user=("till", "secret")) as lab:
        with client(lab, "till", "secret") as ftp:
            assert ftp.nlst() == ["a.bin"]
        for login in (("till", "wrong"), ("anonymous", "")):
            with pytest.raises(ftplib.error_perm, match="530"):
                client(lab, *login)


@pytest.mark.parametrize(
    ("fault", "settings", "received"),
    [
        ("short", {"share": 0.25}, CONTENT[: len(CONTENT) // 4]),
        ("longer", {"bytes": 3}, CONTENT + b"\0\0\0"),
        ("corrupt", {"share": 0.0}, b"\1" + CONTENT[1:]),
        ("corrupt", {"share": 1.0}, CONTENT[:-1] + b"\xfe"),
        ("slow", {"rate": 10_000_000}, CONTENT),
    ],
)
def test_a_transfer_is_spoilt_as_it_was_asked_for(
    lab: FtpLab, fault: str, settings: dict[str, Any], received: bytes
) -> None:
    """The client is told that all is well; the next transfer is."""
    lab.turn(fault, times=1, **settings)
    with client(lab) as ftp:
        assert download(ftp) == received
        assert download(ftp) == CONTENT
    assert lab.struck == {fault: 1}


def test_faults_of_one_transfer_come_together(lab: FtpLab) -> None:
    """A slow one can break too; of two others the first one strikes."""
    lab.turn("slow", rate=10_000_000)
    lab.turn("short", times=1)
    lab.turn("corrupt", times=1)
    with client(lab) as ftp:
        assert len(download(ftp)) == int(len(CONTENT) * 0.4)
        assert download(ftp) != CONTENT
        assert download(ftp) == CONTENT


def test_a_fault_ends_by_its_time(folder: Path) -> None:
    now = 100.0
    with FtpLab(folder, clock=lambda: now) as lab, client(lab) as ftp:
        lab.turn("busy", **{"for": 20})
        with pytest.raises(ftplib.error_temp, match="450"):
            download(ftp)
        now += 20
        assert download(ftp) == CONTENT
        assert lab.state()["faults"] == []


def test_what_is_no_knob_is_refused(lab: FtpLab) -> None:
    with pytest.raises(BadKnobError, match=r"There is no fault 'shorts'\. Did you mean 'short'?"):
        lab.turn("shorts")
    with pytest.raises(BadKnobError, match="'share' of the fault 'short' is a number from 0 to 1"):
        lab.turn("short", share=2)
    with pytest.raises(BadKnobError, match="'action' of the fault 'short' is one of RETR"):
        lab.turn("short", action="SIZE")


def test_it_says_why_it_cannot_start(folder: Path, lab: FtpLab) -> None:
    with pytest.raises(LabError, match=r"There is no folder '.*none' to serve by FTP"):
        FtpLab(folder / "none").start()
    with pytest.raises(LabError, match=f"cannot listen on 127.0.0.1, port {lab.port}"):
        FtpLab(folder, port=lab.port).start()


def ask(url: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """The lab's control."""
    connection = HTTPConnection(url.split("/")[2], timeout=5.0)
    connection.request(method, f"/lab{path}", json.dumps(body) if body else None)
    answer = connection.getresponse()
    read = json.loads(answer.read())
    connection.close()
    return answer.status, read


def test_the_control_turns_its_knobs(folder: Path) -> None:
    """Under /lab/ftp: state and table, faults on and off; it starts and ends with the lab."""
    ftp = FtpLab(folder)
    with LabThread(Lab(ftp=ftp)) as lab:
        status, told = ask(lab.url_control, "GET", "/ftp")
        assert (status, told["url"]) == (200, f"ftp://127.0.0.1:{ftp.port}/")
        assert told["table"]["drip"]["settings"].keys() >= {"interval", "share", "times"}
        turned = ask(lab.url_control, "PUT", "/ftp/faults", {"fault": "gone", "times": 2})
        assert (turned[0], turned[1]["on"][0]["fault"]) == (200, "gone")
        with client(ftp) as till, pytest.raises(ftplib.error_perm, match="550"):
            till.size("a.bin")
        assert ask(lab.url_control, "GET", "/ftp")[1]["struck"] == {"gone": 1}
        assert ask(lab.url_control, "DELETE", "/ftp/faults?fault=gone") == (200, {"on": []})
        assert ask(lab.url_control, "PUT", "/ftp/faults", {"times": 1})[0] == 400
        assert ask(lab.url_control, "DELETE", "/ftp/faults?fault=down")[0] == 400
    with pytest.raises(OSError, match="refused"):
        client(ftp)


def test_an_example_shop_is_published_and_changes(folder: Path) -> None:
    """In the shipped datasets; each later call publishes its changes too."""
    with LabThread(Lab(ftp=FtpLab(folder))) as lab:
        status, first = ask(lab.url_control, "PUT", "/exports")
        assert (status, {told["version"] for told in first.values()}) == (200, {1})
        assert {entry["kind"] for entry in read_entries(folder)} == {"full"}
        assert set(first) == {table.name for table in load_datasets(DATASETS)}
        status, second = ask(lab.url_control, "PUT", "/exports", {"changes": 200})
        assert (status, max(told["version"] for told in second.values()) > 1) == (200, True)
        assert {entry["kind"] for entry in read_entries(folder)} == {"full", "changes"}
        status, told = ask(lab.url_control, "PUT", "/exports", {"changes": -1})
        assert (status, "from 0 to 10000" in told["problem"]) == (400, True)


@pytest.mark.parametrize("name", ["manifest.json", "own.zip"])
def test_exports_of_somebody_else_are_not_touched(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"{}")
    with LabThread(Lab(ftp=FtpLab(folder))) as lab:
        status, told = ask(lab.url_control, "PUT", "/exports")
    assert (status, "another --ftp-folder" in told["problem"]) == (400, True)
    assert sorted(path.name for path in folder.iterdir()) == sorted(["a.bin", name])


def test_a_lab_without_a_folder_says_so() -> None:
    with LabThread() as lab:
        for method, path in (("GET", "/ftp"), ("PUT", "/ftp/faults"), ("DELETE", "/ftp/faults")):
            status, told = ask(lab.url_control, method, path, {"fault": "gone"})
            assert (status, "--ftp-folder DIR" in told["problem"]) == (400, True)
