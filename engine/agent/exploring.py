"""Has a machine explored by another process, and waits for it no longer than there is time."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from pydantic import BaseModel, ConfigDict

from engine.agent.clock import Clock
from engine.agent.logs import write
from engine.definition.machine import Definition
from engine.definition.model import Scalar
from engine.problems import Problem

WHOLE = 5.0
"""Seconds of a processor for a whole exploration: as `tillwire check` takes by default."""

LONGEST = 120.0
"""Seconds after which such a process is given up, however busy the machine is."""

ANSWERING = 0.08
"""Seconds of those in which there has to be an answer that it takes to give it."""

MOST = 16 * 1024 * 1024
"""Bytes of an answer."""

COMMAND = (sys.executable, "-P", "-m", "engine.agent.explorer")
QUIETLY = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(
    subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0
)


class Asked(BaseModel):
    """What to explore. ``until`` is a moment in seconds since 1970 for a first answer, and
    ``seconds`` of a processor are for the whole."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    file: str
    text: str
    parameters: dict[str, Scalar | None]
    until: float
    seconds: float


class Found(BaseModel):
    """What was found. ``complete``: there are no other situations."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    problems: list[dict[str, str | int]]
    situations: int
    complete: bool

    def told(self) -> tuple[Problem, ...]:
        """The problems."""
        return tuple(Problem(**problem) for problem in self.problems)  # type: ignore[arg-type]


class Exploring:
    """One exploration. Its process is started at once, so that it is up when the files are read;
    where none can be had, nothing is found."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._starting = asyncio.ensure_future(_start())

    async def ask(
        self, definition: Definition, parameters: Mapping[str, Scalar | None], within: float
    ) -> Found | None:
        """What is found ``within`` seconds, or no answer by then."""
        process = await self._starting
        if process is None or process.stdin is None:
            return None
        document = definition.document
        asked = Asked(
            file=document.file,
            text=document.text,
            parameters=dict(parameters),
            until=self._clock.wall() + max(0.0, within - ANSWERING),
            seconds=WHOLE,
        )
        with suppress(OSError):
            process.stdin.writelines([asked.model_dump_json().encode(), b"\n"])
            await process.stdin.drain()
        return await self.rest(within)

    async def rest(self, within: float = LONGEST) -> Found | None:
        """The next answer; None when there is none."""
        process = await self._starting
        if process is None or process.stdout is None:
            return None
        with suppress(TimeoutError, ValueError, OSError):
            async with asyncio.timeout(within):
                line = await process.stdout.readline()
            return Found.model_validate_json(line) if line else None
        return None

    async def end(self) -> None:
        """Nobody wants to know any more."""
        process = await self._starting
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _start() -> asyncio.subprocess.Process | None:
    try:
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            limit=MOST,
            creationflags=QUIETLY,
        )
    except (OSError, NotImplementedError) as fault:
        write(logging.WARNING, "config.not_explored", message=f"no process for it: {fault}")
        return None
