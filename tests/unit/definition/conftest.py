"""A small vocabulary, so that these tests do not change with the product's effects."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest

from engine.definition.machine import Definition, load_machine
from engine.definition.model import Scalar
from engine.definition.parameters import Overrides
from engine.definition.reader import read
from engine.definition.vocabulary import EffectSignature, Field, Vocabulary

Load: TypeAlias = Callable[..., Definition]


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """Two effects, one of which can be refused, and a few events."""
    ping = EffectSignature(
        "ping",
        "asks whether the server is there",
        {"timeout": Field("duration", "how long to wait", required=True)},
        {"latency": Field("duration")},
        can_be_rejected=False,
    )
    printing = EffectSignature(
        "print",
        "prints",
        {
            "paper": Field("text", "the paper", ("thin", "thick"), required=True),
            "copies": Field("integer"),
        },
    )
    events: dict[str, Mapping[str, Field]] = {
        "sync.now": {},
        "till.opened": {},
        "till.closed": {},
        "ticket.closed": {"number": Field("integer")},
        "ticket.customer": {"customer": Field("text")},
    }
    return Vocabulary({"ping": ping, "print": printing}, events)


@pytest.fixture
def load(vocabulary: Vocabulary) -> Load:
    """Loads a machine from its text."""

    def load(
        text: str, overrides: Overrides | Mapping[str, Scalar | None] | None = None
    ) -> Definition:
        return load_machine(read(text, "machine.yaml"), vocabulary, overrides)

    return load
