"""An ODBC connection that can be abandoned.

A call may hang for as long as the network likes, whatever timeouts a driver was given. So each
connection has a thread of its own, which makes its calls one after the other; who waits for one
does so for a bounded time, and then leaves the thread to its fate.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

LOOKS = 0.5
"""Seconds between two looks at whether a call is still wanted."""
TO_CANCEL = 5.0
"""Seconds in which a call has to end that is cancelled; else it is abandoned."""


class Hanging(Exception):  # noqa: N818 - it is what the call does
    """The call did not end in its time. The line is of no use any more."""


class Closable(Protocol):
    """What a line leads to."""

    def close(self) -> object:
        """End it."""


C = TypeVar("C", bound=Closable)


class Watch(NamedTuple, Generic[C]):
    """Whether a long call is still wanted: ``look`` is called now and then while it runs, and when
    that raises, ``cancel`` from another thread than the call's."""

    look: Callable[[], None]
    cancel: Callable[[C], object]


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
        self._connection: C | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._live, name="tillwire-odbc", daemon=True)
        self._thread.start()

    @property
    def abandoned(self) -> bool:
        """Whether a call of it was given up."""
        return self._abandoned

    def call(self, work: Callable[[C], T], within: float, watch: Watch[C] | None = None) -> T:
        """Do ``work`` with the connection and give its result.

        Raises what the work or the watch raised, and Hanging after ``within`` seconds.
        """
        if self._abandoned:
            raise Hanging
        self._calls.put(work)
        answer = self._answer(within, watch)
        if answer.fault is not None:
            raise answer.fault
        result: T = answer.result
        return result

    def _answer(self, within: float, watch: Watch[C] | None) -> _Answer:
        end = monotonic() + within
        while True:
            left = max(0.0, end - monotonic())
            with suppress(Empty):
                return self._answers.get(timeout=left if watch is None else min(left, LOOKS))
            if watch is None or monotonic() >= end:
                self._abandon()
                raise Hanging
            try:
                watch.look()
            except BaseException:
                self._cancel(watch.cancel)
                raise

    def _cancel(self, cancel: Callable[[C], object]) -> None:
        """In a thread of its own: telling the server may hang, too."""
        if self._connection is not None:
            threading.Thread(target=cancel, args=(self._connection,), daemon=True).start()
        try:
            self._answers.get(timeout=TO_CANCEL)
        except Empty:
            self._abandon()

    def _abandon(self) -> None:
        self._abandoned = True
        self._calls.put(None)

    def close(self, within: float) -> None:
        """End the connection and the thread; both are left alone if that takes too long."""
        self._calls.put(None)
        self._thread.join(within)

    def _live(self) -> None:
        while (work := self._calls.get()) is not None:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                answer = _Answer(work(self._connection), None)
            except BaseException as fault:  # noqa: BLE001 - whoever waits gets it
                # Its frames hold cursors.
                answer = _Answer(None, fault.with_traceback(None))
            self._answers.put(answer)
            del work, answer  # an idle thread must not keep a large result alive
        if self._connection is not None:
            with suppress(Exception):  # all is kept or undone: nothing depends on it
                self._connection.close()
