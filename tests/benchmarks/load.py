"""1,000,000 articles of 12 columns from a zip into SQLite: the catalogue beside a bare loop.

The bare loop is what the standard library does with no care: the zip is read by csv.reader, its
rows go to executemany in one transaction, the unique index of the key is built after it, all in
a new file with the till's own settings (write-ahead log, ``synchronous=FULL``), and the log is
brought into the file by closing it. It looks at no digest, no number, no length and no count.

The catalogue verifies the zip against its size and SHA-256, checks every value and the count,
stages the rows in chunks, builds the same index, swaps, and closes. ``again`` is the same load
into a catalogue that holds the articles already and has to leave them readable.

Each runs in a process of its own; they take turns. Memory is the peak of the process over what
it had when everything was imported and the file was open.
"""

import csv
import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.catalogue.export import chunks, verify  # noqa: E402
from engine.catalogue.manifest import Export  # noqa: E402
from engine.catalogue.tables import ColumnKind, Table, TableColumn  # noqa: E402
from engine.store.catalogue_sqlite import SqliteCatalogue  # noqa: E402

ROWS = 1_000_000
ROUNDS = 3
CHUNK = 1_000
"""Rows that stay in the caches of a processor: at 10,000 the same load takes a tenth longer."""
ARTICLES = Table(
    "articles",
    (
        TableColumn("code", ColumnKind.TEXT, required=True, length=20),
        TableColumn("label", ColumnKind.TEXT, required=True, length=60),
        TableColumn("department", ColumnKind.TEXT, length=10),
        TableColumn("unit", ColumnKind.TEXT, length=4),
        TableColumn("price", ColumnKind.DECIMAL, required=True, digits=9, decimals=2),
        TableColumn("cost", ColumnKind.DECIMAL, digits=9, decimals=4),
        TableColumn("tax_rate", ColumnKind.INTEGER, required=True),
        TableColumn("stock", ColumnKind.INTEGER),
        TableColumn("weighed", ColumnKind.BOOLEAN, required=True),
        TableColumn("supplier", ColumnKind.TEXT, length=10),
        TableColumn("since", ColumnKind.DATE),
        TableColumn("changed", ColumnKind.DATETIME),
    ),
    ("code",),
)


def write_export(path: Path, rows: int) -> Export:
    """A zip of articles in a random order of codes, about 110 bytes a row."""
    random = Random(1)
    codes = random.sample(range(10**12), rows)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        archive.open("articles.csv", "w", force_zip64=True) as raw,
        io.TextIOWrapper(raw, "utf-8", newline="") as text,
    ):
        writer = csv.writer(text)
        writer.writerow(column.name for column in ARTICLES.columns)
        writer.writerows(
            (
                f"{code:013d}",
                f"Article {number} à {code % 1000} g",
                f"D{code % 40:02d}",
                "kg" if code % 7 == 0 else "pc",
                f"{code % 100_000 / 100:.2f}",
                f"{code % 1_000_000 / 10_000:.4f}" if code % 5 else "",
                code % 4,
                code % 500 if code % 11 else "",
                int(code % 7 == 0),
                f"S{code % 300:04d}",
                f"2026-{code % 12 + 1:02d}-{code % 28 + 1:02d}",
                f"2026-11-{code % 30 + 1:02d}T{code % 24:02d}:{code % 60:02d}:00",
            )
            for number, code in enumerate(codes, 1)
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Export("articles", "full", None, 1, path.name, path.stat().st_size, rows, digest)


def bare(path: Path, database: Path) -> None:
    """The loop that the catalogue is measured against."""
    types = {ColumnKind.INTEGER: "INTEGER", ColumnKind.DECIMAL: "REAL"}
    columns = ", ".join(f"{each.name} {types.get(each.kind, 'TEXT')}" for each in ARTICLES.columns)
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    with zipfile.ZipFile(path) as archive, archive.open("articles.csv") as raw:
        reader = csv.reader(io.TextIOWrapper(raw, "utf-8", newline=""))
        next(reader)
        connection.execute("BEGIN")
        connection.execute(f"CREATE TABLE articles ({columns})")
        marks = ", ".join("?" * len(ARTICLES.columns))
        connection.executemany(f"INSERT INTO articles VALUES ({marks})", reader)  # noqa: S608
        connection.execute("CREATE UNIQUE INDEX articles_key ON articles (code)")
        connection.execute("COMMIT")
    connection.close()


def ours(path: Path, catalogue: SqliteCatalogue, export: Export) -> None:
    """Everything between a downloaded zip and tables that are live."""
    verify(path, export)
    with catalogue.load(1.0) as load:
        rows = chunks(path, export, ARTICLES, CHUNK)
        load.full(ARTICLES, export.version_to, rows, lambda _: None)
        load.swap()


def peak() -> float:
    """The most megabytes that this process ever had in memory."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell a process's peak")


def one(kind: str, path: Path, database: Path, export: Export) -> dict[str, float]:
    """One load in this process: seconds, and megabytes over idle."""
    if kind == "bare":
        idle, started = peak(), perf_counter()
        bare(path, database)
        return {"seconds": perf_counter() - started, "memory": peak() - idle}
    catalogue = SqliteCatalogue.open(database, [ARTICLES])
    idle, started = peak(), perf_counter()
    ours(path, catalogue, export)
    catalogue.close()
    return {"seconds": perf_counter() - started, "memory": peak() - idle}


def measured(kind: str, path: Path, database: Path, export: Export) -> dict[str, float]:
    """One load in a process of its own."""
    told = json.dumps([export.size, export.rows, export.sha256])
    done = subprocess.run(
        [sys.executable, __file__, kind, str(path), str(database), told],
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    best: dict[str, float] = {}
    memory = 0.0
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "articles.zip"
        export = write_export(path, ROWS)
        for number in range(ROUNDS):
            for kind in ("bare", "ours", "again"):
                database = folder / f"{'bare' if kind == 'bare' else 'ours'}{number}.db"
                found = measured(kind, path, database, export)
                best[kind] = min(best.get(kind, found["seconds"]), found["seconds"])
                memory = max(memory, found["memory"] if kind != "bare" else 0.0)
                if kind != "ours":
                    database.unlink()
    return [
        {"name": "load: bare loop, 1M rows", "value": best["bare"], "unit": "s", "must": ""},
        {"name": "load: catalogue, 1M rows", "value": best["ours"], "unit": "s", "must": ""},
        {
            "name": "load: catalogue / bare loop",
            "value": best["ours"] / best["bare"],
            "unit": "",
            "must": "<= 1.3",
        },
        {
            "name": "load: catalogue again / bare loop",
            "value": best["again"] / best["bare"],
            "unit": "",
            "must": "<= 1.3",
        },
        {"name": "load: memory over idle", "value": memory, "unit": "MB", "must": "<= 60"},
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        size, rows, sha256 = json.loads(sys.argv[4])
        export = Export("articles", "full", None, 1, "articles.zip", size, rows, sha256)
        print(json.dumps(one(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), export)))
    else:
        for row in run():
            print(row)
