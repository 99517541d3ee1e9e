"""The command ``tillwire import-config`` and a shop to import for."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.cli import main
from engine.lab import LabThread
from tests.integration.tools.importing import Keyboard, Result, Shop


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    def call(arguments: list[str], answers: str, terminal: bool) -> Result:
        monkeypatch.setattr("sys.stdin", (Keyboard if terminal else io.StringIO)(answers))
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        out, err = capsys.readouterr()
        return Result(int(caught.value.code or 0), out, err)

    return call


@pytest.fixture
def shop(
    tmp_path: Path,
    command: Callable[..., Result],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:
    """By SOAP, unless a test asks for another wire."""
    monkeypatch.setenv("LAB_PASSWORD", "x")
    with LabThread() as lab:
        yield Shop(lab, tmp_path, getattr(request, "param", "soap"), command)
