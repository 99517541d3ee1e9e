"""Loops and waits for the tests of the agent. No test waits longer than PATIENCE for anything."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

PATIENCE = 10.0
"""Seconds after which something that should have happened is taken for broken."""

Play = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture
def play() -> Play:
    """Runs a coroutine in a loop of its own. The loop must have had nothing to complain about."""

    def run(story: Coroutine[Any, Any, None]) -> None:
        complaints: list[dict[str, Any]] = []

        async def watched() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _loop, context: complaints.append(context))
            async with asyncio.timeout(PATIENCE):
                await story

        asyncio.run(watched())
        assert complaints == []

    return run


class Gate:
    """A job that tells that it has begun and then blocks until it is let through."""

    def __init__(self, result: object = "through") -> None:
        self.begun = threading.Event()
        self.open = threading.Event()
        self.result = result
        self.cancelled: bool | None = None
        self.thread: threading.Thread | None = None

    def __call__(self, cancel: threading.Event) -> object:
        self.thread = threading.current_thread()
        self.begun.set()
        self.open.wait(PATIENCE)
        self.cancelled = cancel.is_set()
        return self.result

    async def entered(self) -> None:
        """Wait, without holding up the loop, until the job has begun."""
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)

    async def left(self) -> None:
        """Let the job through and wait until its thread, which was given up, has ended."""
        self.open.set()
        assert self.thread is not None
        await asyncio.to_thread(self.thread.join, PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def gate() -> type[Gate]:
    return Gate
