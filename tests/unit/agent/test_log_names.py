"""The names of what happens: each reaches the log as ``event``, and docs/logs.md has it."""

import ast
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.agent.log_output import configure
from engine.agent.logs import step_line, write
from engine.core.records import Event, Refusal, Run, Step, Taken

ROOT = Path(__file__).parents[3]
SOURCES = [path for folder in ("engine", "metrics") for path in (ROOT / folder).rglob("*.py")]
NAME = re.compile(r"[a-z]+\.[a-z_]+")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
SENTENCE = "there is no room on this disk"
RUN = Run(1, "ping", {}, None)
EVERYTHING = Step(
    "01",
    Event("ping.failed.timeout", {"reason": "timeout"}, run=1),
    0.0,
    taken=[Taken("ping.failed", "a", "b")],
    refused=[Refusal("a", "ping.failed", "n > 3")],
    exited=["a"],
    entered=["b"],
    started=[RUN],
    joined=["ping"],
    cancelled=[RUN],
    changed={"n": (0, 1)},
    logged=["lost"],
    configuration=("b",),
    handled=True,
)
DULL = Step("01", Event("ticket.customer", {"customer": "C7"}), 0.0, configuration=("b",))


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
        elif (owner in ("log", "_log") and called in LEVELS) or called == "about_log":
            yield spelled(node.args[0])  # the last: about the log itself
        elif (owner, called) == ("logging", "LogRecord") and isinstance(node.args[4], ast.Constant):
            yield spelled(node.args[4])


def test_the_list_of_names_is_the_codes() -> None:
    """docs/logs.md names every line that the code writes, and no other."""
    written = {name for path in SOURCES for name in names_in(path)}
    text = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
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


def fields_in(path: Path) -> Iterator[str]:
    """What each line that a file writes has besides its name."""
    for owner, called, node in calls(path):
        if (owner, called) == ("", "write") or called == "about_log":
            yield from (keyword.arg or "?" for keyword in node.keywords)
        for keyword in node.keywords:
            if keyword.arg == "extra":
                yield from (
                    spelled(key)
                    for inner in ast.walk(keyword.value)
                    if isinstance(inner, ast.Dict)
                    for key in inner.keys
                    if key is not None
                )


def test_the_list_of_fields_is_the_codes() -> None:
    """docs/logs.md explains every field that a line can have, and no other."""
    of_steps = set(step_line(EVERYTHING, 0.0, {"machine": "m", "hash": "h"}, 0.5))
    of_steps |= set(step_line(DULL, 0.0))
    of_lines = {name for path in SOURCES for name in fields_in(path)} - {"fault"}
    of_log = {"error", "traceback", "shop", "of", "times", "since", "fields"}
    assert sorted(documented_fields()) == sorted(of_steps | of_lines | of_log)


def documented_fields() -> list[str]:
    """The names of the table in docs/logs.md."""
    text = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    table = text.partition("| field | meaning |")[2].partition("\n\n")[0]
    firsts = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    return [name for first in firsts for name in re.findall(r"`([^`]+)`", first)]


@pytest.mark.parametrize("name", ["config.alloy", "promtail.yaml"])
def test_the_examples_for_loki_take_fields_that_there_are(name: str) -> None:
    """Labels are few: the shop and the level; till and event make no stream."""
    text = (ROOT / "metrics" / "logs" / name).read_text(encoding="utf-8")
    if name.endswith(".yaml"):
        (scrape,) = yaml.safe_load(text)["scrape_configs"]
        stages = {
            kind: given for stage in scrape["pipeline_stages"] for kind, given in stage.items()
        }
        taken, labels = set(stages["json"]["expressions"]), set(stages["labels"])
        found, source = set(stages["structured_metadata"]), stages["timestamp"]["source"]
    else:
        blocks = dict(re.findall(r"stage\.(\w+) \{\s+(\w+ += .*?)\n  \}", text, re.DOTALL))
        quoted = {kind: set(re.findall(r'"(\w+)" *=', given)) for kind, given in blocks.items()}
        taken, labels, found = (quoted[k] for k in ("json", "labels", "structured_metadata"))
        source = re.findall(r'source = "(\w+)"', text)[0]
    assert taken <= set(documented_fields())
    assert (labels, found, source) == ({"level", "shop"}, {"till", "event"}, "ts")
    assert labels | found | {source} == taken
