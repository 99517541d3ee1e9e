"""Where the machines that travel with the program lie."""

from pathlib import Path

import pytest

from engine import shipped


def test_connection_is_found_in_a_source_tree() -> None:
    """The connection machine is found without its name being given."""
    assert shipped.shipped_machine().name == "connection.yaml"
    assert shipped.shipped_machine().is_file()


def test_the_place_in_the_wheel_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed program takes the machines that were installed with it."""
    inside, beside = tmp_path / "shipped", tmp_path / "beside"
    for folder in (inside, beside):
        folder.mkdir()
        (folder / "connection.yaml").write_text("", encoding="utf-8")
    monkeypatch.setattr(shipped, "_FOLDERS", (inside, beside))
    assert shipped.shipped_machine() == inside / "connection.yaml"


def test_an_unknown_machine_is_a_sentence() -> None:
    """A name that nothing goes by says so."""
    with pytest.raises(FileNotFoundError, match="no machine 'nothing' came with this"):
        shipped.shipped_machine("nothing")
