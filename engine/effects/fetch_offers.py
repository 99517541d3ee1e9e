"""``fetch_offers``: the general offers and one customer's, kept for when the server is away.

A customer's code is data: it goes to the server and into the till's own database, and into no
answer, sentence or log line.
"""

from engine.definition.vocabulary import EffectSignature, Field
from engine.effects.call import BOOKS_TIMEOUT, Answer, Call, Effect
from engine.server.port import CallRejected


def run(call: Call) -> Answer:
    """Ask, keep what comes in place of what was kept, and say how many offers there are."""
    server, customer = call.server, call.text("customer")
    if not server.tells_offers or call.cancelled.is_set():
        return Answer("ok", {"offers": 0})
    try:
        offers = server.fetch_offers(call.till, customer, call.seconds("timeout"))
    except CallRejected:
        if customer:  # not known any more, so nothing that was kept holds
            call.books.call(lambda store: store.offers.forget(call.till, customer), BOOKS_TIMEOUT)
        raise
    call.books.call(
        lambda store: store.offers.keep(call.till, customer, offers, call.wall()), BOOKS_TIMEOUT
    )
    return Answer("ok", {"offers": len(offers)})


FETCH_OFFERS = Effect(
    EffectSignature(
        "fetch_offers",
        "Asks for the general offers and a customer's own, and keeps them.",
        arguments={
            "timeout": Field("duration", "how long the call may take", required=True),
            "customer": Field("text", "the customer's code; empty: the general offers alone"),
        },
        ok={"offers": Field("integer", "offers that the server told, whatever their dates")},
    ),
    run,
    lambda arguments: float(arguments["timeout"]) + BOOKS_TIMEOUT,
)
