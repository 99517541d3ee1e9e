"""What a download by FTP costs beside a copy of the same file on the same disk.

Both end with the SHA-256 of 100 MB and with the bytes on the disk. The server is vsftpd, a
process of its own, on loopback, without and with TLS (whose session it demands to be taken up
again). Downloads and copies alternate, so that what else the machine does falls on both alike;
the ratio is that of the medians.
"""

import hashlib
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any, NamedTuple

from engine.server.ftp import FtpSource
from engine.server.ftp_settings import FtpSettings
from tests.integration.ftp.servers import Identity, Vsftpd, make_identity

SIZE = 100_000_000
ROUNDS = 7
NAME = "articles.zip"
_BLOCK = 256 * 1024


def _publish(served: Path) -> str:
    """Write a file that no compression makes smaller; its digest."""
    served.mkdir()
    chance, digest = random.Random(1), hashlib.sha256()
    with (served / NAME).open("wb") as file:
        for _ in range(SIZE // 1_000_000):
            block = chance.randbytes(1_000_000)
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as written:
        while block := read.read(_BLOCK):
            digest.update(block)
            written.write(block)
        written.flush()
        os.fsync(written.fileno())
    return digest.hexdigest()


class Cost(NamedTuple):
    """Seconds that pass, and seconds of the processor."""

    passed: float
    worked: float


def _cost(work: Callable[[], object]) -> Cost:
    begun, worked = perf_counter(), thread_time()
    work()
    return Cost(perf_counter() - begun, thread_time() - worked)


def _least(costs: list[Cost]) -> Cost:
    return Cost(min(one.passed for one in costs), min(one.worked for one in costs))


def _costs(folder: Path, sha256: str, identity: Identity | None) -> tuple[Cost, Cost]:
    """Those of one download and of one copy."""
    served, target = folder / "served", folder / "target.zip"
    settings: dict[str, Any] = {"host": "localhost", "folder": str(served)}
    settings |= {"ca_file": str(identity.authority)} if identity else {"tls": "none"}
    downloads, copies = [], []
    with Vsftpd(served, identity) as server:
        source = FtpSource(FtpSettings(port=server.port, **settings), folder)
        for _ in range(ROUNDS):
            target.unlink(missing_ok=True)
            downloads.append(
                _cost(lambda: source.fetch(NAME, target, SIZE, sha256, deadline=120.0))
            )
            target.unlink()
            copies.append(_cost(lambda: _copy(served / NAME, target)))
    return _least(downloads), _least(copies)


def _figure(name: str, value: float, unit: str, must: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "must": must}


def run() -> list[dict[str, Any]]:
    """A download without and with TLS."""
    figures = []
    # In the repository's own build folder: the system's may lie in memory.
    build = Path(__file__).resolve().parents[2] / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ftp-", dir=build) as made:
        folder = Path(made)
        sha256 = _publish(folder / "served")
        identity = make_identity(folder / "identity")
        for name, tls, most in (("FTP", None, 2), ("FTPS", identity, 3)):
            download, copy = _costs(folder, sha256, tls)
            passed, worked = download.passed / copy.passed, download.worked / copy.worked
            figures += [
                _figure(
                    f"{name}: a download, to a copy with digest", passed, "x", f"<= {most + 0.5:g}"
                ),
                _figure(f"{name}: its processor time, to a copy's", worked, "x", f"<= {most}"),
                _figure(f"{name}: on loopback", SIZE / download.passed / 1e6, "MB/s", ""),
            ]
    return figures
