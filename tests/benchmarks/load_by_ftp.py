"""1,000,000 articles from an FTP server to live tables: the effect beside a bare download and loop.

The bare side is what the standard library does with no care: ``ftplib`` writes the zip to a
file, and the loop of ``load.py`` brings it into SQLite. The effect is the whole of a load as an
agent performs it: manifest, download with its digest and its flushes, every check, the swap and
the story of the load. The server is vsftpd, a process of its own. Each side runs in a process
of its own; they take turns, and the best of each counts.
"""

import ftplib
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.effects.call import Call, Patience  # noqa: E402
from engine.effects.loading import Loading  # noqa: E402
from engine.effects.table import perform  # noqa: E402
from engine.lab.exports import write_manifest  # noqa: E402
from engine.lab.stub import StubServer  # noqa: E402
from engine.server.ftp import FtpSource  # noqa: E402
from engine.server.ftp_settings import FtpSettings  # noqa: E402
from engine.store.catalogue_sqlite import SqliteCatalogue  # noqa: E402
from tests.benchmarks.load import ARTICLES, ROWS, bare, peak, write_export  # noqa: E402
from tests.integration.ftp.servers import Vsftpd  # noqa: E402

ROUNDS = 3
NAME = "articles.zip"


def publish(served: Path) -> None:
    """The export and its manifest, as a server has them."""
    served.mkdir()
    export = write_export(served / NAME, ROWS)
    entry = {key: getattr(export, key) for key in export.__slots__}
    write_manifest(served, [entry])


def without_care(port: int, served: Path, work: Path) -> None:
    """The download and the loop of the standard library."""
    client = ftplib.FTP()  # noqa: S321
    client.connect("127.0.0.1", port)
    client.login()
    client.cwd(str(served))
    with (work / NAME).open("wb") as file:
        client.retrbinary(f"RETR {NAME}", file.write, 64 * 1024)
    client.quit()
    bare(work / NAME, work / "bare.db")


def as_agent(catalogue: SqliteCatalogue, port: int, served: Path, work: Path) -> None:
    """The effect, and the catalogue closed as the other side closes its file."""
    settings = FtpSettings(host="127.0.0.1", port=port, tls="none", folder=str(served))
    loading = Loading(
        (ARTICLES,),
        lambda: catalogue,
        FtpSource(settings, work),
        work / "downloads",
        lambda _till, _progress: None,
        lambda _till, _record: None,
    )
    arguments: dict[str, Any] = {"timeout": 10.0, "kind": "full", "limit": 600.0}
    call = Call(
        "0042",
        "01",
        arguments,
        StubServer(),
        None,  # type: ignore[arg-type] # a load asks nothing of the till's tickets
        Patience(),
        Event(),
        time.time,
        time.monotonic,
        lambda _till, _backlog: None,
        loading=loading,
    )
    answer = perform("load", call)
    if answer.name != "ok" or answer.data["rows"] != ROWS:
        raise RuntimeError(f"the load answered {answer}")
    catalogue.close()


def one(kind: str, port: int, served: Path) -> dict[str, float]:
    """One load in this process: seconds, and megabytes over idle."""
    with TemporaryDirectory(dir=served.parent) as temporary:
        work = Path(temporary)
        catalogue = None if kind == "bare" else SqliteCatalogue.open(work / "c.db", [ARTICLES])
        idle, started = peak(), perf_counter()
        if catalogue is None:
            without_care(port, served, work)
        else:
            as_agent(catalogue, port, served, work)
        return {"seconds": perf_counter() - started, "memory": peak() - idle}


def measured(kind: str, port: int, served: Path) -> dict[str, float]:
    """One load in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, kind, str(port), str(served)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=600,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    found: dict[str, list[dict[str, float]]] = {"bare": [], "effect": []}
    with TemporaryDirectory() as temporary:
        served = Path(temporary).resolve() / "served"
        publish(served)
        with Vsftpd(served) as server:
            for _ in range(ROUNDS):
                for kind, each in found.items():
                    each.append(measured(kind, server.port, served))
    best = {kind: min(one["seconds"] for one in each) for kind, each in found.items()}
    memory = max(one["memory"] for one in found["effect"])
    ratio = best["effect"] / best["bare"]
    name = "load by FTP"
    return [
        {"name": f"{name}: bare download, loop", "value": best["bare"], "unit": "s", "must": ""},
        {"name": f"{name}: effect, 1M rows", "value": best["effect"], "unit": "s", "must": ""},
        {"name": f"{name}: effect / bare", "value": ratio, "unit": "", "must": "<= 1.3"},
        {"name": f"{name}: memory over idle", "value": memory, "unit": "MB", "must": "<= 60"},
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(one(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        for row in run():
            print(row)
