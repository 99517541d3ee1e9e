"""Every effect there is, the events that come from outside, and how an effect is performed."""

import logging
from collections.abc import Mapping
from types import MappingProxyType

from engine.definition.vocabulary import Field, Vocabulary
from engine.effects.call import Answer, Call, Effect, failed
from engine.effects.fetch_offers import FETCH_OFFERS
from engine.effects.load import LOAD
from engine.effects.ping import PING
from engine.effects.poll_messages import POLL_MESSAGES
from engine.effects.send_tickets import SEND_TICKETS
from engine.server.port import CallFailed, CallRejected, Reason
from engine.store.errors import StoreError

log = logging.getLogger("tillwire.effects")

EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        effect.signature.name: effect
        for effect in (PING, SEND_TICKETS, POLL_MESSAGES, FETCH_OFFERS, LOAD)
    }
)

EVENTS: Mapping[str, Mapping[str, Field]] = MappingProxyType(
    {
        "agent.started": {"pending": Field("integer", "tickets that wait when the agent starts")},
        "till.opened": {},
        "till.closed": {},
        "till.day_closed": {},
        "ticket.started": {},
        "ticket.customer": {"customer": Field("text", "the customer code that was typed")},
        "ticket.closed": {"number": Field("integer", "the ticket's number")},
        "sync.now": {},
        "load.full": {},
        "load.changes": {},
        "offline.hold": {},
        "offline.release": {},
    }
)

VOCABULARY = Vocabulary({name: effect.signature for name, effect in EFFECTS.items()}, EVENTS)


def perform(name: str, call: Call) -> Answer:
    """Run an effect; whatever happens, there is an answer."""
    effect = EFFECTS[name]
    left = call.patience.left(call.till, name, call.monotonic())
    if left > 0:
        message = f"the server asked for no such call for another {left:.0f} s"
        return failed(Reason.SERVER_ERROR, message, left)
    try:
        return effect.run(call)
    except CallRejected as refusal:
        return Answer("rejected", {"code": refusal.code, "message": refusal.message})
    except CallFailed as fault:
        if fault.retry_after > 0:
            call.patience.ask(call.till, name, call.monotonic() + fault.retry_after)
        return failed(fault.reason, fault.message, fault.retry_after)
    except StoreError as fault:
        return failed(Reason.LOCAL_ERROR, str(fault))
    except Exception as fault:  # a fault of ours must not leave a machine without an answer
        log.exception("effect.broken", extra={"fields": {"effect": name, "till": call.till}})
        return failed(Reason.LOCAL_ERROR, f"{type(fault).__name__}: {fault}")
