"""The command, called in this process."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from engine.cli import main


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
