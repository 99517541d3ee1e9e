"""``poll_messages``: what the server has to say to the cashier.

The order of things is the guarantee. What comes is on the till's disk before the server is told
so; only then does the server stop telling it. A kill in between leaves messages that are kept
and not acknowledged: the next run acknowledges them before it asks. A message that comes again
is known by its id.
"""

from collections.abc import Sequence

from engine.definition.vocabulary import EffectSignature, Field
from engine.effects.call import BOOKS_TIMEOUT, Answer, Call, Effect
from engine.server.port import CallRejected, Message
from engine.store.store import Store

MOST_IDS = 1000
"""Ids in one acknowledgement at the most."""

REASONS = ("opened", "closed", "day_closed", "ticket", "returned")
"""Why the server is asked just now."""


def run(call: Call) -> Answer:
    """Acknowledge what was kept before, ask, keep what comes, and acknowledge that.

    A refused acknowledgement does not keep new messages from coming: it is the answer in the end.
    """
    server = call.server
    if not server.tells_messages:
        return Answer("ok", {"new": 0, "unread": 0})
    before = call.books.call(
        lambda store: store.messages.to_acknowledge(call.till), BOOKS_TIMEOUT, write=False
    )
    refusal = _acknowledge(call, before)
    if call.cancelled.is_set():
        return Answer("ok", {"new": 0, "unread": 0})
    told = server.poll_messages(call.till, call.text("reason"), call.seconds("timeout"))
    new, unread, waiting = _keep(call, told)
    refusal = (_acknowledge(call, waiting) if waiting != before else None) or refusal
    if refusal is not None:
        raise refusal
    return Answer("ok", {"new": new, "unread": unread})


def _keep(call: Call, told: Sequence[Message]) -> tuple[int, int, list[str]]:
    """How many are new, how many are unread, and the ids that the server has to hear of."""
    if not told:
        unread = call.books.call(
            lambda store: store.messages.unread_count(call.till), BOOKS_TIMEOUT, write=False
        )
        return 0, unread, []

    def keep(store: Store) -> tuple[list[str], int, list[str]]:
        new = store.messages.keep(call.till, told, call.wall())
        unread = store.messages.unread_count(call.till)
        return new, unread, store.messages.to_acknowledge(call.till)

    new, unread, waiting = call.books.call(keep, BOOKS_TIMEOUT)
    if new:
        # At once: whatever becomes of the acknowledgement, the till has them.
        fresh = [message for message in told if message.id in new]
        call.messages(call.till, fresh, unread)
    return len(new), unread, waiting


def _acknowledge(call: Call, ids: Sequence[str]) -> CallRejected | None:
    """Tell the server what is kept and note what it took note of; its refusal, if it refuses.

    A server that takes no acknowledgements knows by itself when to stop telling.
    """
    server, some = call.server, list(ids[:MOST_IDS])
    if not some or call.cancelled.is_set():
        return None
    if server.takes_acknowledgements:
        try:
            noted = server.acknowledge_messages(call.till, some, call.seconds("timeout"))
        except CallRejected as refusal:
            return refusal
    else:
        noted = some
    taken = set(noted).intersection(some)
    call.books.call(
        lambda store: store.messages.mark_acknowledged(call.till, taken, call.wall()),
        BOOKS_TIMEOUT,
    )
    return None


POLL_MESSAGES = Effect(
    EffectSignature(
        "poll_messages",
        "Asks for messages, keeps them, and tells the server that they are kept.",
        arguments={
            "timeout": Field("duration", "how long each call may take", required=True),
            "reason": Field("text", "why just now", choices=REASONS, required=True),
        },
        ok={
            "new": Field("integer", "messages that the till did not have"),
            "unread": Field("integer", "messages that nobody has marked read"),
        },
    ),
    run,
    # Two acknowledgements, the question between them, and the visits to the database.
    lambda arguments: 3 * float(arguments["timeout"]) + BOOKS_TIMEOUT,
)
