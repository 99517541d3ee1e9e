"""Messages for the cashier: kept before the server is told so, shown once, there until read."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Protocol

from engine.store.history import NEWEST
from engine.store.port import AnyDatabase

KEEP_SECONDS = 90 * 86400.0
"""How long a message stays that was read, and that the server knows to be kept."""
KEEP_MESSAGES = 1000
"""Messages per till beyond which such a one goes sooner."""

Read = Literal["read", "again", "unknown"]


class Told(Protocol):
    """A message as the server tells it."""

    @property
    def id(self) -> str: ...

    @property
    def at(self) -> str: ...

    @property
    def level(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def text(self) -> str: ...


class KeptMessage(NamedTuple):
    """A message that the till has. ``at`` is the server's own text; the other times are
    wall-clock seconds, None where it has not come to that; ``seq`` is given by the database."""

    id: str
    at: str
    level: str
    title: str
    text: str
    received_at: float
    shown_at: float | None
    read_at: float | None
    acknowledged_at: float | None
    seq: int = 0


class Messages:
    """The messages of all tills. Only what was read and acknowledged ever goes."""

    def __init__(
        self,
        database: AnyDatabase,
        keep_seconds: float = KEEP_SECONDS,
        keep_messages: int = KEEP_MESSAGES,
    ) -> None:
        self._database = database
        self._keep_seconds = keep_seconds
        self._keep_messages = keep_messages

    def keep(self, till: str, messages: Sequence[Told], at: float) -> list[str]:
        """Keeps what is new and returns its ids, in their order.

        An id that is there already is nothing new, whatever it says now, and even when it was
        read. Old messages that were read and acknowledged go; not what the server goes on
        telling, which would come back as new.
        """
        with self._database.atomic():
            new = [message.id for message in messages if self._add(till, message, at)]
            old = at - self._keep_seconds
            self._database.run("messages_old", till, old, old)
            self._database.run("messages_trim", till, at, till, self._keep_messages)
        return new

    def to_acknowledge(self, till: str) -> list[str]:
        """The ids that are kept and that the server does not know to be, oldest first."""
        return [row[0] for row in self._database.rows("messages_to_acknowledge", till)]

    def mark_acknowledged(self, till: str, ids: Iterable[str], at: float) -> list[str]:
        """Notes that the server knows these to be kept; returns those that it did not before."""
        return self._mark("message_acknowledged", till, ids, at)

    def shown(self, till: str, ids: Iterable[str], at: float) -> list[str]:
        """Notes that these were shown; returns those that had not been before."""
        return self._mark("message_shown", till, ids, at)

    def read(self, till: str, name: str, at: float) -> Read:
        """Marks a message read, once and for all: ``read``, ``again`` or ``unknown``."""
        with self._database.atomic():
            if self._database.run("message_read", at, till, name):
                return "read"
            return "again" if self._database.row("message_there", till, name) else "unknown"

    def unread(self, till: str) -> list[KeptMessage]:
        """What was not read, oldest first."""
        return [KeptMessage(*row) for row in self._database.rows("messages_unread", till)]

    def unread_count(self, till: str) -> int:
        """How many were not read."""
        return int(self._database.only_row("messages_unread_count", till)[0])

    def all(self, till: str, limit: int = 100, before: int | None = None) -> list[KeptMessage]:
        """The newest first, read or not; ``before`` a seq, for the page after the last."""
        end = NEWEST if before is None else before
        return [KeptMessage(*row) for row in self._database.rows("messages_all", till, end, limit)]

    def _add(self, till: str, told: Told, at: float) -> bool:
        texts = (told.at, told.level, told.title, told.text)
        if self._database.run("message_add", till, told.id, *texts, at, at, till, told.id):
            return True
        self._database.run("message_told", at, till, told.id)
        return False

    def _mark(self, query: str, till: str, ids: Iterable[str], at: float) -> list[str]:
        with self._database.atomic():
            return [name for name in ids if self._database.run(query, at, till, name)]
