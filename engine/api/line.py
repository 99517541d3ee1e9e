"""The connection under a request, for answers that have no end of their own."""

import asyncio
from collections.abc import MutableMapping
from typing import Any, Protocol

EXTENSION = "tillwire.line"
"""Where a request's scope has it, under ``extensions``; not there without a real connection."""

ONLY_HEAD = "tillwire.only_head"
"""Set in the scope of a HEAD request: it is asked as a GET, and nobody reads the body."""


class Line(Protocol):
    """What a connection can do for the answer that is under way."""

    @property
    def stopping(self) -> asyncio.Event:
        """Set when the API stops."""

    def lasts(self) -> None:
        """This answer goes on as long as its reader takes it: no limit in time but for a reader
        who takes nothing."""

    def cut(self) -> None:
        """End the connection at once, with what was not sent yet."""


def line_of(scope: MutableMapping[str, Any]) -> Line | None:
    """The connection of a request, if it has one."""
    found: Line | None = (scope.get("extensions") or {}).get(EXTENSION)
    return found
