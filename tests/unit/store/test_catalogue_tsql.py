"""The catalogue's statements for SQL Server: each parses, each name is quoted and declared."""

import json
import re

import pytest
import sqlglot
from sqlglot import exp

from engine.catalogue.datasets import load_datasets
from engine.catalogue.tables import ColumnKind, Table, TableColumn
from engine.shipped import shipped_machine
from engine.store.catalogue_tsql import Statements, encoded
from engine.store.queries import load

FIXED = load("catalogue_sqlserver")
SHOP = load_datasets(shipped_machine().with_name("datasets.yaml"))
SQL = Statements("caisse_1")
FLAT = Table(
    "links",
    (
        TableColumn("shop", ColumnKind.INTEGER, required=True),
        TableColumn("since", ColumnKind.DATETIME, required=True),
    ),
    ("shop", "since"),
)
ALL_KINDS = Table(
    "kinds",
    (
        TableColumn("code", ColumnKind.TEXT, required=True, length=20),
        TableColumn("label", ColumnKind.TEXT),
        TableColumn("price", ColumnKind.DECIMAL, digits=9, decimals=2),
        TableColumn("stock", ColumnKind.INTEGER),
        TableColumn("sold", ColumnKind.BOOLEAN),
        TableColumn("since", ColumnKind.DATE),
        TableColumn("at", ColumnKind.DATETIME, required=True),
    ),
    ("code",),
    (("stock", "since"),),
)


def made(table: Table) -> list[str]:
    """Every statement that is made of a table."""
    new, old = "tillwire_new_7", "tillwire_old_8"
    return [
        SQL.create(table, new),
        *SQL.insert(table, new),
        SQL.create_key(table, new, 7),
        SQL.forget_rows(new),
        *SQL.create_indexes(table, new, 7),
        SQL.duplicate(table, new),
        SQL.key_of(table, new),
        SQL.create_changes(table, new),
        *SQL.insert_changes(table, new),
        SQL.create_order(table, new, 7),
        SQL.keep_last(table, new),
        SQL.delete(table, table.name, new),
        *filter(None, [SQL.update(table, table.name, new)]),
        SQL.add(table, table.name, new),
        SQL.rename(table.name, old),
        SQL.delete_some(old, 2000),
        SQL.drop_table(old),
    ]


@pytest.mark.parametrize("name", FIXED.text)
def test_each_named_statement_parses_as_t_sql(name: str) -> None:
    """As what it is, and not as something that the grammar passes on unread."""
    assert not isinstance(sqlglot.parse_one(FIXED[name], dialect="tsql"), exp.Command)


@pytest.mark.parametrize("table", [*SHOP, FLAT, ALL_KINDS], ids=lambda table: table.name)
def test_each_statement_made_of_a_table_parses_as_t_sql(table: Table) -> None:
    """Whatever its key, with and without indexes, of all kinds of columns."""
    for statement in made(table):
        for parsed in sqlglot.parse(statement, dialect="tsql"):
            assert not isinstance(parsed, exp.Command), statement


def test_nothing_is_said_that_older_or_other_servers_lack() -> None:
    """Neither MERGE nor hints; and every table is in the schema of its own, with quotes."""
    every = [*FIXED.text.values(), *(each for table in SHOP for each in made(table))]
    for text in every:
        for word in ("MERGE", "UPDLOCK", "HOLDLOCK", "READPAST", "NOLOCK", "TABLOCK", "LIMIT"):
            assert not re.search(rf"\b{word}\b", text)
    for statement in made(ALL_KINDS):
        assert statement.count("[caisse_1].") >= 1
        quoted = re.sub(r"\[[a-z0-9_]+\]", "", statement)
        assert not re.search(r"\b(code|label|kinds|tillwire_\w+)\b(?!')", quoted), statement


def test_columns_have_the_types_of_what_stands_in_them() -> None:
    assert SQL.create(ALL_KINDS, "tillwire_new_1") == (
        "CREATE TABLE [caisse_1].[tillwire_new_1] ([tillwire_row] BIGINT NOT NULL, "
        "[code] NVARCHAR(20) NOT NULL, [label] NVARCHAR(MAX) NULL, [price] DECIMAL(9, 2) NULL, "
        "[stock] BIGINT NULL, [sold] BIT NULL, [since] DATE NULL, [at] DATETIME2(0) NOT NULL)"
    )


def test_rows_are_one_parameter_that_counts_them() -> None:
    """So a statement is as long for a thousand rows as for one, whatever stands in them."""
    text = encoded([(2001, "é'\"]", None, "12.50", 2**63 - 1, True)])
    assert json.loads(text) == [[2001, "é'\"]", None, "12.50", 2**63 - 1, True]]
    assert SQL.insert(ALL_KINDS, "tillwire_new_1").many.count("?") == 1
    assert SQL.insert(ALL_KINDS, "tillwire_new_1").one.count("?") == 1 + len(ALL_KINDS.columns)


def test_no_name_but_a_declared_one_comes_into_a_statement() -> None:
    """The check of datasets.yaml refuses others; here they are refused once more."""
    for name in ("a]", "a'b", "", "Articles", "a b", "x" * 61):
        with pytest.raises(ValueError, match="is no name of"):
            SQL.rename("articles", name)
        with pytest.raises(ValueError, match="is no name of"):
            SQL.drop_table(name)
    for schema in ("a]b", "a.b", "", "1a", "x" * 64):
        with pytest.raises(ValueError, match="no name of a schema"):
            Statements(schema)
