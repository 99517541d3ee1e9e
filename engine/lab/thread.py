"""A lab in a thread of its own, for callers that block: the demo and the tests."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Self, TypeVar

from engine.lab.central import Lab

_STOPPING = 10.0
_T = TypeVar("_T")


class LabThread:
    """Runs ``lab`` (a plain one by default) from ``with`` to the end of its block.

    The methods block until what they ask for is done in the lab's loop.
    """

    def __init__(self, lab: Lab | None = None) -> None:
        self.lab = lab or Lab()
        self._thread = threading.Thread(target=self._run, name="lab", daemon=True)
        self._ready = threading.Event()
        self._problem: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def __enter__(self) -> Self:
        """Start the lab; raises LabError when it cannot start."""
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            self._thread.join()
            raise self._problem
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the lab and wait for its thread; a second call does nothing."""
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(_STOPPING)
        if self._thread.is_alive():
            raise TimeoutError(f"The lab did not stop within {_STOPPING:g} s.")

    @property
    def port(self) -> int:
        """The port of the central server."""
        return self.lab.port

    @property
    def url_soap(self) -> str:
        """The address of the SOAP service."""
        return self.lab.url_soap

    @property
    def url_rest(self) -> str:
        """The address of WebService/Execute."""
        return self.lab.url_rest

    @property
    def url_auth(self) -> str:
        """The address of Authent/Auth."""
        return self.lab.url_auth

    @property
    def url_control(self) -> str:
        """The address of the control."""
        return self.lab.url_control

    def turn(self, fault: str, /, **settings: object) -> None:
        """Turn a fault on, as :meth:`Lab.turn`."""
        self._do(self.lab.turn(fault, **settings))

    def clear(self, fault: str | None = None) -> None:
        """Turn every fault off, or one alone."""
        self._do(self.lab.clear(fault))

    def wait(self, condition: Callable[[Lab], bool], seconds: float) -> bool:
        """Block until ``condition`` holds, as :meth:`Lab.wait`."""
        return self.lab.wait(condition, seconds)

    def _do(self, asked: Coroutine[object, object, _T]) -> _T:
        if self._loop is None:
            asked.close()
            raise RuntimeError("The lab is not running: use it in a with statement.")
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(_STOPPING)

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except Exception as error:
            # Handed to the thread that waits in __enter__.
            self._problem = error
            self._ready.set()
            if self._loop is not None:
                raise

    async def _live(self) -> None:
        self._end = asyncio.Event()
        await self.lab.start()
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        try:
            await self._end.wait()
        finally:
            await self.lab.stop()
