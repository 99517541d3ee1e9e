"""Name look-ups with a bounded wait.

The system's resolver knows no deadline: two silent DNS servers hold it for 40 seconds and
nothing can interrupt it. It runs in a thread that a call can walk away from. Calls for the
same name share one look-up, so that a dead DNS does not gather threads.
"""

import ipaddress
import socket
import threading
import time
from typing import Any

from engine.server.deadline import Deadline
from engine.server.port import CallFailed, Reason

Address = tuple[int, int, int, Any]
"""Family, kind, protocol and socket address."""

_STALE = 30.0
_MOST = 4


class _Lookup:
    __slots__ = ("begun", "done", "error", "found")

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.done = threading.Event()
        self.found: list[Address] = []
        self.error: Exception | None = None

    def run(self, host: str, port: int) -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            self.found = [(family, kind, proto, at) for family, kind, proto, _, at in answers]
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            self.error = error
        finally:
            self.done.set()


class Resolver:
    """Look-ups of one process. Safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], list[_Lookup]] = {}

    def resolve(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        """The addresses of a host, best first. Raises :class:`CallFailed`."""
        literal = _literal(host, port)
        if literal is not None:
            return [literal]
        deadline.stage = "looking up the name"
        lookup = self._join(host, port)
        while not lookup.done.wait(deadline.wait()):
            pass
        if lookup.error is not None or not lookup.found:
            raise CallFailed(Reason.UNREACHABLE, f"{deadline.where}: {_why(lookup.error)}")
        return lookup.found

    def _join(self, host: str, port: int) -> _Lookup:
        """A look-up under way, unless all are so old that they may be stuck: then a new one."""
        key = (host, port)
        with self._lock:
            running = [one for one in self._running.get(key, ()) if not one.done.is_set()]
            young = running and time.monotonic() - running[-1].begun < _STALE
            if not young and len(running) < _MOST:
                lookup = _Lookup()
                threading.Thread(
                    target=lookup.run, args=key, name=f"resolve {host}", daemon=True
                ).start()
                running.append(lookup)
            self._running[key] = running
            return running[-1]


def _literal(host: str, port: int) -> Address | None:
    """The address of a host that is written as a number and needs no look-up."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return None
    if number.version == 4:
        return (socket.AF_INET, socket.SOCK_STREAM, 0, (host, port))
    scope = str(number).partition("%")[2]
    if scope:
        return None
    return (socket.AF_INET6, socket.SOCK_STREAM, 0, (host, port, 0, 0))


def _why(error: Exception | None) -> str:
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return "the name cannot be looked up now: DNS gives no answer"
        return "the name is not known to DNS"
    if isinstance(error, UnicodeError):
        return "the name is not one that DNS allows"
    return "the name cannot be looked up"


RESOLVER = Resolver()
"""Shared, so that all servers of the process together keep few threads."""
