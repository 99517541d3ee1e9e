"""What else of the process the agent speaks for, and to."""

from collections.abc import Callable
from typing import Protocol

from engine.api.config import ConfigView, NoFiles, ReloadView
from engine.core.records import Step, Till


class Reloads(Protocol):
    """Who looks after the files of the process."""

    def config(self) -> ConfigView:
        """See :class:`engine.api.port.Office`."""

    async def reload(self) -> ReloadView:
        """See :class:`engine.api.port.Office`."""


class Nobody:
    """The agent was not started from files, or not yet."""

    def config(self) -> ConfigView:
        """Raises NoFiles."""
        raise NoFiles

    async def reload(self) -> ReloadView:
        """Raises NoFiles."""
        raise NoFiles


class Beside:
    """``concerns`` are sentences about what is not well, by who says so; ``closed_ticket`` is
    told of each ``ticket.closed``; ``reloads`` are the files, and ``rereading`` is told when they
    begin to be read again (True) and when that is over; ``note`` puts what befell the
    process into the history of its tills. All of it is the business of the loop's thread."""

    def __init__(self, note: Callable[..., None]) -> None:
        self.note = note
        self.concerns: dict[str, str] = {}
        self.closed_ticket: Callable[[], None] = lambda: None
        self.reloads: Reloads = Nobody()
        self.rereading: Callable[[bool], None] = lambda _: None

    def observe(self, step: Step, _: Till) -> None:
        """Pass on that a ticket was closed."""
        if step.event.name == "ticket.closed":
            self.closed_ticket()
