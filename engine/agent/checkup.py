"""What the agent looks at in itself: its loop, its disk, and the chain of its journal.

Nothing here may cost a ticket anything. The disk and the journal are looked at in the thread of
the connection that only reads, which holds no lock that a ticket could wait for. The journal is
read some dozens of entries at a time, with pauses so long that it takes one fiftieth of the time;
when the whole chain has been found to hold, only what is new is read, until the next day.
"""

import asyncio
import logging
import shutil
from collections import deque
from collections.abc import MutableMapping
from pathlib import Path

from engine.agent.clock import Clock
from engine.agent.logs import write
from engine.agent.storing import StoreThread
from engine.agent.telling import Telling
from engine.store.errors import Damaged, StoreError
from engine.store.journal import Mark
from engine.store.reading import ReadingStore

BEAT = 1.0
"""Seconds between two looks at the loop's punctuality."""

REMEMBERED = 60
"""Beats of which the worst is told: whoever scrapes less often misses none."""

AT_ONCE = 50
"""Entries of the journal that are read together: about a millisecond of the processor."""

SHARE = 50
"""The journal may take one part in so many of the time."""

REST = 60.0
"""Seconds between two looks at the disk, and at what is new in the journal."""

AGAIN = 86_400.0
"""Seconds after which the whole journal is read anew: what held may have been changed since."""


class Checkup:
    """Call ``start`` when the store is open and ``stop`` before it is closed.

    What is found is told; a broken chain is a sentence in ``concerns`` too.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        shelf: StoreThread[ReadingStore],
        clock: Clock,
        telling: Telling,
        concerns: MutableMapping[str, str],
    ) -> None:
        self._loop = loop
        self._shelf = shelf
        self._clock = clock
        self._telling = telling
        self._concerns = concerns
        self._late: deque[float] = deque(maxlen=REMEMBERED)
        self._beat: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._mark = Mark()
        self._began = -AGAIN
        self._ended = True
        self._whole_at: float | None = None
        self._disk_at: float | None = None

    @property
    def lag(self) -> float:
        """Seconds by which the loop was late at worst in the last minute."""
        return max(self._late, default=0.0)

    def start(self) -> None:
        """Begin to look."""
        self._beat = self._loop.call_later(BEAT, self._beaten, self._loop.time() + BEAT)
        self._looking = self._loop.create_task(self._look_on())

    def stop(self) -> None:
        """Look no more; the agent's stop gives what is under way the time to end."""
        if self._beat is not None:
            self._beat.cancel()
        if self._looking is not None:
            self._looking.cancel()

    def _beaten(self, due: float) -> None:
        now = self._loop.time()
        self._late.append(now - due)
        self._beat = self._loop.call_at(now + BEAT, self._beaten, now + BEAT)

    async def _look_on(self) -> None:
        while True:  # noqa: ASYNC110 - it is the clock alone that is waited for
            await asyncio.sleep(await self.look())

    async def look(self) -> float:
        """One look; gives the seconds until the next."""
        now = self._clock.monotonic()
        try:
            if self._disk_at is None or now - self._disk_at >= REST:
                self._disk_at = now
                await self._look_at_disk()
            more = await self._look_at_journal(now)
        except Damaged as fault:
            self._say(f"The journal cannot be read: {fault}")
            self._telling.journal(True, self._whole_at)
            return REST
        except StoreError:
            return REST  # /readyz says what the database has; alerts say what was not looked at
        took = self._clock.monotonic() - now
        return min(REST, SHARE * took) if more else REST

    async def _look_at_disk(self) -> None:
        free = await self._shelf.run(_free, write=False)
        if free is not None:
            self._telling.disk(free)

    async def _look_at_journal(self, now: float) -> bool:
        """Whether there is more to read at once."""
        # What was begun is ended first: very many entries may take longer than a day.
        if self._ended and now - self._began >= AGAIN:
            self._began, self._mark, self._ended = now, Mark(), False
        after = self._mark
        self._mark, report = await self._shelf.run(
            lambda store: store.journal.verify_part(after, AT_ONCE), write=False
        )
        if report is None:
            return True
        if report.broken_at is None:
            self._whole_at = self._whole_at if self._ended else self._clock.wall()
            self._concerns.pop("journal", None)
        else:
            self._say(f"The journal does not hold: {report.why}.")
        self._ended = True
        self._telling.journal(report.broken_at is not None, self._whole_at)
        return False

    def _say(self, sentence: str) -> None:
        if self._concerns.get("journal") != sentence:
            self._concerns["journal"] = sentence
            write(logging.ERROR, "journal.broken", message=sentence)


def _free(store: ReadingStore) -> int | None:
    """Bytes left where the database is; None where it is on a server."""
    place = store.place
    if not isinstance(place, Path):
        return None
    try:
        return shutil.disk_usage(place.parent).free
    except OSError:
        return None
