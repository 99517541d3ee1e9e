"""datasets.yaml: which tables the catalogue has. Only names declared there ever reach SQL."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine.catalogue.names import unfit_name
from engine.catalogue.tables import ColumnKind, Dates, Table, TableColumn
from engine.definition.model import Part, as_list, as_tuple
from engine.definition.reader import Document, Loc, in_order, read_file
from engine.definition.salvage import Salvaged, salvage
from engine.problems import Problem, Refused, did_you_mean

__all__ = ["ColumnKind", "Table", "TableColumn", "load_datasets"]

MOST_DATASETS = 100
MOST_COLUMNS = 200
MOST_INDEXES = 10
LONGEST_TEXT = 4000
LONGEST_KEY_TEXT = 200
LONGEST_INDEX = 400
"""Characters of the texts of a key or an index together: SQL Server takes no more than 900 bytes
in a key."""
MOST_DIGITS = 15
"""Digits of a decimal: so many go through a floating-point number unchanged."""

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_MARKS = {"point": ".", "comma": ","}

Type = Literal["text", "integer", "decimal", "boolean", "date", "datetime"]


def _names(raw: Any) -> Any:
    return as_tuple(as_list(raw))


def _lists_of_names(raw: Any) -> Any:
    return tuple(_names(each) for each in raw) if isinstance(raw, list) else raw


def _short_form(raw: Any) -> Any:
    return {"type": raw} if isinstance(raw, str) else raw


Names = Annotated[
    tuple[str, ...], BeforeValidator(_names, json_schema_input_type=str | tuple[str, ...])
]


class Column(Part):
    """A column of a dataset. A bare type is the short form of one without anything else."""

    type: Type = Field(
        description="What stands in it: text, integer, decimal, boolean, date or datetime."
    )
    required: bool = Field(
        False, description="Whether an empty field is refused. Columns of the key always are."
    )
    length: int | None = Field(
        None, ge=1, le=LONGEST_TEXT, description="Of a text: the most characters.", examples=[80]
    )
    digits: int | None = Field(
        None,
        ge=1,
        le=MOST_DIGITS,
        description="Of a decimal: digits in total. 15 without it.",
        examples=[10],
    )
    decimals: int | None = Field(
        None,
        ge=0,
        le=MOST_DIGITS,
        description="Of a decimal: digits behind the point.",
        examples=[2],
    )
    about: str = Field(
        "", description="What it is, for people.", examples=["As the cashier reads it."]
    )


class Dataset(Part):
    """A dataset: one table of the catalogue, and how its files are written."""

    about: str = Field("", description="What is in it, for people.", examples=["What is sold."])
    columns: dict[
        str, Annotated[Column, BeforeValidator(_short_form, json_schema_input_type=Type | Column)]
    ] = Field(
        description="The columns by name, in the order of the table.",
        examples=[{"code": {"type": "text", "length": 20}}],
    )
    key: Names = Field(
        description="The column or columns that tell one row from another.", examples=["code"]
    )
    indexes: Annotated[tuple[Names, ...], BeforeValidator(_lists_of_names)] = Field(
        (),
        description="Columns that the till program looks rows up by: a list of lists.",
        examples=[[["family", "name"]]],
    )
    delimiter: Literal["comma", "semicolon", "tab", "pipe"] = Field(
        "comma", description="What stands between the fields of a line."
    )
    decimal_mark: Literal["point", "comma"] = Field(
        "point", description="What stands before the decimals."
    )
    dates: Dates = Field(
        "iso",
        description="How dates are written: iso (2026-11-24), french (24/11/2026) or "
        "compact (20261124).",
    )


class Datasets(Part):
    """A datasets.yaml file."""

    datasets: dict[str, Dataset] = Field(
        description="The datasets by name.",
        examples=[{"units": {"columns": {"code": "integer"}, "key": "code"}}],
    )


def load_datasets(source: str | Path | Document) -> tuple[Table, ...]:
    """Read datasets.yaml. Raises :class:`Refused` with every problem of the file."""
    document = source if isinstance(source, Document) else read_file(Path(source), patient=True)
    rest = salvage(document, Datasets)
    problems = [*rest.problems]
    if rest.model is not None:
        problems += _Check(document, rest).problems()
    if rest.model is None or problems:
        raise Refused(in_order(problems))
    return tuple(_table(name, each) for name, each in rest.model.datasets.items())


def _table(name: str, dataset: Dataset) -> Table:
    return Table(
        name,
        tuple(_column(key, each, key in dataset.key) for key, each in dataset.columns.items()),
        dataset.key,
        dataset.indexes,
        _DELIMITERS[dataset.delimiter],
        _MARKS[dataset.decimal_mark],
        dataset.dates,
    )


def _column(name: str, column: Column, in_key: bool) -> TableColumn:
    decimal = column.type == "decimal"
    return TableColumn(
        name,
        ColumnKind(column.type),
        column.required or in_key,
        column.length,
        (column.digits or MOST_DIGITS) if decimal else 0,
        (column.decimals or 0) if decimal else 0,
    )


class _Check:
    """What pydantic cannot tell: names, and what does not go together."""

    def __init__(self, document: Document, rest: Salvaged[Datasets]) -> None:
        self.written = document
        self.document = rest.document
        self.datasets = rest.model.datasets if rest.model else {}
        self.found: list[Problem] = []

    def problems(self) -> list[Problem]:
        """All of them, in no order."""
        written = self._written("datasets")
        if not written:
            self._say("value", ("datasets",), "There is no dataset.", "Declare one at least.")
        if len(written) > MOST_DATASETS:
            message = f"There are {len(written)} datasets; at most {MOST_DATASETS}."
            self._say("value", ("datasets",), message, key=True)
        for name in written:
            self._name(("datasets", name), name, "dataset")
        for name, dataset in self.datasets.items():
            self._dataset(name, dataset)
        return self.found

    def _say(self, code: str, loc: Loc, message: str, hint: str = "", key: bool = False) -> None:
        self.found.append(self.document.problem(code, loc, message, hint, key))

    def _written(self, *loc: str) -> Mapping[str, Any]:
        """The mapping as it stands in the file, with what was refused of it."""
        data = self.written.data
        for step in loc:
            data = data.get(step) if isinstance(data, Mapping) else None
        return data if isinstance(data, Mapping) else {}

    def _name(self, loc: Loc, name: str, what: str) -> None:
        message, hint = unfit_name(name, what)
        if message:
            self.found.append(self.written.problem("name", loc, message, hint, key=True))

    def _dataset(self, name: str, dataset: Dataset) -> None:
        loc = ("datasets", name)
        columns = self._written(*loc, "columns")
        for each in columns:
            self._name((*loc, "columns", each), each, "column")
        if not columns and not dataset.columns:
            self._say("value", (*loc, "columns"), "A dataset has one column at least.")
        if len(columns) > MOST_COLUMNS:
            message = f"There are {len(columns)} columns; at most {MOST_COLUMNS}."
            self._say("value", (*loc, "columns"), message, key=True)
        for each, column in dataset.columns.items():
            self._column((*loc, "columns", each), column)
        self._key(loc, dataset, columns)
        self._indexes(loc, dataset, columns)

    def _column(self, loc: tuple[str, ...], column: Column) -> None:
        kind = column.type
        for field, belongs in (("length", "text"), ("digits", "decimal"), ("decimals", "decimal")):
            if kind != belongs and getattr(column, field) is not None:
                message = f"'{field}' goes with {belongs}, not with {kind}."
                self._say("column", (*loc, field), message, "Delete it.", key=True)
        if kind == "decimal":
            digits, decimals = column.digits or MOST_DIGITS, column.decimals
            if decimals is None and "decimals" not in self._written(*loc):
                message = "A decimal needs 'decimals': its digits behind the point."
                self._say("column", loc, message, "Write decimals: 2, say.")
            elif decimals is not None and decimals > digits:
                message = f"A decimal of {digits} digits cannot have {decimals} decimals."
                hint = "'digits' counts all digits, those behind the point too."
                self._say("column", (*loc, "decimals"), message, hint)

    def _key(self, loc: Loc, dataset: Dataset, columns: Mapping[str, Any]) -> None:
        where = (*loc, "key")
        if not dataset.key:
            self._say("key", where, "A key has one column at least.")
        self._known((*loc, "key"), dataset.key, columns)
        for name in dict.fromkeys(dataset.key):
            column, at = dataset.columns.get(name), (*loc, "columns", name)
            written = columns.get(name)
            if column is None:
                continue
            if isinstance(written, Mapping) and written.get("required") is False:
                message = f"'{name}' belongs to the key, so it cannot be empty."
                self._say("key", (*at, "required"), message, "Delete 'required: false'.")
            if column.type == "text" and (column.length or LONGEST_TEXT) > LONGEST_KEY_TEXT:
                message = f"A text in the key has a length, of at most {LONGEST_KEY_TEXT}."
                self._say("key", (*at, "length"), message, "Write {type: text, length: 20}, say.")
        self._length(where, dataset.key, dataset)

    def _indexes(self, loc: Loc, dataset: Dataset, columns: Mapping[str, Any]) -> None:
        if len(dataset.indexes) > MOST_INDEXES:
            message = f"There are {len(dataset.indexes)} indexes; at most {MOST_INDEXES}."
            self._say("index", (*loc, "indexes"), message, key=True)
        for at, index in enumerate(dataset.indexes):
            where = (*loc, "indexes", at)
            if not index:
                self._say("index", where, "An index has one column at least.")
            elif index == dataset.key:
                self._say("index", where, "The key is an index already.", "Delete this one.")
            elif index in dataset.indexes[:at]:
                self._say("index", where, "This index stands here twice.", "Delete one of them.")
            self._known(where, index, columns)
            for name in index:
                column = dataset.columns.get(name)
                if column and column.type == "text" and column.length is None:
                    message = f"'{name}' is in an index, so it needs a length."
                    self._say("index", (*loc, "columns", name), message, "Write length: 80, say.")
            self._length(where, index, dataset)

    def _known(self, loc: Loc, names: Sequence[str], columns: Mapping[str, Any]) -> None:
        for at, name in enumerate(names):
            if columns and name not in columns:
                message = f"There is no column '{name}'."
                self._say("unknown-column", (*loc, at), message, did_you_mean(name, columns))
            elif name in names[:at]:
                self._say(
                    "key" if loc[-1] == "key" else "index",
                    (*loc, at),
                    f"'{name}' stands here twice.",
                )

    def _length(self, loc: Loc, names: Sequence[str], dataset: Dataset) -> None:
        found = [dataset.columns[name] for name in dict.fromkeys(names) if name in dataset.columns]
        length = sum(column.length or 0 for column in found if column.type == "text")
        if (len(found) > 1 and length > LONGEST_INDEX) or length > LONGEST_INDEX:
            message = f"The texts here have {length} characters together; at most {LONGEST_INDEX}."
            self._say("index", loc, message, "Give them a shorter length, or leave one out.")
