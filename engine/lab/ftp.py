"""The lab's FTP server: a folder by FTP or FTPS, with faults at the turn of a knob."""

import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.lab.ftp_faults import FTP_FAULTS
from engine.lab.knobs import Knob, Knobs, read_knob
from engine.lab.ledger import LabError

_LOOK = 0.05
"""Seconds after which the server's thread looks whether it is to end."""

_STOPPING = 10.0


class FtpLab:
    """Serves the files of ``folder``, to be read only, in a thread of its own.

    ``port`` 0 means any free one. Anybody may log in as ``anonymous``; with ``user`` (name,
    password) that user alone may. ``tls`` is the path of a certificate and of its key (PEM):
    commands and data then have to be encrypted (needs pyOpenSSL). ``clock`` ends faults that
    have a time. Raises LabError when it cannot start. Any thread may call anything.
    """

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        user: tuple[str, str] | None = None,
        tls: tuple[Path, Path] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self.host = host
        self.port = port
        self._user = user
        self._tls = tls
        self._clock = clock
        self._knobs = Knobs()
        self._ends: dict[int, tuple[float, Knob]] = {}
        self._lock = threading.Lock()
        self._commands: Counter[str] = Counter()
        self._struck: Counter[str] = Counter()
        self._sent = 0
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._end = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen and serve."""
        if not self.folder.is_dir():
            raise LabError(f"There is no folder '{self.folder}' to serve by FTP.")
        from pyftpdlib.ioloop import IOLoop
        from pyftpdlib.servers import FTPServer

        _keep_quiet()
        try:
            self._server = FTPServer((self.host, self.port), self._handler(), ioloop=IOLoop())
        except OSError as error:
            why = error.strerror or str(error)
            raise LabError(
                f"The lab cannot listen on {self.host}, port {self.port}: {why}."
            ) from error
        self.port = self._server.address[1]
        self._thread = threading.Thread(target=self._serve, name="ftp lab", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close everything; a second call does nothing."""
        self._end.set()
        if self._thread is not None:
            # Whoever connects wakes the thread up.
            with suppress(OSError):
                socket.create_connection(self._server.address, 0.1).close()
            self._thread.join(_STOPPING)

    @property
    def url(self) -> str:
        """The address of the folder."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"ftp://[{host}]:{self.port}/" if ":" in host else f"ftp://{host}:{self.port}/"

    @property
    def commands(self) -> Counter[str]:
        """How many connections, log-ins and commands came, spoiled ones included."""
        with self._lock:
            return Counter(self._commands)

    @property
    def struck(self) -> Counter[str]:
        """How often each fault has struck."""
        with self._lock:
            return Counter(self._struck)

    @property
    def sent(self) -> int:
        """The bytes of files that were sent by transfers that have ended."""
        return self._sent

    def turn(self, fault: str, /, **settings: object) -> None:
        """Turn a fault on; BadKnobError says what is not allowed. See ``FTP_FAULTS``."""
        knob = read_knob(fault, settings, FTP_FAULTS)
        self._knobs.add(knob)
        if knob.seconds is not None:
            self._ends[id(knob)] = (self._clock() + knob.seconds, knob)

    def clear(self, fault: str | None = None) -> None:
        """Turn every fault off, or one alone."""
        self._knobs.remove(fault)

    def state(self) -> dict[str, object]:
        """What GET /lab/ftp answers."""
        return {
            "url": self.url,
            "folder": str(self.folder),
            "tls": self._tls is not None,
            "faults": self._knobs.as_data(),
            "commands": dict(self.commands),
            "struck": dict(self.struck),
            "sent": self.sent,
        }

    def draw(self, action: str) -> list[Knob]:
        """See :class:`engine.lab.ftp_session.House`."""
        for name, (ends, knob) in list(self._ends.items()):
            if self._clock() >= ends:
                self._knobs.discard(knob)
                self._ends.pop(name, None)
        knobs = self._knobs.draw(action)
        with self._lock:
            self._commands[action] += 1
            self._struck.update(knob.name for knob in knobs)
        return knobs

    def count(self, sent: int) -> None:
        """See :class:`engine.lab.ftp_session.House`."""
        self._sent += sent

    def _handler(self) -> type:
        from pyftpdlib.authorizers import DummyAuthorizer

        from engine.lab.ftp_session import FaultyData, FaultySession

        authorizer = DummyAuthorizer()
        if self._user is None:
            authorizer.add_anonymous(str(self.folder))
        else:
            authorizer.add_user(*self._user, str(self.folder), perm="elr")
        settings: dict[str, Any] = {"house": self, "authorizer": authorizer}
        if self._tls is None:
            return type("Session", (FaultySession,), settings | {"dtp_handler": FaultyData})
        from pyftpdlib.handlers import TLS_DTPHandler, TLS_FTPHandler

        certificate, key = (str(path) for path in self._tls)
        settings |= {
            "certfile": certificate,
            "keyfile": key,
            "tls_control_required": True,
            "tls_data_required": True,
            "dtp_handler": type("Data", (FaultyData, TLS_DTPHandler), {}),
        }
        return type("Session", (FaultySession, TLS_FTPHandler), settings)

    def _serve(self) -> None:
        try:
            soonest: float | None = _LOOK
            while not self._end.is_set():
                wait = _LOOK if soonest is None else min(_LOOK, soonest)
                soonest = self._server.ioloop.loop(timeout=wait, blocking=False)
        finally:
            self._server.close_all()
            self._server.ioloop.close()


def _keep_quiet() -> None:
    """pyftpdlib would set up its own logging, with a line for each command."""
    log = logging.getLogger("pyftpdlib")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
        log.setLevel(logging.WARNING)
