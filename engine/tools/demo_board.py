"""What the demo shows while it runs: a live table on a terminal, elsewhere plain lines."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from engine.tools.demo_script import SENTENCES, WORDS, Act

WIDEST = 100
FIXED_LINES = 15
"""Lines of the table without its transitions, and the one that the cursor stands in."""
MOST_TRANSITIONS = 14

ROUTINE = frozenset({("online", "syncing"), ("syncing", "online"), ("syncing", "syncing")})
"""What every sale brings about: shown as one line with a count."""


class Signs(NamedTuple):
    """The signs for what is drawn; states are told apart by sign and word, not by colour alone."""

    states: Mapping[str, str]
    unknown: str
    arrow: str
    times: str
    then: str
    bar: str


SIGNS = Signs(
    {"online": "●", "syncing": "▲", "degraded": "◐", "loading": "▼", "offline-cooldown": "○"},
    "·",
    "→",
    "×",
    "›",
    "█",
)
PLAIN_SIGNS = Signs(
    {"online": "+", "syncing": "^", "degraded": "~", "loading": "v", "offline-cooldown": "x"},
    "?",
    "->",
    "x",
    ">",
    "#",
)
COLOURS = {
    "online": "green",
    "syncing": "cyan",
    "degraded": "yellow",
    "loading": "cyan",
    "offline-cooldown": "red",
}


def signs_for(encoding: str | None) -> Signs:
    """The signs that an output of this encoding can show."""
    drawn = "".join([*SIGNS.states.values(), *SIGNS[1:]])
    try:
        drawn.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN_SIGNS
    return SIGNS


@dataclass(slots=True)
class Change:
    """A transition: ``at`` in epoch seconds, the states left and entered, the event that led to
    it. ``times`` counts routine that followed."""

    at: float
    source: str
    target: str
    cause: str
    times: int = 1

    @property
    def routine(self) -> bool:
        """Whether every sale brings it about."""
        return (self.source, self.target) in ROUTINE


class Trail:
    """The transitions of the till so far, oldest first, read from the agent's history."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._last = -1

    def add(self, steps: Iterable[Mapping[str, Any]]) -> list[Change]:
        """Take the newest steps of the history, newest first; gives the changes not yet known,
        oldest first, without routine."""
        fresh = sorted(
            (step for step in steps if step["number"] > self._last),
            key=lambda step: int(step["number"]),
        )
        news = []
        for step in fresh:
            self._last = step["number"]
            if step["dull"] or not step["taken"]:
                continue
            at = datetime.fromisoformat(step["at"]).timestamp()
            taken = step["taken"]
            change = Change(at, taken[0]["source"], taken[-1]["target"], step["event"])
            if self._is_more_of_the_same(change):
                self.changes[-1].times += change.target == "syncing"
                continue
            self.changes.append(change)
            if not change.routine:
                news.append(change)
        del self.changes[:-MOST_TRANSITIONS]
        return news

    def _is_more_of_the_same(self, change: Change) -> bool:
        return change.routine and bool(self.changes) and self.changes[-1].routine


@dataclass(slots=True)
class Board:
    """All that is shown. ``now`` is in epoch seconds, ``elapsed`` and ``length`` in seconds
    since the command was given; ``view`` is what the API says of the till."""

    act: Act = Act.SELLING
    elapsed: float = 0.0
    length: float | None = None
    now: float = 0.0
    view: Mapping[str, Any] = field(default_factory=dict)
    sold: int = 0
    at_server: int = 0
    changes: Sequence[Change] = ()
    address: str = ""

    @property
    def waiting(self) -> int:
        """Tickets on the till's disk that the server has not acknowledged."""
        return int(self.view.get("tickets", {}).get("pending", 0))

    @property
    def state(self) -> str:
        """The till's state."""
        return str(self.view.get("state", "starting"))


def table(board: Board, width: int, height: int, signs: Signs = SIGNS) -> RenderableType:
    """The board for a terminal of this size: nothing wraps, and it fits from 12 lines on."""
    width = min(width, WIDEST)
    inside = Group(
        _strip(board, signs),
        _line(SENTENCES[board.act]),
        _line(""),
        _facts(board, width, signs),
        _line(""),
        _line("Last transitions", "bold"),
        _changes(board, max(1, min(MOST_TRANSITIONS, height - FIXED_LINES)), signs),
    )
    spent = f"{board.elapsed:.0f} s"
    if board.length is not None:
        spent = f"{min(board.elapsed, board.length):.0f} of {board.length:.0f} s"
    return Panel(
        inside,
        title=_line(f"tillwire demo, {spent}", "bold"),
        subtitle=_line(f"API {board.address}   Ctrl-C ends the demo"),
        width=width,
        padding=(0, 1),
    )


def _line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _strip(board: Board, signs: Signs) -> Text:
    """The acts in their order; the present one is marked by brackets too."""
    acts = [act for act in Act if board.length is not None or act is not Act.CLOSING]
    strip = _line("")
    for number, act in enumerate(acts):
        if number:
            strip.append(f" {signs.then} ", "dim")
        present = act is board.act
        strip.append(f"[{WORDS[act]}]" if present else WORDS[act], "bold" if present else "dim")
    return strip


def _facts(board: Board, width: int, signs: Signs) -> Table:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, min_width=10)
    facts.add_column(no_wrap=True, overflow="ellipsis")
    label = board.view.get("label") or {}
    words = " / ".join(dict.fromkeys(filter(None, (label.get("en"), label.get("fr")))))
    sign = signs.states.get(board.state, signs.unknown)
    name = f"{words} ({board.state})" if words else board.state
    facts.add_row("State", Text(f"{sign} {name}", f"bold {COLOURS.get(board.state, 'white')}"))
    facts.add_row("Since", span(board.now - _epoch(board.view.get("since"), board.now)))
    facts.add_row("Next try", _next_try(board))
    facts.add_row("Sold", str(board.sold))
    facts.add_row("Waiting", _backlog(board, width, signs))
    facts.add_row("At server", str(board.at_server))
    return facts


def _next_try(board: Board) -> str:
    due = board.view.get("next_try")
    if due is None:  # what was due has been started, and its answer is not there yet
        return "now" if board.view else "-"
    left = _epoch(due, board.now) - board.now
    return f"in {left:.1f} s" if left > 0 else "now"


def _backlog(board: Board, width: int, signs: Signs) -> Text:
    text = Text(str(board.waiting))
    if board.waiting:
        room = max(0, width - 50)
        text.append("  " + signs.bar * min(board.waiting, room), "yellow")
        oldest = board.view.get("tickets", {}).get("oldest_pending")
        if oldest is not None:
            text.append(f"  the oldest for {span(board.now - _epoch(oldest, board.now))}")
    return text


_LONGEST = Change(0.0, "degraded", "offline-cooldown", "")
"""What is as long as most changes are, so that the columns do not move about."""


def _changes(board: Board, most: int, signs: Signs) -> Table:
    rows = Table.grid(padding=(0, 2))
    shown = list(board.changes)[-most:]
    rows.add_column(no_wrap=True, min_width=8)
    rows.add_column(no_wrap=True, min_width=max(len(moved(c, signs)) for c in [*shown, _LONGEST]))
    rows.add_column(no_wrap=True, overflow="ellipsis")
    for change in reversed(shown):
        rows.add_row(_clock(change.at), moved(change, signs), cause(change, signs))
    for _ in range(most - len(shown)):
        rows.add_row("", "", "")
    return rows


def moved(change: Change, signs: Signs) -> str:
    """The states of a change, as in ``online -> degraded``."""
    if change.routine:
        return f"online {signs.arrow} syncing {signs.arrow} online"
    if change.source == change.target:
        return f"{change.target} again"
    return f"{change.source} {signs.arrow} {change.target}"


def cause(change: Change, signs: Signs) -> str:
    """The event that led to a change, and how often where it is routine."""
    if not change.routine:
        return change.cause
    return f"tickets sent {signs.times}{change.times}"


def span(seconds: float) -> str:
    """A length of time in words, whole seconds."""
    whole = max(0, int(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%H:%M:%S}"


def _epoch(moment: Any, otherwise: float) -> float:
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else otherwise


class Display(Protocol):
    """What shows the demo."""

    def say(self, sentence: str) -> None:
        """Something about the demo itself."""

    def show(self, board: Board, news: Sequence[Change]) -> None:
        """How things are, and which changes are new."""

    def close(self) -> None:
        """Leave the terminal as it should be."""


class Nothing:
    """Shows nothing, for programs that read the summary alone."""

    def say(self, sentence: str) -> None:
        """See :class:`Display`."""

    def show(self, board: Board, news: Sequence[Change]) -> None:
        """See :class:`Display`."""

    def close(self) -> None:
        """See :class:`Display`."""


class Lines:
    """Plain lines, one for each change: for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._signs = signs_for(stream.encoding)
        self._act: Act | None = None

    def say(self, sentence: str) -> None:
        """See :class:`Display`."""
        self._stream.write(f"{sentence}\n")
        self._stream.flush()

    def show(self, board: Board, news: Sequence[Change]) -> None:
        """See :class:`Display`."""
        if board.act is not self._act:
            self._act = board.act
            self._write(board, SENTENCES[board.act])
        for change in news:
            self._write(board, f"{moved(change, self._signs)}, by {change.cause}")

    def close(self) -> None:
        """See :class:`Display`."""

    def _write(self, board: Board, text: str) -> None:
        counts = f"sold {board.sold}, waiting {board.waiting}, at server {board.at_server}"
        self.say(f"{board.elapsed:6.1f} s  {counts}: {text}")


class LiveTable:
    """The table, drawn again and again in the same place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._signs = signs_for(console.encoding)
        self._live = Live(
            console=console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def say(self, sentence: str) -> None:
        """See :class:`Display`."""
        self._console.print(Text(sentence), soft_wrap=True)

    def show(self, board: Board, news: Sequence[Change]) -> None:  # noqa: ARG002 - all are shown
        """See :class:`Display`."""
        if not self._live.is_started:
            self._live.start()
        size = self._console.size
        self._live.update(table(board, size.width, size.height, self._signs), refresh=True)

    def close(self) -> None:
        """See :class:`Display`."""
        self._live.stop()


def display(json: bool) -> Display:
    """What suits the standard output."""
    if json:
        return Nothing()
    console = Console(file=sys.stdout)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveTable(console)
    return Lines(sys.stdout)
