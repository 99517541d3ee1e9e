"""A process that outlives the tests is found, named and ended."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import leftovers

MARKER = "a-run-that-nobody-made"


@pytest.fixture
def left() -> Iterator[subprocess.Popen[bytes]]:
    """A process that carries the marker and waits to be told to end."""
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        env={**os.environ, "TILLWIRE_TEST_RUN": MARKER},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_what_is_left_is_ended_and_fails_the_run(
    left: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The line names the process and its command."""
    monkeypatch.setattr(leftovers, "PATIENCE", 0.0)

    assert leftovers.main(MARKER) == 1
    assert f"left behind by the tests: {left.pid} " in capsys.readouterr().out
    assert left.wait(timeout=30) != 0


def test_nothing_left_is_said_with_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Processes of other runs are nobody's leftovers here."""
    assert leftovers.main("another-run") == 0
    assert capsys.readouterr().out == ""
