"""``ping``: asks the central server for a sign of life."""

from engine.definition.vocabulary import EffectSignature, Field
from engine.effects.call import Answer, Call, Effect


def run(call: Call) -> Answer:
    """Ask, and answer ``ok`` with the latency in seconds."""
    latency = call.server.ping(call.till, call.seconds("timeout"))
    return Answer("ok", {"latency": latency})


PING = Effect(
    EffectSignature(
        "ping",
        "Asks the central server for a sign of life.",
        arguments={"timeout": Field("duration", "how long the answer may take", required=True)},
        ok={"latency": Field("duration", "how long the answer took")},
        can_be_rejected=False,
    ),
    run,
    lambda arguments: float(arguments["timeout"]),
)
