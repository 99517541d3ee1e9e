"""The steps of the tills: the newest of each till, real transitions and dull steps apart."""

from collections.abc import Sequence
from json import dumps, loads
from typing import NamedTuple

from engine.store.port import AnyDatabase

NEWEST = 2**63 - 1

TRIM_EVERY = 100
"""Steps added before those over the bounds are dropped; there may be as many too many."""


REPLAY = "replay"
"""What ``detail`` has for those alone who play a history again; older rows lack it."""


AGENT = ""
"""In the place of a till's id: the row is the agent's own, and every till's story has it."""


class HistoryRow(NamedTuple):
    """One step. ``taken`` and ``detail`` are JSON texts; ``seq`` is given by the database.

    ``dull`` steps (a ping that changed nothing) have a bound of their own, so that they never
    push a real transition out.
    """

    till: str
    at: float
    event: str
    states: tuple[str, ...]
    taken: str
    dull: bool
    detail: str
    seq: int = 0


class Ending(NamedTuple):
    """How the process before this one ended: the newest row of the agent's own, and when the
    newest row of all was written; None where there is none."""

    own: HistoryRow | None
    at: float | None


class History:
    """``keep`` real steps and ``keep_dull`` dull ones per till, and a few more; older ones go."""

    def __init__(self, database: AnyDatabase, keep: int, keep_dull: int) -> None:
        self._database = database
        self._keep = {False: keep, True: keep_dull}
        self._grown: set[tuple[str, bool]] = set()
        # A process that dies young has trimmed nothing: the first steps of the next one do.
        self._untrimmed = TRIM_EVERY

    def record(self, rows: Sequence[HistoryRow]) -> None:
        """Adds steps in their order and drops what is over the bounds of their tills."""
        with self._database.atomic():
            texts = [
                (*row[:3], dumps(row.states), row.taken, int(row.dull), row.detail) for row in rows
            ]
            self._database.run_rows("history_add", texts)
            self._grown.update((row.till, row.dull) for row in rows)
            self._untrimmed += len(rows)
            if self._untrimmed >= TRIM_EVERY:
                self._trim()

    def _trim(self) -> None:
        """Finding what is over the bounds costs as much as adding a step, so it is not done
        for each."""
        for dull, keep in self._keep.items():
            grown = sorted(till for till, of_dull in self._grown if of_dull == dull)
            self._database.run("history_trim", dumps(grown), int(dull), int(dull), keep)
        self._grown.clear()
        self._untrimmed = 0

    def recent(
        self, till: str, limit: int = 100, before: int | None = None, dull: bool = True
    ) -> list[HistoryRow]:
        """The newest steps of a till first; ``before`` a seq, for the page after the last.

        Without ``dull`` only real transitions.
        """
        found = self._database.rows(
            "history_recent", till, int(dull), NEWEST if before is None else before, limit
        )
        return [
            HistoryRow(name, at, event, tuple(loads(states)), taken, bool(boring), detail, seq)
            for name, at, event, states, taken, boring, detail, seq in found
        ]

    def ending(self) -> Ending:
        """See :class:`Ending`."""
        own, newest = self.recent(AGENT, 1), self._database.row("history_newest")
        return Ending(own[0] if own else None, newest[0] if newest else None)
