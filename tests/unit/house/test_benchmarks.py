"""The runner of the benchmarks: what it finds, prints, writes and exits with."""

import json
from pathlib import Path

import pytest

from tests.benchmarks import run_all


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of benchmarks of its own."""
    monkeypatch.setattr(run_all, "HERE", tmp_path)
    monkeypatch.setattr(run_all, "ROOT", tmp_path)
    monkeypatch.setattr(run_all, "RESULTS", tmp_path / "build" / "benchmarks.json")
    return tmp_path


def benchmark(value: float, must: str) -> str:
    """The text of a benchmark with one figure."""
    figure = {"name": "it", "value": value, "unit": "ms", "must": must}
    return f"def run():\n    return [{figure!r}]\n"


@pytest.mark.parametrize(
    ("value", "must", "met"),
    [
        (19.9, "< 20", True),
        (20, "< 20", False),
        (1.3, "<= 1.3", True),
        (0.79, ">= 0.8", False),
        (5000, "> 4,096", True),
        (0, "= 0", True),
        (7, "", None),
    ],
)
def test_a_figure_is_held_against_what_it_must_be(
    value: float, must: str, met: bool | None
) -> None:
    """Nothing is asked of a figure without `must`."""
    assert run_all.met({"value": value, "must": must}) is met


def test_figures_are_printed_and_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file without run() is no benchmark."""
    (here / "one.py").write_text(benchmark(1.5, "< 2"))
    (here / "server.py").write_text("PORT = 1\n")

    assert run_all.main([]) == 0
    assert capsys.readouterr().out.split() == (
        ["it", "1.5", "ms", "<", "2", "ok", "written", "to", "build/benchmarks.json"]
    )
    written = json.loads((here / "build" / "benchmarks.json").read_text())
    assert written == [{"name": "it", "value": 1.5, "unit": "ms", "must": "< 2"}]


def test_a_missed_figure_and_a_failed_benchmark_are_told_at_the_end(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other benchmarks run all the same, and the exit code is 1."""
    (here / "a.py").write_text("def run():\n    raise OSError('no room')\n")
    (here / "b.py").write_text(benchmark(3, "< 2"))

    assert run_all.main([]) == 1
    printed = capsys.readouterr()
    assert "MISSED" in printed.out
    assert "a.py failed" in printed.err
    assert run_all.main(["b"]) == 1
    assert run_all.main(["a"]) == 1


def test_words_choose_benchmarks(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A word that fits none is said, and nothing is written."""
    (here / "metrics_one.py").write_text(benchmark(1, ""))
    (here / "other.py").write_text("def run():\n    raise OSError\n")

    assert run_all.main(["metrics"]) == 0
    assert run_all.main(["nothing"]) == 2
    assert capsys.readouterr().err == "No benchmark's name holds nothing.\n"
