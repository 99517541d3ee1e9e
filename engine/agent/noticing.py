"""Notices that files were saved, however an editor does that.

The folders are watched, not the files: an editor may write another file and give it the name.
What is told is a hint only: whoever hears it looks at the files. Where the system cannot watch (a
folder on another machine) the hint comes by the clock.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from engine.agent.logs import write

STEP, GATHER = 50, 200
"""Milliseconds between two looks at what the system told, and for which changes are gathered."""

SELDOM, OFTEN = 30.0, 1.0
"""Seconds after which the files are looked at though nothing was told; where nothing is watched."""


class Noticing:
    """Calls ``noticed`` in the loop when one of the files may have changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, noticed: Callable[[], None]) -> None:
        self._loop = loop
        self._noticed = noticed
        self._files: frozenset[Path] = frozenset()
        self._ended: threading.Event | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._every = SELDOM

    def follow(self, files: Iterable[Path]) -> None:
        """Watch these from now on."""
        wanted = frozenset(path.absolute() for path in files)
        if wanted == self._files:
            return
        self.close()
        self._files, self._every = wanted, SELDOM
        ended = self._ended = threading.Event()
        threading.Thread(
            target=self._watch, args=(wanted, ended), name="tillwire-noticing", daemon=True
        ).start()
        self._look_later()

    def close(self) -> None:
        """Notice nothing more. The thread ends by itself, a moment later."""
        if self._ended is not None:
            self._ended.set()
            self._ended = None
        if self._clock is not None:
            self._clock.cancel()
        self._files = frozenset()

    def _watch(self, files: frozenset[Path], ended: threading.Event) -> None:
        """In a thread of its own."""
        from watchfiles import watch

        folders = {path.parent for path in files}
        names = {path.name for path in files}
        try:
            for _ in watch(
                *folders,
                watch_filter=lambda _, path: Path(path).name in names,
                debounce=GATHER,
                step=STEP,
                stop_event=ended,
                raise_interrupt=False,
                recursive=False,
            ):
                if ended.is_set():
                    return
                self._tell(self._noticed)
        except Exception as fault:  # noqa: BLE001 - the library's own has no public name
            if not ended.is_set():
                self._tell(self._by_the_clock, str(fault))

    def _tell(self, call: Callable[..., None], *words: object) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(call, *words)

    def _by_the_clock(self, why: str) -> None:
        message = f"the files are looked at by the clock: {why}"
        write(logging.WARNING, "config.not_watched", message=message)
        self._every = OFTEN
        self._look_later()

    def _look_later(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        self._clock = self._loop.call_later(self._every, self._look)

    def _look(self) -> None:
        self._noticed()
        self._look_later()
