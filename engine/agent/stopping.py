"""When to stop: Ctrl-C, SIGTERM, a hung-up terminal, a Windows console event.

The first request lets the agent stop cleanly; a second one ends the process at once, with exit
code 130, also while the loop is busy. For that the handlers are Python's own signal handlers,
which run between two instructions of the main thread, and not the loop's, which would wait for
a loop that hangs.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from engine.agent.console import ConsoleEvents

KILLED = 130
"""The exit code after a second request: what a shell gives for Ctrl-C."""


class StopSignal:
    """One request to stop, from wherever it comes.

    Made in the main thread, it listens to the operating system until :meth:`close`; made in
    another thread, where Python allows no signal handlers, it only hears :meth:`stop`. ``end``
    ends the process with an exit code, whatever it is doing. With ``hung_up`` set, SIGHUP calls
    that in the loop and stops nothing, unless the terminal is gone.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, end: Callable[[int], object] = os._exit
    ) -> None:
        self._loop = loop
        self._end = end
        self._reason: str | None = None
        self._pressed = False  # a program that asks does not make a person's first one a second
        self._asked = asyncio.Event()
        self._before: dict[int, Any] = {}
        self._console: ConsoleEvents | None = None
        self._terminal = _terminal()
        self.hung_up: Callable[[], None] | None = None
        if threading.current_thread() is threading.main_thread():
            for number in _signals():
                self._before[number] = signal.signal(number, self._on_signal)
            self._console = _console_events(self._request)

    @property
    def reason(self) -> str | None:
        """Who asked first: ``SIGTERM``, ``CTRL_CLOSE``, or what :meth:`stop` was given."""
        return self._reason

    async def wait(self) -> str:
        """Wait for the first request and give its reason."""
        await self._asked.wait()
        return self._reason or ""

    def stop(self, reason: str) -> None:
        """Ask for a clean stop, from any thread and as often as one likes."""
        self._reason = self._reason or reason
        try:
            self._loop.call_soon_threadsafe(self._asked.set)
        except RuntimeError:  # the loop is closed: it has stopped
            return

    def close(self) -> None:
        """The agent has stopped: give the handlers back. On Windows this lets the process end,
        so nothing that matters may come after it."""
        for number, before in self._before.items():
            # None: a handler that was not Python's cannot be put back.
            signal.signal(number, signal.SIG_DFL if before is None else before)
        self._before.clear()
        if self._console is not None:
            self._console.close()
            self._console = None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if name == "SIGHUP" and self.hung_up is not None and not self._terminal_is_gone():
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.hung_up)
            return
        self._request(name)

    def _terminal_is_gone(self) -> bool:
        """Whether somebody closed the window in which the agent was started: then it stops."""
        return self._terminal is not None and not os.isatty(self._terminal)

    def _request(self, reason: str) -> None:
        if self._pressed:
            self._end(KILLED)
            return
        self._pressed = True
        self.stop(reason)


def _terminal() -> int | None:
    """The terminal that the process was started from; None for a service."""
    try:
        number = sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):
        return None
    return number if os.isatty(number) else None


def _signals() -> list[signal.Signals]:
    """What asks for a stop on this system."""
    wanted = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)
    # nohup has the process ignore it, and so it should.
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        wanted.append(hangup)
    return wanted


def _console_events(asked: Callable[[str], object]) -> ConsoleEvents | None:
    """The listener to Windows' console; None elsewhere."""
    if sys.platform == "win32":
        import ctypes
        from ctypes import wintypes

        prototype = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)
        return ConsoleEvents(ctypes.WinDLL("kernel32"), prototype, asked)
    else:  # noqa: RET505 - a type checker leaves out the branch of the other system
        return None
