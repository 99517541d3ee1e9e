"""What the agent tells by itself: events in an order, for readers who keep up.

This file knows no web framework: the agent publishes with it. Everything is called from the
agent's own loop. Nobody who publishes ever waits for a reader, and no reader makes memory grow:
one that does not keep up is dropped, comes again with the id of the last event that it got, and
is told what it missed as long as that is kept.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Literal, NamedTuple

from engine.api.view import View

KEPT = 10_000
"""Events kept for readers who come again, of all tills together."""

MOST_BEHIND = 1_000
"""Events that may wait for a reader; with one more it is dropped."""

MOST_READERS = 32
"""Readers at one time."""

StreamKind = Literal["step", "progress", "message", "load", "missed"]


class StreamEvent(NamedTuple):
    """An event of the stream. ``data`` is one line of JSON, ``till`` whom it is about."""

    id: int
    kind: StreamKind
    till: str
    data: str


class TooManyReaders(Exception):  # noqa: N818 - a state, said to the caller
    """There is no room for another reader just now."""


class Reader:
    """One reader's place in the stream; give it back with :meth:`close`.

    ``over`` is set when nothing comes any more; ``slow`` says that the reader did not keep up.
    ``since`` is the id after which it hears of everything.
    """

    def __init__(self, broadcast: "Broadcast", till: str | None, since: int) -> None:
        self.till = till
        self.since = since
        self.slow = False
        self.over = asyncio.Event()
        self._broadcast = broadcast
        self._past: deque[StreamEvent] = deque()
        self._waiting: deque[StreamEvent] = deque()
        self._woken = asyncio.Event()

    async def take(self, most: int, patience: float) -> Sequence[StreamEvent]:
        """The next events, ``most`` at the most; none when ``patience`` seconds brought none."""
        if not self._past and not self._waiting:
            self._woken.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._woken.wait()
            except TimeoutError:
                return ()
        taken: list[StreamEvent] = []
        while len(taken) < most and (queue := self._past or self._waiting):
            taken.append(queue.popleft())
        return taken

    def close(self) -> None:
        """The reader has gone; a second call does nothing."""
        self._broadcast.leave(self)
        self.over.set()

    def catch_up(self, past: Sequence[StreamEvent]) -> None:
        """What happened before it came, to be told first."""
        self._past.extend(event for event in past if self._wants(event))

    def hear(self, event: StreamEvent) -> None:
        """An event, to be taken when the reader gets to it."""
        if not self._wants(event):
            return
        if len(self._waiting) >= MOST_BEHIND:
            self.slow = True
            self.close()
            return
        self._waiting.append(event)
        self._woken.set()

    def _wants(self, event: StreamEvent) -> bool:
        return self.till is None or event.till in (self.till, "")


class Broadcast:
    """Tells readers what is published, and keeps the last of it.

    ``first`` is below the id of the first event. With the wall clock's milliseconds there, ids
    go on growing over restarts, and one from an earlier life is known as such. Nothing is kept
    before the first reader comes: nobody can have missed it.
    """

    def __init__(self, first: int, kept: int = KEPT) -> None:
        self._last = first
        self._kept: deque[StreamEvent] = deque(maxlen=kept)
        self._forgotten = first
        self._readers: set[Reader] = set()
        self._open = True
        self.wanted = False

    @property
    def readers(self) -> int:
        """How many readers there are."""
        return len(self._readers)

    def publish(self, kind: StreamKind, till: str, data: View) -> None:
        """Tell everybody. Does nothing while nobody ever listened (``wanted`` is false)."""
        if not self.wanted:
            return
        self._last += 1
        event = StreamEvent(self._last, kind, till, data.model_dump_json())
        if len(self._kept) == self._kept.maxlen:
            self._forgotten = self._kept[0].id
        self._kept.append(event)
        for reader in list(self._readers):
            reader.hear(event)

    def subscribe(self, last_id: int | None, till: str | None = None) -> Reader:
        """A reader of what comes from now on, for one till or for all.

        With ``last_id`` also of what is kept after that event. Where more came than is kept, the
        first event is a ``missed``: whoever shows something has to ask for the whole again.
        Raises :class:`TooManyReaders`.
        """
        if not self._open or len(self._readers) >= MOST_READERS:
            raise TooManyReaders
        if not self.wanted:
            self.wanted, self._forgotten = True, self._last
        known = last_id is None or self._forgotten <= last_id <= self._last
        reader = Reader(self, till, self._last if last_id is None or not known else last_id)
        if not known:
            self._miss(reader)
        elif last_id is not None:
            reader.catch_up([event for event in self._kept if event.id > last_id])
        self._readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Tell this one nothing more."""
        self._readers.discard(reader)

    def close(self) -> None:
        """The end: every reader is told so and none is taken any more."""
        self._open = False
        for reader in list(self._readers):
            reader.close()

    def _miss(self, reader: Reader) -> None:
        reader.catch_up([StreamEvent(self._last, "missed", "", "{}")])
