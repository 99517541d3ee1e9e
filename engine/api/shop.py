"""The shapes of what a till asks its server for, messages and offers, and of its closing.

Shapes as in :mod:`engine.api.port`, which names them in what it asks of the agent.
"""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from engine.api.view import MOMENT, View

MOST_WITHIN = 60.0
"""Seconds that anybody may wait for offers at the most."""

ReadAnswer = Literal["read", "again", "unknown"]
"""What became of marking a message read: done now, done before, or no such message."""

OffersReason = Literal[
    "",
    "offline",
    "late",
    "busy",
    "unsupported",
    "rejected",
    "timeout",
    "unreachable",
    "unauthorized",
    "server_error",
    "bad_reply",
    "local_error",
]
"""Why offers are not fresh from the server; empty when they are."""


class MessageView(View):
    """A message from the central server for the cashier."""

    id: str = Field(description="The server's id of it.", examples=["m-17"])
    at: str = Field(
        description="When it was written, as the server says it; may be empty.",
        examples=["2026-03-14T09:20:00Z"],
    )
    level: Literal["info", "warning", "urgent"] = Field(description="How much it matters.")
    title: str = Field(description="Its title.", examples=["Recall"])
    text: str = Field(description="Its text.", examples=["Take lot 4711 off the shelf."])
    received: AwareDatetime = Field(description="When the till got it.", examples=[MOMENT])
    shown: AwareDatetime | None = Field(
        description="When it was told to a till program or a page for the first time; null: this "
        "answer is the first.",
        examples=[MOMENT],
    )
    read: AwareDatetime | None = Field(
        description="When it was marked read; null when it was not.", examples=[MOMENT]
    )


class OfferView(View):
    """An offer that holds today."""

    id: str = Field(description="The server's id of it.", examples=["o-3"])
    general: bool = Field(description="It is for everybody, not for this customer alone.")
    title: str = Field(description="Its title.", examples=["Coffee at half price"])
    text: str = Field(description="Its text.", examples=["Two packets at the most."])
    starts: str = Field(description="Its first day; empty without one.", examples=["2026-03-01"])
    ends: str = Field(description="Its last day; empty without one.", examples=["2026-03-31"])
    data: dict[str, Any] = Field(
        description="What else the server says of it.", examples=[{"percent": 50}]
    )


class OffersView(View):
    """The general offers and a customer's own, fresh or as they were last told."""

    offers: tuple[OfferView, ...] = Field(description="Those that hold today, general ones first.")
    as_of: AwareDatetime | None = Field(
        description="When the server told them, the older of the general ones and the customer's; "
        "null when it never did.",
        examples=[MOMENT],
    )
    own: bool = Field(
        description="The customer's own offers are among them as they were told then; false: the "
        "server never told this till about this customer, so there may be others."
    )
    fresh: bool = Field(description="They were asked of the server for this very answer.")
    reason: OffersReason = Field(
        description="Why they are not fresh, empty when they are: `offline` (the server counts as "
        "not there and is not asked), `late` (its answer did not come in the time given), `busy` "
        "(the machine does not ask just now), `unsupported` (it is not set up to tell offers), "
        "`rejected` (it refused, as for an unknown customer), or why the call failed.",
        examples=["offline"],
    )


class ClosingView(View):
    """Whether the day can be closed."""

    pending: int = Field(description="Tickets that the server has not acknowledged.", examples=[0])
    refused: int = Field(
        description="Tickets that the server refused and that wait for a person.", examples=[1]
    )
    complete: bool = Field(description="Every ticket is acknowledged by the server.")
    reasons: tuple[str, ...] = Field(
        description="Why it is not complete, in sentences; empty when it is.",
        examples=[["1 ticket was refused by the server and waits for a person."]],
    )
