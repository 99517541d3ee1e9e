"""What became of cases, and what they are counted with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from engine.core.facts import MachineFacts
from engine.core.records import Step


class Failure(NamedTuple):
    """What was not so: the line that expects it, the virtual seconds, what was expected and
    found, the last things that happened, and how many came before those."""

    line: int
    at: float
    expected: str
    got: str
    steps: tuple[str, ...]
    before: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one case, which took so many virtual hours and steps of the machine."""

    case: str
    line: int
    hours: float
    steps: int
    failures: tuple[Failure, ...] = ()


class Exporting(Protocol):
    """What counts the steps of a till as the agent's metrics do."""

    def observe(self, step: Step, wall: float) -> None:
        """Count a step."""

    def render(self) -> tuple[bytes, str]:
        """All metrics, as they are scraped."""


Watching = Callable[[MachineFacts, Callable[[], float]], Exporting]
"""Makes such a thing for a machine, with a wall clock."""
