"""Both dialects hold the same statements, and each is one that its database can parse."""

import re

import pytest
import sqlglot
from sqlglot import exp

from engine.store.queries import load

SQLITE, SQL_SERVER = load("sqlite"), load("sqlserver")
REPLACED = {"migration_1_tickets_not_replaced", "migration_1_payloads_not_replaced"}
"""SQLite can be told to replace a row that is there; SQL Server's keys refuse a second one."""


def test_both_dialects_have_the_same_names_in_the_same_order() -> None:
    assert [name for name in SQLITE.text if name not in REPLACED] == list(SQL_SERVER.text)


@pytest.mark.parametrize("name", SQL_SERVER.text)
def test_a_name_takes_as_many_parameters_in_both(name: str) -> None:
    """Their order cannot be seen in the text: the suite of the store runs each on a database.

    What SQLite finds in the rows of a JSON array are parameters elsewhere.
    """
    columns = re.findall(r"json_extract\(value, '\$\[(\d)\]'\)", SQLITE[name])
    assert columns == [str(place) for place in range(len(columns))]
    assert SQL_SERVER[name].count("?") == (len(columns) or SQLITE[name].count("?"))


@pytest.mark.parametrize("name", SQL_SERVER.text)
def test_each_statement_parses_as_t_sql(name: str) -> None:
    """As what it is, and not as something that the grammar passes on unread."""
    parsed = sqlglot.parse_one(SQL_SERVER[name], dialect="tsql")
    body = parsed.expression if isinstance(parsed, exp.Create) else parsed
    assert not isinstance(body, exp.Command)


@pytest.mark.parametrize("name", SQL_SERVER.text)
def test_nothing_is_said_that_older_or_other_servers_lack(name: str) -> None:
    """No MERGE, no hints, no CREATE OR ALTER; and every table is in the schema of its own."""
    text = SQL_SERVER[name].upper()
    for word in ("MERGE", "UPDLOCK", "HOLDLOCK", "READPAST", "NOLOCK", "OR ALTER", "LIMIT"):
        assert not re.search(rf"\b{word}\b", text)
    text = re.sub(r"AFTER (UPDATE|DELETE|INSERT) AS", "", text)
    tables = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|ON) (\w+)\b(?!\.)(?!\()", text)
    assert set(tables) <= {"DELETED", "INSERTED", "OPENJSON"}


def test_another_schema_takes_the_place_of_the_usual_one() -> None:
    """In names and in the texts that hold names; the tables keep theirs."""
    there = load("sqlserver", "caisse_1")
    assert "N'[caisse_1].tillwire_schema'" in there["schema_exists"]
    assert "INSERT INTO [caisse_1].tillwire_schema" in there["schema_reached"]
    assert not [name for name, text in there.text.items() if "tillwire." in text]
    assert there["journal_head"] == "SELECT seq, hash FROM [caisse_1].journal_head WHERE one = 1"


def test_sqlite_has_no_schemas() -> None:
    assert load("sqlite", "caisse_1") == SQLITE
