"""Where the catalogue is, as till.yaml says it: a file, or a schema on the SQL Server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.problems import Problem
from engine.settings import Settings, effective
from engine.shipped import shipped_machine
from engine.store.place import OdbcPlace

GOOD = """\
shop: '0042'
till: '01'
server: {protocol: soap, url: 'http://server.example', ftp: {host: ftp.example}}
"""
WINDOWS = "kind: sqlserver, instance: 'CAISSE01\\SQLEXPRESS', name: TPV"
Load = Callable[[str], Settings]
Refusal = Callable[[str], list[Problem]]


@pytest.fixture(autouse=True)
def datasets(tmp_path: Path) -> None:
    """The file that every catalogue needs."""
    shipped = shipped_machine().with_name("datasets.yaml")
    (tmp_path / "datasets.yaml").write_bytes(shipped.read_bytes())


def test_without_a_catalogue_there_is_no_place(load: Load) -> None:
    assert load(GOOD).catalogue_place is None


def test_beside_a_file_it_is_a_file_of_its_own(load: Load, tmp_path: Path) -> None:
    settings = load(f"{GOOD}catalogue: {{datasets: datasets.yaml}}\n")
    assert settings.catalogue_place == tmp_path / "catalogue.db"
    shown = {value.key for value in effective(settings)}
    assert "catalogue.path" in shown
    assert "catalogue.schema" not in shown


@pytest.mark.parametrize(
    ("more", "schema"), [("", "tillwire_catalogue"), (", schema: shop_4", "shop_4")]
)
def test_on_sql_server_it_is_a_schema_of_its_own_in_the_same_database(
    load: Load, more: str, schema: str
) -> None:
    """Its tables may have the names that the store's have: both have offers."""
    text = f"database: {{{WINDOWS}}}\ncatalogue: {{datasets: datasets.yaml{more}}}\n"
    settings = load(GOOD + text)
    place, tickets = settings.catalogue_place, settings.database_place
    assert isinstance(place, OdbcPlace)
    assert isinstance(tickets, OdbcPlace)
    assert (place.schema, tickets.schema) == (schema, "tillwire")
    assert str(place) == str(tickets)
    shown = {value.key: value.value for value in effective(settings)}
    assert shown["catalogue.schema"] == schema
    assert "catalogue.path" not in shown


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        (
            f"database: {{{WINDOWS}}}\ncatalogue: {{datasets: datasets.yaml, schema: TillWire}}\n",
            "same-schema",
            "cannot be in one schema",
        ),
        ("catalogue: {datasets: datasets.yaml, path: ./tillwire.db}\n", "same-file", "in one file"),
    ],
)
def test_it_does_not_share_a_place_with_the_tickets(
    refusal: Refusal, text: str, code: str, what: str
) -> None:
    """Whatever the letters are that the names are written with."""
    (problem,) = refusal(GOOD + text)
    assert problem.code == code
    assert what in problem.message


def test_a_schema_of_the_databases_own_is_refused(refusal: Refusal) -> None:
    (problem,) = refusal(f"{GOOD}catalogue: {{datasets: datasets.yaml, schema: dbo}}\n")
    assert "the database's own" in problem.message
