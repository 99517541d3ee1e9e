"""The names of what happens: each reaches the log as ``event``, and docs/operating.md has it."""

import ast
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.agent.log_output import configure
from engine.agent.logs import write

ROOT = Path(__file__).parents[3]
SOURCES = [path for folder in ("engine", "metrics") for path in (ROOT / folder).rglob("*.py")]
NAME = re.compile(r"[a-z]+\.[a-z_]+")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
SENTENCE = "there is no room on this disk"


pytestmark = pytest.mark.usefixtures("logging_given_back")


def calls(path: Path) -> Iterator[tuple[str, str, ast.Call]]:
    """The calls in a file that are spelled ``name(…)`` or ``owner.name(…)``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield "", node.func.id, node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            yield owner.id if isinstance(owner, ast.Name) else "?", node.func.attr, node


def spelled(node: ast.expr) -> str:
    """A text that is written out; else what is there instead."""
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if constant else ast.unparse(node)  # type: ignore[attr-defined]


def names_in(path: Path) -> Iterator[str]:
    """What each line that a file writes is called."""
    for owner, called, node in calls(path):
        if (owner, called) == ("", "write") and len(node.args) > 1:  # the agent's own
            yield spelled(node.args[1])
        elif owner in ("log", "_log") and called in LEVELS:
            yield spelled(node.args[0])
        elif (owner, called) == ("logging", "LogRecord"):
            yield spelled(node.args[4])


def test_the_list_of_names_is_the_codes() -> None:
    """docs/operating.md names every line that the code writes, and no other."""
    written = {name for path in SOURCES for name in names_in(path)}
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = text.partition("| name | level |")[2].partition("\n\n")[0]
    firsts = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    listed = [name for first in firsts for name in re.findall(r"`([^`]+)`", first)]
    assert sorted(listed) == sorted(written)
    assert all(NAME.fullmatch(name) for name in listed)


def test_every_logger_of_ours_is_below_one() -> None:
    """A logger named after its module would write its own name instead of what happened."""
    named = {
        (path.name, spelled(node.args[0]).strip("'"))
        for path in SOURCES
        for owner, called, node in calls(path)
        if (owner, called) == ("logging", "getLogger") and node.args
    }
    others = {(file, name) for file, name in named if not name.startswith("tillwire")}
    assert others == {
        ("serving.py", "uvicorn.error"),
        ("ftp.py", "pyftpdlib"),
        ("log_output.py", "OURS"),
    }


def of_write() -> None:
    write(logging.WARNING, "store.failed", "01", message=SENTENCE)


def of_a_logger() -> None:
    log = logging.getLogger("tillwire.effects")
    log.warning("store.failed", extra={"fields": {"till": "01", "message": SENTENCE}})


@pytest.mark.parametrize("happen", [of_write, of_a_logger])
def test_the_name_is_the_event_and_the_sentence_the_message(happen: Callable[[], None]) -> None:
    """Neither takes the other's place, in JSON as in text."""
    pipe, console = io.StringIO(), io.StringIO()
    for format_, stream in (("json", pipe), ("text", console)):
        writer = configure(format_, "info", stream)  # type: ignore[arg-type]
        happen()
        writer.flush()
    line: dict[str, Any] = json.loads(pipe.getvalue())
    line.pop("ts")
    expected = {"level": "warning", "event": "store.failed", "till": "01", "message": SENTENCE}
    assert line == expected
    assert console.getvalue().endswith(f"WARNING  01  store.failed  message={SENTENCE}\n")


def test_a_fault_is_written_with_where_it_was_raised() -> None:
    """The event keeps its name beside the exception's words and frames."""
    stream = io.StringIO()
    writer = configure("json", "info", stream)
    try:
        raise KeyError("till 01")
    except KeyError as fault:
        write(logging.ERROR, "watch.failed", fault=fault)
    writer.flush()
    line = json.loads(stream.getvalue())
    assert (line["event"], line["error"]) == ("watch.failed", "KeyError: 'till 01'")
    assert "test_a_fault_is_written_with_where_it_was_raised" in line["traceback"]
