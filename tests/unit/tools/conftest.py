"""The command, called in this process."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from engine.lab.stub import StubServer
from engine.store import Store
from tests.unit.tools.days import DAY, TILL_YAML, Prove, fill, settle, stock


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def tillwire(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Calls ``tillwire`` with arguments; ``answers`` are the lines that a person types."""

    def call(*arguments: object, answers: str = "") -> Result:
        monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        code = caught.value.code
        written = capsys.readouterr()
        return Result(code if isinstance(code, int) else 0, written.out, written.err)

    return call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with ten tickets of a day, all acknowledged."""
    (tmp_path / "till.yaml").write_text(TILL_YAML, encoding="utf-8")
    path = tmp_path / "till.db"
    with Store.open(path) as store:
        fill(store, range(1, 11))
        settle(store, range(1, 11))
    return path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> StubServer:
    """A server that has the same tickets."""
    server = StubServer()
    stock(server, range(1, 11))
    monkeypatch.setattr("engine.tools.proof.connect", lambda *_settings: server)
    return server


@pytest.fixture
def prove(tillwire: Any, path: Path, server: StubServer) -> Prove:
    """Calls the command for till 01; gives the exit code and the data."""

    def call(*more: str) -> tuple[int, Any]:
        config = path.with_name("till.yaml")
        result = tillwire("proof", "--day", DAY, "--till", "01", "-c", config, "--json", *more)
        assert result.err == ""
        return result.code, json.loads(result.out)

    assert server is not None
    return call
