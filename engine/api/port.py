"""What the API asks of the agent, and the shapes in which both speak of tills.

The shapes are pydantic models because they are also the OpenAPI document: a field is declared
and described here and nowhere else. Moments are UTC; a float of epoch seconds is taken too.
This file knows no web framework, so that the agent can name it without loading one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from pydantic import AwareDatetime, Field

from engine.api.config import ConfigView, ReloadView
from engine.api.loads import LoadAnswer, LoadKind, LoadsView
from engine.api.shop import ClosingView, MessageView, OffersView, ReadAnswer
from engine.api.stream import Reader
from engine.api.view import MOMENT, View
from engine.definition.vocabulary import Value
from engine.story.entries import Entry, WhyNot

Accepted = Literal["new", "same", "different"]
"""What became of a ticket: stored now, stored before with the same bytes, or with others."""

RETRY_AFTER = 5
"""Whole seconds that a till program is asked to wait when the store cannot take a ticket."""


class LabelView(View):
    """What the cashier reads, in the languages of the shop."""

    en: str = Field(description="In English.", examples=["Offline: next try soon"])
    fr: str = Field(description="In French.", examples=["Hors ligne : nouvel essai bientôt"])


class TicketsView(View):
    """How far the tickets of a till have got."""

    pending: int = Field(description="Accepted and not yet acknowledged.", examples=[3])
    sent: int = Field(description="Acknowledged by the server, ever.", examples=[1204])
    refused: int = Field(
        description="Refused by the server and set aside for a person to look at.", examples=[0]
    )
    oldest_pending: AwareDatetime | None = Field(
        description="When the oldest pending ticket was accepted; null when none is pending.",
        examples=[MOMENT],
    )


class TillView(View):
    """Where one till is."""

    till: str = Field(description="The till's id.", examples=["01"])
    shop: str = Field(description="The shop's id.", examples=["0042"])
    machine: str = Field(
        description="The name of the machine that looks after it.", examples=["connection"]
    )
    state: str = Field(
        description="The innermost active state that has a label.", examples=["offline-cooldown"]
    )
    active: tuple[str, ...] = Field(
        description="All active states, outermost first.", examples=[["offline-cooldown"]]
    )
    label: LabelView | None = Field(
        description="The state's label; null when no active state has one."
    )
    since: AwareDatetime = Field(description="When the state was entered.", examples=[MOMENT])
    next_try: AwareDatetime | None = Field(
        description="When the next timer runs out that would try the server again; null when "
        "none is running.",
        examples=[MOMENT],
    )
    tickets: TicketsView = Field(description="How far its tickets have got.")
    context: dict[str, Value] = Field(
        description="The machine's variables.", examples=[{"failures": 3}]
    )


class TakenView(View):
    """A transition that was taken."""

    event: str = Field(
        description="What led to it, as the machine file names it.", examples=["sync.now"]
    )
    source: str = Field(description="The state left.", examples=["online"])
    target: str = Field(description="The state entered.", examples=["syncing"])
    stays: bool = Field(
        False, description="The transition has no target: nothing was left or entered."
    )


class RefusalView(View):
    """A transition that was asked for and whose guard did not hold."""

    state: str = Field(description="The state that declares it.", examples=["degraded"])
    event: str = Field(description="What asked for it.", examples=["ping.ok"])
    guard: str = Field(
        description="The guard, as the machine file has it.", examples=["successes >= 3"]
    )
    seen: dict[str, Value] = Field(
        default_factory=dict,
        description="The values that it went by: parameters, variables, what an answer carried. "
        "Durations are seconds.",
        examples=[{"successes": 1}],
    )


class StepView(View):
    """All that a posted event did."""

    till: str = Field(description="The till's id.", examples=["01"])
    event: str = Field(description="The event that was posted.", examples=["sync.now"])
    state_before: str = Field(description="The state before.", examples=["online"])
    state_after: str = Field(description="The state after.", examples=["syncing"])
    taken: tuple[TakenView, ...] = Field(description="The transitions taken, in order.")
    refused: tuple[RefusalView, ...] = Field(
        description="The transitions whose guard did not hold."
    )
    unhandled: bool = Field(
        description="No active state has a transition for this event: nothing happened."
    )
    closing: ClosingView | None = Field(
        None, description="Of `till.day_closed`: whether the day can be closed; else null."
    )


class HistoryView(View):
    """One step of a till's past."""

    number: int = Field(description="Its place in the history; `before` takes it.", examples=[981])
    at: AwareDatetime = Field(description="When it happened.", examples=[MOMENT])
    event: str = Field(description="What happened.", examples=["ping.failed.timeout"])
    states: tuple[str, ...] = Field(
        description="The states active afterwards, outermost first.",
        examples=[["reachable", "degraded"]],
    )
    taken: tuple[TakenView, ...] = Field(description="The transitions taken, in order.")
    dull: bool = Field(description="Nothing was left or entered.", examples=[False])
    detail: dict[str, Any] = Field(
        default_factory=dict,
        description="What else is known of the step: data, refused guards, changed variables.",
    )


Kind = Literal["atomic", "compound", "parallel", "history", "final"]
Sign = Literal["connected", "sending", "loading", "unsure", "barred"]


class StateView(View):
    """One state of a machine."""

    id: str = Field(description="The state's id.", examples=["online"])
    parent: str = Field(
        description="The state around it; empty at the top.", examples=["reachable"]
    )
    kind: Kind = Field(description="What sort of state it is.")
    label: LabelView | None = Field(description="What the cashier reads; null when it has none.")
    about: str = Field(
        description="What it means, in one sentence; may be empty.",
        examples=["The server answers."],
    )
    code: int | None = Field(description="Its number on dashboards.", examples=[1])
    offline: bool = Field(description="The central server counts as not there.", examples=[False])
    initial: bool = Field(description="The first to be entered of those beside it.")
    sign: Sign = Field(
        description="What the icon shows in it: `barred` when it is offline, `sending` while it "
        "sends tickets, `loading` while it loads the catalogue, `connected` when its code is 1, "
        "else `unsure`."
    )


class TransitionView(View):
    """Where an event leads, as the machine declares it."""

    event: str = Field(
        description="The event, `after` a delay, or `always`; empty for where a history leads.",
        examples=["ping.failed"],
    )
    source: str = Field(
        description="The state that declares it; empty: the machine itself, in every state.",
        examples=["online"],
    )
    target: str | None = Field(
        description="The state entered; null when it stays.", examples=["degraded"]
    )
    guard: str | None = Field(
        description="The expression that must hold; null when it always may be taken.",
        examples=["successes >= 3"],
    )


class MachineView(View):
    """The machine that looks after the tills: a diagram in data."""

    machine: str = Field(description="Its name.", examples=["connection"])
    about: str = Field(
        description="What it looks after, in one sentence; may be empty.",
        examples=["Looks after a till's link to the central server."],
    )
    hash: str = Field(
        description="SHA-256, in hex, of its text and parameters: another one, another machine.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    states: tuple[StateView, ...] = Field(description="In the order of the file, parents first.")
    transitions: tuple[TransitionView, ...] = Field(description="In the order of the file.")


class Health(View):
    """Whether the agent lives, and whether it can do its work."""

    alive: bool = Field(description="The agent's loop answers.")
    ready: bool = Field(description="The store is open and the machines are running.")
    reasons: tuple[str, ...] = Field(
        (),
        description="Why it is not ready, or what else needs looking at, in sentences.",
        examples=[["The store is not open yet."]],
    )


class UnknownTill(Exception):  # noqa: N818 - what the caller named, not a fault of ours
    """This agent looks after no such till."""

    def __init__(self, till: str) -> None:
        self.till = till
        super().__init__(f"there is no till '{till}'")


class UnknownEvent(Exception):  # noqa: N818 - what the caller named, not a fault of ours
    """No machine knows this event, or it is not one that may be posted.

    ``allowed`` holds the names that may be posted to this till.
    """

    def __init__(self, event: str, allowed: Sequence[str]) -> None:
        self.event = event
        self.allowed = tuple(allowed)
        super().__init__(f"there is no event '{event}'")


class BadData(Exception):  # noqa: N818 - what the caller sent, not a fault of ours
    """An event's data is not what the event carries. ``sentence`` says what and why."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


class EventFailed(Exception):  # noqa: N818 - what became of the caller's event
    """The machine could not play an event; the till is where it was. ``sentence`` says why."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


class StoreUnavailable(Exception):  # noqa: N818 - a state of the disk, said to the caller
    """The store cannot take or tell anything just now: full, stalled, or closed.

    ``sentence`` says which; ``retry_after`` is in whole seconds. A ticket that was refused
    with it may be posted again with the same number and bytes, whatever became of it.
    """

    def __init__(self, sentence: str, retry_after: int = RETRY_AFTER) -> None:
        self.sentence = sentence
        self.retry_after = retry_after
        super().__init__(sentence)


class Office(Protocol):
    """The agent, as the API sees it. Everything is called from the agent's own loop.

    No call is ever cancelled by the API: a caller who waited too long is answered and the call
    goes on by itself.
    """

    async def tills(self) -> Sequence[TillView]:
        """Every till, in the order of the settings."""
        ...

    async def till(self, till: str) -> TillView | None:
        """One till, or None when there is no such till."""
        ...

    async def post_event(self, till: str, event: str, data: Mapping[str, Value]) -> StepView:
        """Feed an event to a till's machine and say what it did.

        Raises :class:`UnknownTill`, :class:`UnknownEvent`, :class:`BadData`,
        :class:`EventFailed` or :class:`StoreUnavailable`.
        """
        ...

    async def accept_ticket(self, till: str, number: int, payload: bytes) -> Accepted:
        """Store a ticket; returns once it is on disk.

        Raises :class:`UnknownTill` or :class:`StoreUnavailable`.
        """
        ...

    async def machine(self) -> MachineView:
        """The machine that looks after the tills."""
        ...

    async def config(self) -> ConfigView:
        """Which files are in force. Raises :class:`~engine.api.config.NoFiles`."""
        ...

    async def reload(self) -> ReloadView:
        """Read the files again and have all tills play the machine, or none.

        Raises :class:`~engine.api.config.ReloadRefused`, :class:`~engine.api.config.NoFiles`, or
        :class:`StoreUnavailable` when they cannot be read just now.
        """
        ...

    async def history(
        self, till: str, limit: int, before: int | None, dull: bool = True
    ) -> Sequence[HistoryView]:
        """At most ``limit`` steps, newest first, of numbers below ``before`` when it is given.

        Without ``dull`` only steps in which a state was left or entered.

        Raises :class:`UnknownTill` or :class:`StoreUnavailable`.
        """
        ...

    async def trace(
        self, till: str, limit: int, before: int | None, dull: bool = True
    ) -> Sequence[Entry]:
        """At most ``limit`` entries of a till's story, newest first, as in ``history``.

        Raises :class:`UnknownTill` or :class:`StoreUnavailable`.
        """
        ...

    async def why_not(self, till: str) -> WhyNot:
        """Why a till is not elsewhere. Raises :class:`UnknownTill` or :class:`StoreUnavailable`."""
        ...

    async def messages(self, till: str, unread: bool) -> Sequence[MessageView]:
        """The messages that were not read, oldest first; or all, newest first, at most 1,000.

        Raises :class:`UnknownTill` or :class:`StoreUnavailable`.
        """
        ...

    async def read_message(self, till: str, message: str) -> ReadAnswer:
        """Mark a message read; returns once it is on disk.

        Raises :class:`UnknownTill` or :class:`StoreUnavailable`.
        """
        ...

    async def offers(self, till: str, customer: str, within: float) -> OffersView:
        """Feed a customer code to the machine and give that customer's offers, "" for the
        general ones alone: fresh if they come in ``within`` seconds, else as they were last told.

        Raises :class:`UnknownTill`, and :class:`BadData` for a code of more than 200 characters.
        """
        ...

    async def post_load(self, till: str, kind: LoadKind) -> LoadAnswer:
        """Feed ``load.<kind>`` to a till's machine and say what became of it.

        Raises :class:`UnknownTill`, :class:`~engine.api.loads.LoadRefused`,
        :class:`EventFailed` or :class:`StoreUnavailable`.
        """
        ...

    async def loads(self, till: str) -> LoadsView:
        """The load that is under way, the last ones, and what the catalogue holds.

        Raises :class:`UnknownTill`.
        """
        ...

    async def closing(self, till: str) -> ClosingView:
        """Whether the till's day can be closed. Waits for no disk.

        Raises :class:`UnknownTill`.
        """
        ...

    async def subscribe(self, last_id: int | None, till: str | None = None) -> Reader:
        """A reader of what happens, to one till or to all, from now on or from after the event
        ``last_id``. Whoever asks for it closes it.

        Raises :class:`UnknownTill` or :class:`~engine.api.stream.TooManyReaders`.
        """
        ...

    def health(self) -> Health:
        """Whether the agent lives and is ready. Must not wait for anything."""
        ...

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """The metrics in the format that the ``Accept`` header asks for, and its media type;
        empty where nothing is counted.

        With thousands of tills this takes a while, in which others are served.
        """
        ...
