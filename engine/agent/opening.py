"""Opens the store when the agent starts: a server of a database may come up later than the till."""

import logging
import time
from collections.abc import Callable

from engine.agent.logs import write
from engine.store.errors import Busy, StoreError, Unreachable
from engine.store.place import OdbcPlace, Place
from engine.store.store import Store, kept_steps

PATIENCE = 120.0
"""Seconds for which a server is waited for: SQL Server starts late on a machine that boots, and
for a while it takes a connection for open whose process was killed."""

PAUSE = 2.0
"""Seconds between two tries."""


def opener(
    place: Place,
    stopping: Callable[[], bool],
    tills: int = 1,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Callable[[], Store]:
    """What opens ``place`` in the store's thread; ``stopping`` ends the waiting. How
    much history is kept goes by the number of ``tills``.

    It raises StoreError. A file is there or not: only a server is waited for.
    """

    keep, keep_dull = kept_steps(tills)

    def open_store() -> Store:
        until, said = now() + PATIENCE, ""
        while True:
            try:
                return Store.open(place, keep=keep, keep_dull=keep_dull)
            except (Unreachable, Busy) as fault:
                if not isinstance(place, OdbcPlace) or now() >= until or stopping():
                    raise
                said = _say_once(fault, said)
            end = now() + PAUSE
            while now() < end and not stopping():
                sleep(min(PAUSE, 0.1))

    return open_store


def _say_once(fault: StoreError, before: str) -> str:
    sentence = str(fault)
    if sentence != before:
        write(logging.WARNING, "store.waiting", message=sentence)
    return sentence
