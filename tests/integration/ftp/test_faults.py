"""A server that breaks, lies, drips and stalls: never taken for whole, taken up or begun again."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.lab.ftp import FtpLab
from engine.lab.ftp_faults import FTP_FAULTS
from engine.server.ftp import FtpSource
from engine.server.port import CallFailed, Reason
from tests.faults.ftp import meet
from tests.integration.ftp.conftest import Blob

Source = Callable[..., FtpSource]
BOUND = 20.0

PASSING: list[tuple[str, dict[str, Any]]] = [
    ("refuse", {"action": "CONNECT"}),
    ("refuse", {"action": "RETR"}),
    ("hang", {"action": "CONNECT"}),
    ("hang", {"action": "SIZE"}),
    ("hang", {"action": "RETR"}),
    ("full", {}),
    ("unknown", {"action": "SIZE"}),
    ("unknown", {"action": "EPSV"}),
    ("busy", {}),
    ("closed_port", {}),
    ("short", {}),
    ("short", {"share": 0.0}),
    ("missing_226", {}),
    ("missing_226", {"share": 0.7}),
    ("missing_226", {"then": "close"}),
    ("drip", {}),
    ("drip", {"share": 0.0}),
    ("stall", {}),
    ("reset", {}),
]
"""Faults after which the next attempt, or the next command, goes well."""

LASTING: list[tuple[str, dict[str, Any], Reason, str]] = [
    ("refuse", {}, Reason.UNREACHABLE, "the connection was reset"),
    ("hang", {"action": "SIZE"}, Reason.TIMEOUT, r"no progress within 0.15 s"),
    ("full", {}, Reason.SERVER_ERROR, "the server answers the connection with 421 Too many"),
    ("wrong_login", {}, Reason.UNAUTHORIZED, "the server answers the log-in with 530"),
    ("gone", {"action": "RETR"}, Reason.BAD_REPLY, "RETR articles.zip with 550 No such file"),
    ("busy", {}, Reason.SERVER_ERROR, "RETR articles.zip with 450"),
    ("wrong_size", {}, Reason.BAD_REPLY, "articles.zip has 7 bytes there, and 1000000 were"),
    ("closed_port", {}, Reason.UNREACHABLE, "no data connection to its port"),
    ("short", {}, Reason.BAD_REPLY, r"articles.zip ended after \d+ of 1000000 bytes; given up"),
    ("missing_226", {}, Reason.TIMEOUT, "waiting for the word that articles.zip is through"),
    ("drip", {"share": 0.0}, Reason.TIMEOUT, "while downloading articles.zip"),
    ("stall", {"share": 0.1}, Reason.TIMEOUT, "while downloading articles.zip"),
    ("reset", {}, Reason.UNREACHABLE, "given up after 4 attempts that brought nothing new"),
    ("corrupt", {}, Reason.BAD_REPLY, "articles.zip has another SHA-256 than announced, [0-9a-f]"),
    ("longer", {}, Reason.BAD_REPLY, "articles.zip is larger than the 1000000 bytes announced"),
]


@pytest.fixture
def ours(lab: FtpLab, source: Source) -> FtpSource:
    """A source that loses patience soon."""
    return source(lab.port, stall=0.15, connect_timeout=0.15)


@pytest.mark.parametrize(("fault", "settings"), PASSING, ids=str)
def test_a_fault_that_passes_costs_an_attempt_and_no_byte(
    lab: FtpLab, ours: FtpSource, blob: Blob, target: Path, fault: str, settings: dict[str, Any]
) -> None:
    """The file is whole in the end, and what had come is not asked for again."""
    lab.turn(fault, times=1, **settings)
    ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert target.read_bytes() == blob.content
    assert lab.struck == {fault: 1}
    # A reset loses what the system had taken and nobody had read.
    lost = 400_000 if fault == "reset" else 0
    assert lab.sent <= len(blob.content) + lost + 2 * 4096 + 65536


@pytest.mark.parametrize(("fault", "settings", "reason", "words"), LASTING, ids=str)
def test_a_fault_that_lasts_ends_in_a_sentence(
    lab: FtpLab,
    ours: FtpSource,
    blob: Blob,
    target: Path,
    fault: str,
    settings: dict[str, Any],
    reason: Reason,
    words: str,
) -> None:
    """And in no file; when the fault is over, the next call brings it."""
    lab.turn(fault, **settings)
    with pytest.raises(CallFailed, match=words) as caught:
        ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert caught.value.reason is reason
    assert f"127.0.0.1:{lab.port}" in caught.value.message
    assert not target.exists()
    lab.clear()
    ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert target.read_bytes() == blob.content


@pytest.mark.parametrize("breaks", [1, 2])
@pytest.mark.parametrize(("fault", "wasted"), [("ignored_rest", 1), ("unknown", 0)])
def test_a_server_that_cannot_begin_in_the_middle_begins_again(
    lab: FtpLab,
    ours: FtpSource,
    blob: Blob,
    target: Path,
    fault: str,
    wasted: int,
    breaks: int,
) -> None:
    """Whether it says so to REST, which costs nothing, or only pretends; also when it breaks
    another time: by then it is not asked to begin in the middle any more."""
    lab.turn(fault, action="REST")
    lab.turn("reset", times=breaks)
    ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert target.read_bytes() == blob.content
    assert lab.struck[fault] >= 1
    assert lab.commands["RETR"] <= 1 + breaks + wasted


def test_a_port_that_a_firewall_does_not_let_through_is_asked_for_the_old_way(
    lab: FtpLab, ours: FtpSource, blob: Blob, target: Path
) -> None:
    """Some firewalls read the answers to PASV to open a port, and do not know EPSV."""
    lab.turn("closed_port", action="EPSV")
    ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert target.read_bytes() == blob.content
    assert (lab.commands["EPSV"], lab.commands["PASV"]) == (1, 1)


def test_what_is_left_of_another_file_is_noticed_before_the_rest_comes(
    lab: FtpLab, ours: FtpSource, blob: Blob, target: Path
) -> None:
    """The last bytes are compared: a file replaced on the server is downloaded whole at once."""
    target.parent.mkdir()
    target.with_name("articles.zip.part").write_bytes(bytes(600_000))
    told: list[int] = []
    ours.fetch(blob.name, target, *blob.expected, deadline=BOUND, progress=told.append)
    assert target.read_bytes() == blob.content
    assert lab.commands["RETR"] == 2
    assert told[0] < 600_000


def test_what_is_left_and_wrong_further_up_costs_one_more_download(
    lab: FtpLab, ours: FtpSource, blob: Blob, target: Path
) -> None:
    """Its digest tells; a second wrong digest is the server's fault and ends it."""
    target.parent.mkdir()
    part = target.with_name("articles.zip.part")
    part.write_bytes(bytes(1000) + blob.content[1000:600_000])
    ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert target.read_bytes() == blob.content
    target.unlink()
    part.write_bytes(bytes(1000) + blob.content[1000:600_000])
    lab.turn("corrupt")
    with pytest.raises(CallFailed, match="another SHA-256"):
        ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert lab.commands["RETR"] == 4
    assert part.read_bytes() == b""


def test_what_is_left_and_too_long_is_thrown_away(
    lab: FtpLab, ours: FtpSource, blob: Blob, target: Path
) -> None:
    target.parent.mkdir()
    target.with_name("articles.zip.part").write_bytes(blob.content + b"!")
    ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert target.read_bytes() == blob.content
    assert lab.commands["RETR"] == 1
    assert lab.commands["REST"] == 0


def test_a_file_that_is_there_already_is_not_asked_for(
    lab: FtpLab, ours: FtpSource, blob: Blob, target: Path
) -> None:
    """Only as long as its digest is right."""
    told: list[int] = []
    for spoil, downloads in ((False, 1), (False, 1), (True, 2)):
        if spoil:
            target.write_bytes(b"!" + blob.content[1:])
        ours.fetch(blob.name, target, *blob.expected, deadline=BOUND, progress=told.append)
        assert target.read_bytes() == blob.content
        assert told[-1] == len(blob.content)
        assert lab.commands["RETR"] == downloads


def test_a_small_file_that_breaks_is_read_once_more(
    lab: FtpLab, source: Source, folder: Path
) -> None:
    """A short one is noticed by its size, a drip by the clock; a lasting fault is said."""
    (folder / "exports" / "manifest.json").write_bytes(b"x" * 50_000)
    ours = source(lab.port, stall=0.15)
    for fault in ("short", "drip", "missing_226", "stall"):
        lab.turn(fault, times=1)
        assert ours.read("manifest.json", 100_000, timeout=BOUND) == b"x" * 50_000
    lab.turn("short")
    with pytest.raises(CallFailed, match=r"manifest.json ended after 20000 of 50000 bytes"):
        ours.read("manifest.json", 100_000, timeout=BOUND)


def test_the_whole_has_a_deadline_that_no_progress_moves(
    lab: FtpLab, source: Source, blob: Blob, target: Path
) -> None:
    """A server that is slow, but not so slow as to stand still."""
    lab.turn("slow", rate=200_000)
    begun = time.monotonic()
    with pytest.raises(CallFailed, match=r"within 0.4 s") as caught:
        source(lab.port).fetch(blob.name, target, *blob.expected, deadline=0.4)
    assert caught.value.reason is Reason.TIMEOUT
    assert time.monotonic() - begun < 1.0
    assert target.with_name("articles.zip.part").stat().st_size > 0, "the next call goes on"


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        ("hang", {"action": "CONNECT"}),
        ("hang", {"action": "LOGIN"}),
        ("hang", {"action": "EPSV"}),
        ("stall", {}),
        ("drip", {"share": 0.0}),
        ("missing_226", {}),
    ],
    ids=str,
)
def test_a_download_that_nobody_wants_any_more_ends_within_a_second(
    lab: FtpLab, source: Source, blob: Blob, target: Path, fault: str, settings: dict[str, Any]
) -> None:
    """Wherever it waits; what came stays for the next one."""
    lab.turn(fault, **settings)
    unwanted = threading.Event()
    struck = threading.Timer(0.05, unwanted.set)
    struck.start()
    begun = time.monotonic()
    with pytest.raises(CallFailed, match="given up") as caught:
        source(lab.port, stall=30.0, connect_timeout=30.0).fetch(
            blob.name, target, *blob.expected, deadline=60.0, cancelled=unwanted.is_set
        )
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert time.monotonic() - begun < 1.1
    assert not target.exists()
    struck.join()


def test_pauses_between_attempts_end_with_the_call(
    lab: FtpLab, tmp_path: Path, source: Source, blob: Blob, target: Path
) -> None:
    """And where no time is left for one, the failure that came is said, not the deadline."""
    lab.turn("full")
    patient = FtpSource(source(lab.port)._settings, tmp_path)
    with pytest.raises(CallFailed, match="421"):
        patient.fetch(blob.name, target, *blob.expected, deadline=0.3)
    unwanted = threading.Event()
    struck = threading.Timer(0.05, unwanted.set)
    struck.start()
    begun = time.monotonic()
    with pytest.raises(CallFailed, match="given up"):
        patient.fetch(blob.name, target, *blob.expected, deadline=60.0, cancelled=unwanted.is_set)
    assert time.monotonic() - begun < 1.1
    struck.join()


def test_the_four_faults_that_look_like_success_in_a_small_dose(tmp_path: Path) -> None:
    """Each passing and lasting, without and with TLS; ``make soak`` meets them 200 times."""
    verdict = meet(tmp_path, rounds=2)
    assert verdict["right"], verdict


def test_every_fault_of_the_lab_is_met() -> None:
    met = {fault for fault, *_ in (*PASSING, *LASTING)}
    elsewhere = {"ignored_rest", "slow", "foreign_address"}
    assert met | elsewhere == set(FTP_FAULTS)
