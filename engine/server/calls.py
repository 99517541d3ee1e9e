"""The calls of the port, made of one exchange that each wire brings its own way."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from engine.server import configuration, hmp, program, replies
from engine.server.actions import ActionSettings
from engine.server.deadline import Deadline
from engine.server.discretion import without_customer, without_pieces
from engine.server.port import (
    CallFailed,
    CallRejected,
    Configuration,
    Message,
    Offer,
    Reason,
    TicketCount,
    TicketParcel,
    TicketVerdict,
)
from engine.server.secret import Secret, SecretUnavailable
from engine.server.settings import ServerSettings
from engine.server.transport import Transport, endpoint

T = TypeVar("T")


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
        actions = settings.actions
        self.tells_ticket_status = actions.ticket_status is not None
        self.tells_messages = actions.poll_messages is not None
        self.takes_acknowledgements = actions.acknowledge_messages is not None
        self.tells_offers = actions.fetch_offers is not None
        self.counts_tickets = actions.count_tickets is not None
        self.tells_configuration = actions.fetch_configuration is not None
        self.tells_files = actions.newest_files is not None
        self.settle = settings.settle
        self._sent: dict[str, str] = {}
        """The secret parameters last sent, by their references."""

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
        try:
            _, said = self._call(action, till, values, timeout, harmless=False)
            return self._discreet(program.batch_verdicts(said, batch, tickets))
        except program.Unfit as unfit:
            raise self._unfit(action, unfit) from None
        except (CallFailed, CallRejected) as fault:
            payloads = [ticket.payload for ticket in tickets]
            raise self._struck(fault, lambda words: without_pieces(words, payloads)) from None

    def ticket_status(self, till: str, keys: Sequence[str], timeout: float) -> list[TicketVerdict]:
        """See :meth:`engine.server.port.Server.ticket_status`."""
        action = self._settings.actions.ticket_status
        values = {"keys": program.list_text(keys)}
        return self._ask(
            action,
            "ticket_status",
            till,
            values,
            timeout,
            lambda said: self._discreet(program.status_verdicts(said, keys)),
        )

    def poll_messages(self, till: str, reason: str, timeout: float) -> list[Message]:
        """See :meth:`engine.server.port.Server.poll_messages`."""
        action = self._settings.actions.poll_messages
        values = {"reason": reason}
        return self._ask(action, "poll_messages", till, values, timeout, replies.messages)

    def acknowledge_messages(self, till: str, ids: Sequence[str], timeout: float) -> list[str]:
        """See :meth:`engine.server.port.Server.acknowledge_messages`."""
        action = self._settings.actions.acknowledge_messages
        values = {"ids": program.list_text(ids)}
        return self._ask(
            action,
            "acknowledge_messages",
            till,
            values,
            timeout,
            lambda said: replies.acknowledged(said, ids),
        )

    def fetch_offers(self, till: str, customer: str, timeout: float) -> list[Offer]:
        """See :meth:`engine.server.port.Server.fetch_offers`.

        A server's words may repeat the customer's code, and what is raised ends in logs and in
        the history: the code is struck out of it.
        """
        action = self._settings.actions.fetch_offers
        values = {"customer": customer}
        try:
            return self._ask(
                action,
                "fetch_offers",
                till,
                values,
                timeout,
                lambda said: replies.offers(said, customer),
            )
        except (CallFailed, CallRejected) as fault:
            raise self._struck(fault, lambda words: without_customer(words, customer)) from None

    def count_tickets(self, till: str, first: int, last: int, timeout: float) -> TicketCount:
        """See :meth:`engine.server.port.Server.count_tickets`."""
        action = self._settings.actions.count_tickets
        values = {"first": str(first), "last": str(last)}
        return self._ask(
            action,
            "count_tickets",
            till,
            values,
            timeout,
            lambda said: replies.ticket_count(said, first, last),
        )

    def fetch_configuration(self, till: str, timeout: float) -> Configuration:
        """See :meth:`engine.server.port.Server.fetch_configuration`."""
        action = self._settings.actions.fetch_configuration
        return self._ask(action, "fetch_configuration", till, {}, timeout, configuration.told)

    def newest_files(
        self, till: str, versions: Mapping[str, int | None], timeout: float
    ) -> list[dict[str, Any]]:
        """See :meth:`engine.server.port.Server.newest_files`."""
        action = self._settings.actions.newest_files
        values = {"tables": program.table_text(versions)}
        return self._ask(action, "newest_files", till, values, timeout, replies.exports)

    def drop_connections(self) -> None:
        """See :meth:`engine.server.port.Server.drop_connections`."""
        self._transport.drop_connections()

    def close(self) -> None:
        """See :meth:`engine.server.port.Server.close`."""
        self._transport.close()

    def _ask(
        self,
        action: ActionSettings | None,
        name: str,
        till: str,
        values: Mapping[str, str],
        timeout: float,
        read: Callable[[program.Said], T],
    ) -> T:
        """A call that may be made twice without harm, and what ``read`` finds in its reply."""
        if action is None:
            raise CallFailed(
                Reason.LOCAL_ERROR,
                f"{self._target.where} was not called: till.yaml says that it has no action "
                f"'{name}'",
            )
        _, said = self._call(action, till, values, timeout, harmless=True)
        try:
            return read(said)
        except program.Unfit as unfit:
            raise self._unfit(action, unfit) from None

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
            secrets = self._parameter_secrets(action)
            known = {"shop": self._shop, "till": till, **values}
            text = program.parameter(action, known, secrets)
        except (ValueError, SecretUnavailable) as error:
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

    def _struck(
        self, fault: CallFailed | CallRejected, strike: Callable[[str], str]
    ) -> CallFailed | CallRejected:
        """The same fault with what ``strike`` takes out of a server's words."""
        if isinstance(fault, CallRejected):
            return CallRejected(strike(fault.code), strike(fault.message))
        where = self._target.where if fault.message.startswith(self._target.where) else ""
        words = where + strike(fault.message.removeprefix(where))
        return CallFailed(fault.reason, words, fault.retry_after, fault.reached)

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
        for secret in (*self._secrets(), *tuple(self._sent.values())):
            for written in (hmp.escape(secret), secret):
                if written:
                    text = text.replace(written, "***")
        return text

    def _parameter_secrets(self, action: ActionSettings) -> dict[str, str]:
        """The secret parameters of an action, as they are now."""
        found = {}
        for name, template in action.parameters.items():
            if isinstance(template, Secret):
                found[name] = self._sent[template.reference] = template.reveal(self._base)
        return found

    def _discreet(self, verdicts: list[TicketVerdict]) -> list[TicketVerdict]:
        """Verdicts whose words repeat no secret: they are kept and shown."""
        return [
            verdict._replace(
                code=self._without_secrets(verdict.code),
                message=self._without_secrets(verdict.message),
            )
            for verdict in verdicts
        ]

    @abstractmethod
    def _secrets(self) -> Sequence[str]:
        """The secrets that a server's words could repeat."""

    @abstractmethod
    def _exchange(
        self, action: ActionSettings, text: str, deadline: Deadline, harmless: bool
    ) -> Exchange:
        """One call. Raises :class:`CallFailed`, or ``program.Unfit`` for a reply's form."""
