"""The three calls of the port, made of one exchange that each wire brings its own way."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.server import program
from engine.server.actions import ActionSettings
from engine.server.deadline import Deadline
from engine.server.port import CallFailed, CallRejected, Reason, TicketParcel, TicketVerdict
from engine.server.settings import ServerSettings
from engine.server.transport import Transport, endpoint


class Exchange(NamedTuple):
    """What one request brought: the program's text and how long the answer took."""

    text: str
    seconds: float


class CalledServer(ABC):
    """A server of either wire. Subclasses say how one call travels."""

    def __init__(self, settings: ServerSettings, shop: str, base: Path | None) -> None:
        self._settings = settings
        self._shop = shop
        self._base = base or Path()
        self._target = endpoint(settings.endpoint)
        ca_file = self._base / settings.ca_file if settings.ca_file else None
        self._transport = Transport(ca_file, settings.compression == "gzip")
        self.deduplicates = settings.deduplicates
        self.tells_ticket_status = settings.actions.ticket_status is not None
        self.settle = settings.settle

    def ping(self, till: str, timeout: float) -> float:
        """See :meth:`engine.server.port.Server.ping`.

        There is nothing in a ping to refuse: a reply that its test for success does not take
        is a ``server_error``.
        """
        action = self._settings.actions.ping
        try:
            exchange, _ = self._call(action, till, {}, timeout, harmless=True)
        except CallRejected as refusal:
            raise CallFailed(
                Reason.SERVER_ERROR,
                f"{self._target.where}: the server answers {action.action} with "
                f"{refusal.code}{': ' if refusal.message else ''}{refusal.message}",
                reached=True,
            ) from None
        return exchange.seconds

    def send_tickets(
        self, till: str, batch: str, tickets: Sequence[TicketParcel], timeout: float
    ) -> list[TicketVerdict]:
        """See :meth:`engine.server.port.Server.send_tickets`."""
        values = {
            "batch": batch,
            "count": str(len(tickets)),
            "tickets": program.tickets_text(tickets),
        }
        action = self._settings.actions.send_tickets
        _, said = self._call(action, till, values, timeout, harmless=False)
        try:
            return program.batch_verdicts(said, batch, tickets)
        except program.Unfit as unfit:
            raise self._unfit(action, unfit) from None

    def ticket_status(self, till: str, keys: Sequence[str], timeout: float) -> list[TicketVerdict]:
        """See :meth:`engine.server.port.Server.ticket_status`."""
        action = self._settings.actions.ticket_status
        if action is None:
            raise CallFailed(
                Reason.LOCAL_ERROR,
                f"{self._target.where} was not called: it has no action that tells a ticket's "
                "status",
            )
        values = {"keys": program.keys_text(keys)}
        _, said = self._call(action, till, values, timeout, harmless=True)
        try:
            return program.status_verdicts(said, keys)
        except program.Unfit as unfit:
            raise self._unfit(action, unfit) from None

    def drop_connections(self) -> None:
        """See :meth:`engine.server.port.Server.drop_connections`."""
        self._transport.drop_connections()

    def close(self) -> None:
        """See :meth:`engine.server.port.Server.close`."""
        self._transport.close()

    def _call(
        self,
        action: ActionSettings,
        till: str,
        values: Mapping[str, str],
        timeout: float,
        harmless: bool,
    ) -> tuple[Exchange, program.Said]:
        deadline = self._transport.deadline(self._target, timeout)
        try:
            text = program.parameter(action, {"shop": self._shop, "till": till, **values})
        except ValueError as error:
            raise CallFailed(
                Reason.LOCAL_ERROR, f"{self._target.where} was not called: {error}"
            ) from None
        try:
            exchange = self._exchange(action, text, deadline, harmless)
            return exchange, program.read(action, exchange.text)
        except program.Unfit as unfit:
            raise self._unfit(action, unfit) from None
        except CallFailed as failure:
            words = self._without_secrets(failure.message)
            raise CallFailed(failure.reason, words, failure.retry_after, failure.reached) from None
        except CallRejected as refusal:
            words = self._without_secrets(refusal.message)
            raise CallRejected(self._without_secrets(refusal.code), words) from None

    def _unfit(self, action: ActionSettings, unfit: program.Unfit) -> CallFailed:
        return CallFailed(
            Reason.BAD_REPLY,
            f"{self._target.where}: the reply to {action.action} cannot be used: "
            f"{self._without_secrets(str(unfit))}",
            reached=True,
        )

    def _technical(self, deadline: Deadline, code: object, words: str) -> CallFailed:
        """A technical error: the program may have done its work or not."""
        said = f": {words}" if words else ""
        return CallFailed(
            Reason.SERVER_ERROR,
            f"{deadline.where}: the server reports the technical error "
            f"{program.shown(code, 30)}{said}",
            reached=True,
        )

    def _without_secrets(self, text: str) -> str:
        """A text with what this till must not show struck out."""
        for secret in self._secrets():
            if secret:
                text = text.replace(secret, "***")
        return text

    @abstractmethod
    def _secrets(self) -> Sequence[str]:
        """The secrets that a server's words could repeat."""

    @abstractmethod
    def _exchange(
        self, action: ActionSettings, text: str, deadline: Deadline, harmless: bool
    ) -> Exchange:
        """One call. Raises :class:`CallFailed`, or ``program.Unfit`` for a reply's form."""
