"""1,000,000 articles of 12 columns from a zip into SQLite: the catalogue beside a bare loop.

The bare loop is what the standard library does with no care: the zip is read by csv.reader, its
rows go to executemany in one transaction, the unique index of the key is built after it, all in
a new file with the till's own settings (write-ahead log, ``synchronous=FULL``), and the log is
brought into the file by closing it. It looks at no digest, no number, no length and no count.

The catalogue verifies the zip against its size and SHA-256, checks every value and the count,
stages the rows in chunks, builds the same index, swaps, and closes. ``again`` is the same load
into a catalogue that holds the articles already and has to leave them readable.

Each runs in a process of its own; they take turns, and the best of each counts. Memory is the
peak of the process over what it had when everything was imported and the file was open.
"""

import csv
import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.catalogue.datasets import load_datasets  # noqa: E402
from engine.catalogue.export import chunks, verify  # noqa: E402
from engine.catalogue.manifest import Export  # noqa: E402
from engine.catalogue.tables import ColumnKind  # noqa: E402
from engine.store.catalogue_sqlite import SqliteCatalogue  # noqa: E402

ROWS = 1_000_000
ROUNDS = 3
SHOP = load_datasets(ROOT / "machines" / "datasets.yaml")
ARTICLES = replace(next(each for each in SHOP if each.name == "articles"), indexes=())
"""The articles of the shop that the product shows, with their key and no other index."""


def write_export(path: Path, rows: int) -> Export:
    """A zip of articles in a random order of codes, about 100 bytes a row."""
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
                f"Art. {number}",
                f"Family {code % 40}",
                f"Brand {code % 300}" if code % 5 else "",
                "kg" if code % 7 == 0 else "piece",
                f"{code % 100_000 / 100:.2f}",
                f"{code % 1_000_000 / 10_000:.4f}" if code % 3 else "",
                code % 4,
                code % 24 + 1 if code % 11 else "",
                int(code % 13 != 0),
                f"2026-{code % 12 + 1:02d}-{code % 28 + 1:02d}",
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
        rows = chunks(path, export, ARTICLES)
        load.full(ARTICLES, export.version_to, rows, lambda _: None)
        load.swap()


def peak() -> float:
    """The most megabytes that this process ever had in memory."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell a process's peak")


def one(kind: str, path: Path, database: Path, export: Export) -> dict[str, float]:
    """One load in this process: seconds, those of the processor, and megabytes over idle."""
    catalogue = None if kind == "bare" else SqliteCatalogue.open(database, [ARTICLES])
    idle, started, worked = peak(), perf_counter(), process_time()
    if catalogue is None:
        bare(path, database)
    else:
        ours(path, catalogue, export)
        catalogue.close()
    return {
        "seconds": perf_counter() - started,
        "processor": process_time() - worked,
        "memory": peak() - idle,
    }


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
    found: dict[str, list[dict[str, float]]] = {"bare": [], "ours": [], "again": []}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "articles.zip"
        export = write_export(path, ROWS)
        for _ in range(ROUNDS):
            for kind, each in found.items():
                database = folder / ("bare.db" if kind == "bare" else "catalogue.db")
                each.append(measured(kind, path, database, export))
                if kind != "ours":
                    database.unlink()
    best = {kind: min(one["seconds"] for one in each) for kind, each in found.items()}
    worked = {kind: min(one["processor"] for one in each) for kind, each in found.items()}
    memory = max(one["memory"] for one in found["ours"] + found["again"])
    ratios = [
        ("load: catalogue / bare loop", best["ours"] / best["bare"]),
        ("load: catalogue again / bare loop", best["again"] / best["bare"]),
        ("load: processor time, catalogue / bare loop", worked["ours"] / worked["bare"]),
    ]
    return [
        {"name": "load: bare loop, 1M rows", "value": best["bare"], "unit": "s", "must": ""},
        {"name": "load: catalogue, 1M rows", "value": best["ours"], "unit": "s", "must": ""},
        *({"name": name, "value": value, "unit": "", "must": "<= 1.3"} for name, value in ratios),
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
