"""The log file: bounded on disk whatever happens to it, and never the reason for a stop."""

import errno
import io
import json
import logging
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from engine.agent import log_file, log_output, log_repeats
from engine.agent.log_file import LogFile
from engine.agent.log_output import JsonFormatter, LineWriter, configure, lost, trouble
from engine.agent.log_sinks import PAUSE, FileSink
from engine.agent.logs import write
from engine.agent.wellbeing import health
from tests.acceptance.agent_process import wait_until

MOST = 6_000
LINE = b"x" * 99 + b"\n"

pytestmark = pytest.mark.usefixtures("logging_given_back")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def on_disk(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}


def about_log(event: str, **fields: Any) -> str:
    return json.dumps({"event": event, **fields})


def test_the_newest_lines_are_kept_within_the_bound(tmp_path: Path) -> None:
    """Five files of a sixth each: the last 50 lines of 1,000, in their order."""
    file = LogFile(tmp_path / "logs" / "till.log", MOST)
    for number in range(1_000):
        file.write(b"%099d\n" % number)
        assert sum(on_disk(tmp_path / "logs").values()) <= MOST
    file.close()
    sizes = on_disk(tmp_path / "logs")
    assert sizes == dict.fromkeys(["till.log", *(f"till.log.{n}" for n in range(1, 5))], 1_000)
    names = ["till.log.4", "till.log.3", "till.log.2", "till.log.1", "till.log"]
    text = b"".join((tmp_path / "logs" / name).read_bytes() for name in names)
    assert [int(line) for line in text.split()] == list(range(950, 1_000))


def held(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Another program has the file open: Windows lets nobody rename it."""
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if name in (self.name, target.name):
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)


def test_a_file_that_is_held_is_written_on_and_put_aside_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost while a scanner looks at it, and it is tried again after five seconds."""
    clock = Clock()
    file = LogFile(tmp_path / "till.log", MOST, clock)
    with monkeypatch.context() as scanner:
        held(scanner, "till.log")
        for _ in range(15):
            file.write(LINE)
        assert on_disk(tmp_path) == {"till.log": 1_500}
    file.write(LINE)
    assert on_disk(tmp_path) == {"till.log": 1_600}
    clock.now = log_file.HELD
    file.write(LINE)
    assert on_disk(tmp_path) == {"till.log": 100, "till.log.1": 1_600}
    assert file.overwritten == 0
    file.close()


@pytest.mark.parametrize("name", ["till.log", "till.log.3"])
def test_a_file_that_is_never_let_go_is_bounded_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is begun anew in its place, what was overwritten is counted, and older ones stay."""
    clock = Clock()
    file = LogFile(tmp_path / "till.log", MOST, clock)
    for _ in range(50):
        file.write(LINE)
    held(monkeypatch, name)
    for _ in range(200):
        clock.now += 1.0
        file.write(LINE)
        assert sum(on_disk(tmp_path).values()) <= MOST
    assert file.overwritten % 2_000 == 0
    assert file.overwritten > 15_000
    file.close()


def test_a_file_that_was_taken_away_is_made_anew(tmp_path: Path) -> None:
    """logrotate renames it, or somebody deletes its folder's contents."""
    file = LogFile(tmp_path / "till.log", MOST)
    file.write(LINE)
    (tmp_path / "till.log").rename(tmp_path / "elsewhere")
    file.write(LINE)
    assert on_disk(tmp_path) == {"elsewhere": 100, "till.log": 100}
    file.close()


class FullDisk(LogFile):
    """Takes nothing until told otherwise."""

    full = True
    tries = 0

    def write(self, lines: bytes) -> None:
        self.tries += 1
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(lines)


def test_a_full_disk_sends_lines_to_standard_error_and_is_told_once(tmp_path: Path) -> None:
    """No line is lost; the file is tried again after a pause, and takes lines again."""
    clock, stream = Clock(), io.StringIO()
    file = FullDisk(tmp_path / "till.log", MOST)
    sink = FileSink(file, stream, clock)
    for number in range(3):
        sink.write([f'{{"n": {number}}}'], about_log)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line.get("event", line.get("n")) for line in lines] == ["log.file_failed", 0, 1, 2]
    assert lines[0]["message"].endswith("No space left on device")
    assert sink.trouble.endswith("till.log takes nothing: No space left on device.")
    assert file.tries == 1
    file.full, clock.now = False, PAUSE
    sink.write(['{"n": 3}'], about_log)
    sink.close()
    lines = [json.loads(line) for line in (tmp_path / "till.log").read_text().splitlines()]
    assert [line.get("event", line.get("n")) for line in lines] == ["log.file_works", 3]
    assert sink.trouble == ""


def test_what_was_overwritten_is_told_in_the_file(tmp_path: Path) -> None:
    """With how many bytes are gone."""

    class Overwriting(LogFile):
        def write(self, lines: bytes) -> None:
            super().write(lines)
            self.overwritten = 4_711

    sink = FileSink(Overwriting(tmp_path / "till.log", MOST), io.StringIO())
    sink.write(["{}"], about_log)
    sink.write(["{}"], about_log)
    sink.close()
    lines = (tmp_path / "till.log").read_text().splitlines()
    assert lines == ["{}", '{"event": "log.overwritten", "bytes": 4711}', "{}"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "format_", "shown"), [(io.StringIO(), "auto", 0), (Terminal(), "text", 1)]
)
def test_lines_go_to_the_file_and_to_a_terminal_beside_it(
    tmp_path: Path, stream: io.StringIO, format_: Any, shown: int
) -> None:
    """JSON in a file by itself, text for a person; the shop is in the file's lines."""
    path = tmp_path / "till.log"
    configure(format_, "info", stream, file=LogFile(path, MOST), shop="0042")
    write(logging.INFO, "agent.stopped")
    for handler in logging.getLogger().handlers:
        handler.flush()
    assert len(stream.getvalue().splitlines()) == shown
    (line,) = path.read_text().splitlines()
    if format_ == "auto":
        assert json.loads(line).keys() == {"ts", "level", "event", "shop"}
    else:
        assert line.endswith("agent.stopped")
    assert (lost(), trouble()) == (0, "")


def test_a_folder_that_cannot_be_written_in_stops_nothing(tmp_path: Path) -> None:
    """A file stands where the folder should be: lines are on standard error, and counted there."""
    (tmp_path / "logs").write_text("")
    stream = io.StringIO()
    writer = configure("json", "info", stream, file=LogFile(tmp_path / "logs" / "a.log", MOST))
    write(logging.INFO, "agent.started")
    writer.flush()
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["log.file_failed", "agent.started"]
    assert (lost(), len(health(True, 0.0, "", {}, 0, {}).reasons)) == (0, 1)


def test_lines_that_go_nowhere_are_counted(tmp_path: Path) -> None:
    """The file takes nothing and nobody reads standard error either."""
    (tmp_path / "logs").write_text("")
    stream = io.StringIO()
    writer = configure("json", "info", stream, file=LogFile(tmp_path / "logs" / "a.log", MOST))
    stream.close()
    write(logging.INFO, "agent.started")
    writer.flush()
    assert lost() == 1


class Keeping:
    """A sink that keeps lines as data."""

    is_terminal = False
    trouble = ""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def write(self, lines: Sequence[str], _: object) -> None:
        self.lines += map(json.loads, lines)

    def close(self) -> None:
        pass


def test_the_end_of_the_process_tells_what_was_left_out() -> None:
    """A failure that came three times stands there once, with its count, before the end."""
    sink = Keeping()
    writer = LineWriter(sink)
    writer.setFormatter(JsonFormatter())
    for _ in range(3):
        record = logging.LogRecord("tillwire", logging.WARNING, "", 0, "store.failed", (), None)
        writer.emit(record)
    writer.close()
    assert [(line["event"], line.get("times")) for line in sink.lines] == [
        ("store.failed", None),
        ("log.repeated", 2),
    ]


def test_what_was_left_out_is_told_in_its_time_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Although nothing else is written meanwhile."""
    monkeypatch.setattr(log_output, "SWEEP", 0.01)
    monkeypatch.setattr(log_repeats, "WITHIN", 0.05)
    sink = Keeping()
    writer = LineWriter(sink)
    writer.setFormatter(JsonFormatter())
    for _ in range(2):
        record = logging.LogRecord("tillwire", logging.WARNING, "", 0, "store.failed", (), None)
        writer.emit(record)
    wait_until(lambda: len(sink.lines) == 2, "the count is written")
    assert sink.lines[1]["of"] == "store.failed"
    writer.close()


def test_a_line_that_fits_only_in_part_is_a_full_disk(tmp_path: Path) -> None:
    """The system takes what there is room for and says how much that was."""

    class Short(FileIO):
        def write(self, lines: Any) -> int:
            return super().write(lines[:10])

    file = LogFile(tmp_path / "till.log", MOST)
    file.write(LINE)
    file.close()
    file._file = Short(tmp_path / "till.log", "a")
    with pytest.raises(OSError, match="No space left"):
        file.write(LINE)
    file.close()
    assert on_disk(tmp_path) == {"till.log": 110}
