"""Loops and waits for the tests of the agent. No test waits longer than PATIENCE for anything."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine.agent.log_output import OURS, LineWriter
from engine.agent.storing import StoreThread

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


class Shelf:
    """A store of names that remembers what was done to it.

    ``commits`` holds the groups that became durable; ``begin`` and ``commit`` raise what they
    are set to; ``lost`` says that the transaction is gone, as after a full disk.
    """

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.names: list[str] = []
        self.begin: Exception | None = None
        self.commit: Exception | None = None
        self.inside = False
        self.lost = False
        self.closed_by: threading.Thread | None = None
        self.thread = threading.current_thread()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.begin is not None:
            raise self.begin
        before, self.lost, self.inside = list(self.names), False, True
        try:
            yield
            if self.commit is not None or self.lost:
                raise self.commit or OSError("the disk is full")
            self.commits.append(self.names[len(before) :])
        except BaseException:
            self.names = before
            raise
        finally:
            self.inside = False

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        if self.lost:
            raise OSError("the disk is full")
        before = list(self.names)
        try:
            yield
        except BaseException:
            self.names = before
            raise

    def close(self) -> None:
        self.closed_by = threading.current_thread()

    def add(self, name: str) -> str:
        assert self.inside
        self.names.append(name)
        return name

    def stored(self) -> list[str]:
        return [name for group in self.commits for name in group]


class Doors:
    """Holds the store's thread in a job so that others queue up behind it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self, _shelf: Shelf) -> str:
        self.begun.set()
        assert self.open.wait(PATIENCE)
        return "held"

    async def entered(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def doorway() -> type[Doors]:
    return Doors


@pytest.fixture
def opened(shelf: Shelf) -> Callable[[], Awaitable[tuple[StoreThread[Shelf], Shelf]]]:
    """Starts a thread that owns ``shelf``."""

    async def start() -> tuple[StoreThread[Shelf], Shelf]:
        thread = StoreThread(lambda: shelf, asyncio.get_running_loop())
        await thread.start()
        return thread, shelf

    return start


@pytest.fixture
def logging_given_back() -> Iterator[None]:
    """A test that configures logging leaves it as it found it."""
    root, ours = logging.getLogger(), logging.getLogger(OURS)
    levels = root.level, ours.level
    yield
    for handler in [handler for handler in root.handlers if isinstance(handler, LineWriter)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
