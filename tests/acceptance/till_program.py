"""A till program as shops have them: it sells, hands tickets over, and does not let go.

A ticket counts once the agent said that it has it (201 or 200). Until then the program tries
the same number with the same bytes again, whatever came: no connection, no answer, an error.
"""

import random
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha256
from http.client import HTTPConnection, HTTPException

from tests.acceptance.agent_process import AgentProcess

AGAIN = 0.05
"""Seconds before a ticket that was not acknowledged is handed over again."""

GOODS = (
    "Café moulu 250 g",
    "Crème fraîche 20 cl",
    "Tomates grappe",
    "Pain de campagne",
    "Thé vert",
)


def payload(till: str, number: int, chance: random.Random) -> bytes:
    """A ticket of 1 to 3 KB. One in five is in code page 1252, as old programs write them, and
    one in twenty is bytes that are no text at all."""
    kind = chance.random()
    if kind < 0.05:
        return chance.randbytes(chance.randint(1000, 3000))
    lines = [f'<ticket shop="0042" till="{till}" number="{number}">']
    length = chance.randint(1000, 2900)
    while sum(map(len, lines)) < length:
        cents = chance.randint(50, 9999)
        lines.append(
            f'  <line ean="{chance.randint(10**12, 10**13 - 1)}" quantity="{chance.randint(1, 9)}" '
            f'label="{chance.choice(GOODS)} &amp; Cie" total="{cents // 100},{cents % 100:02}"/>'
        )
    text = "\n".join([*lines, "</ticket>"])
    return text.encode("cp1252" if kind < 0.25 else "utf-8")


def payload_of(till: str, number: int) -> bytes:
    """The same ticket every time, for a test that needs no more of chance."""
    return payload(till, number, random.Random(f"{till}/{number}"))


@dataclass
class Sold:
    """What was acknowledged at one till: numbers in that order, digests by number."""

    order: list[int] = field(default_factory=list)
    digests: dict[int, str] = field(default_factory=dict)
    again: int = 0
    waits: list[float] = field(default_factory=list)


class TillProgram:
    """Sells at one till until told to stop; ``run`` is for a thread of its own.

    ``pace`` is how many seconds lie between two tickets at most. Numbers go up, with gaps. Now
    and then an old ticket is handed over again, as a program does that was restarted.
    """

    def __init__(self, agent: AgentProcess, till: str, pace: float, seed: int) -> None:
        self.sold = Sold()
        self.stop = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self._agent = agent
        self._till = till
        self._pace = pace
        self._chance = random.Random(f"{seed}/{till}")
        self._connection: HTTPConnection | None = None

    def run(self) -> None:
        """Sell until ``stop``, with a break while ``go`` is clear; what is begun is finished."""
        number = 0
        while not self.stop.is_set():
            if not self.go.wait(0.1):
                continue
            number += 1 if self._chance.random() < 0.95 else self._chance.randint(2, 9)
            self.sell(number)
            self.stop.wait(self._chance.uniform(0, self._pace))
        self._drop()

    def sell(self, number: int) -> None:
        """Hand one new ticket over, as often as it takes."""
        content = payload(self._till, number, self._chance)
        began = time.monotonic()
        while not self._hand_over(number, content):
            time.sleep(AGAIN)
        self.sold.waits.append(time.monotonic() - began)
        self.sold.order.append(number)
        self.sold.digests[number] = sha256(content).hexdigest()
        if self._chance.random() < 0.03:
            self.sold.again += self._hand_over(number, content)

    def _hand_over(self, number: int, content: bytes) -> bool:
        """Whether the agent acknowledged it. AssertionError when it never will."""
        try:
            connection = self._connect()
            connection.request(
                "POST",
                f"/v1/tills/{self._till}/tickets?number={number}",
                content,
                {"Authorization": f"Bearer {self._agent.token}"},
            )
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException):
            self._drop()
            return False
        assert answer.status in {200, 201, 503}, f"{answer.status} {body!r}"
        return answer.status != 503

    def _connect(self) -> HTTPConnection:
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._agent.port, timeout=10)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
