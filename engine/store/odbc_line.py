"""An ODBC connection that can be abandoned.

A call may hang for as long as the network likes, whatever timeouts a driver was given. So each
connection has a thread of its own, which makes its calls one after the other; who waits for one
does so for a bounded time, and then leaves the thread to its fate.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Hanging(Exception):  # noqa: N818 - it is what the call does
    """The call did not end in its time. The line is of no use any more."""


class Closable(Protocol):
    """What a line leads to."""

    def close(self) -> object:
        """End it."""


C = TypeVar("C", bound=Closable)


class _Answer(NamedTuple):
    result: Any
    fault: BaseException | None


class Line(Generic[C]):
    """One connection, made by ``connect`` in the first call. Used by one thread at a time.

    What belongs to the connection stays in the line's thread: where a call hangs, whoever let go
    of the last cursor would hang too.
    """

    def __init__(self, connect: Callable[[], C]) -> None:
        self._connect = connect
        self._calls: SimpleQueue[Callable[[C], Any] | None] = SimpleQueue()
        self._answers: SimpleQueue[_Answer] = SimpleQueue()
        self._abandoned = False
        self._thread = threading.Thread(target=self._live, name="tillwire-odbc", daemon=True)
        self._thread.start()

    @property
    def abandoned(self) -> bool:
        """Whether a call of it was given up."""
        return self._abandoned

    def call(self, work: Callable[[C], T], within: float) -> T:
        """Do ``work`` with the connection and give its result.

        Raises what the work raised, and Hanging after ``within`` seconds.
        """
        if self._abandoned:
            raise Hanging
        self._calls.put(work)
        try:
            answer = self._answers.get(timeout=within)
        except Empty:
            self._abandoned = True
            self._calls.put(None)
            raise Hanging from None
        if answer.fault is not None:
            raise answer.fault
        result: T = answer.result
        return result

    def close(self, within: float) -> None:
        """End the connection and the thread; both are left alone if that takes too long."""
        self._calls.put(None)
        self._thread.join(within)

    def _live(self) -> None:
        connection: C | None = None
        while (work := self._calls.get()) is not None:
            try:
                if connection is None:
                    connection = self._connect()
                answer = _Answer(work(connection), None)
            except BaseException as fault:  # noqa: BLE001 - whoever waits gets it
                # Its frames hold cursors.
                answer = _Answer(None, fault.with_traceback(None))
            self._answers.put(answer)
            del work, answer  # an idle thread must not keep a large result alive
        if connection is not None:
            with suppress(Exception):  # all is kept or undone: nothing depends on it
                connection.close()
