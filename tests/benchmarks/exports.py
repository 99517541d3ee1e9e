"""What the checks of an export cost: its rows from ``chunks`` beside csv.reader and tuple alone.

200,000 articles of the lab's shop, 12 columns in a zip: texts with bounds, decimals, integers,
truth values and dates, a third of the fields of five columns empty. The bare loop unpacks the
same zip by the standard library, makes lists of as many tuples of texts, and looks at nothing.
Time is that of the processor; the two take turns, and each counts by its fastest round.
"""

import csv
import io
import sys
import zipfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from engine.catalogue.datasets import load_datasets
from engine.catalogue.export import chunks, verify
from engine.catalogue.manifest import Export
from engine.catalogue.tables import Table
from engine.lab.exports import write_export
from engine.lab.goods import GOODS
from engine.shipped import shipped_machine

ROWS, ROUNDS, CHUNK = 200_000, 9, 1_000


def _bare(path: Path) -> int:
    count = 0
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as raw:
        reader = csv.reader(io.TextIOWrapper(raw, "utf-8", newline=""))
        next(reader)
        while rows := [tuple(row) for row in islice(reader, CHUNK)]:
            count += len(rows)
    return count


def _checked(path: Path, export: Export, table: Table) -> int:
    return sum(len(rows) for rows in chunks(path, export, table, CHUNK))


def _seconds(work: Callable[[], int]) -> float:
    begun = process_time()
    assert work() == ROWS
    return process_time() - begun


def run() -> list[dict[str, Any]]:
    """Microseconds of a row, checked and bare, their ratio, and the speed of the digest."""
    table = next(
        each for each in load_datasets(shipped_machine("datasets")) if each.name == "articles"
    )
    with TemporaryDirectory() as folder:
        entry = write_export(Path(folder), "articles", GOODS["articles"].rows(ROWS))
        export = Export(**entry)
        path = Path(folder) / export.file
        bare, checked, whole = [], [], []
        for _ in range(ROUNDS):
            bare.append(_seconds(lambda: _bare(path)))
            checked.append(_seconds(lambda: _checked(path, export, table)))
            begun = process_time()
            verify(path, export)
            whole.append(process_time() - begun)
    each = 1e6 / ROWS
    name = "export of 12 columns"
    speed = export.size / min(whole) / 1e6
    return [
        {
            "name": f"{name}: csv.reader and tuple",
            "value": min(bare) * each,
            "unit": "µs/row",
            "must": "",
        },
        {"name": f"{name}: chunks", "value": min(checked) * each, "unit": "µs/row", "must": ""},
        {
            "name": f"{name}: chunks / bare",
            "value": min(checked) / min(bare),
            "unit": "",
            "must": "<= 1.6",
        },
        {"name": f"{name}: verify", "value": speed, "unit": "MB/s", "must": ">= 100"},
    ]


if __name__ == "__main__":
    for row in run():
        sys.stdout.write(f"{row['name']:<52} {row['value']:>8.3f} {row['unit']:<6} {row['must']}\n")
