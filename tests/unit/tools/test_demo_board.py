"""What the demo shows: the table as text, and plain lines."""

import io
from typing import Any

import pytest
from rich.console import Console

from engine.tools.demo_board import (
    PLAIN_SIGNS,
    SIGNS,
    Board,
    Change,
    Lines,
    LiveTable,
    Nothing,
    Trail,
    display,
    moved,
    signs_for,
    span,
    table,
)
from engine.tools.demo_script import Act

NOW = 1_800_000_000.0
VIEW = {
    "state": "offline-cooldown",
    "label": {"en": "Offline", "fr": "Hors ligne"},
    "since": "2027-01-15T07:59:55Z",
    "next_try": "2027-01-15T08:00:02.300Z",
    "tickets": {"pending": 12, "sent": 30, "refused": 0, "oldest_pending": "2027-01-15T07:59:50Z"},
}
LOST = Change(NOW - 5, "degraded", "offline-cooldown", "ping.failed.unreachable")


def _board(**changed: Any) -> Board:
    given = {
        "act": Act.GONE,
        "elapsed": 23.4,
        "length": 60.0,
        "now": NOW,
        "view": VIEW,
        "sold": 42,
        "at_server": 30,
        "changes": [LOST],
        "address": "http://127.0.0.1:8344",
    }
    return Board(**{**given, **changed})


def _text(board: Board, width: int = 80, height: int = 24) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    with console.capture() as captured:
        console.print(table(board, width, height))
    return captured.get()


def test_the_table_tells_state_timers_and_backlog() -> None:
    """State in both languages with a sign, since when, the next try, and the three counts."""
    lines = [line.strip("│ ") for line in _text(_board()).splitlines()]

    assert "tillwire demo, 23 of 60 s" in lines[0]
    assert lines[1:3] == [
        "sells › [server gone] › server silent › server back › closing",
        "The server has died: it refuses every connection. The till sells on.",
    ]
    assert lines[4:10] == [
        "State       ○ Offline / Hors ligne (offline-cooldown)",
        "Since       5 s",
        "Next try    in 2.3 s",
        "Sold        42",
        "Waiting     12  ████████████  the oldest for 10 s",
        "At server   30",
    ]
    assert lines[12].endswith("degraded → offline-cooldown  ping.failed.unreachable")
    assert "API http://127.0.0.1:8344" in lines[-1]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (60, 20), (40, 12), (20, 5)])
@pytest.mark.parametrize("act", list(Act))
def test_nothing_wraps_at_any_size(width: int, height: int, act: Act) -> None:
    """Each line is as wide as the frame, and there are no more lines than the terminal has."""
    changes = [LOST, Change(NOW, "syncing", "degraded", "send_tickets.failed.server_error")] * 20
    view = {**VIEW, "tickets": {**VIEW["tickets"], "pending": 100_000}}  # type: ignore[dict-item]
    lines = _text(_board(act=act, view=view, changes=changes), width, height).splitlines()

    assert {len(line) for line in lines} == {min(width, 100)}
    assert len(lines) <= max(height - 1, 15)


def test_a_table_that_goes_on_for_ever_shows_no_end() -> None:
    """No length, and no closing among the acts."""
    text = _text(_board(length=None))

    assert "tillwire demo, 23 s" in text
    assert "closing" not in text


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ({**VIEW, "next_try": None}, "now"),
        ({**VIEW, "next_try": "2027-01-15T07:59:59Z"}, "now"),
        ({}, "-"),
    ],
)
def test_a_try_that_is_due_is_now(view: dict[str, Any], shown: str) -> None:
    """Also while its answer is waited for; before the agent has answered nothing is known."""
    assert f"Next try    {shown} " in _text(_board(view=view))


def test_states_without_a_label_show_their_name() -> None:
    """A machine of somebody else's works too."""
    text = _text(_board(view={**VIEW, "state": "elsewhere", "label": None}))

    assert "State       · elsewhere " in text


def test_a_console_without_the_signs_gets_plain_ones() -> None:
    """Code page 1252, ASCII, and an encoding that nobody knows."""
    assert signs_for("utf-8") is SIGNS
    assert [signs_for(name) for name in ("cp1252", "ascii", None, "none")] == [PLAIN_SIGNS] * 4
    assert moved(LOST, PLAIN_SIGNS) == "degraded -> offline-cooldown"


def _step(number: int, source: str, target: str, event: str = "e", **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "at": "2027-01-15T08:00:00Z",
        "event": event,
        "taken": [{"event": event, "source": source, "target": target}],
        "dull": False,
        **more,
    }


def test_the_trail_gathers_routine_and_tells_what_is_new_once() -> None:
    """Sales that went through are one line with a count; dull steps are none."""
    trail = Trail()
    steps = [
        _step(1, "degraded", "online", "ping.ok"),
        _step(2, "online", "syncing"),
        _step(3, "syncing", "online"),
        _step(4, "online", "online", dull=True),
        _step(5, "online", "syncing"),
        _step(6, "syncing", "degraded", "send_tickets.failed.timeout"),
    ]

    assert [change.cause for change in trail.add(reversed(steps))] == [
        "ping.ok",
        "send_tickets.failed.timeout",
    ]
    assert trail.add(reversed(steps)) == []
    assert [(moved(change, PLAIN_SIGNS), change.times) for change in trail.changes] == [
        ("degraded -> online", 1),
        ("online -> syncing -> online", 2),
        ("syncing -> degraded", 1),
    ]


def test_a_state_that_is_entered_again_is_told_as_such() -> None:
    """A probe that failed starts the cooldown anew."""
    change = Change(NOW, "offline-cooldown", "offline-cooldown", "ping.failed.timeout")

    assert moved(change, SIGNS) == "offline-cooldown again"


def test_plain_lines_are_one_for_each_change() -> None:
    """The act when it changes, each transition once, and nothing in between."""
    stream = io.StringIO()
    lines = Lines(stream)
    lines.say("Hello.")
    lines.show(_board(), [])
    lines.show(_board(), [])
    lines.show(_board(elapsed=24.0), [LOST])
    lines.close()

    counts = "sold 42, waiting 12, at server 30"
    assert stream.getvalue().splitlines() == [
        "Hello.",
        f"  23.4 s  {counts}: The server has died: it refuses every connection. The till sells on.",
        f"  24.0 s  {counts}: degraded -> offline-cooldown, by ping.failed.unreachable",
    ]


def test_a_live_table_stays_on_the_terminal_when_it_ends() -> None:
    """What was said comes first, the last table after it."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, height=24)
    live = LiveTable(console)
    live.say("Hello.")
    live.show(_board(), [])
    live.close()

    text = stream.getvalue()
    assert text.index("Hello.") < text.index("Offline / Hors ligne")


def test_programs_are_shown_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json standard output belongs to the summary."""
    shown = display(json=True)
    shown.say("Hello.")
    shown.show(_board(), [LOST])
    shown.close()

    assert isinstance(shown, Nothing)
    assert capsys.readouterr() == ("", "")


def test_what_is_no_terminal_gets_lines() -> None:
    """As a pipe or a file."""
    assert isinstance(display(json=False), Lines)


@pytest.mark.parametrize(
    ("seconds", "words"), [(-1, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3725, "62 min 5 s")]
)
def test_a_length_of_time_is_whole_seconds(seconds: float, words: str) -> None:
    """Minutes from 60 s on."""
    assert span(seconds) == words
