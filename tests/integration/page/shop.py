"""A shop to look at: the API before a stand-in, served from a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from engine.api.access import Access
from engine.api.application import create_api
from engine.api.port import HistoryView, LabelView, TakenView, TicketsView, TillView
from engine.api.serving import Serving, start
from engine.api.stand_in import StandIn

TOKEN = "correct horse"
LONG = 10.0
"""Seconds that anything about the shop may take."""


class State(NamedTuple):
    """A state of the shipped machine and what the page makes of it."""

    active: tuple[str, ...]
    label: LabelView
    sign: str
    next_try: int | None
    pending: int
    refused: int = 0


STATES = {
    "online": State(
        ("reachable", "online"), LabelView(en="Online", fr="En ligne"), "connected", 450, 0
    ),
    "syncing": State(
        ("reachable", "syncing"),
        LabelView(en="Sending tickets", fr="Envoi des tickets"),
        "sending",
        None,
        4,
    ),
    "loading": State(
        ("reachable", "loading"),
        LabelView(en="Loading data", fr="Chargement des données"),
        "loading",
        455,
        2,
    ),
    "degraded": State(
        ("reachable", "degraded"),
        LabelView(en="Slow or unsure", fr="Lent ou incertain"),
        "unsure",
        455,
        2,
    ),
    "offline-cooldown": State(
        ("offline-cooldown",), LabelView(en="Offline", fr="Hors ligne"), "barred", 460, 12, 1
    ),
}


HELD = State(
    ("held",),
    LabelView(en="Held offline by hand", fr="Mise hors ligne manuelle"),
    "barred",
    None,
    3,
)


class Shop:
    """Tills in whatever state a test puts them."""

    def __init__(self, *tills: str) -> None:
        self.office = StandIn(tills or ("01",))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._serving: Serving | None = None
        self.port = 0

    def open(self) -> None:
        """Serve, at the same address as before if there was one."""
        api = create_api(self.office, Access(token=TOKEN))
        self._serving = self._do(start(api, "127.0.0.1", self.port))
        self.port = self._serving.port

    def close(self) -> None:
        """Serve no longer."""
        if self._serving is not None:
            self._do(self._serving.stop(grace=0.2))
            self._serving = None

    def end(self) -> None:
        """Close for ever."""
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LONG)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LONG)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.port}"

    def put(self, state: str, till: str = "01", since: float = 750) -> None:
        """Put a till into a state; it is there for ``since`` seconds."""
        told, now = {**STATES, "held": HELD}[state], datetime.now(UTC)
        begin = now - timedelta(seconds=since)
        self.office.instead[till] = TillView(
            till=till,
            shop="0042",
            machine="connection",
            state=state,
            active=told.active,
            label=told.label,
            since=begin,
            next_try=None if told.next_try is None else now + timedelta(seconds=told.next_try),
            tickets=TicketsView(
                pending=told.pending,
                sent=1204,
                refused=told.refused,
                oldest_pending=begin if told.pending else None,
            ),
            context={"failures": 0},
        )

    def step(
        self,
        ago: float,
        event: str,
        before: str,
        after: str | None = None,
        **detail: Any,
    ) -> None:
        """Something that happened ``ago`` seconds ago; without ``after`` nothing was left."""
        taken = () if after is None else (TakenView(event=event, source=before, target=after),)
        self.office.steps.append(
            HistoryView(
                number=len(self.office.steps) + 1,
                at=datetime.now(UTC) - timedelta(seconds=ago),
                event=event,
                states=STATES[after or before].active,
                taken=taken,
                dull=after is None,
                detail=detail,
            )
        )

    def past(self) -> None:
        """A day with two outages, and some things that did not happen."""
        slow = ["online", "ping.ok", "event.latency > slow_ping"]
        lost = ["degraded", "ping.failed", "failures + 1 >= failures_to_offline"]
        self.step(80_000, "ping.ok", "degraded", "online")
        self.step(61_000, "ping.failed.timeout", "online", "degraded")
        self.step(60_500, "ping.failed.timeout", "degraded", "offline-cooldown")
        self.step(57_000, "ping.ok", "offline-cooldown", "syncing")
        self.step(56_900, "send_tickets.ok", "syncing", "online")
        for ago in range(40_000, 10_000, -700):
            self.step(ago, "ticket.closed", "online", "syncing")
            self.step(ago - 2, "send_tickets.ok", "syncing", "online")
        for ago in (1500, 1470, 1440):
            self.step(ago, "ping.ok", "online", refused=[slow])
        self.step(1300, "till.opened", "online", unhandled=True)
        self.step(1000, "ping.failed.timeout", "online", "degraded")
        self.step(760, "ping.failed.timeout", "degraded", refused=[lost])
        self.step(750, "ping.failed.unreachable", "degraded", "offline-cooldown")
