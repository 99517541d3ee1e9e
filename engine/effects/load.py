"""``load``: the newest full exports of the catalogue, or the changes since."""

from engine.definition.vocabulary import EffectSignature, Field
from engine.effects.call import Answer, Call, Effect
from engine.server.port import CallRejected

KINDS = ("full", "changes")

MARGIN = 30.0
"""Seconds on top of a load's own limit before its thread is given up."""


def run(call: Call) -> Answer:
    """Load, and answer how much; ``gap`` when the changes do not join on to what is there."""
    if call.loading is None:
        raise CallRejected(
            "no_catalogue",
            "till.yaml declares no catalogue: nothing can be loaded before it names the datasets "
            "under 'catalogue'.",
        )
    # What reads exports is only loaded where there are some.
    from engine.effects.catalogue_load import CatalogueLoad

    return CatalogueLoad(call, call.loading).run()


LOAD = Effect(
    EffectSignature(
        "load",
        "Loads the catalogue: the newest full exports, or the changes since.",
        arguments={
            "timeout": Field("duration", "how long a question may take", required=True),
            "kind": Field("text", "what to load", choices=KINDS, required=True),
            "limit": Field("duration", "how long the load may take in all", required=True),
        },
        ok={
            "kind": Field("text", "what was loaded", choices=KINDS),
            "tables": Field("integer", "tables that were loaded"),
            "rows": Field("integer", "rows, or changes, that were loaded"),
            "bytes": Field("integer", "bytes of the files that hold them"),
            "gap": Field("boolean", "the changes do not join on: a full load is needed"),
        },
    ),
    run,
    lambda arguments: float(arguments["limit"]) + MARGIN,
)
