"""What a simulation writes down while it runs."""

from array import array
from collections import Counter
from typing import NamedTuple

from engine.core.records import Step, Till
from engine.definition.tree import ROOT, Tree

MINUTE = 60.0


class Moved(NamedTuple):
    """A transition that a till took at ``at`` seconds: as :class:`engine.core.records.Taken`."""

    at: float
    event: str
    source: str
    target: str


class TillRecord:
    """What one till lived. ``states`` are ``(seconds, state)``, ``offline`` the periods
    ``[from, until]`` in seconds, the last one open (None) when the simulation ends in it."""

    __slots__ = ("again", "closed", "moves", "offline", "states", "stored", "twice")

    def __init__(self) -> None:
        self.states: list[tuple[float, str]] = []
        self.offline: list[tuple[float, float | None]] = []
        self.moves: list[Moved] = []
        self.closed = array("d")
        """When each ticket was handed over, by its number, from 1."""
        self.stored = array("d")
        """When the server had it, -1 as long as it has not."""
        self.again = 0
        """Tickets that came again and were known."""
        self.twice = 0
        """Tickets that were taken for new ones again."""


class Asked(NamedTuple):
    """A question for offers at ``at``: how many seconds the till program waited, and what it
    got: fresh, late, offline, or why there was nothing fresh."""

    at: float
    waited: float
    answer: str


class Record:
    """Listens to steps, and is told the rest. Times are seconds from the beginning."""

    def __init__(self, tree: Tree, names: list[str], keep_moves: bool) -> None:
        self._tree = tree
        self._offline = frozenset(node.id for node in tree if node.state.offline)
        self._leaves: dict[tuple[str, ...], str] = {}
        self._keep_moves = keep_moves
        self.tills = {name: TillRecord() for name in names}
        self.steps = 0
        self.made: Counter[int] = Counter()
        """Calls that tills made, by minute."""
        self.calls: Counter[tuple[int, str]] = Counter()
        """Calls that came to the server, by minute and action."""
        self.seconds: Counter[int] = Counter()
        """Calls that came to the server, by second."""
        self.sql: Counter[int] = Counter()
        """SQL statements, by minute."""
        self.full: Counter[int] = Counter()
        """Calls that were sent away, by minute."""
        self.queue: dict[int, int] = {}
        """The longest queue, by minute."""
        self.longest_wait = 0.0
        self.for_nobody = 0
        """Calls that the server worked on when their till had given them up."""
        self.ended: Counter[tuple[str, str]] = Counter()
        """Effects that ended, by name and answer; ``dropped`` where nobody heard it any more."""
        self.actions: Counter[str] = Counter()
        self.asked: list[Asked] = []

    def leaf(self, configuration: tuple[str, ...]) -> str:
        """The innermost states, as a person names where a till is."""
        found = self._leaves.get(configuration)
        if found is None:
            outer = {self._tree[name].parent for name in configuration} - {ROOT}
            found = " + ".join(name for name in configuration if name not in outer)
            self._leaves[configuration] = found
        return found

    def observe(self, step: Step, till: Till) -> None:
        """A step of a till."""
        self.steps += 1
        if not step.entered and not step.exited:
            return
        record, now = self.tills[till.id], step.at
        leaf = self.leaf(step.configuration)
        if not record.states or record.states[-1][1] != leaf:
            record.states.append((now, leaf))
        offline = not self._offline.isdisjoint(step.configuration)
        open_period = bool(record.offline) and record.offline[-1][1] is None
        if offline and not open_period:
            record.offline.append((now, None))
        elif open_period and not offline:
            record.offline[-1] = (record.offline[-1][0], now)
        if self._keep_moves:
            record.moves += [
                Moved(now, taken.event, taken.source, taken.target)
                for taken in step.taken
                if not taken.stays
            ]

    def closed(self, till: str, now: float) -> int:
        """A ticket is handed over; its number."""
        record = self.tills[till]
        record.closed.append(now)
        record.stored.append(-1.0)
        return len(record.closed)

    def stored(self, till: str, number: int, now: float, *, known: bool) -> None:
        """The server has a ticket; ``known``: it had it before, and knows that."""
        record = self.tills[till]
        if known:
            record.again += 1
        elif record.stored[number - 1] < 0:
            record.stored[number - 1] = now
        else:
            record.twice += 1

    def called(self, action: str, now: float) -> None:
        """A till makes a call."""
        self.actions[action] += 1
        self.made[int(now // MINUTE)] += 1

    def arrived(self, action: str, now: float) -> None:
        """A call comes to the server."""
        self.calls[int(now // MINUTE), action] += 1
        self.seconds[int(now)] += 1

    def worked(self, sql: int, now: float, waited: float, *, unheard: bool) -> None:
        """The server begins to work on a call."""
        self.sql[int(now // MINUTE)] += sql
        self.longest_wait = max(self.longest_wait, waited)
        self.for_nobody += unheard

    def queued(self, length: int, now: float) -> None:
        """A call waits for a worker."""
        minute = int(now // MINUTE)
        self.queue[minute] = max(length, self.queue.get(minute, 0))

    def turned_away(self, now: float) -> None:
        """A call finds the server full."""
        self.full[int(now // MINUTE)] += 1
