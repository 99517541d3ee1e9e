"""``send_tickets``: the tickets that wait, oldest first, a batch a call, each with its own key.

The order of things is the guarantee. Before a request leaves, it is written down which tickets
are in it; only a reply that names a ticket marks it sent or refused. Whatever stops in between
(a kill, a cable, a lost answer) leaves tickets whose outcome is unknown. Those are asked about
where the server can tell, and sent again with the same keys where it cannot.
"""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4

from engine.definition.vocabulary import EffectSignature, Field
from engine.effects.call import BOOKS_TIMEOUT, Answer, Call, Effect, failed
from engine.server.port import CallFailed, Reason, TicketParcel, TicketVerdict
from engine.store.store import Store
from engine.store.tickets import Backlog, Ticket

BATCH = 100
"""Tickets in a call: where sending more at once stops being faster."""

STATUS = "status"
"""What the journal has in place of a batch's id when a ticket was settled by asking."""

SLICE = 2.0
"""Seconds for which batch follows batch before the machine hears of it: long enough that the
machine costs nothing beside the sending, short enough that a person sees the backlog shrink."""


def run(call: Call) -> Answer:
    """Settle what is unknown, send batch after batch for a while, and say what still waits."""
    until = call.monotonic() + SLICE
    load, doubtful = call.books.call(lambda store: _oldest(call, store), BOOKS_TIMEOUT)
    done = Settled()
    attempts = [ticket.attempted_at for ticket in doubtful if ticket.attempted_at is not None]
    call.patience.only(call.till, attempts)
    if doubtful:
        waiting, done, patience = _clear_up(call, doubtful)
        if not waiting and patience > 0 and not done.count:
            return failed(
                Reason.SERVER_ERROR,
                "the server may still be at work on tickets that were sent before",
                patience,
            )
        load = _note(call, waiting)
    while load.tickets:
        done = done.then(_send(call, load, until))
        load = done.next
    backlog = done.backlog or _count(call)
    return Answer("ok", {"sent": done.stored, "refused": done.refused, "pending": backlog.pending})


class Load(NamedTuple):
    """The tickets of one request, its id, and when the store was told that they are in it."""

    batch: str
    tickets: list[Ticket]
    noted_at: float


NOTHING = Load("", [], 0.0)


@dataclass(frozen=True, slots=True)
class Settled:
    """How many tickets an answer settled, how many still wait, and those to be sent next."""

    stored: int = 0
    refused: int = 0
    backlog: Backlog | None = None
    next: Load = NOTHING

    @property
    def count(self) -> int:
        """Tickets that no longer wait."""
        return self.stored + self.refused

    def then(self, later: "Settled") -> "Settled":
        """Both together; the later one knows what still waits."""
        return Settled(
            self.stored + later.stored,
            self.refused + later.refused,
            later.backlog or self.backlog,
            later.next,
        )


def _oldest(call: Call, store: Store) -> tuple[Load, list[Ticket]]:
    """The oldest tickets that wait, noted as being in the next request; or, when one of them was
    in a request before, nothing to send yet and these tickets."""
    waiting = store.tickets.batch(call.till, _limit(call))
    if any(ticket.attempted_at is not None for ticket in waiting):
        return NOTHING, waiting
    return (_noted(call, store, waiting) if waiting else NOTHING), []


def _noted(call: Call, store: Store, tickets: list[Ticket]) -> Load:
    batch, at = uuid4().hex, call.wall()
    store.tickets.attempted(call.till, [ticket.number for ticket in tickets], batch, at)
    return Load(batch, tickets, at)


def _take_again(call: Call) -> list[Ticket]:
    limit = _limit(call)
    return call.books.call(
        lambda store: store.tickets.batch(call.till, limit), BOOKS_TIMEOUT, write=False
    )


def _limit(call: Call) -> int:
    """At least one ticket: a batch of none would be asked for again and again."""
    return max(1, call.whole("batch", BATCH))


def _note(call: Call, tickets: list[Ticket]) -> Load:
    if not tickets:
        return NOTHING
    return call.books.call(lambda store: _noted(call, store, tickets), BOOKS_TIMEOUT)


def _clear_up(call: Call, waiting: list[Ticket]) -> tuple[list[Ticket], Settled, float]:
    """Learn what can be learned of tickets whose outcome is unknown.

    Gives the tickets that may be sent now, what was settled, and the seconds until more may be
    sent.
    """
    server = call.server
    if not server.tells_ticket_status:
        return waiting, Settled(), 0.0
    asked_at, asked_wall = call.monotonic(), call.wall()
    unsure = {ticket.key: ticket for ticket in waiting if ticket.attempted_at is not None}
    done = _ask(call, list(unsure.values()))
    waiting = _take_again(call)
    for index, ticket in enumerate(waiting):
        if ticket.attempted_at is None:
            continue
        if ticket.key not in unsure:  # it moved up when others were settled: ask next time
            return waiting[:index], done, 0.0
        left = _unsettled(call, ticket.attempted_at, asked_wall, asked_at)
        if left > 0:
            return waiting[:index], done, left
    return waiting, done, 0.0


def _unsettled(call: Call, attempted_at: float, wall: float, now: float) -> float:
    """Seconds until a ticket that the server did not know may be sent again.

    A request that we gave up may still be at work in the server. A server that recognises a
    key bears a second one; any other would store the ticket twice, so its time to settle is
    waited for, and nothing overtakes the ticket that waits. That the server did not know it
    counts only when it was asked after that time (at ``wall``, which is ``now`` on the
    monotonic clock): what was still at work then can have been stored since.
    """
    if call.server.deduplicates:
        return 0.0
    quiet = call.patience.quiet_for(call.till, attempted_at, wall, now)
    return call.seconds("timeout") + call.server.settle - quiet


def _ask(call: Call, unsure: list[Ticket]) -> Settled:
    """Ask what became of tickets and write down the answers."""
    keys = [ticket.key for ticket in unsure]
    verdicts = call.server.ticket_status(call.till, keys, call.seconds("timeout"))
    done = _settle(call, unsure, verdicts, STATUS)
    silent = set(keys).difference(verdict.key for verdict in verdicts)
    if silent and not call.server.deduplicates:
        raise CallFailed(
            Reason.BAD_REPLY,
            f"the server's answer does not tell what became of {len(silent)} tickets",
            reached=True,
        )
    return done


def _send(call: Call, load: Load, until: float) -> Settled:
    """Send one batch; ``until`` is when no other is to follow it."""
    batch, tickets, noted_at = load
    if call.cancelled.is_set():
        _withdraw(call, tickets, batch)
        return Settled()
    parcels = [
        TicketParcel(ticket.key, ticket.number, ticket.payload, ticket.sha256) for ticket in tickets
    ]
    call.patience.under_way(call.till, noted_at, call.monotonic())
    try:
        verdicts = call.server.send_tickets(call.till, batch, parcels, call.seconds("timeout"))
    except CallFailed as fault:
        if fault.reached:
            call.patience.under_way(call.till, noted_at, call.monotonic())
        else:
            call.patience.answered(call.till, noted_at)
            _withdraw(call, tickets, batch)
        raise
    call.patience.answered(call.till, noted_at)
    settled = _settle(call, tickets, verdicts, batch, more=call.monotonic() < until)
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
    call: Call,
    tickets: list[Ticket],
    verdicts: list[TicketVerdict],
    batch: str,
    *,
    more: bool = False,
) -> Settled:
    """Write down what the server said, and only that: a ticket that it did not name waits on.

    With ``more`` the next tickets are taken in the same visit, unless there is doubt about one.
    """
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

    def write(store: Store) -> tuple[Backlog, Load]:
        now = call.wall()
        store.tickets.acknowledged(call.till, stored, batch, now)
        store.tickets.refused(call.till, refusals, batch, now)
        following = NOTHING
        if more and (stored or refusals):
            following, _ = _oldest(call, store)
        return store.tickets.backlog(call.till), following

    backlog, following = call.books.call(write, BOOKS_TIMEOUT)
    # At once: a call that fails after this has changed the backlog all the same.
    call.counted(call.till, backlog)
    return Settled(len(stored), len(refusals), backlog, following)


def _count(call: Call) -> Backlog:
    backlog = call.books.call(
        lambda store: store.tickets.backlog(call.till), BOOKS_TIMEOUT, write=False
    )
    call.counted(call.till, backlog)
    return backlog


SEND_TICKETS = Effect(
    EffectSignature(
        "send_tickets",
        "Sends the tickets that wait, oldest first, a batch a call.",
        arguments={
            "timeout": Field("duration", "how long each call may take", required=True),
            "batch": Field(
                "integer", f"how many tickets in a call at the most; {BATCH} when not given"
            ),
        },
        ok={
            "sent": Field("integer", "tickets that the server has now acknowledged"),
            "refused": Field("integer", "tickets that the server refused and that are set aside"),
            "pending": Field("integer", "tickets that still wait"),
        },
    ),
    run,
    # A question about what is unknown, the slice, the sending that its end finds under way, and
    # the visits to the database around them.
    lambda arguments: 2 * float(arguments["timeout"]) + SLICE + BOOKS_TIMEOUT,
)
