"""Where the agent and the tools read the time.

Nothing else in the product asks the operating system for it, so that the same code runs on
real time in a shop and on virtual time in a test, a simulation or a replay.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings of the same moment, both in seconds."""

    def monotonic(self) -> float:
        """Seconds that only grow; the zero means nothing."""

    def wall(self) -> float:
        """Seconds since 1970 in UTC; a person or a time server may set it back or forth."""


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """See :meth:`Clock.monotonic`."""
        return time.monotonic()

    def wall(self) -> float:
        """See :meth:`Clock.wall`."""
        return time.time()


class VirtualClock:
    """A clock that stands still until it is told to jump.

    ``at`` is the monotonic reading and ``wall`` the epoch seconds that it starts with. Both
    move together; :meth:`set_wall` moves the wall clock alone, as somebody does who sets the
    clock of a till.
    """

    __slots__ = ("_ahead", "_at")

    def __init__(self, at: float = 0.0, wall: float = 0.0) -> None:
        self._at = at
        self._ahead = wall - at

    def monotonic(self) -> float:
        """See :meth:`Clock.monotonic`."""
        return self._at

    def wall(self) -> float:
        """See :meth:`Clock.wall`."""
        return self._at + self._ahead

    def jump(self, at: float) -> None:
        """Make it ``at`` on the monotonic scale. ValueError when that is in the past."""
        if not at >= self._at:
            raise ValueError(f"the clock is at {self._at} s and cannot go back to {at} s")
        self._at = at

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass. ValueError when they are negative."""
        self.jump(self._at + seconds)

    def set_wall(self, wall: float) -> None:
        """Set the wall clock to ``wall`` epoch seconds; no monotonic time passes."""
        self._ahead = wall - self._at
