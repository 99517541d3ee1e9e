"""``send_tickets``: the oldest tickets that wait, in one call, each with its own key.

The order of things is the guarantee. Before a request leaves, it is written down which tickets
are in it; only a reply that names a ticket marks it sent or refused. Whatever stops in between
(a kill, a cable, a lost answer) leaves tickets whose outcome is unknown. Those are asked about
where the server can tell, and sent again with the same keys where it cannot.
"""

from dataclasses import dataclass
from uuid import uuid4

from engine.definition.vocabulary import EffectSignature, Field
from engine.effects.call import Answer, Call, Effect, failed
from engine.server.port import CallFailed, Reason, TicketParcel, TicketVerdict
from engine.store.store import Store
from engine.store.tickets import Backlog, Ticket

BATCH = 100
"""Tickets in a call: where sending more at once stops being faster."""

STATUS = "status"
"""What the journal has in place of a batch's id when a ticket was settled by asking."""

BOOKS_TIMEOUT = 30.0
"""Seconds that one visit to the till's own database may take."""


def run(call: Call) -> Answer:
    """Settle what is unknown, send one batch, and say how many tickets still wait."""
    batch = uuid4().hex
    waiting, noted = _take(call, batch)
    done = Settled()
    if not noted and call.server.tells_ticket_status:
        done = _ask(call, [ticket for ticket in waiting if ticket.attempted_at is not None])
        waiting, noted = _take(call, batch)
    if not noted:
        waiting, patience = _ready(call, waiting)
        if not waiting and patience > 0 and not done.count:
            return failed(
                Reason.SERVER_ERROR,
                "the server may still be at work on tickets that were sent before",
                patience,
            )
        _note(call, waiting, batch)
    if waiting and not call.cancelled.is_set():
        done = done.then(_send(call, waiting, batch))
    backlog = done.backlog or _count(call)
    call.counted(call.till, backlog)
    return Answer("ok", {"sent": done.stored, "refused": done.refused, "pending": backlog.pending})


@dataclass(frozen=True, slots=True)
class Settled:
    """How many tickets an answer settled, and how many still wait after it."""

    stored: int = 0
    refused: int = 0
    backlog: Backlog | None = None

    @property
    def count(self) -> int:
        """Tickets that no longer wait."""
        return self.stored + self.refused

    def then(self, later: "Settled") -> "Settled":
        """Both together; the later one knows what still waits."""
        return Settled(self.stored + later.stored, self.refused + later.refused, later.backlog)


def _take(call: Call, batch: str) -> tuple[list[Ticket], bool]:
    """The oldest tickets that wait. When none of them was ever in a request, the second value
    is true and they are noted as being in this one: the common case costs one visit."""
    limit = call.whole("batch", BATCH)

    def take(store: Store) -> tuple[list[Ticket], bool]:
        waiting = store.tickets.batch(call.till, limit)
        if any(ticket.attempted_at is not None for ticket in waiting):
            return waiting, False
        numbers = [ticket.number for ticket in waiting]
        store.tickets.attempted(call.till, numbers, batch, call.wall())
        return waiting, True

    return call.books.call(take, BOOKS_TIMEOUT)


def _note(call: Call, tickets: list[Ticket], batch: str) -> None:
    numbers = [ticket.number for ticket in tickets]
    call.books.call(
        lambda store: store.tickets.attempted(call.till, numbers, batch, call.wall()),
        BOOKS_TIMEOUT,
    )


def _ready(call: Call, waiting: list[Ticket]) -> tuple[list[Ticket], float]:
    """The tickets that may be sent now, oldest first, and the seconds until the next may.

    A request that we gave up may still be at work in the server. A server that recognises a
    key bears a second one; any other would store the ticket twice, so its time to settle is
    waited for, and nothing overtakes the ticket that waits.
    """
    server = call.server
    if server.deduplicates or not server.tells_ticket_status:
        return waiting, 0.0
    now = call.wall()
    for index, ticket in enumerate(waiting):
        if ticket.attempted_at is None:
            continue
        # A clock that was set back makes an attempt look as if it were still to come.
        since = max(0.0, now - ticket.attempted_at)
        left = call.seconds("timeout") + server.settle - since
        if left > 0:
            return waiting[:index], left
    return waiting, 0.0


def _ask(call: Call, unsure: list[Ticket]) -> Settled:
    """Ask what became of tickets and write down the answers."""
    keys = [ticket.key for ticket in unsure]
    verdicts = call.server.ticket_status(call.till, keys, call.seconds("timeout"))
    return _settle(call, unsure, verdicts, STATUS)


def _send(call: Call, tickets: list[Ticket], batch: str) -> Settled:
    parcels = [
        TicketParcel(ticket.key, ticket.number, ticket.payload, ticket.sha256) for ticket in tickets
    ]
    try:
        verdicts = call.server.send_tickets(call.till, batch, parcels, call.seconds("timeout"))
    except CallFailed as fault:
        if not fault.reached:
            _withdraw(call, tickets, batch)
        raise
    settled = _settle(call, tickets, verdicts, batch)
    if not settled.count:
        raise CallFailed(
            Reason.BAD_REPLY, "the server's answer names none of the tickets sent", reached=True
        )
    return settled


def _withdraw(call: Call, tickets: list[Ticket], batch: str) -> None:
    """The request cannot have had an effect: what was known of the tickets before holds."""
    before = [(ticket.number, ticket.attempted_at) for ticket in tickets]
    call.books.call(
        lambda store: store.tickets.withdrawn(call.till, before, batch, call.wall()),
        BOOKS_TIMEOUT,
    )


def _settle(
    call: Call, tickets: list[Ticket], verdicts: list[TicketVerdict], batch: str
) -> Settled:
    """Write down what the server said, and only that: a ticket that it did not name waits on."""
    asked = {ticket.key: ticket for ticket in tickets}
    named = {verdict.key: verdict for verdict in verdicts if verdict.key in asked}
    stored = [
        asked[key].number
        for key, verdict in named.items()
        if verdict.status == "stored" and verdict.sha256 in ("", asked[key].sha256)
    ]
    refusals = [
        (asked[key].number, verdict.code, verdict.message)
        for key, verdict in named.items()
        if verdict.status == "refused"
    ]
    refusals += [
        (asked[key].number, "DIFFERENT", "the server holds other bytes under this key")
        for key, verdict in named.items()
        if verdict.status == "stored" and verdict.sha256 not in ("", asked[key].sha256)
    ]

    def write(store: Store) -> Backlog:
        now = call.wall()
        store.tickets.acknowledged(call.till, stored, batch, now)
        store.tickets.refused(call.till, refusals, batch, now)
        return store.tickets.backlog(call.till)

    return Settled(len(stored), len(refusals), call.books.call(write, BOOKS_TIMEOUT))


def _count(call: Call) -> Backlog:
    return call.books.call(
        lambda store: store.tickets.backlog(call.till), BOOKS_TIMEOUT, write=False
    )


SEND_TICKETS = Effect(
    EffectSignature(
        "send_tickets",
        "Sends the oldest tickets that wait, in one call.",
        arguments={
            "timeout": Field("duration", "how long each call may take", required=True),
            "batch": Field("integer", f"how many tickets at the most; {BATCH} when not given"),
        },
        ok={
            "sent": Field("integer", "tickets that the server has now acknowledged"),
            "refused": Field("integer", "tickets that the server refused and that are set aside"),
            "pending": Field("integer", "tickets that still wait"),
        },
    ),
    run,
    # A question about what is unknown, the sending, and the visits to the database around them.
    lambda arguments: 2 * float(arguments["timeout"]) + BOOKS_TIMEOUT,
)
