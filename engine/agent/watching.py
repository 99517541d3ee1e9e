"""What the agent tells whoever counts: the shape of the metrics, as the agent sees it.

The agent does not know the metrics package; the command wires one in, or none.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from engine.core.facts import MachineFacts
from engine.core.records import Step


class Watch(Protocol):
    """Listens and can stop nothing: no call but ``chunks`` may raise."""

    def add_till(
        self, till: str, configuration: tuple[str, ...], entered: Mapping[str, float]
    ) -> None:
        """A till is looked after from now on; ``entered`` holds wall-clock seconds."""

    def observe(self, step: Step, wall: float) -> None:
        """A step was played at ``wall``."""

    def step_failed(self, till: str) -> None:
        """A step could not be played; the till stayed where it was."""

    def effect(self, effect: str, outcome: str, seconds: float) -> None:
        """An effect ended after ``seconds``: ``ok``, ``rejected`` or ``failed.<reason>``."""

    def backlog(
        self,
        till: str,
        pending: int,
        sent: int,
        refused: int,
        oldest_at: float | None,
        missing: int,
    ) -> None:
        """A till's tickets, counted; ``oldest_at`` in wall-clock seconds, and how many numbers
        between the lowest and the highest never came."""

    def messages(self, till: str, new: int, unread: int) -> None:
        """So many messages came just now, and so many are unread."""

    def offers(self, answered: str) -> None:
        """Offers were asked for; the answer was ``fresh``, ``cached`` or ``none``."""

    def load(self, kind: str, outcome: str, seconds: float, rows: int, size: int) -> None:
        """A load of ``kind`` (``full``, ``changes``) ended: ``ok``, ``gap``, ``rejected``,
        ``cancelled`` or ``failed.<reason>``, after so many rows and bytes."""

    def load_in_progress(self, going_on: bool) -> None:
        """Whether a load is under way now."""

    def datasets(self, held: Mapping[str, tuple[int, float, int]]) -> None:
        """What the catalogue holds: by dataset its version, when it was loaded (wall-clock
        seconds) and its rows."""

    def load_succeeded(self, at: float) -> None:
        """The catalogue was last brought up to date at ``at``, wall-clock seconds; 0: never."""

    def wellbeing(self, ready: bool, lag: float) -> None:
        """Told before each scrape: whether the agent can do its work, and by how many seconds
        its loop was late at worst of late."""

    def disk(self, free: int) -> None:
        """So many bytes are left on the disk of the database."""

    def journal(self, broken: bool, whole_at: float | None) -> None:
        """The journal was looked at: whether its chain is broken, and when it was last read to
        its end and held (wall-clock seconds)."""

    def source(self, conflicts: int, failing: bool) -> None:
        """The till program's table was looked at: so many tickets are left alone."""

    def machine(self, facts: MachineFacts) -> None:
        """The tills play another machine from now on."""

    def config(self, successful: bool, at: float | None) -> None:
        """The files were read: whether they are in force, and since when (wall-clock seconds);
        None: they are not, and those of before stay."""

    def worker_abandoned(self) -> None:
        """A worker outlived its deadline and was given up."""

    def chunks(self, accept: str) -> tuple[Iterator[bytes], str]:
        """The metrics for a scrape, in pieces of a few milliseconds, and their content type."""


class Unwatched:
    """Nobody counts."""

    def add_till(
        self, till: str, configuration: tuple[str, ...], entered: Mapping[str, float]
    ) -> None:
        """Nothing."""

    def observe(self, step: Step, wall: float) -> None:
        """Nothing."""

    def step_failed(self, till: str) -> None:
        """Nothing."""

    def effect(self, effect: str, outcome: str, seconds: float) -> None:
        """Nothing."""

    def backlog(
        self,
        till: str,
        pending: int,
        sent: int,
        refused: int,
        oldest_at: float | None,
        missing: int,
    ) -> None:
        """Nothing."""

    def messages(self, till: str, new: int, unread: int) -> None:
        """Nothing."""

    def offers(self, answered: str) -> None:
        """Nothing."""

    def load(self, kind: str, outcome: str, seconds: float, rows: int, size: int) -> None:
        """Nothing."""

    def load_in_progress(self, going_on: bool) -> None:
        """Nothing."""

    def datasets(self, held: Mapping[str, tuple[int, float, int]]) -> None:
        """Nothing."""

    def load_succeeded(self, at: float) -> None:
        """Nothing."""

    def wellbeing(self, ready: bool, lag: float) -> None:
        """Nothing."""

    def disk(self, free: int) -> None:
        """Nothing."""

    def journal(self, broken: bool, whole_at: float | None) -> None:
        """Nothing."""

    def source(self, conflicts: int, failing: bool) -> None:
        """Nothing."""

    def machine(self, facts: MachineFacts) -> None:
        """Nothing."""

    def config(self, successful: bool, at: float | None) -> None:
        """Nothing."""

    def worker_abandoned(self) -> None:
        """Nothing."""

    def chunks(self, accept: str) -> tuple[Iterator[bytes], str]:  # noqa: ARG002 - the port has it
        """An empty scrape."""
        return iter(()), "text/plain; version=0.0.4; charset=utf-8"
