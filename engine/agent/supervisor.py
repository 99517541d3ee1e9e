"""Who started the agent as a service and looks after it, if anybody does.

Only systemd for now. The agent that a person starts in a terminal pays nothing for it: what
speaks to systemd is loaded where its socket is named.
"""

import asyncio
import os
from collections.abc import Callable, MutableMapping
from typing import NamedTuple, Protocol

from engine.agent.clock import Clock

SOCKET = "NOTIFY_SOCKET"


class Standing(NamedTuple):
    """How the agent does: whether it is ready, and a line for a person."""

    ready: bool
    sentence: str


class Supervisor(Protocol):
    """Is told of a life in this order, in the loop's thread. Nothing here waits or raises."""

    def begin(self) -> None:
        """The process lives and prepares itself."""

    def serve(self, standing: Callable[[], Standing]) -> None:
        """Everything runs; ``standing`` says now and later whether it is ready."""

    def reread(self, begins: bool) -> None:
        """The files are being read again, or were."""

    def stop(self, reason: str) -> None:
        """The end has begun."""

    def close(self) -> None:
        """The agent has ended, and the process is about to."""


class Nobody:
    """A person started it."""

    def begin(self) -> None:
        """See :class:`Supervisor`."""

    def serve(self, standing: Callable[[], Standing]) -> None:
        """See :class:`Supervisor`."""

    def reread(self, begins: bool) -> None:
        """See :class:`Supervisor`."""

    def stop(self, reason: str) -> None:
        """See :class:`Supervisor`."""

    def close(self) -> None:
        """See :class:`Supervisor`."""


def supervisor(
    loop: asyncio.AbstractEventLoop,
    clock: Clock,
    environment: MutableMapping[str, str] = os.environ,
) -> Supervisor:
    """Who supervises this process. What names it is taken out of ``environment``: it is about
    this process, and not about those that it starts."""
    if not environment.get(SOCKET):
        return Nobody()
    from engine.agent.systemd import Systemd, watchdog

    within = watchdog(environment)
    return Systemd(loop, clock, environment.pop(SOCKET), within)
