"""Files from the lab's server (pyftpdlib) and from vsftpd, plain and by TLS."""

import ftplib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.lab.ftp import FtpLab
from engine.server.ftp import FtpSource
from engine.server.port import CallFailed, Reason
from tests.integration.ftp.conftest import Blob
from tests.integration.ftp.servers import Identity, Vsftpd

Source = Callable[..., FtpSource]
BOUND = 20.0


@pytest.fixture(params=["lab", "lab tls", "vsftpd", "vsftpd tls"])
def served(
    request: pytest.FixtureRequest, folder: Path, identity: Identity, source: Source
) -> Iterator[FtpSource]:
    """A source for each kind of server."""
    kind, _, tls = request.param.partition(" ")
    settings: dict[str, Any] = {}
    if tls:
        ca_file = str(identity.authority)
        settings = {"host": "localhost", "tls": "explicit", "ca_file": ca_file}
    server: FtpLab | Vsftpd
    if kind == "vsftpd":
        server = Vsftpd(folder, identity if tls else None)
    else:
        server = FtpLab(folder, tls=(identity.certificate, identity.key) if tls else None)
    with server as running:
        yield source(running.port, **settings)


def test_a_file_is_downloaded_whole(served: FtpSource, blob: Blob, target: Path) -> None:
    """Its bytes are those of the server, its progress grows, and no part is left."""
    told: list[int] = []
    served.fetch(blob.name, target, *blob.expected, deadline=BOUND, progress=told.append)
    assert target.read_bytes() == blob.content
    assert list(target.parent.iterdir()) == [target]
    assert told == sorted(told)
    assert told[-1] == len(blob.content)


def test_what_an_earlier_download_left_is_taken_up(
    served: FtpSource, blob: Blob, target: Path
) -> None:
    """The first word about the progress is already beyond what was there."""
    target.parent.mkdir()
    target.with_name("articles.zip.part").write_bytes(blob.content[:700_000])
    told: list[int] = []
    served.fetch(blob.name, target, *blob.expected, deadline=BOUND, progress=told.append)
    assert target.read_bytes() == blob.content
    assert told[0] > 700_000


def test_a_small_file_is_read_whole(served: FtpSource, folder: Path) -> None:
    """And one that is larger than allowed is refused."""
    (folder / "exports" / "manifest.json").write_bytes(b'{"exports": []}')
    assert served.read("manifest.json", 15, timeout=BOUND) == b'{"exports": []}'
    with pytest.raises(CallFailed, match=r"manifest.json is larger than 14 bytes") as caught:
        served.read("manifest.json", 14, timeout=BOUND)
    assert caught.value.reason is Reason.BAD_REPLY


def test_an_empty_file_is_a_file(served: FtpSource, folder: Path, target: Path) -> None:
    empty = Blob("empty.zip", b"")
    (folder / "exports" / empty.name).touch()
    served.fetch(empty.name, target, *empty.expected, deadline=BOUND)
    assert target.read_bytes() == b""
    assert served.read(empty.name, 10, timeout=BOUND) == b""


def test_a_file_that_is_not_there_is_said(served: FtpSource, target: Path) -> None:
    """With the host, the name and the server's words; nothing is downloaded."""
    for call in (
        lambda: served.read("nothing.json", 10, timeout=BOUND),
        lambda: served.fetch("nothing.json", target, 10, "00", deadline=BOUND),
    ):
        with pytest.raises(CallFailed, match=rf"^bad_reply: {served.where}: .*nothing.json") as e:
            call()
        assert " 550 " in e.value.message
    assert not target.exists()


def test_a_server_that_demands_the_session_of_the_commands_for_the_data_gets_it(
    folder: Path, identity: Identity, source: Source, blob: Blob, target: Path
) -> None:
    """12 of 12 downloads; Python's own client is turned away by the same server."""
    with Vsftpd(folder, identity) as server:
        authority = str(identity.authority)
        ours = source(server.port, host="localhost", tls="explicit", ca_file=authority)
        for _ in range(12):
            ours.fetch(blob.name, target, *blob.expected, deadline=BOUND)
            assert target.read_bytes() == blob.content
            target.unlink()
        context = ssl.create_default_context(cafile=authority)
        with ftplib.FTP_TLS(context=context, timeout=BOUND) as stock:  # noqa: S321 - loopback
            stock.connect("localhost", server.port)
            stock.login()
            stock.prot_p()
            with pytest.raises(ftplib.error_perm, match="522"):
                stock.retrbinary(f"RETR exports/{blob.name}", lambda _: None)


@pytest.mark.parametrize("name", ["au début.zip", "a & b;c.zip", "deep/er/prices.zip"])
def test_names_are_taken_as_they_are(lab: FtpLab, folder: Path, source: Source, name: str) -> None:
    """Blanks, accents and folders below the folder."""
    path = folder / "exports" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"here")
    assert source(lab.port).read(name, 10, timeout=BOUND) == b"here"


@pytest.mark.parametrize(
    "name", ["", "../secret", "a/../../b", "/etc/passwd", "a//b", "a\nDELE b", "a\0b", "."]
)
def test_a_name_that_is_none_is_never_asked_for(
    lab: FtpLab, source: Source, name: str, target: Path
) -> None:
    with pytest.raises(CallFailed, match="is not the name of a file") as caught:
        source(lab.port).read(name, 10, timeout=BOUND)
    assert caught.value.reason is Reason.LOCAL_ERROR
    with pytest.raises(CallFailed, match="is not the name of a file"):
        source(lab.port).fetch(name, target, 1, "00", deadline=BOUND)
    assert not lab.commands


def test_the_folder_is_where_files_are_looked_for(
    lab: FtpLab, folder: Path, source: Source
) -> None:
    (folder / "top.json").write_bytes(b"top")
    assert source(lab.port, folder="/").read("top.json", 10, timeout=BOUND) == b"top"
    with pytest.raises(CallFailed, match="the server answers CWD nowhere with 550") as caught:
        source(lab.port, folder="nowhere").read("top.json", 10, timeout=BOUND)
    assert caught.value.reason is Reason.BAD_REPLY


def test_the_user_and_the_password_of_the_settings_are_used(
    folder: Path, tmp_path: Path, source: Source, blob: Blob
) -> None:
    """A wrong one is unauthorized, and no sentence holds it."""
    secret = tmp_path / "ftp.password"
    secret.write_text("gehe1m\n", encoding="utf-8")
    with FtpLab(folder, user=("till01", "gehe1m")) as lab:
        mine = source(lab.port, user="till01", password="${file:ftp.password}")
        assert mine.read(blob.name, 2_000_000, timeout=BOUND) == blob.content
        secret.write_text("wr0ng", encoding="utf-8")
        with pytest.raises(CallFailed, match="the log-in with 530") as caught:
            mine.read(blob.name, 10, timeout=BOUND)
        assert caught.value.reason is Reason.UNAUTHORIZED
        assert "wr0ng" not in str(caught.value)
        secret.unlink()
        with pytest.raises(CallFailed, match="the secret's file") as caught:
            mine.read(blob.name, 10, timeout=BOUND)
        assert caught.value.reason is Reason.LOCAL_ERROR


def test_a_server_that_is_not_there_is_unreachable(source: Source, target: Path) -> None:
    with FtpLab(target.parent.parent) as gone:
        pass
    with pytest.raises(CallFailed, match="the connection was refused") as caught:
        source(gone.port).fetch("a.zip", target, 10, "00", deadline=BOUND)
    assert caught.value.reason is Reason.UNREACHABLE


def test_a_server_that_dies_in_the_middle_goes_on_when_it_is_back(
    folder: Path, identity: Identity, source: Source, blob: Blob, target: Path
) -> None:
    """vsftpd is killed with all its sessions after the first bytes, and started again."""
    with Vsftpd(folder, identity, anon_max_rate=3_000_000) as server:
        told: list[int] = []

        def die_once(size: int) -> None:
            told.append(size)
            if len(told) == 1:
                server.kill()
                server.start()

        authority = str(identity.authority)
        ours = source(server.port, host="localhost", tls="explicit", ca_file=authority)
        ours.fetch(blob.name, target, *blob.expected, deadline=BOUND, progress=die_once)
    assert target.read_bytes() == blob.content
    assert 0 < told[0] < told[1], "it went on from where it was"
    assert told[0] < len(blob.content)
