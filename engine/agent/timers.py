"""The delays that are running, for all tills of the process, in one heap.

A timer that is stopped or started anew leaves its old entry where it is: finding it would cost
more than skipping it when its time comes. Only the till knows which of its timers still runs,
so the heap asks (``is_current``). Entries that nobody needs any more are swept out before they
are a fifth of all.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

from engine.core.records import Timer

IsCurrent = Callable[[str, Timer], bool]
"""Whether a till's timer still runs: ``(till id, timer) -> bool``."""

SMALL = 64
"""Below this many entries a sweep is not worth it."""

SPARE = 1.25
"""A sweep is due when there are so many times the entries that were current at the last one: in
a process of 10,000 tills the stale ones count, and a sweep asks five times per push only."""


class TimerHeap:
    """Timers by the time at which they run out.

    An entry shares the till's own Timer and costs about 150 bytes. Times are on the scale of
    the caller's clock. Not for several threads. ``is_current`` is asked while pushing: a timer
    has to be its till's own by then.
    """

    __slots__ = ("_entries", "_is_current", "_serials", "_sweep_at")

    def __init__(self, is_current: IsCurrent) -> None:
        self._is_current = is_current
        self._entries: list[tuple[float, int, str, Timer]] = []
        self._serials = count()
        self._sweep_at = SMALL

    def __len__(self) -> int:
        """Entries held, those of stopped timers included."""
        return len(self._entries)

    def push(self, till: str, timer: Timer) -> None:
        """Wake ``till`` when ``timer`` is due."""
        # The serial keeps timers with one due time in the order in which they were started,
        # and keeps the comparison away from the timers themselves.
        heappush(self._entries, (timer.due, next(self._serials), till, timer))
        if len(self._entries) > self._sweep_at:
            self._sweep()

    def pop_due(self, now: float, limit: int | None = None) -> list[tuple[str, Timer]]:
        """Take out what has run out at ``now``, the earliest first: ``(till id, timer)`` pairs.

        At most ``limit`` of them, for a loop that has other work too; what is left stays due.
        Handling one of them may stop another of the same list: the core finds that one late.
        """
        entries = self._entries
        due: list[tuple[str, Timer]] = []
        while entries and entries[0][0] <= now and (limit is None or len(due) < limit):
            _, _, till, timer = heappop(entries)
            if self._is_current(till, timer):
                due.append((till, timer))
        return due

    def next_due(self) -> float | None:
        """When to call :meth:`pop_due` next; None when no timer runs.

        It may be the time of a stopped timer: waking up for it is harmless and rare.
        """
        return self._entries[0][0] if self._entries else None

    def _sweep(self) -> None:
        """Drop every entry whose timer no longer runs."""
        self._entries = [entry for entry in self._entries if self._is_current(entry[2], entry[3])]
        heapify(self._entries)
        self._sweep_at = max(SMALL, int(SPARE * len(self._entries)))
