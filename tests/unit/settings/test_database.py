"""Where the database is, as till.yaml says it: a file, or a schema on an SQL Server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.database_settings import Database
from engine.problems import Problem
from engine.settings import Settings, effective
from engine.store.errors import StoreError
from engine.store.place import OdbcPlace

GOOD = """\
shop: '0042'
till: '01'
server: {protocol: soap, url: 'http://server.example'}
"""
WINDOWS = "instance: 'CAISSE01\\SQLEXPRESS', name: TPV"
SQL = f"{WINDOWS}, authentication: sql, user: tillwire, password: '${{env:PW}}'"
Load = Callable[[str], Settings]
Refusal = Callable[[str], list[Problem]]


def test_a_database_on_sql_server_has_a_place_with_a_name(load: Load) -> None:
    """The place says which database it is, and nothing that is secret."""
    place = load(f"{GOOD}database: {{kind: sqlserver, {WINDOWS}}}\n").database_place
    assert isinstance(place, OdbcPlace)
    assert str(place) == r"TPV on CAISSE01\SQLEXPRESS"
    assert (place.dialect.name, place.schema) == ("sqlserver", "tillwire")
    assert (place.login_timeout, place.query_timeout, place.lock_timeout) == (10.0, 20.0, 5.0)


def test_times_and_schema_are_those_of_the_file(load: Load) -> None:
    text = f"{WINDOWS}, schema: caisse_1, login_timeout: 3s, query_timeout: 1min, lock_timeout: 1s"
    place = load(f"{GOOD}database: {{kind: sqlserver, {text}}}\n").database_place
    assert isinstance(place, OdbcPlace)
    assert place.schema == "caisse_1"
    assert (place.login_timeout, place.query_timeout, place.lock_timeout) == (3.0, 60.0, 1.0)


def test_a_file_has_its_whole_path(load: Load, tmp_path: Path) -> None:
    assert load(GOOD).database_place == tmp_path / "tillwire.db"


def test_only_the_keys_of_its_kind_are_shown(load: Load) -> None:
    """A file has no instance, and an SQL Server no path; the password is its reference."""
    file = {value.key for value in effective(load(GOOD)) if value.key.startswith("database.")}
    assert file == {"database.kind", "database.path"}
    settings = load(f"{GOOD}database: {{kind: sqlserver, {SQL}}}\n")
    server = {value.key: value.value for value in effective(settings)}
    assert "database.path" not in server
    assert server["database.password"] == "${env:PW}"
    assert server["database.schema"] == "tillwire"
    assert server["database.lock_timeout"] == "5s"


@pytest.mark.parametrize(("said", "kept"), [("true", "yes"), ("false", "no"), ("strict", "strict")])
def test_encryption_may_be_said_with_yes_and_no(load: Load, said: str, kept: str) -> None:
    database = load(f"{GOOD}database: {{kind: sqlserver, {WINDOWS}, encrypt: {said}}}\n").database
    assert database.encrypt == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: sqlserver", "With kind: sqlserver, 'instance' is needed."),
        ("kind: sqlserver, instance: X", "With kind: sqlserver, 'name' is needed."),
        (
            f"kind: sqlserver, {WINDOWS}, path: a.db",
            "'path' belongs to kind: sqlite, and this is kind: sqlserver.",
        ),
        ("schema: x", "'schema' belongs to kind: sqlserver, and this is kind: sqlite."),
        (
            f"kind: sqlserver, {WINDOWS}, authentication: sql, user: u",
            "With authentication: sql, both user and password are needed.",
        ),
        (
            f"kind: sqlserver, {WINDOWS}, user: u",
            "User and password belong to authentication: sql.",
        ),
        (
            f"kind: sqlserver, {WINDOWS}, encrypt: no, trust_server_certificate: true",
            "Without encryption there is no certificate to trust.",
        ),
        (
            f"kind: sqlserver, {WINDOWS}, lock_timeout: 20s",
            "Lock_timeout must be shorter than query_timeout.",
        ),
        (
            f"kind: sqlserver, {WINDOWS}, schema: dbo",
            "'dbo' is the database's own: tillwire's tables get another schema.",
        ),
        (
            f"kind: sqlserver, {WINDOWS}, schema: 'a b'",
            "A schema has letters a to z, digits and '_' only, 63 at most.",
        ),
        (
            "kind: sqlserver, name: TPV, instance: 'x;UID=sa'",
            "This cannot have the character ';'.",
        ),
        (
            "kind: sqlserver, name: TPV, instance: ' x'",
            "This is empty, or has a space at its beginning or end.",
        ),
        (
            f"kind: sqlserver, instance: x, name: {'n' * 129}",
            "This has more than 128 characters.",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_in_a_sentence(
    refusal: Refusal, text: str, said: str
) -> None:
    problems = refusal(f"{GOOD}database: {{{text}}}\n")
    assert [(problem.line, problem.message) for problem in problems] == [(4, said)]


@pytest.mark.parametrize("key", ["driver: 5", "schema: 5", "encrypt: 5"])
def test_a_number_is_no_name(refusal: Refusal, key: str) -> None:
    """It is refused as what it is, not converted."""
    problems = refusal(f"{GOOD}database: {{kind: sqlserver, {WINDOWS}, {key}}}\n")
    assert "5" in problems[0].message


def test_a_password_is_never_written_in_the_file(refusal: Refusal) -> None:
    text = f"{WINDOWS}, authentication: sql, user: u, password: hunter2"
    problems = refusal(f"{GOOD}database: {{kind: sqlserver, {text}}}\n")
    assert "hunter2" not in " ".join(f"{problem.message}{problem.hint}" for problem in problems)
    assert "write ${env:NAME}" in problems[0].message


def test_a_password_that_cannot_be_read_is_a_sentence(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is needed, and it says where it should be."""
    place = load(
        f"{GOOD}database: {{kind: sqlserver, {SQL}, encrypt: no, driver: x}}\n"
    ).database_place
    assert isinstance(place, OdbcPlace)
    with pytest.raises(StoreError, match=r"password of the database cannot be read: .*PW"):
        place.connection()
    monkeypatch.setenv("PW", "open;sesame")
    assert "UID={tillwire};PWD={open;sesame}" in place.connection()


def test_a_program_may_say_the_schema_by_its_alias() -> None:
    """As the file has it."""
    made = {"kind": "sqlserver", "instance": "x", "name": "TPV", "schema": "till"}
    assert Database.model_validate(made).schema_name == "till"
