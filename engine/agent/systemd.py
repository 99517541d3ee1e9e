"""Tells systemd how the agent does, in the protocol of sd_notify(3).

The watchdog is fed by the loop itself, as any of its timers: when the loop hangs, or the whole
process is stopped, it starves, and systemd ends the process and starts it again. A thread of
its own would feed it on.
"""

import asyncio
import faulthandler
import logging
import os
import socket
from collections.abc import Callable, MutableMapping
from contextlib import suppress

from engine.agent.clock import Clock
from engine.agent.logs import write
from engine.agent.supervisor import Standing

BEAT = 5.0
"""Seconds between two looks at how the agent does, where the watchdog asks for no shorter one."""

SOON = 0.25
"""The same for an agent that is not ready yet: others wait for it."""

FEEDS = 3
"""Times that the watchdog is fed before it would bite: one late feed is no hang."""

PATIENCE = 30.0
"""Seconds that systemd waits for a starting agent's next word, where it has no watchdog."""

LONGEST = 300
"""Characters of the line for a person."""


def watchdog(environment: MutableMapping[str, str]) -> float | None:
    """Within how many seconds this process has to be heard of; None: it is not watched. Both
    variables are taken out of ``environment``."""
    microseconds = environment.pop("WATCHDOG_USEC", "")
    process = environment.pop("WATCHDOG_PID", "") or str(os.getpid())
    if process != str(os.getpid()) or not microseconds.isdecimal() or not int(microseconds):
        return None
    return int(microseconds) / 1e6


class Systemd:
    """See :class:`engine.agent.supervisor.Supervisor`. ``name`` is the socket's: a path, or
    ``@`` and a name that is no file's. ``within`` are the watchdog's seconds, if it watches."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Clock, name: str, within: float | None
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._within = within
        self._beat = min(BEAT, (within or PATIENCE) / FEEDS)
        self._standing: Callable[[], Standing] | None = None
        self._ready = False
        self._said = ""
        self._deaf = False
        self._next: asyncio.TimerHandle | None = None
        # A socket per process, not per word: files may run out.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def begin(self) -> None:
        """See :class:`engine.agent.supervisor.Supervisor`."""
        # The watchdog ends a process by SIGABRT: then the journal has where the loop was. Not
        # the other threads: those go on meanwhile, and looking at them can crash.
        with suppress(OSError, ValueError, AttributeError):  # standard error is no file
            faulthandler.enable(all_threads=False)
        self._look()

    def serve(self, standing: Callable[[], Standing]) -> None:
        """See :class:`engine.agent.supervisor.Supervisor`."""
        self._standing = standing
        self._look()

    def reread(self, begins: bool) -> None:
        """See :class:`engine.agent.supervisor.Supervisor`."""
        if not self._ready:  # it starts or stops, and that is what systemd is to know
            return
        if begins:
            self._say("RELOADING=1", f"MONOTONIC_USEC={int(self._clock.monotonic() * 1e6)}")
        else:
            self._say("READY=1", *self._status())

    def stop(self, reason: str) -> None:
        """See :class:`engine.agent.supervisor.Supervisor`."""
        self._ready, self._standing = False, None
        if self._next is not None:
            self._next.cancel()
        # How long a stop may take is the unit's to say, so nothing is said from here on.
        self._say("STOPPING=1", "WATCHDOG=1", f"STATUS=Stopping ({reason or 'it cannot run'}).")

    def close(self) -> None:
        """See :class:`engine.agent.supervisor.Supervisor`."""
        self._socket.close()

    def _look(self) -> None:
        """One beat; it arranges for the next."""
        if self._next is not None:
            self._next.cancel()
        words = self._status()
        if self._ready:
            words = ["WATCHDOG=1", *words]
        else:
            # While it starts, systemd's patience lasts as long as the loop lives: SQL Server may
            # come up minutes after the till.
            more = int((self._within or PATIENCE) * 1e6)
            words = [f"EXTEND_TIMEOUT_USEC={more}", *words]
        if words:
            self._say(*words)
        self._next = self._loop.call_later(self._beat if self._ready else SOON, self._look)

    def _status(self) -> list[str]:
        """What is new of how it does."""
        if self._standing is None:
            ready, sentence = False, "Starting."
        else:
            ready, sentence = self._standing()
        words = []
        if ready and not self._ready:
            self._ready = True
            words.append("READY=1")
        line = " ".join(sentence.split())
        line = line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
        if line != self._said:
            self._said = line
            words.append(f"STATUS={line}")
        return words

    def _say(self, *words: str) -> None:
        try:
            self._socket.sendto("\n".join(words).encode(), self._address)
        except BlockingIOError:
            return  # systemd has much to read: the next beat is soon enough
        except (OSError, ValueError) as fault:
            if not self._deaf:
                self._deaf = True
                why = getattr(fault, "strerror", None) or str(fault)
                message = f"systemd cannot be told how the agent does: {why}"
                write(logging.WARNING, "systemd.deaf", message=message)
