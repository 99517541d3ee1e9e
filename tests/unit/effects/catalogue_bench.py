"""A catalogue, real exports, and a source of files that does as the test says."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from engine.agent.clock import VirtualClock
from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.effects.call import Answer, Call, Patience
from engine.effects.loading import Loading, LoadProgress
from engine.effects.table import perform
from engine.lab.stub import StubServer
from engine.server.port import CallFailed, Reason
from engine.store.catalogue import LoadRecord
from engine.store.catalogue_sqlite import SqliteCatalogue

LIMIT = 100.0
ARTICLES = Table(
    "articles",
    (
        TableColumn("code", ColumnKind.TEXT, required=True, length=20),
        TableColumn("price", ColumnKind.DECIMAL, digits=10, decimals=2),
    ),
    ("code",),
)
STAFF = Table("staff", (TableColumn("number", ColumnKind.INTEGER, required=True),), ("number",))
ROWS = [["tea", "3.50"], ["salt", "1.20"], ["oil", "7.00"]]


@dataclass
class Files:
    """An FTP server's folder in memory; ``before`` is called with each name that is asked for."""

    content: dict[str, bytes] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _name: None

    def publish(
        self, table: str, header: Sequence[str], rows: Sequence[Sequence[str]], **more: Any
    ) -> dict[str, Any]:
        """An export; ``more`` are other values of its entry than the true ones."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows([header, *rows])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(f"{table}.csv", text.getvalue())
        raw = packed.getvalue()
        entry = {
            "dataset": table,
            "kind": "full",
            "version_from": None,
            "version_to": 1,
            "size": len(raw),
            "rows": len(rows),
            "sha256": hashlib.sha256(raw).hexdigest(),
            **more,
        }
        entry["file"] = f"{table}-{entry['kind']}-{entry['version_to']}.zip"
        self.content[entry["file"]] = raw
        self.entries.append(entry)
        self.content["manifest.json"] = json.dumps(
            {"format": "tillwire-exports/1", "exports": self.entries}
        ).encode()
        return entry

    def read(
        self, name: str, limit: int, *, timeout: float, cancelled: Callable[[], bool]
    ) -> bytes:
        assert timeout > 0
        assert not cancelled()
        return self._get(name)[:limit]

    def fetch(
        self,
        name: str,
        target: Path,
        size: int,
        sha256: str,  # noqa: ARG002 - the port has it
        *,
        deadline: float,
        cancelled: Callable[[], bool],  # noqa: ARG002 - the port has it
        progress: Callable[[int], None],
    ) -> None:
        assert deadline > 0
        part = target.with_name(target.name + ".part")
        part.write_bytes(b"half")
        progress(size // 2)
        content = self._get(name)
        progress(size)
        part.unlink()
        target.write_bytes(content)

    def _get(self, name: str) -> bytes:
        self.asked.append(name)
        self.before(name)
        if name not in self.content:
            raise CallFailed(Reason.BAD_REPLY, f"there is no {name}")
        return self.content[name]


class Bench:
    """A catalogue, files, a clock, and what a load told."""

    def __init__(self, folder: Path) -> None:
        self.files = Files()
        self.tables = (ARTICLES, STAFF)
        self.catalogue = SqliteCatalogue.open(folder / "catalogue.db", self.tables)
        self.downloads = folder / "downloads"
        self.server = StubServer()
        self.clock = VirtualClock(at=1000.0, wall=50_000.0)
        self.cancelled = Event()
        self.told: list[LoadProgress] = []
        self.records: list[LoadRecord] = []
        self.opened: Callable[[], SqliteCatalogue] = lambda: self.catalogue

    def articles(self, rows: Sequence[Sequence[str]], version: int, **more: Any) -> None:
        self.files.publish("articles", ["code", "price"], rows, version_to=version, **more)

    def changes(self, rows: Sequence[Sequence[str]], before: int, after: int) -> None:
        self.files.publish(
            "articles",
            ["change", "code", "price"],
            rows,
            kind="changes",
            version_from=before,
            version_to=after,
        )

    def staff(self, *numbers: int, version: int = 1) -> None:
        rows = [[str(number)] for number in numbers]
        self.files.publish("staff", ["number"], rows, version_to=version)

    def load(self, kind: str = "full", limit: float = LIMIT) -> Answer:
        loading = Loading(
            self.tables,
            self.opened,
            self.files,
            self.downloads,
            lambda _till, progress: self.told.append(progress),
            lambda _till, record: self.records.append(record),
        )
        call = Call(
            "0042",
            "01",
            {"timeout": 10.0, "kind": kind, "limit": limit},
            self.server,
            None,  # type: ignore[arg-type]
            Patience(),
            self.cancelled,
            self.clock.wall,
            self.clock.monotonic,
            lambda *_: None,
            loading=loading,
        )
        return perform("load", call)

    def rows(self, table: str = "articles") -> list[tuple[Any, ...]]:
        query = f'SELECT * FROM "{table}"'  # noqa: S608 - the test's own name
        return sorted(self.catalogue._file.execute(query).fetchall())

    def versions(self) -> dict[str, int]:
        return {name: loaded.version for name, loaded in self.catalogue.versions().items()}

    def left(self) -> list[str]:
        return sorted(path.name for path in self.downloads.glob("*"))
