"""Virtual time, and whoever waits in it.

An effect is written for a thread that may block: it calls the server and goes on when the answer
is there. Here each runs in a greenlet of its own, which stands still where the thread would, so
that the very same code runs in virtual time, one effect at a time and always in the same order.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Protocol

from greenlet import getcurrent, greenlet

from engine.agent.clock import VirtualClock

Happening = Callable[..., None]


class Machines(Protocol):
    """What has timers of its own: :class:`engine.agent.tills.Tills`."""

    def next_due(self) -> float | None: ...

    def advance(self, limit: int | None = None) -> int: ...


class World:
    """What is going to happen, in the order of time; what comes at once, in the order asked for."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self._hub = getcurrent()
        self._heap: list[tuple[float, int, Happening, tuple[Any, ...]]] = []
        self._serials = count()

    @property
    def now(self) -> float:
        """Seconds since the simulation began."""
        return self.clock.monotonic()

    def at(self, when: float, call: Happening, *arguments: Any) -> None:
        """Call ``call`` at that time."""
        heappush(self._heap, (when, next(self._serials), call, arguments))

    def begin(self, work: Callable[[], None]) -> None:
        """Begin work that may wait; comes back when it waits or is done."""
        greenlet(work, self._hub).switch()

    def pause(self) -> Any:
        """In work: stand still until somebody gives the greenlet its value."""
        return self._hub.switch()

    def wait(self, seconds: float) -> None:
        """In work: let ``seconds`` pass."""
        self.at(self.now + seconds, getcurrent().switch, None)
        self.pause()

    def run(self, machines: Machines, end: float) -> None:
        """Let everything happen up to and at ``end``."""
        heap, jump = self._heap, self.clock.jump
        while True:
            due = machines.next_due()
            if heap and (due is None or heap[0][0] <= due):
                when, _, call, arguments = heap[0]
                if when > end:
                    break
                heappop(heap)
                jump(when)
                call(*arguments)
            elif due is None or due > end:
                break
            else:
                jump(max(due, self.now))
                machines.advance()
        jump(end)
