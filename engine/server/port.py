"""What the rest of tillwire asks of a central server, whatever wire it speaks.

Every call blocks its thread until it is answered or until ``timeout`` seconds have passed,
counted in total from the name look-up to the last byte. Calls come from many threads at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol


class Reason(StrEnum):
    """Why a call failed: every failure is one of these six.

    The names are those of ``engine.definition.vocabulary.REASONS``.
    """

    TIMEOUT = "timeout"
    """The deadline passed, in whatever stage the call was."""
    UNREACHABLE = "unreachable"
    """No connection, or the connection broke: the network or the server is down."""
    UNAUTHORIZED = "unauthorized"
    """The server answered and does not let this till in (401, 403, a refused login)."""
    SERVER_ERROR = "server_error"
    """The server answered that it is in trouble (5xx, 429, a technical error)."""
    BAD_REPLY = "bad_reply"
    """Something answered, and not as our server does: a portal, a proxy, a wrong address, a
    certificate that does not prove who it is, a reply cut short or about something else."""
    LOCAL_ERROR = "local_error"
    """This till's own set-up: a secret or a CA file that cannot be read."""


class CallFailed(Exception):  # noqa: N818 - it is what happened to the call, not a fault of ours
    """A call brought no answer that can be used.

    ``message`` is a sentence fit for an operator: host, port and what happened, no secret.
    ``retry_after`` is how many seconds the server asked us to wait, 0 when it did not.
    ``reached`` says that the server may have received the whole request and acted on it: the
    outcome is then unknown. It is false only where the request cannot have had an effect.
    """

    def __init__(
        self, reason: Reason, message: str, retry_after: float = 0.0, reached: bool = False
    ) -> None:
        super().__init__(reason, message, retry_after, reached)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.reached = reached

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class CallRejected(Exception):  # noqa: N818 - a refusal is an answer
    """The server understood the request and refused it: never a sign of a lost link.

    ``code`` is the value that the test for success found, ``message`` the server's words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"refused with {self.code}: {self.message}"


class TicketParcel(NamedTuple):
    """A ticket on its way: ``payload`` unchanged, ``sha256`` the hex digest of it."""

    key: str
    number: int
    payload: bytes
    sha256: str


class TicketVerdict(NamedTuple):
    """What the server says of one ticket.

    ``stored`` means that the server has it, whether just now or before; ``unknown`` only ever
    answers a question about its status. ``sha256`` is the hex digest of what the server holds,
    empty when it does not tell.
    """

    key: str
    status: Literal["stored", "refused", "unknown"]
    code: str
    message: str
    sha256: str = ""


class Message(NamedTuple):
    """A message for the cashier. ``at`` is the text that was sent, empty where none was."""

    id: str
    at: str
    level: Literal["info", "warning", "urgent"]
    title: str
    text: str


class Offer(NamedTuple):
    """An offer. ``customer`` is empty for a general one; ``starts`` and ``ends`` are dates
    (``2026-11-30``), both included, empty where there is no limit; ``data`` is JSON text."""

    id: str
    customer: str
    title: str
    text: str
    starts: str
    ends: str
    data: str


class Configuration(NamedTuple):
    """A till.yaml from the server that came whole: ``raw`` is its bytes, ``name`` its file's name.
    ``tills`` are those that the server knows in ``shop``."""

    name: str
    raw: bytes
    shop: str
    tills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TicketCount:
    """What the server holds of the numbers that were asked about.

    ``first`` and ``last`` are the lowest and the highest of them, None when there is none.
    ``digest`` is the SHA-256, in hex, of one line ``number sha256`` per ticket in ascending
    order of number; ``missing`` the numbers asked about that are not there, as ``5,9-11``.
    Either is empty when the server does not tell.
    """

    count: int
    first: int | None
    last: int | None
    digest: str
    missing: str


class Server(Protocol):
    """A central server.

    All calls raise :class:`CallFailed` or :class:`CallRejected`; ``timeout`` is the total
    deadline of the call in seconds.
    """

    @property
    def deduplicates(self) -> bool:
        """Whether a ticket sent twice under one key is stored once."""

    @property
    def tells_ticket_status(self) -> bool:
        """Whether ``ticket_status`` can be asked."""

    @property
    def tells_messages(self) -> bool:
        """Whether ``poll_messages`` can be asked."""

    @property
    def takes_acknowledgements(self) -> bool:
        """Whether ``acknowledge_messages`` can be called."""

    @property
    def tells_offers(self) -> bool:
        """Whether ``fetch_offers`` can be asked."""

    @property
    def counts_tickets(self) -> bool:
        """Whether ``count_tickets`` can be asked."""

    @property
    def tells_configuration(self) -> bool:
        """Whether ``fetch_configuration`` can be asked."""

    @property
    def tells_files(self) -> bool:
        """Whether ``newest_files`` can be asked."""

    @property
    def settle(self) -> float:
        """Seconds that a request which we gave up may still be at work in the server."""

    def ping(self, till: str, timeout: float) -> float:
        """Ask for a sign of life; returns the latency of the answer in seconds. Never rejected."""

    def send_tickets(
        self, till: str, batch: str, tickets: Sequence[TicketParcel], timeout: float
    ) -> list[TicketVerdict]:
        """Send a batch. A ticket that the reply does not name is absent from the list."""

    def ticket_status(self, till: str, keys: Sequence[str], timeout: float) -> list[TicketVerdict]:
        """Ask what became of tickets. One that the reply does not name is absent."""

    def poll_messages(self, till: str, reason: str, timeout: float) -> list[Message]:
        """Ask for the messages that this till has not acknowledged, at most 1,000, each once.

        ``reason`` says why now: opened, closed, day_closed, ticket or returned.
        """

    def acknowledge_messages(self, till: str, ids: Sequence[str], timeout: float) -> list[str]:
        """Tell the server what this till keeps; returns the ids that it took note of."""

    def fetch_offers(self, till: str, customer: str, timeout: float) -> list[Offer]:
        """Ask for the general offers and those of one customer, "" for the general ones alone.

        At most 1,000. A customer that the server does not know is a :class:`CallRejected`. No
        exception holds the customer's code.
        """

    def count_tickets(self, till: str, first: int, last: int, timeout: float) -> TicketCount:
        """Ask what the server holds of the ticket numbers from ``first`` to ``last``."""

    def fetch_configuration(self, till: str, timeout: float) -> Configuration:
        """Ask for the till's configuration: it came whole, and nothing else of it is checked."""

    def newest_files(
        self, till: str, versions: Mapping[str, int | None], timeout: float
    ) -> list[dict[str, Any]]:
        """Ask which files bring these tables up to date; ``versions`` are those that the till has,
        None for a table that was never loaded.

        The rows are as the server wrote them: ``engine.catalogue.manifest.read_offer`` judges
        them.
        """

    def drop_connections(self) -> None:
        """Close idle connections now, and those in use when their call ends."""

    def close(self) -> None:
        """Close everything; later calls fail with ``local_error``."""
