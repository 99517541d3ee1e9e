"""Files that another program holds while they are to be read."""

from pathlib import Path
from typing import Any

import pytest

from engine.agent import files
from engine.agent.files import held, patiently
from engine.definition.reader import read_file
from engine.problems import Refused


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited between two tries, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr("engine.agent.files.time.sleep", waited.append)
    return waited


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A virus scanner: each path in the list costs whoever opens a file one refusal."""
    holding: list[Path] = []
    really = Path.open

    def open_(path: Path, *words: Any, **named: Any) -> Any:
        if holding:
            holding.pop()
            raise PermissionError(13, "Permission denied", str(path))
        return really(path, *words, **named)

    monkeypatch.setattr(Path, "open", open_)
    return holding


def test_a_file_that_is_held_is_read_once_it_is_let_go(
    tmp_path: Path, pauses: list[float], scanned: list[Path]
) -> None:
    """It was refused three times before."""
    path = tmp_path / "till.yaml"
    path.write_bytes(b"shop: a\n")
    scanned += [path] * 3
    assert patiently(lambda: read_file(path)).text == "shop: a\n"
    assert pauses == list(files.HELD[:3])


def test_a_file_that_is_held_for_long_is_refused_and_known_to_be_held(
    tmp_path: Path, pauses: list[float], scanned: list[Path]
) -> None:
    """So that it is looked at again though nobody saves it."""
    path = tmp_path / "till.yaml"
    path.write_bytes(b"shop: a\n")
    scanned += [path] * 99
    with pytest.raises(Refused) as refused:
        patiently(lambda: read_file(path))
    assert held(refused.value.problems)
    assert pauses == list(files.HELD)


@pytest.mark.parametrize("text", [None, "a: [\n"], ids=["not there", "not YAML"])
def test_what_no_patience_mends_is_refused_at_once(
    tmp_path: Path, pauses: list[float], text: str | None
) -> None:
    """Nothing is waited for."""
    path = tmp_path / "till.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        patiently(lambda: read_file(path))
    assert not held(refused.value.problems)
    assert pauses == []
