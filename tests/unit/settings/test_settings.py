"""What till.yaml may say, and what is taken when it says nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from engine.api_settings import Api
from engine.database_settings import Database
from engine.definition.vocabulary import Vocabulary
from engine.effects.table import VOCABULARY
from engine.log_settings import Log
from engine.problems import Refused
from engine.settings import Settings, load_definition, load_settings
from engine.shipped import shipped_machine

SERVER = """\
server:
  protocol: soap
  url: http://server.example
"""
GOOD = f"""\
shop: '0042'
till: '01'
{SERVER}"""
Load = Callable[[str], Settings]


def test_the_shortest_file_has_defaults_for_all_the_rest(load: Load, tmp_path: Path) -> None:
    """Shop, till and server are enough; the rest is as documented."""
    settings = load(GOOD)
    assert (settings.shop, settings.till, settings.tills) == ("0042", "01", ("01",))
    assert settings.machine_path == shipped_machine()
    assert settings.database_path == tmp_path / "tillwire.db"
    assert (settings.api.host, settings.api.port, settings.api.token) == ("127.0.0.1", 8344, None)
    assert settings.api.url == "http://127.0.0.1:8344"
    assert (settings.log.format, settings.log.level, settings.workers) == ("auto", "info", 4)
    assert settings.server.protocol == "soap"


def test_quoted_ids_keep_their_zeros(load: Load) -> None:
    """A shop '0042' stays 0042, in a list of tills too."""
    settings = load(f"shop: '0042'\ntills: ['01', '002', back-office.3]\n{SERVER}")
    assert settings.shop == "0042"
    assert settings.tills == ("01", "002", "back-office.3")
    assert settings.till is None


def test_paths_are_relative_to_the_file(load: Load, tmp_path: Path) -> None:
    """Where the command is started from does not matter."""
    (tmp_path / "mine.yaml").write_text("", encoding="utf-8")
    settings = load(f"{GOOD}machine: mine.yaml\ndatabase: {{path: data/till.db}}\n")
    assert settings.machine_path == tmp_path / "mine.yaml"
    assert settings.database_path == tmp_path / "data" / "till.db"


def test_absolute_paths_stay(load: Load, tmp_path: Path) -> None:
    """A database elsewhere is given by its whole path."""
    elsewhere = tmp_path / "elsewhere" / "till.db"
    assert load(f"{GOOD}database: {{path: '{elsewhere}'}}\n").database_path == elsewhere


def test_settings_made_by_a_program_need_no_file() -> None:
    """Tests and the demo build settings from data; paths then start from the working folder."""
    server = {"protocol": "soap", "url": "http://server.example"}
    settings = Settings.model_validate({"shop": "1", "till": "2", "server": server})
    assert settings.document is None
    assert settings.database_path == Path.cwd() / "tillwire.db"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8344"),  # noqa: S104 - nothing listens
        ("::", "http://[::1]:8344"),
        ("::1", "http://[::1]:8344"),
        ("192.0.2.7", "http://192.0.2.7:8344"),
    ],
)
def test_the_url_of_the_api_can_be_called_from_this_machine(host: str, url: str) -> None:
    """An address that stands for all of them is called by loopback."""
    assert Api(host=host).url == url


def test_overrides_reach_the_machine(load: Load) -> None:
    """A parameter of till.yaml takes the place of the machine's, an empty one does not."""
    settings = load(f"{GOOD}parameters:\n  ping_interval: 45s\n  slow_ping:\n")
    parameters = load_definition(settings, VOCABULARY).parameters
    assert parameters["ping_interval"] == 45.0
    assert parameters["slow_ping"] == 2.0


def test_a_bad_override_has_its_place_in_till_yaml(load: Load, till_yaml: Path) -> None:
    """Out of range, of the wrong type, unknown: the line of till.yaml, not the machine's."""
    text = "parameters:\n  ping_interval: 0s\n  ticket_batch: many\n  ping_intervall: 1s\n"
    settings = load(GOOD + text)
    with pytest.raises(Refused) as caught:
        load_definition(settings, VOCABULARY)
    found = [
        (p.file, p.line, p.column, p.message, p.hint)
        for p in caught.value.problems
        if p.severity == "error"
    ]
    assert found == [
        (
            str(till_yaml),
            7,
            18,
            "'ping_interval' is 0s; the smallest allowed is 1s.",
            "Allowed: 1s to 1h.",
        ),
        (
            str(till_yaml),
            8,
            17,
            "Expected a whole number, found the text 'many'.",
            "",
        ),
        (
            str(till_yaml),
            9,
            3,
            "The machine has no parameter 'ping_intervall'.",
            "Did you mean 'ping_interval'?",
        ),
    ]


def test_a_broken_machine_is_refused_with_its_own_places(load: Load, tmp_path: Path) -> None:
    """What is wrong in the machine's file is said of the machine's file."""
    (tmp_path / "mine.yaml").write_text("machine: [\n", encoding="utf-8")
    settings = load(f"{GOOD}machine: mine.yaml\n")
    with pytest.raises(Refused) as caught:
        load_definition(settings, Vocabulary())
    assert {problem.file for problem in caught.value.problems} == {str(tmp_path / "mine.yaml")}


def test_a_path_may_be_a_text(load: Load, till_yaml: Path) -> None:
    """Whoever holds the path as a text need not convert it."""
    load(GOOD)
    assert load_settings(str(till_yaml)).shop == "0042"


@pytest.mark.parametrize("model", [Settings, Database, Api, Log])
def test_every_key_says_what_it_means(model: type[BaseModel]) -> None:
    """The comments of a new till.yaml and the reference page are made from these."""
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.rstrip().endswith("."), name
