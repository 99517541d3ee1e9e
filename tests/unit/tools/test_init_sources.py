"""``tillwire init``: database, FTP server and catalogue, and answers given beforehand."""

from pathlib import Path
from typing import Any

import pytest

from engine.settings import load_settings
from engine.shipped import shipped_machine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be written."""
    return tmp_path / "till.yaml"


def _lines(*answers: str) -> str:
    """What is typed; Enter answers the questions that come last."""
    return "".join(f"{answer}\n" for answer in (*answers, "", ""))


SQL = ("sqlserver", "CAISSE01\\SQLEXPRESS", "TPV")
FIRST = ("1", "1", "soap", "http://server.example", "-", "yes", "yes")


def test_a_database_on_sql_server_and_an_ftp_server_are_asked_for(
    tillwire: Any, path: Path
) -> None:
    """As whom to log in, and where the passwords lie; what was typed stands in the file."""
    answers = _lines(
        *FIRST,
        *SQL,
        "sql",
        "till",
        "${env:SQL_PASSWORD}",
        "oui",
        "ftp.example",
        "shop",
        "${file:ftp.txt}",
        "none",
        "lists.yaml",
    )
    result = tillwire("init", path, answers=answers)
    assert result.code == 0
    assert "The database's password is read from ${env:SQL_PASSWORD}: put it there." in result.out
    assert "The FTP server's password is read from ${file:ftp.txt}: put it there." in result.out
    settings = load_settings(path)
    database, ftp = settings.database, settings.server.ftp
    assert (database.kind, database.instance, database.name) == SQL
    assert (database.authentication, database.user) == ("sql", "till")
    assert database.password is not None
    assert database.password.reference == "${env:SQL_PASSWORD}"
    assert database.trust_server_certificate
    assert ftp is not None
    assert (ftp.host, ftp.user, ftp.tls) == ("ftp.example", "shop", "none")
    assert ftp.password is not None
    assert ftp.password.reference == "${file:ftp.txt}"
    assert settings.catalogue is not None
    assert settings.catalogue.datasets == "lists.yaml"
    example = path.with_name("lists.yaml")
    assert f"Wrote {example}, an example:" in result.out
    assert example.read_text("utf-8") == shipped_machine("datasets").read_text("utf-8")
    assert tillwire("check", path, example).code == 0


def test_windows_logs_in_by_itself_and_anonymous_without_a_password(
    tillwire: Any, path: Path
) -> None:
    """Neither a user nor a password is asked for then."""
    answers = _lines(*FIRST, *SQL, "windows", "no", "ftp.example", "anonymous", "explicit")
    assert tillwire("init", path, answers=answers).code == 0
    settings = load_settings(path)
    assert (settings.database.user, settings.database.password) == (None, None)
    assert settings.server.ftp is not None
    assert (settings.server.ftp.tls, settings.server.ftp.password) == ("explicit", None)
    assert settings.catalogue is None
    assert tillwire("check", path).code == 0


def test_datasets_that_are_there_stay(tillwire: Any, path: Path) -> None:
    """They may be what the server publishes already."""
    mine = "datasets:\n  goods:\n    columns: {id: {type: integer}}\n    key: id\n"
    path.with_name("datasets.yaml").write_text(mine, encoding="utf-8")
    options = ["--set=server.ftp.host=ftp.example", "--set=catalogue.datasets=datasets.yaml"]
    result = tillwire("init", "--defaults", *options, path)
    assert (result.code, "an example" in result.out) == (0, False)
    assert path.with_name("datasets.yaml").read_text(encoding="utf-8") == mine


def test_what_is_given_is_not_asked_for(tillwire: Any, path: Path) -> None:
    """With --defaults nothing is; without it all the rest."""
    options = [
        "--set=till=01,02",
        "--set=database.kind=sqlserver",
        "--set=database.instance=CAISSE01\\SQLEXPRESS",
        "--set=server.ftp.host=ftp.example",
    ]
    result = tillwire("init", "--defaults", *options, path)
    assert (result.code, "[" in result.out) == (0, False)
    settings = load_settings(path)
    assert settings.tills == ("01", "02")
    assert settings.database.instance == "CAISSE01\\SQLEXPRESS"
    assert settings.server.ftp is not None
    asked = tillwire("init", "--force", *options, path, answers=_lines("0042"))
    assert asked.code == 1
    assert "The shop's id at the server" in asked.out
    assert "The till's id" not in asked.out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["shop"], "'shop' is no KEY=VALUE: write --set shop=0042."),
        (["shops=1"], "init does not ask for 'shops'. Did you mean 'shop'?"),
        (["till=1", "tills=2"], "'tills' is given twice."),
        (
            ["shop=a b"],
            "--set shop: An id has letters a to z, digits, '-', '_' and '.' only; found ' '.",
        ),
        (
            ["database.name=TPV"],
            (
                "'database.name' means nothing here: it goes with database.kind=sqlserver, user "
                "and password with database.authentication=sql."
            ),
        ),
        (
            ["database.kind=oracle"],
            "--set database.kind: 'oracle' is neither sqlite nor sqlserver.",
        ),
        (
            ["catalogue.datasets=datasets.yaml"],
            "'catalogue.datasets' means nothing here: it goes with server.ftp.host.",
        ),
        (
            ["server.ftp.host=ftp://a"],
            "--set server.ftp.host: This is the name or the address of a host alone",
        ),
        (
            ["server.deduplicates=no", "server.actions.ticket_status=no"],
            "One of the two is needed, or a lost answer would store a ticket twice.",
        ),
    ],
)
def test_what_is_given_and_cannot_be_used_is_a_sentence(
    tillwire: Any, path: Path, options: list[str], sentence: str
) -> None:
    """Nothing is written, and nobody is asked instead."""
    words = [f"--set={option}" for option in options]
    result = tillwire("init", "--defaults", *words, path)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(sentence)
    assert not path.exists()
