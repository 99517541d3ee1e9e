"""The shapes of what the stream tells: the data of its events.

Nothing in them comes from what a till program posted: a customer's code is in none.
"""

from typing import Literal

from pydantic import AwareDatetime, Field

from engine.api.port import RefusalView, TakenView
from engine.api.view import MOMENT, View

MOST_TOLD = 100
"""New messages named in one event."""

Level = Literal["info", "warning", "urgent"]


class StepTold(View):
    """Event `step`: what happened to a till, as its history has it, without the data."""

    till: str = Field(description="The till's id.", examples=["01"])
    at: AwareDatetime = Field(description="When it happened.", examples=[MOMENT])
    event: str = Field(description="What happened.", examples=["ping.failed.timeout"])
    state: str = Field(
        description="The innermost active state with a label.", examples=["degraded"]
    )
    states: tuple[str, ...] = Field(
        description="The states active afterwards, outermost first.",
        examples=[["reachable", "degraded"]],
    )
    taken: tuple[TakenView, ...] = Field(description="The transitions taken, in order.")
    refused: tuple[RefusalView, ...] = Field(
        description="The transitions whose guard did not hold."
    )
    unhandled: bool = Field(description="No active state has a transition for this event.")
    dull: bool = Field(description="Nothing was left or entered.", examples=[False])


class ProgressTold(View):
    """Event `progress`: how far a till's tickets have got."""

    till: str = Field(description="The till's id.", examples=["01"])
    at: AwareDatetime = Field(description="When it was counted.", examples=[MOMENT])
    pending: int = Field(description="Accepted and not yet acknowledged.", examples=[3])
    sent: int = Field(description="Acknowledged by the server, ever.", examples=[1204])
    refused: int = Field(description="Refused by the server and set aside.", examples=[0])


class NewMessage(View):
    """A message that came just now; who shows it asks for its text, and it counts as shown."""

    id: str = Field(description="The server's id of it.", examples=["m-17"])
    level: Level = Field(description="How much it matters.")
    title: str = Field(description="Its title.", examples=["Recall"])


class MessageTold(View):
    """Event `message`: messages came, or one was read."""

    till: str = Field(description="The till's id.", examples=["01"])
    at: AwareDatetime = Field(description="When.", examples=[MOMENT])
    unread: int = Field(description="How many are unread now.", examples=[2])
    new: tuple[NewMessage, ...] = Field(
        description=f"Those that came, {MOST_TOLD} at the most; empty when one was read."
    )
