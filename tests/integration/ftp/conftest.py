"""FTP servers over loopback, and sources for them."""

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from engine.lab.ftp import FtpLab
from engine.server.ftp import FtpSource
from engine.server.ftp_settings import FtpSettings
from tests.integration.ftp.servers import Identity, make_identity

SIZE = 1_000_000


class Blob(NamedTuple):
    """A file on the server."""

    name: str
    content: bytes

    @property
    def expected(self) -> tuple[int, str]:
        """Its size and its digest, as ``fetch`` takes them."""
        return len(self.content), hashlib.sha256(self.content).hexdigest()


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """A good certificate for localhost."""
    return make_identity(tmp_path_factory.mktemp("identity"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that the servers serve."""
    made = tmp_path / "served"
    (made / "exports").mkdir(parents=True)
    return made


@pytest.fixture
def blob(folder: Path) -> Blob:
    """A file of a million bytes that no compression makes smaller."""
    made = Blob("articles.zip", random.Random(7).randbytes(SIZE))
    (folder / "exports" / made.name).write_bytes(made.content)
    return made


@pytest.fixture
def lab(folder: Path) -> Iterator[FtpLab]:
    """The lab's FTP server, plain."""
    with FtpLab(folder) as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., FtpSource]:
    """``source(port, **settings)``: quick to lose patience, without pauses between attempts."""

    def make(port: int, **settings: Any) -> FtpSource:
        given: dict[str, Any] = {
            "host": "127.0.0.1",
            "tls": "none",
            "folder": "exports",
            "stall": 0.3,
            "connect_timeout": 3.0,
        }
        return FtpSource(FtpSettings(port=port, **given | settings), tmp_path, pace=0.0)

    return make


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where downloads go; its folder is not there yet."""
    return tmp_path / "downloads" / "articles.zip"
