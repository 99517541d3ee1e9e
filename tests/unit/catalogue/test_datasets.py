"""datasets.yaml: one bad file, one exact report; what a good one means."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine.catalogue.datasets import load_datasets
from engine.catalogue.reserved import RESERVED
from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.definition.reader import read
from engine.definition.report import report
from engine.lab.goods import GOODS
from engine.problems import Refused
from engine.shipped import shipped_machine

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
SOURCE = HERE.parents[2] / "engine" / "catalogue" / "datasets.py"


def refusal(path: Path) -> str:
    """The report on a bad file, under its bare name."""
    with pytest.raises(Refused) as raised:
        load_datasets(read(path.read_text(encoding="utf-8"), path.name, patient=True))
    return report(raised.value.problems) + "\n"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_gets_exactly_its_report(path: Path) -> None:
    """Place, message, code, line, mark and hint are those beside the file."""
    assert refusal(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_every_code_of_the_source_has_a_bad_file() -> None:
    """A problem that the check of datasets can report is shown by a file."""
    reports = "".join(path.read_text(encoding="utf-8") for path in (HERE / "bad").glob("*.txt"))
    shown = set(re.findall(r"\[([a-z-]+)\]$", reports, re.MULTILINE))
    text = SOURCE.read_text(encoding="utf-8")
    written = set(re.findall(r'(?:_say|problem)\(\s*"([a-z-]+)"', text))

    assert len(written) >= 6
    assert written <= shown


def test_a_file_that_is_not_there_is_told() -> None:
    """As for every other file of ours."""
    with pytest.raises(Refused, match="cannot be read"):
        load_datasets("nowhere/datasets.yaml")


TEXT = """\
datasets:
  prices:
    columns:
      article: {type: text, length: 20}
      level: integer
      price: {type: decimal, digits: 9, decimals: 2, required: true}
      cost: {type: decimal, decimals: 0}
      name: text
    key: [article, level]
    indexes: [[level, price], cost]
    delimiter: tab
    decimal_mark: comma
    dates: french
"""


def loaded(text: str) -> tuple[Table, ...]:
    """The tables of a text."""
    return load_datasets(read(text, "datasets.yaml"))


def test_a_table_is_what_the_file_says() -> None:
    """Columns of the key are required; short forms mean the long ones."""
    assert loaded(TEXT) == (
        Table(
            "prices",
            (
                TableColumn("article", ColumnKind.TEXT, required=True, length=20),
                TableColumn("level", ColumnKind.INTEGER, required=True),
                TableColumn("price", ColumnKind.DECIMAL, required=True, digits=9, decimals=2),
                TableColumn("cost", ColumnKind.DECIMAL, digits=15),
                TableColumn("name", ColumnKind.TEXT),
            ),
            ("article", "level"),
            (("level", "price"), ("cost",)),
            "\t",
            ",",
            "french",
        ),
    )


def test_the_shape_is_that_of_the_table_alone() -> None:
    """Another name, column, bound, key or index is another shape; another sign in the file not."""
    (table,) = loaded(TEXT)
    first, *others = table.columns
    changed = [
        replace(table, name="other"),
        replace(table, columns=tuple(others)),
        replace(table, columns=(*others, first)),
        replace(table, columns=(replace(first, length=21), *others)),
        replace(table, columns=(replace(first, required=False), *others)),
        replace(table, columns=(replace(first, kind=ColumnKind.DATE), *others)),
        replace(table, key=("article",)),
        replace(table, indexes=()),
    ]
    shapes = {table.shape, *[each.shape for each in changed]}

    assert len(shapes) == len(changed) + 1
    assert replace(table, delimiter=",", decimal_mark=".", dates="iso").shape == table.shape
    assert re.fullmatch("[0-9a-f]{64}", table.shape)


def test_the_example_is_a_shop() -> None:
    """Articles have twelve columns; the lab sells the same things."""
    tables = load_datasets(shipped_machine("datasets"))

    assert [table.name for table in tables] == [*GOODS]
    assert len(tables[0].columns) == 12
    for table in tables:
        assert tuple(column.name for column in table.columns) == GOODS[table.name].columns
        assert table.key == GOODS[table.name].columns[: GOODS[table.name].key]


def test_words_of_sql_are_small() -> None:
    """As names are, or they would not be found among them."""
    assert all(re.fullmatch("[a-z_]+", word) for word in RESERVED)
    assert {"select", "table", "order", "user", "percent", "limit"} <= RESERVED
