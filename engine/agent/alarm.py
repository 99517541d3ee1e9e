"""Wakes the loop when the next timer of the tills is due."""

import asyncio
from collections.abc import Callable

from engine.agent.clock import Clock


class Alarm:
    """``due`` tells when, on the clock's monotonic scale, and ``ring`` is called then."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        due: Callable[[], float | None],
        ring: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._due = due
        self._ring = ring
        self._wake: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Something may be due at another time than before."""
        due = self._due()
        if due is None:
            return
        wait = max(0.0, due - self._clock.monotonic())
        when = self._loop.time() + wait
        if self._wake is not None:
            if self._wake.when() <= when:
                return
            self._wake.cancel()
        self._wake = self._loop.call_at(when, self._rung)

    def cancel(self) -> None:
        """Wake nobody any more."""
        if self._wake is not None:
            self._wake.cancel()

    def _rung(self) -> None:
        self._wake = None
        self._ring()
