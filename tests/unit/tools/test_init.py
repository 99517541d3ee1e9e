"""``tillwire init``: what it asks, what it writes, what it leaves alone."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from engine.api_settings import Api
from engine.database_settings import Database
from engine.log_settings import Log
from engine.server.settings import ServerSettings
from engine.settings import Settings, load_settings
from engine.tools.init import windows_lock
from engine.tools.template import LACKING

FRENCH = (
    "Durée d'attente entre 2 synchronisations des tickets",
    "Délai avant expiration des webservices",
    "Délai avant expiration du ping",
    "Durée d'attente entre 2 synchronisations de message en cas d'erreur",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be written."""
    return tmp_path / "till.yaml"


def _lines(*answers: str) -> str:
    """What is typed; Enter answers the questions about database and files that come last."""
    return "".join(f"{answer}\n" for answer in (*answers, "", ""))


def test_defaults_ask_nothing_and_pass_the_check(tillwire: Any, path: Path) -> None:
    """The file is good as it is, and says what to do next."""
    result = tillwire("init", "--defaults", path)
    assert (result.code, result.err) == (0, "")
    assert f"Wrote {path}." in result.out
    assert "[" not in result.out
    check = tillwire("check", "--strict", path)
    assert (check.code, check.out) == (
        0,
        f"{path}: good (1 till, machine connection, 0 parameters set)\n",
    )


def test_the_token_is_in_a_file_of_its_own(tillwire: Any, path: Path) -> None:
    """The settings refer to it; it is long, random, and shown nowhere."""
    result = tillwire("init", "--defaults", path)
    token = load_settings(path).api.token
    assert token is not None
    assert token.reference == "${file:till.token}"
    value = token.reveal(path.parent)
    assert len(value) >= 43
    assert value not in result.out + result.err + path.read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists in the place of modes")
def test_only_the_owner_may_read_the_token(tillwire: Any, path: Path) -> None:
    """Whatever the account's own mask allows."""
    before = os.umask(0)
    try:
        tillwire("init", "--defaults", path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.with_suffix(".token").stat().st_mode) == 0o600


def test_on_windows_the_access_list_is_narrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account that calls and the one that services run under; nothing is inherited."""
    monkeypatch.setenv("USERNAME", "Anne")
    monkeypatch.setenv("USERDOMAIN", "SHOP")
    assert windows_lock(Path("till.token")) == [
        "icacls",
        "till.token",
        "/inheritance:r",
        "/grant:r",
        "SHOP\\Anne:F",
        "*S-1-5-18:F",
    ]


@pytest.mark.parametrize("model", [Settings, ServerSettings, Database, Api, Log])
def test_every_key_stands_in_the_file_with_what_it_means(
    tillwire: Any, path: Path, model: type[BaseModel]
) -> None:
    """Set or behind '#', after its description."""
    tillwire("init", "--defaults", path)
    text = path.read_text(encoding="utf-8")
    lines = [line.strip().lstrip("# ") for line in text.splitlines()]
    words = " ".join(" ".join(lines).split())
    for name, field in model.model_fields.items():
        assert any(line.startswith(f"{field.alias or name}:") for line in lines), name
        description = (field.description or "").replace("`", "")
        assert " ".join(description.split()) in words, name


@pytest.mark.parametrize("name", FRENCH)
def test_the_vendors_settings_have_their_french_names(tillwire: Any, path: Path, name: str) -> None:
    """Whoever knows the vendor's screens finds the same words."""
    tillwire("init", "--defaults", path)
    assert f"  # {name}\n" in path.read_text(encoding="utf-8")


def test_answers_are_taken(tillwire: Any, path: Path) -> None:
    """Each answer stands where it belongs."""
    answers = _lines(
        "0042",
        "01, 02",
        "rest",
        "https://server.example:8443",
        "till-user",
        "${env:TILL_PASSWORD}",
        "no",
        "yes",
    )
    result = tillwire("init", path, answers=answers)
    assert result.code == 0
    assert "The server's password is read from ${env:TILL_PASSWORD}: put it there." in result.out
    settings = load_settings(path)
    assert (settings.shop, settings.tills) == ("0042", ("01", "02"))
    assert settings.server.protocol == "rest"
    assert settings.server.url == "https://server.example:8443"
    assert settings.server.deduplicates is False
    assert settings.server.actions.ticket_status is not None
    assert settings.server.auth is not None
    body = settings.server.auth.body
    assert body is not None
    assert body["login"] == "till-user"
    assert getattr(body["password"], "reference", None) == "${env:TILL_PASSWORD}"
    assert tillwire("check", path).code == 0


def test_soap_with_a_user_and_a_server_without_ticket_status(tillwire: Any, path: Path) -> None:
    """Basic authentication, and an action that the server does not have."""
    answers = _lines(
        "0042", "01", "SOAP", "http://server.example", "o'till", "${file:secret.txt}", "oui", "non"
    )
    assert tillwire("init", path, answers=answers).code == 0
    server = load_settings(path).server
    assert server.auth is not None
    assert server.auth.user == "o'till"
    assert server.auth.password is not None
    assert server.auth.password.reference == "${file:secret.txt}"
    assert server.actions.ticket_status is None
    assert server.actions.fetch_offers is not None
    text = path.read_text(encoding="utf-8")
    assert "\n  actions:\n" in text
    assert "\n    # fetch_offers: null\n" in text


@pytest.mark.parametrize("name", LACKING)
def test_each_action_that_a_server_may_lack_can_be_uncommented(
    tillwire: Any, path: Path, name: str
) -> None:
    """Taking away '#' before 'actions' and one of them says that the server has no such action."""
    tillwire("init", "--defaults", path)
    text = path.read_text(encoding="utf-8")
    text = text.replace("  # actions:\n", "  actions:\n").replace(f"  #   {name}:", f"    {name}:")
    path.write_text(text, encoding="utf-8")
    actions = load_settings(path).server.actions
    assert [each for each in LACKING if getattr(actions, each) is None] == [name]


def test_enter_takes_what_is_in_brackets(tillwire: Any, path: Path, tmp_path: Path) -> None:
    """Nine times Enter gives the file of --defaults."""
    assert tillwire("init", path, answers="\n" * 9).code == 0
    other = tmp_path / "other"
    other.mkdir()
    assert tillwire("init", "--defaults", other).code == 0
    assert (other / "till.yaml").read_text("utf-8") == path.read_text("utf-8")


@pytest.mark.parametrize(
    ("position", "bad", "sentence"),
    [
        (
            0,
            "a b",
            "An id has letters a to z, digits, '-', '_' and '.' only; found ' '.",
        ),
        (1, "01,01", "The same till stands there twice."),
        (1, "01,", "An id cannot be empty."),
        (2, "ftp", "'ftp' is neither soap nor rest."),
        (3, "server", "An address starts with http:// or https:// and names a host."),
        (4, "a\x07b", "A user's name has no control characters."),
        (6, "maybe", "Answer yes or no."),
    ],
)
def test_a_bad_answer_is_asked_for_once_more(
    tillwire: Any, path: Path, position: int, bad: str, sentence: str
) -> None:
    """A sentence says why, and the same question comes again."""
    answers = ["0042", "01", "soap", "http://server.example", "me", "${file:x}", "yes", "yes"]
    good = [*answers[:position], bad, *answers[position:]]
    result = tillwire("init", path, answers=_lines(*good))
    assert result.code == 0
    assert f"{sentence} Once more, please." in result.out
    assert load_settings(path).shop == "0042"


def test_a_password_in_plain_is_not_taken_and_not_repeated(tillwire: Any, path: Path) -> None:
    """Only where it lies may be typed."""
    answers = _lines(
        "0042", "01", "soap", "http://server.example", "me", "hunter2", "${env:PASS}", "yes", "yes"
    )
    result = tillwire("init", path, answers=answers)
    assert result.code == 0
    assert "A secret is never written in the file itself" in result.out
    assert "hunter2" not in result.out + result.err + path.read_text(encoding="utf-8")


def test_a_server_that_would_store_twice_is_not_taken(tillwire: Any, path: Path) -> None:
    """Neither deduplication nor ticket_status: both questions come again."""
    answers = _lines("1", "1", "soap", "http://server.example", "-", "no", "no", "no", "yes")
    result = tillwire("init", path, answers=answers)
    assert result.code == 0
    assert "One of the two is needed, or a lost answer would store a ticket twice." in result.out
    assert load_settings(path).server.deduplicates is False


def test_an_end_of_input_writes_nothing(tillwire: Any, path: Path) -> None:
    """Half the answers are no file."""
    result = tillwire("init", path, answers="0042\n")
    assert result.code == 1
    assert "The input ended before the last question: nothing was written." in result.err
    assert list(path.parent.iterdir()) == []


def test_a_file_that_is_there_stays(tillwire: Any, path: Path) -> None:
    """Not overwritten, and nothing asked first."""
    path.write_text("mine", encoding="utf-8")
    result = tillwire("init", path)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"{path} is already there. Use --force to overwrite it.\n"
    assert path.read_text(encoding="utf-8") == "mine"
    assert list(path.parent.iterdir()) == [path]


def test_force_overwrites_the_file_and_keeps_the_token(tillwire: Any, path: Path) -> None:
    """The till program knows the token already."""
    path.write_text("mine", encoding="utf-8")
    path.with_suffix(".token").write_text("known\n", encoding="utf-8")
    result = tillwire("init", "--defaults", "--force", path)
    assert result.code == 0
    assert "which was there already and stays as it is" in result.out
    assert path.with_suffix(".token").read_text(encoding="utf-8") == "known\n"
    assert load_settings(path).shop == "0001"


def test_an_empty_token_is_made_anew(tillwire: Any, path: Path) -> None:
    """An empty file is no token."""
    path.with_suffix(".token").write_text("", encoding="utf-8")
    assert tillwire("init", "--defaults", path).code == 0
    assert len(path.with_suffix(".token").read_text(encoding="utf-8")) > 40


def test_a_folder_gets_a_till_yaml(tillwire: Any, tmp_path: Path) -> None:
    """A folder stands for the till.yaml in it; one that is missing on the way is made."""
    assert tillwire("init", "--defaults", tmp_path).code == 0
    assert (tmp_path / "till.yaml").is_file()
    assert tillwire("init", "--defaults", tmp_path / "new" / "till.yaml").code == 0


def test_a_place_that_cannot_be_written_is_a_sentence(tillwire: Any, tmp_path: Path) -> None:
    """A file where a folder should be."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = tillwire("init", "--defaults", tmp_path / "file" / "till.yaml")
    assert result.code == 1
    assert "cannot be written: " in result.err


def test_the_next_commands_can_be_pasted(tillwire: Any, tmp_path: Path) -> None:
    """A path that holds a space is quoted."""
    folder = tmp_path / "the till"
    folder.mkdir()
    path = folder / "till.yaml"
    result = tillwire("init", "--defaults", path)
    assert f'Next: tillwire check "{path}", then tillwire run -c "{path}"\n' in result.out
