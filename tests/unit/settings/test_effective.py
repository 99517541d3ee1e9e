"""Every value in force, and where it comes from."""

from collections.abc import Callable
from pathlib import Path

from engine.settings import Effective, Settings, effective
from engine.shipped import shipped_machine

GOOD = """\
shop: '0042'
till: '01'
server:
  protocol: soap
  url: http://server.example
"""
Load = Callable[[str], Settings]


def test_each_value_has_its_file_and_line_or_default(load: Load, till_yaml: Path) -> None:
    """A value of the file has its line, every other is a default."""
    values = effective(load(f"{GOOD}workers: 2\nlog: {{level: debug}}\n"))
    assert Effective("shop", "0042", f"{till_yaml}:1") in values
    assert Effective("till", "01", f"{till_yaml}:2") in values
    assert Effective("server.url", "http://server.example", f"{till_yaml}:5") in values
    assert Effective("workers", "2", f"{till_yaml}:6") in values
    assert Effective("log.level", "debug", f"{till_yaml}:7") in values
    assert Effective("log.format", "auto", "default") in values
    assert Effective("api.port", "8344", "default") in values
    assert Effective("server.deduplicates", "true", "default") in values


def test_paths_are_shown_whole(load: Load, tmp_path: Path) -> None:
    """The database and the machine are shown where they really lie."""
    values = effective(load(GOOD))
    assert Effective("machine", str(shipped_machine()), "default") in values
    assert Effective("database.path", str(tmp_path / "tillwire.db"), "default") in values


def test_durations_are_shown_as_a_file_writes_them(load: Load, till_yaml: Path) -> None:
    """Two minutes are 2min, not 120.0."""
    values = effective(load(f"{GOOD}  settle: 90s\n"))
    assert Effective("server.settle", "1min30s", f"{till_yaml}:6") in values
    assert Effective("server.settle", "2min", "default") in effective(load(GOOD))


def test_only_the_way_of_naming_tills_that_the_file_uses_is_shown(load: Load) -> None:
    """'till' and 'tills' say the same thing once."""
    one = [value.key for value in effective(load(GOOD))]
    many = effective(load(GOOD.replace("till: '01'", "tills: ['01', '02']")))
    assert ("till" in one, "tills" in one) == (True, False)
    assert [value.value for value in many if value.key.startswith("till")] == ["[01, 02]"]


def test_secrets_are_shown_as_their_reference(load: Load, tmp_path: Path) -> None:
    """The reference says where the secret lies; the secret itself is nowhere."""
    (tmp_path / "token").write_text("hunter2\n", encoding="utf-8")
    values = effective(load(f"{GOOD}api: {{token: '${{file:token}}'}}\n"))
    assert [value.value for value in values if value.key == "api.token"] == ["${file:token}"]
    assert not [value for value in values if "hunter2" in " ".join(value)]


def test_settings_without_a_file_are_all_defaults(load: Load) -> None:
    """Settings that a program made have no lines."""
    settings = load(GOOD).model_copy()
    settings._document = None
    assert {value.where for value in effective(settings)} == {"default"}


def test_a_secret_parameter_of_an_action_is_shown_as_its_reference(load: Load) -> None:
    """Beside the others, which are shown as they are."""
    settings = load(
        "shop: '1'\ntill: '1'\nserver:\n  protocol: soap\n  url: http://server.example\n"
        "  actions:\n    ping: {parameters: {DOS: 1, PWD: '${env:PW}'}}\n"
    )
    values = {value.key: value.value for value in effective(settings)}
    assert values["server.actions.ping.parameters.PWD"] == "${env:PW}"
    assert values["server.actions.ping.parameters.DOS"] == "1"
