"""A load of the catalogue, without files: what it answers and when, as the real one would.

``tests/unit/tools/simulation/test_loading.py`` holds it against
:class:`engine.effects.catalogue_load.CatalogueLoad`: the same answers, with the same data, when
files are there, are not there, stall, or nobody waits any more.
"""

from engine.definition.vocabulary import Value
from engine.effects.call import Answer, Call
from engine.effects.catalogue_load import CUT_OFF
from engine.server.ftp import BREATHS, TRIES
from engine.server.port import CallFailed, Reason
from engine.tools.simulation.network import Lines
from engine.tools.simulation.scenario import Files, FilesWindow, Scenario
from engine.tools.simulation.windows import Spells
from engine.tools.simulation.world import World

LOOK = 1.0
"""Seconds between two looks at whether the line still carries, and whether anybody waits."""

STALL = 30.0
"""Seconds without a byte after which the FTP client gives a download up."""


class SimulatedLoad:
    """Loads for all tills. ``tables`` are one: how many there are changes nothing here."""

    def __init__(self, scenario: Scenario, files: Files, lines: Lines, world: World) -> None:
        self._files = files
        self._lines = lines
        self._world = world
        self._parts: dict[str, float] = {}
        self.spells: Spells[FilesWindow] = Spells(
            files.windows, world, scenario.begins, scenario.length
        )

    def run(self, call: Call) -> Answer:
        """Ask, download, take in. Raises CallFailed and CallRejected as an effect does."""
        end = call.monotonic() + call.seconds("limit")
        call.server.newest_files(call.till, {}, min(call.seconds("timeout"), call.seconds("limit")))
        kind = call.text("kind")
        part = 1.0 if kind == "full" else self._files.part
        size, rows = int(self._files.size * part), int(self._files.rows * part)
        self._download(call, size, end)
        self._pass(call, rows / self._files.rows_per_second, end)
        self._parts.pop(call.till, None)
        data: dict[str, Value] = {
            "kind": kind,
            "tables": 1,
            "rows": rows,
            "bytes": size,
            "gap": False,
        }
        return Answer("ok", data)

    def _download(self, call: Call, size: int, end: float) -> None:
        """Attempts, as the FTP client makes them, until the file is there. What came before the
        line broke need not come again."""
        vain = 0
        while True:
            before = self._parts.get(call.till, 0.0)
            why = self._attempt(call, size, end)
            if why is None:
                return
            vain = 0 if self._parts.get(call.till, 0.0) > before else vain + 1
            if vain >= TRIES:
                raise CallFailed(why, "the files cannot be had")
            self._pass(call, BREATHS[vain], end)

    def _attempt(self, call: Call, size: int, end: float) -> Reason | None:
        """Download until it is all there (None) or the line does not carry any more."""
        there, silent = self._parts.get(call.till, 0.0), 0.0
        while there < size:
            down = self._down(call.till)
            if down == "refused":
                return Reason.UNREACHABLE
            step = min(LOOK, (size - there) / self._files.bytes_per_second)
            self._pass(call, step, end)
            if down is None:
                silent, there = 0.0, there + step * self._files.bytes_per_second
                self._parts[call.till] = there
                continue
            silent += step
            if silent >= STALL:
                return Reason.TIMEOUT
        return None

    def _down(self, till: str) -> str | None:
        """Whether files come through just now."""
        line = self._lines.line(till).down
        slow = [window.down for window in self.spells.now if window.down]
        return line or (slow[-1] if slow else None)

    def _pass(self, call: Call, seconds: float, end: float) -> None:
        """Let time pass, second by second."""
        left = seconds
        while left > 0:
            step = min(LOOK, left)
            self._world.wait(step)
            left -= step
            if call.cancelled.is_set():
                raise CallFailed(Reason.LOCAL_ERROR, CUT_OFF)
            if call.monotonic() >= end:
                raise CallFailed(Reason.TIMEOUT, "the load did not end within its limit")
