"""FTPS: who is believed, and that neither the password nor the files go out in plain."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.lab.ftp import FtpLab
from engine.server.ftp import FtpSource
from engine.server.port import CallFailed, Reason
from tests.integration.ftp.conftest import Blob
from tests.integration.ftp.servers import Identity, Vsftpd, make_identity

Source = Callable[..., FtpSource]
BOUND = 20.0


def test_another_authority_is_not_believed(
    folder: Path, tmp_path: Path, identity: Identity, source: Source, blob: Blob
) -> None:
    """With a CA file of another, and without one; the sentence names the key to set."""
    other = make_identity(tmp_path / "other")
    with FtpLab(folder, tls=(identity.certificate, identity.key)) as lab:
        for ca_file, words in (
            (str(other.authority), rf"is not signed by the authority in {other.authority}"),
            (None, r"private authority is named by server\.ftp\.ca_file"),
        ):
            ours = source(lab.port, host="localhost", tls="explicit", ca_file=ca_file)
            with pytest.raises(CallFailed, match=words) as caught:
                ours.read(blob.name, 10, timeout=BOUND)
            assert caught.value.reason is Reason.BAD_REPLY
        assert lab.commands["LOGIN"] == 0


@pytest.mark.parametrize(
    ("host", "days", "words"),
    [("ftp.example", 2, "its certificate is for another host"), ("localhost", -1, "has expired")],
)
def test_a_certificate_for_another_host_or_time_is_not_believed(
    folder: Path, tmp_path: Path, source: Source, blob: Blob, host: str, days: int, words: str
) -> None:
    made = make_identity(tmp_path / "made", host, days)
    with FtpLab(folder, tls=(made.certificate, made.key)) as lab:
        ca_file = str(made.authority)
        ours = source(lab.port, host="localhost", tls="explicit", ca_file=ca_file)
        with pytest.raises(CallFailed, match=words) as caught:
            ours.read(blob.name, 10, timeout=BOUND)
        assert caught.value.reason is Reason.BAD_REPLY
        assert lab.commands["LOGIN"] == 0


def test_a_ca_file_that_cannot_be_read_is_the_tills_own_fault(
    folder: Path, tmp_path: Path, identity: Identity, source: Source, blob: Blob
) -> None:
    with FtpLab(folder, tls=(identity.certificate, identity.key)) as lab:
        ours = source(lab.port, host="localhost", tls="explicit", ca_file="gone.pem")
        with pytest.raises(CallFailed, match=rf"the CA file {tmp_path / 'gone.pem'} cannot") as e:
            ours.read(blob.name, 10, timeout=BOUND)
        assert e.value.reason is Reason.LOCAL_ERROR


def test_a_server_without_tls_is_not_told_the_password(
    lab: FtpLab, source: Source, identity: Identity, blob: Blob
) -> None:
    """TLS is not given up because somebody says that there is none."""
    ours = source(lab.port, tls="explicit", ca_file=str(identity.authority))
    with pytest.raises(CallFailed, match=r"AUTH TLS .*only server\.ftp\.tls: none") as caught:
        ours.read(blob.name, 10, timeout=BOUND)
    assert caught.value.reason is Reason.BAD_REPLY
    assert lab.commands["LOGIN"] == 0


def test_a_server_that_demands_tls_says_so(
    folder: Path, identity: Identity, source: Source, blob: Blob
) -> None:
    """To a till that is set to plain FTP: both servers refuse the log-in."""
    for server in (
        FtpLab(folder, tls=(identity.certificate, identity.key)),
        Vsftpd(folder, identity),
    ):
        with server, pytest.raises(CallFailed, match=r"SSL|TLS|encryption"):
            source(server.port).read(blob.name, 10, timeout=BOUND)


@pytest.mark.parametrize("fault", ["short", "missing_226", "drip", "stall", "reset"])
def test_breaks_are_met_as_without_tls(
    folder: Path, identity: Identity, source: Source, blob: Blob, target: Path, fault: str
) -> None:
    """A TLS connection ends in other ways, and its end proves no more."""
    with FtpLab(folder, tls=(identity.certificate, identity.key)) as lab:
        ours = source(
            lab.port, tls="explicit", ca_file=str(identity.authority), host="localhost", stall=0.15
        )
        lab.turn(fault, times=1)
        ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
        assert target.read_bytes() == blob.content
        assert lab.struck[fault] == 1
