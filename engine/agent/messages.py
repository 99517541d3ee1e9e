"""Messages for whoever shows them: told once as new, there until somebody reads them."""

from collections.abc import Callable
from typing import Literal, cast

from engine.agent.clock import Clock
from engine.agent.storing import StoreThread
from engine.agent.views import moment
from engine.api.port import StoreUnavailable
from engine.api.shop import MessageView, ReadAnswer
from engine.store.errors import StoreError
from engine.store.messages import KeptMessage
from engine.store.reading import ReadingStore
from engine.store.store import Store

MOST = 1000
"""Messages in one answer."""


class MessageBoard:
    """The messages of all tills. ``counted(till, unread)`` is told when one was read."""

    def __init__(
        self,
        books: StoreThread[Store],
        shelf: StoreThread[ReadingStore],
        clock: Clock,
        counted: Callable[[str, int], None],
    ) -> None:
        self._books = books
        self._shelf = shelf
        self._clock = clock
        self._counted = counted

    async def messages(self, till: str, unread: bool) -> list[MessageView]:
        """See :class:`engine.api.port.Office`.

        That they were shown is written down afterwards, for the next who asks: nobody waits
        for it, and a fault of the disk then tells a message as new once more.
        """
        try:
            kept = await self._shelf.run(
                lambda store: (
                    store.messages.unread(till)[:MOST] if unread else store.messages.all(till, MOST)
                ),
                write=False,
            )
            new = [message.id for message in kept if message.shown_at is None]
            if new:
                at = self._clock.wall()
                self._books.post(lambda store: store.messages.shown(till, new, at))
        except StoreError as fault:
            raise StoreUnavailable(str(fault)) from fault
        return [message_view(message) for message in kept]

    async def read(self, till: str, message: str) -> ReadAnswer:
        """See :class:`engine.api.port.Office`."""
        at = self._clock.wall()
        try:
            answer, unread = await self._books.run(
                lambda store: (
                    store.messages.read(till, message, at),
                    store.messages.unread_count(till),
                )
            )
        except StoreError as fault:
            raise StoreUnavailable(str(fault)) from fault
        if answer == "read":
            self._counted(till, unread)
        return answer


def message_view(message: KeptMessage) -> MessageView:
    """A message as the API shows it."""
    return MessageView(
        id=message.id,
        at=message.at,
        level=cast("Literal['info', 'warning', 'urgent']", message.level),
        title=message.title,
        text=message.text,
        received=moment(message.received_at),
        shown=None if message.shown_at is None else moment(message.shown_at),
        read=None if message.read_at is None else moment(message.read_at),
    )
