"""How long a download may take, in total and in each of its phases."""

import time
from collections.abc import Callable

from engine.server.deadline import Deadline
from engine.server.port import CallFailed, Reason

LEAST = 16 * 1024
"""Bytes that make a transfer count as moving on."""

PULSE = 0.25
"""Seconds after which a wait looks whether the download is still wanted."""


class Broken(CallFailed):
    """One attempt came to nothing, and the next one may do better."""


class Patience(Deadline):
    """A deadline with phases, which ends at once when nobody wants the answer any more.

    A phase is a part of the work with a time of its own: its end breaks the attempt
    (:class:`Broken`), the end of the whole breaks the call. ``stall`` is how many seconds a
    phase of waiting for the server's next sign of life may last.
    """

    __slots__ = ("_cancelled", "_moved", "_phase", "_phase_ends", "stall")

    def __init__(
        self, length: float, where: str, cancelled: Callable[[], bool], stall: float
    ) -> None:
        super().__init__(length, where, 0)
        self.stall = stall
        self._cancelled = cancelled
        self.phase(length)

    def phase(self, seconds: float) -> None:
        """Begin a phase that may last ``seconds``."""
        self._moved = 0
        self._phase = seconds
        self._phase_ends = time.monotonic() + seconds

    def await_next(self) -> None:
        """Begin a phase of waiting for the server's next sign of life."""
        self.phase(self.stall)

    def moved(self, size: int) -> None:
        """Note bytes that came: enough of them are a sign of life, a drip is none."""
        self._moved += size
        if self._moved >= LEAST:
            self.await_next()

    def left(self) -> float:
        """Seconds left of the phase. Raises :class:`CallFailed` when none are, or nobody waits."""
        if self._cancelled():
            raise CallFailed(Reason.LOCAL_ERROR, f"{self.where}: given up ({self.stage})")
        left = min(self.ends, self._phase_ends) - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> CallFailed:
        """The failure of a phase, or of all, whose time is up."""
        if self.over():
            return super().passed()
        return Broken(
            Reason.TIMEOUT, f"{self.where}: no progress within {self._phase:g} s ({self.stage})"
        )

    def wait(self, ends: float = float("inf")) -> float:
        """See :meth:`Deadline.wait`; a pulse at most."""
        return min(PULSE, super().wait(ends))

    def over(self, seconds: float = 0.0) -> bool:
        """Whether the time for the whole is up, or will be in so many seconds."""
        return time.monotonic() + seconds >= self.ends

    def sleep(self, seconds: float) -> None:
        """Wait that long, or until there is a reason not to. Raises :class:`CallFailed`."""
        self.phase(seconds + PULSE)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(self.wait(ends))
