"""What befalls the process and not one till: starts, stops, files, the clock.

It goes into the history under no till's name (:data:`engine.store.history.AGENT`), so that it is
written once however many tills there are, and every till's story tells it.
"""

from collections.abc import Callable, Mapping
from json import dumps

from engine import __version__
from engine.agent.clock import Clock
from engine.definition.machine import Definition
from engine.store.history import AGENT, Ending, HistoryRow

JUMP = 2.0
"""Seconds by which the wall clock has to leave the monotonic one between two steps for somebody
to have set it; a machine that slept looks the same."""

STARTED, STOPPED = "agent.started", "agent.stopped"


class Chronicle:
    """Notes what befalls one process; ``keep`` takes the rows."""

    def __init__(self, clock: Clock, keep: Callable[[HistoryRow], None]) -> None:
        self._clock = clock
        self._keep = keep
        self._ahead = clock.wall() - clock.monotonic()
        self._early: list[HistoryRow] | None = []

    def note(self, event: str, **data: object) -> None:
        """Note something now. ``data`` are JSON types that hold nothing secret."""
        row = self._row(event, data)
        if self._early is None:
            self._keep(row)
        else:  # what is found before the tills are there belongs to this life, not to the last
            self._early.append(row)

    def _row(self, event: str, data: Mapping[str, object]) -> HistoryRow:
        told = {name: value for name, value in data.items() if value not in ("", None)}
        wall = self._clock.wall()
        return HistoryRow(AGENT, wall, event, (), "[]", False, dumps({"data": told}))

    def began(self, definition: Definition, tills: int, ending: Ending) -> None:
        """The process began. ``before`` is how the one before it ended: ``stopped``, or
        ``crashed`` where it noted no end; ``last`` is its last sign of life."""
        before = None
        if ending.own is not None:
            before = "stopped" if ending.own.event == STOPPED else "crashed"
        told = {
            "version": __version__,
            "machine": definition.model.machine,
            "hash": definition.hash,
            "tills": tills,
            "before": before,
            "last": ending.at,
        }
        early, self._early = self._early or [], None
        for row in (self._row(STARTED, told), *early):
            self._keep(row)

    def look(self) -> None:
        """Whether the clock was set since the last look."""
        ahead = self._clock.wall() - self._clock.monotonic()
        if abs(ahead - self._ahead) >= JUMP:
            self.note("clock.jumped", seconds=round(ahead - self._ahead, 3))
        self._ahead = ahead
