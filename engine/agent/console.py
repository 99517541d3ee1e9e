"""Windows' console events: Ctrl-Break, the closed window, the end of the session.

Windows calls the handler in a thread of its own. After a closed window or a shutdown it ends
the process as soon as the handler returns, or some 5 s later in any case: so the handler waits
until the agent has stopped.
"""

import threading
from collections.abc import Callable
from typing import Any

CTRL_C, CTRL_BREAK, CTRL_CLOSE, CTRL_LOGOFF, CTRL_SHUTDOWN = 0, 1, 2, 5, 6

NAMES = {CTRL_BREAK: "CTRL_BREAK", CTRL_CLOSE: "CTRL_CLOSE", CTRL_SHUTDOWN: "CTRL_SHUTDOWN"}

LAST_MOMENT = 4.5
"""Seconds that the handler holds the end of the process up: Windows allows 5."""


class ConsoleEvents:
    """Listens to the console until it is closed.

    ``kernel32`` is ctypes' kernel32, ``prototype`` turns a function into what it calls
    (``WINFUNCTYPE(BOOL, DWORD)``). ``asked`` is told, in Windows' thread, the name of the event.
    """

    def __init__(
        self,
        kernel32: Any,
        prototype: Callable[[Callable[[int], bool]], Any],
        asked: Callable[[str], object],
        last_moment: float = LAST_MOMENT,
    ) -> None:
        self._kernel32 = kernel32
        self._asked = asked
        self._last_moment = last_moment
        self._stopped = threading.Event()
        self._handler = prototype(self._handle)  # Windows keeps no reference: we must
        # It fails where there is no console, in a service: then there are no events either.
        self.listening = bool(kernel32.SetConsoleCtrlHandler(self._handler, True))

    def close(self) -> None:
        """The agent has stopped: let Windows end the process, and listen no more."""
        self._stopped.set()
        if self.listening:
            self.listening = False
            self._kernel32.SetConsoleCtrlHandler(self._handler, False)

    def _handle(self, event: int) -> bool:
        """True: handled, and Windows need do nothing."""
        if event == CTRL_LOGOFF:
            return True  # only services get it, when any user logs off: it is not about us
        if event not in NAMES:
            return False  # Ctrl-C goes on to Python, which makes a SIGINT of it
        self._asked(NAMES[event])
        if event != CTRL_BREAK:
            self._stopped.wait(self._last_moment)
        return True
