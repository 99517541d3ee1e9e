import io
import json
import logging
import threading
import time
from typing import Any

import pytest

from engine.agent import log_output
from engine.agent.log_output import LineWriter, configure
from engine.agent.log_sinks import StreamSink
from engine.agent.logs import log_step, step_level, step_line, timestamp, write
from engine.core.records import Event, Refusal, Run, Step, Taken

SECRET = "C-4711-DUPONT"
WALL = 1_767_225_600.25


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


pytestmark = pytest.mark.usefixtures("logging_given_back")


def step(event: Event, **found: Any) -> Step:
    return Step("01", event, 5.0, **{"handled": True, "configuration": ("online",), **found})


def lost() -> Step:
    """The server did not answer, and the till left online for degraded."""
    return step(
        Event("ping.failed.timeout", {"reason": "timeout", "message": "no answer"}, run=3),
        taken=[Taken("ping.failed", "online", "degraded")],
        exited=["online"],
        entered=["degraded"],
        started=[Run(4, "ping", {"timeout": 2.0, "customer": SECRET}, None)],
        changed={"failures": (0, 1)},
        configuration=("reachable", "degraded"),
    )


def customer() -> Step:
    return step(
        Event("ticket.customer", {"customer": SECRET}),
        taken=[Taken("ticket.customer", "online", "loading")],
        entered=["loading"],
        exited=["online"],
    )


def test_a_line_has_stable_fields() -> None:
    """A change of state is written with these names and JSON types, and nothing empty."""
    about = {"machine": "connection", "hash": "abc"}
    assert step_line(lost(), WALL, about, 2.0012) == {
        "ts": "2026-01-01T00:00:00.250Z",
        "level": "warning",
        "event": "ping.failed.timeout",
        "till": "01",
        "machine": "connection",
        "hash": "abc",
        "from": "online",
        "to": "degraded",
        "cause": "ping.failed",
        "effect": "ping",
        "outcome": "failed.timeout",
        "duration_s": 2.001,
        "transitions": [{"event": "ping.failed", "from": "online", "to": "degraded"}],
        "states": ["reachable", "degraded"],
        "started": ["ping"],
        "changed": {"failures": [0, 1]},
        "data": {"reason": "timeout", "message": "no answer"},
    }


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (lost(), logging.WARNING),
        (step(Event("ping.rejected", run=1)), logging.WARNING),
        (customer(), logging.INFO),
        (step(Event("sync.now"), logged=["asked by hand"]), logging.INFO),
        (step(Event("x"), exited=["a"], entered=["a"]), logging.DEBUG),
        (step(Event("ping.ok", run=1), taken=[Taken("ping.ok", "a", "a", True)]), logging.DEBUG),
        (step(Event("x"), refused=[Refusal("a", "x", "failures > 3")]), logging.DEBUG),
        (step(Event("x"), handled=False), logging.DEBUG),
        (step(Event("ping.failed.timeout", run=1), late=True), logging.DEBUG),
        (step(Event("printer.failed.paper")), logging.DEBUG),
    ],
)
def test_a_level_says_how_much_it_matters(found: Step, level: int) -> None:
    """Failed calls warn, changes inform, all that changed nothing is for debugging."""
    assert step_level(found) == level


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (step(Event("x"), refused=[Refusal("a", "x", "g")]), "refused"),
        (step(Event("x"), handled=False), "unhandled"),
        (step(Event("x"), late=True), "late"),
        (step(Event("", timer="every"), handled=False), None),
        (customer(), None),
    ],
)
def test_an_event_without_effect_says_why(found: Step, outcome: str | None) -> None:
    """Refused by a guard, unhandled or late are told apart; a timer's actions are none of it."""
    assert step_line(found, WALL).get("ignored") == outcome


@pytest.mark.parametrize("level", ["debug", "info"])
@pytest.mark.parametrize("format_", ["json", "text"])
def test_a_customer_is_never_written(level: str, format_: Any) -> None:
    """Neither what the till program posted nor what effects were called with is in any line."""
    stream = io.StringIO()
    writer = configure(format_, level, stream)
    unhandled = step(Event("ticket.customer", {"customer": SECRET}), handled=False, entered=[])
    answered = step(Event("offers.ok", {"customer": SECRET, "offers": 3}, run=1))
    number = step(Event("ticket.customer", {"customer": 4711_0815}))
    for found in (lost(), customer(), unhandled, answered, number):
        log_step(found, WALL)
    writer.flush()
    assert stream.getvalue().count("ticket.customer") >= 1
    assert SECRET not in stream.getvalue()
    assert "47110815" not in stream.getvalue()


def test_only_at_debug_the_names_of_hidden_fields_are_written() -> None:
    """A line for debugging names what the event carried; one above says nothing of it."""
    assert "fields" not in step_line(customer(), WALL)
    assert step_line(step(Event("ticket.customer", {"customer": SECRET})), WALL)["fields"] == [
        "customer"
    ]


def test_a_servers_page_is_cut() -> None:
    """A message as long as a page of HTML is written up to 300 characters."""
    found = step(Event("ping.failed.bad_reply", {"message": "<html>" * 1000}, run=1))
    assert len(step_line(found, WALL)["data"]["message"]) == 300


@pytest.mark.parametrize("wall", [float("nan"), 1e30, -1e30])
def test_a_clock_set_to_no_date_breaks_no_line(wall: float) -> None:
    """A time that no calendar has is written as 1970."""
    assert timestamp(wall) == "1970-01-01T00:00:00.000Z"


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_pipe_gets_json_and_a_terminal_text() -> None:
    """``auto`` writes one object per line, or one readable line."""
    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        writer = configure("auto", "info", stream)
        log_step(lost(), WALL)
        write(logging.INFO, "agent.started", tills=2)
        writer.flush()
    assert lines(pipe)[0] == step_line(lost(), WALL)
    assert lines(pipe)[1]["event"] == "agent.started"
    assert lines(pipe)[1]["tills"] == 2
    first, second = terminal.getvalue().splitlines()
    assert first.startswith(
        "2026-01-01T00:00:00.250Z  WARNING  01  ping.failed.timeout  online -> degraded"
    )
    assert second.endswith("INFO     -  agent.started  tills=2")


def test_only_the_level_asked_for_is_written() -> None:
    """At info the dull steps are left out; other libraries are heard from warning on."""
    stream = io.StringIO()
    writer = configure("json", "info", stream)
    log_step(step(Event("ping.ok", run=1)), WALL)
    logging.getLogger("urllib3.connectionpool").info("GET /secret")
    logging.getLogger("urllib3.connectionpool").warning("pool is full")
    writer.flush()
    assert [(line["event"], line["message"]) for line in lines(stream)] == [
        ("urllib3.connectionpool", "pool is full")
    ]


def test_configuring_again_replaces_what_was() -> None:
    """A second configure writes each line once, to the new stream."""
    first, second = io.StringIO(), io.StringIO()
    configure("json", "info", first)
    writer = configure("json", "info", second)
    write(logging.INFO, "agent.started")
    writer.flush()
    assert first.getvalue() == ""
    assert len(lines(second)) == 1


@pytest.mark.parametrize(("format_", "level"), [("xml", "info"), ("json", "loud")])
def test_a_wrong_setting_is_a_sentence(format_: Any, level: str) -> None:
    """An unknown format or level is refused by naming those that exist."""
    with pytest.raises(ValueError, match=r"is one of .*, not '(xml|loud)'"):
        configure(format_, level, io.StringIO())


def test_text_cannot_feign_a_line_or_move_the_cursor() -> None:
    """A server's words with line ends and escape codes stay on their line, made visible."""
    stream = Terminal()
    writer = configure("auto", "info", stream)
    words = "no\n2026-01-01 INFO all is well\x1b[2J"
    log_step(step(Event("ping.failed.timeout", {"message": words}, run=1)), WALL)
    logging.getLogger("some.library").warning(words)
    writer.flush()
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()


def test_json_stays_json() -> None:
    """Accents, not-a-number and objects that are no JSON make an ASCII line that parses."""
    stream = io.StringIO()
    writer = configure("json", "info", stream)
    write(logging.INFO, "odd", text="été", number=float("inf"), things=[{1}, float("nan")])
    writer.flush()
    (line,) = lines(stream)
    assert (line["text"], line["number"], line["things"]) == ("été", "inf", ["{1}", "nan"])
    assert stream.getvalue().isascii()


def test_a_console_of_another_code_page_gets_what_it_can_show() -> None:
    """Characters that the stream cannot encode are escaped, the line is written."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252", write_through=True)
    writer = configure("text", "info", stream)
    write(logging.INFO, "agent.started", name="caisse n° 1 → 日本")
    writer.flush()
    assert "caisse n° 1 \\u2192 \\u65e5" in raw.getvalue().decode("cp1252")


def test_an_exception_is_written_with_its_place() -> None:
    """The kind, the words and the frames are in the line, the words once."""
    stream = io.StringIO()
    writer = configure("json", "info", stream)
    try:
        raise KeyError("till 01")
    except KeyError:
        logging.getLogger("some.library").exception("a listener failed")
    writer.flush()
    (line,) = lines(stream)
    assert line["error"] == "KeyError: 'till 01'"
    assert "test_an_exception_is_written_with_its_place" in line["traceback"]
    assert (line["event"], line["message"]) == ("some.library", "a listener failed")


class Blocked(io.StringIO):
    """A console whose text somebody has selected."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.open = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        assert self.open.wait(10.0)
        return super().write(text)


def test_a_console_that_blocks_stops_nobody() -> None:
    """Lines beyond what may wait are dropped and counted; the count is written afterwards."""
    stream = Blocked()
    writer = LineWriter(StreamSink(stream), most_waiting=3)
    record = logging.LogRecord("tillwire", logging.INFO, "", 0, "agent.started", (), None)
    writer.setFormatter(log_output.JsonFormatter())
    writer.emit(record)
    assert stream.entered.wait(10.0)
    began = time.monotonic()
    for _ in range(5):
        writer.emit(record)
    assert time.monotonic() - began < 0.5
    assert writer.dropped == 2
    stream.open.set()
    writer.flush()
    assert [line["event"] for line in lines(stream)] == ["agent.started"] * 4 + ["log.dropped"]
    assert lines(stream)[-1]["lines"] == 2
    writer.close()


def test_a_stream_that_is_gone_raises_nothing() -> None:
    """When nobody reads any more, lines are counted as dropped and the program goes on."""
    stream = io.StringIO()
    writer = configure("json", "info", stream)
    stream.close()
    write(logging.INFO, "agent.started")
    writer.flush()
    assert writer.dropped == 1
