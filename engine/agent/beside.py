"""What else of the process the agent speaks for, and to."""

from collections.abc import Callable

from engine.core.records import Step, Till


class Beside:
    """``concerns`` are sentences about what is not well, by who says so; ``closed_ticket`` is
    told of each ``ticket.closed``. Both are the business of the loop's thread."""

    def __init__(self) -> None:
        self.concerns: dict[str, str] = {}
        self.closed_ticket: Callable[[], None] = lambda: None

    def observe(self, step: Step, _: Till) -> None:
        """Pass on that a ticket was closed."""
        if step.event.name == "ticket.closed":
            self.closed_ticket()
