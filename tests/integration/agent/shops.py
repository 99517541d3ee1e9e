"""A real agent against a real lab: the product's machine, its wires, a store on disk."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.agent.clock import SystemClock
from engine.agent.service import Agent
from engine.agent.storing import StoreThread
from engine.core.build import build
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.lab import Lab, LabThread
from engine.server import ServerSettings, connect
from engine.store import Store
from tests.unit.agent.houses import Watching
from tests.unit.agent.scripted import CONNECTION

PATIENCE = 30.0
"""Seconds after which something that should have happened is taken for broken."""

BRISK: dict[str, str | int | float] = {
    "webservice_timeout": "1s",
    "ping_interval": "1s",
    "ticket_sync_interval": "1s",
    "degraded_ping_interval": "1s",
    "degraded_sync_interval": "1s",
    "message_retry_wait": "1s",
    "message_retry_wait_max": "1s",
    "message_retry_jitter": 0.0,
    "failures_to_offline": 2,
}
"""The machine's parameters, as short as they may be."""


class Shop:
    """Some tills of one process and the lab that they send to."""

    def __init__(
        self, lab: LabThread, folder: Path, protocol: str = "soap", tills: Sequence[str] = ("01",)
    ) -> None:
        self.lab = lab
        self.folder = folder
        self.protocol = protocol
        self.names = tuple(tills)

    async def open(self, workers: int = 8, **parameters: Any) -> Agent:
        """Start an agent; ``watch`` is who counts for this one."""
        definition = load_machine(CONNECTION, VOCABULARY, {**BRISK, **parameters})
        self.watch = Watching()
        self.agent = Agent(
            build(definition),
            "0042",
            self.names,
            server=connect(self._settings(), "0042", self.folder),
            books=StoreThread(
                lambda: Store.open(self.folder / "till.db"), asyncio.get_running_loop()
            ),
            workers=workers,
            clock=SystemClock(),
            watch=self.watch,
        )
        await self.agent.start()
        return self.agent

    def _settings(self) -> ServerSettings:
        told: dict[str, Any] = {"protocol": self.protocol, "settle": "1s", "compression": "gzip"}
        if self.protocol == "rest":
            told |= {
                "url": self.lab.url_rest,
                "auth": {"body": {"login": "shop", "password": "${env:TILLWIRE_TEST_PASSWORD}"}},
            }
        else:
            auth = {"user": "shop", "password": "${env:TILLWIRE_TEST_PASSWORD}"}
            told |= {"url": self.lab.url_soap, "auth": auth}
        return ServerSettings.model_validate(told)

    async def sell(self, first: int, last: int, till: str = "01") -> None:
        """Hand over tickets, one after the other, as a till program does."""
        for number in range(first, last + 1):
            assert await self.agent.accept_ticket(till, number, b"ticket %d" % number) == "new"

    async def reaches(self, *states: str, till: str = "01") -> None:
        """Wait until the till is in one of these states."""

        def there() -> bool:
            now = [step.configuration for step in self.watch.steps if step.till == till]
            return bool(now) and now[-1][-1] in states

        await self.watch.until(there, PATIENCE)

    async def delivered(self, till: str = "01") -> None:
        """Wait until nothing waits to be sent."""
        await self.watch.until(lambda: self.watch.pending.get(till) == 0, PATIENCE)

    def at_lab(self, till: str = "01") -> list[int]:
        return [ticket.number for ticket in self.lab.lab.tickets(till)]


def plain_lab(**details: Any) -> LabThread:
    """A lab in its own thread."""
    return LabThread(Lab(credentials=("shop", "secret"), **details))
