"""The till program's own table, as till.yaml describes it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from engine.problems import Problem
from engine.settings import Settings
from engine.store.place import OdbcPlace
from engine.store.source import SourceTable
from engine.ticket_settings import Sent, Source, Tickets, source_place

GOOD = """\
shop: '0042'
till: '01'
server: {protocol: soap, url: 'http://server.example'}
"""
SERVER = r"database: {kind: sqlserver, instance: 'CAISSE01\SQLEXPRESS', name: TPV}"
TABLE = "table: dbo.TICKETS, number: NUMERO, sent: {column: ENVOYE, value: 1}"
MARKED = "The mark cannot be ENVOYE: tillwire changes it, and that column is part of the ticket."
Load = Callable[[str], Settings]
Refusal = Callable[[str], list[Problem]]


def source(load: Load, text: str, more: str = "") -> Source:
    found = load(f"{GOOD}{more}tickets: {{source: {{{text}}}}}\n").tickets.source
    assert found is not None
    return found


def test_without_it_tickets_come_by_the_api_alone(load: Load) -> None:
    assert load(GOOD).tickets.source is None


def test_it_describes_a_table(load: Load) -> None:
    found = source(load, f"{TABLE}, payload: CONTENU, till: CAISSE, first: 1000, interval: 2s")
    assert found.described() == SourceTable(
        ("dbo", "TICKETS"), "NUMERO", "CONTENU", (), "CAISSE", "ENVOYE", 1, 1000
    )
    assert found.interval == 2.0


def test_the_table_is_in_tillwires_own_database_unless_it_says_another(
    load: Load, tmp_path: Path
) -> None:
    settings = load(f"{GOOD}{SERVER}\ntickets: {{source: {{{TABLE}, payload: P}}}}\n")
    assert settings.tickets.source is not None
    place = source_place(settings.tickets.source, settings.database, tmp_path)
    assert isinstance(place, OdbcPlace)
    assert str(place) == r"TPV on CAISSE01\SQLEXPRESS"
    other = source(load, f"{TABLE}, payload: P, database: {{path: shop.db}}", f"{SERVER}\n")
    assert source_place(other, settings.database, tmp_path) == tmp_path / "shop.db"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TABLE, "Give either 'payload' or 'columns': what the ticket consists of."),
        (
            f"{TABLE}, payload: P, columns: [A]",
            "Give either 'payload' or 'columns': what the ticket consists of.",
        ),
        (f"{TABLE}, columns: [A, B, A]", "'columns' names A more than once."),
        (
            f"{TABLE}, columns: [A, ENVOYE]",
            MARKED,
        ),
        (f"{TABLE}, payload: 'P]; DROP TABLE T'", "A name cannot have the character ']'."),
        (
            "table: a.b.c.d, number: N, payload: P, sent: {column: S, value: 1}",
            "A table is named as in TICKETS, dbo.TICKETS or base.dbo.TICKETS.",
        ),
        (
            "table: 'dbo.', number: N, payload: P, sent: {column: S, value: 1}",
            "A name has 1 to 128 characters.",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(
    refusal: Refusal, text: str, said: str
) -> None:
    problems = refusal(f"{GOOD}tickets: {{source: {{{text}}}}}\n")
    assert [(problem.line, problem.message) for problem in problems] == [(4, said)]


def test_several_tills_need_a_column_that_says_whose_a_ticket_is(refusal: Refusal) -> None:
    text = GOOD.replace("till: '01'", "tills: ['01', '02']")
    problems = refusal(f"{text}tickets: {{source: {{{TABLE}, payload: P}}}}\n")
    assert problems[0].message == (
        "With several tills, tickets.source needs 'till': whose a ticket is."
    )


def test_tills_that_sql_server_takes_for_one_are_refused_where_it_has_the_tickets(
    load: Load, refusal: Refusal
) -> None:
    """One's ticket would be sent as the other's, and marked. SQLite tells them apart."""
    text = GOOD.replace("till: '01'", "tills: [a1, A1]")
    asked = f"tickets: {{source: {{{TABLE}, payload: P, till: CAISSE}}}}\n"
    assert load(text + asked).tills == ("a1", "A1")
    assert refusal(f"{text}{SERVER}\n{asked}")[0].message == (
        "'tills' has ids that differ from a1 in capitals alone: SQL Server, where tickets.source "
        "is, takes them for one till."
    )


@pytest.mark.parametrize("model", [Tickets, Source, Sent])
def test_every_key_says_what_it_means(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.rstrip().endswith("."), name
