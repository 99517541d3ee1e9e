"""Metrics only listen: whatever goes wrong in them, the tills go on."""

import logging
from collections.abc import Callable, Iterator, Mapping

from engine.core.facts import MachineFacts
from engine.core.records import Step
from metrics.exporter import Exporter

LOG_EVERY = 60.0
"""Seconds between two lines about failures: one broken metric fails at every step."""

log = logging.getLogger("tillwire.metrics")


class Guarded:
    """Takes what an :class:`Exporter` takes, with the same meaning, and never raises for it.

    A failure is caught, counted in ``tillwire_listener_failures_total`` and logged at most
    once a minute. ``monotonic`` tells seconds that only grow.
    """

    def __init__(self, exporter: Exporter, monotonic: Callable[[], float]) -> None:
        self._exporter = exporter
        self._monotonic = monotonic
        self._silent_until: float | None = None
        self._unlogged = 0

    def add_till(
        self,
        till: str,
        configuration: tuple[str, ...] = (),
        entered: Mapping[str, float] | None = None,
    ) -> None:
        """See :meth:`Exporter.add_till`."""
        try:
            self._exporter.add_till(till, configuration, entered)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("add_till", error)

    def observe(self, step: Step, wall: float) -> None:
        """See :meth:`Exporter.observe`."""
        try:
            self._exporter.observe(step, wall)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("observe", error)

    def step_failed(self, till: str) -> None:
        """See :meth:`Exporter.step_failed`."""
        try:
            self._exporter.step_failed(till)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("step_failed", error)

    def effect(self, effect: str, outcome: str, seconds: float) -> None:
        """See :meth:`Exporter.effect`."""
        try:
            self._exporter.effect(effect, outcome, seconds)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("effect", error)

    def backlog(
        self,
        till: str,
        pending: int,
        sent: int,
        refused: int,
        oldest_at: float | None,
        missing: int = 0,
    ) -> None:
        """See :meth:`Exporter.backlog`."""
        try:
            self._exporter.backlog(till, pending, sent, refused, oldest_at, missing)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("backlog", error)

    def messages(self, till: str, new: int, unread: int) -> None:
        """See :meth:`Exporter.messages`."""
        try:
            self._exporter.messages(till, new, unread)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("messages", error)

    def offers(self, answered: str) -> None:
        """See :meth:`Exporter.offers`."""
        try:
            self._exporter.offers(answered)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("offers", error)

    def load(self, kind: str, outcome: str, seconds: float, rows: int, size: int) -> None:
        """See :meth:`Exporter.load`."""
        try:
            self._exporter.load(kind, outcome, seconds, rows, size)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("load", error)

    def load_in_progress(self, going_on: bool) -> None:
        """See :meth:`Exporter.load_in_progress`."""
        try:
            self._exporter.load_in_progress(going_on)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("load_in_progress", error)

    def datasets(self, held: Mapping[str, tuple[int, float, int]]) -> None:
        """See :meth:`Exporter.datasets`."""
        try:
            self._exporter.datasets(held)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("datasets", error)

    def load_succeeded(self, at: float) -> None:
        """See :meth:`Exporter.load_succeeded`."""
        try:
            self._exporter.load_succeeded(at)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("load_succeeded", error)

    def wellbeing(self, ready: bool, lag: float) -> None:
        """See :meth:`Exporter.wellbeing`."""
        try:
            self._exporter.wellbeing(ready, lag)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("wellbeing", error)

    def disk(self, free: int) -> None:
        """See :meth:`Exporter.disk`."""
        try:
            self._exporter.disk(free)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("disk", error)

    def journal(self, broken: bool, whole_at: float | None) -> None:
        """See :meth:`Exporter.journal`."""
        try:
            self._exporter.journal(broken, whole_at)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("journal", error)

    def source(self, conflicts: int, failing: bool) -> None:
        """See :meth:`Exporter.source`."""
        try:
            self._exporter.source(conflicts, failing)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("source", error)

    def machine(self, facts: MachineFacts) -> None:
        """See :meth:`Exporter.machine`."""
        try:
            self._exporter.machine(facts)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("machine", error)

    def config(self, successful: bool, at: float | None) -> None:
        """See :meth:`Exporter.config`."""
        try:
            self._exporter.config(successful, at)
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("config", error)

    def worker_abandoned(self) -> None:
        """See :meth:`Exporter.worker_abandoned`."""
        try:
            self._exporter.worker_abandoned()
        except Exception as error:  # noqa: BLE001 - a listener stops nothing, whatever its fault
            self._failed("worker_abandoned", error)

    def chunks(self, accept: str | None = None) -> tuple[Iterator[bytes], str]:
        """See :meth:`Exporter.chunks`. The one call that may raise: the scrape fails alone."""
        return self._exporter.chunks(accept)

    def _failed(self, call: str, error: Exception) -> None:
        self._exporter.listener_failed()
        now = self._monotonic()
        if self._silent_until is not None and now < self._silent_until:
            self._unlogged += 1
            return
        self._silent_until = now + LOG_EVERY
        more = f" ({self._unlogged} more since the last such line)" if self._unlogged else ""
        self._unlogged = 0
        fields = {"message": f"the metrics did not take a call of {call}{more}"}
        log.warning("metrics.failed", exc_info=error, extra={"fields": fields})
