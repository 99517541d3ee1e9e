"""Warns of a timeout that is low for the network it is used on."""

import logging
from collections.abc import Mapping

from engine.agent.clock import Clock
from engine.agent.logs import write
from engine.core.records import Step, Till
from engine.definition.values import format_duration
from engine.definition.vocabulary import Value

TIMEOUTS = ("webservice_timeout", "ping_timeout")
"""The parameters that say how long the server may take, in the vendor's names."""

SHARE = 0.5
"""The part of a timeout that a ping, which carries nothing, may take of it."""

EVERY = 3600.0
"""Seconds between two warnings about one till."""


class LowTimeouts:
    """Listens to steps: where a good ping took more than half of what a call may take, calls
    that carry tickets will fail although the server would have answered.

    ``parameters`` are the machine's, resolved; one that it does not have is not looked at.
    """

    def __init__(self, parameters: Mapping[str, Value], clock: Clock) -> None:
        self._clock = clock
        self._warned: dict[str, float] = {}
        self.follow(parameters)

    def follow(self, parameters: Mapping[str, Value]) -> None:
        """Look at these from now on."""
        found = [(parameters[name], name) for name in TIMEOUTS if name in parameters]
        self._timeouts = sorted(
            (float(length), name) for length, name in found if not isinstance(length, str)
        )

    def observe(self, step: Step, till: Till) -> None:
        """Warn, at most once an hour for each till."""
        if step.late or step.event.run is None or step.event.name != "ping.ok":
            return
        latency = float(step.event.data["latency"])
        if not self._timeouts or latency <= SHARE * self._timeouts[0][0]:
            return
        now = self._clock.monotonic()
        if now - self._warned.get(till.id, now - EVERY) < EVERY:
            return
        self._warned[till.id] = now
        timeout, name = self._timeouts[0]
        write(
            logging.WARNING,
            "timeout.low",
            till.id,
            parameter=name,
            timeout=timeout,
            latency=latency,
            message=f"a ping took {latency:.1f} s, more than half of {name} "
            f"({format_duration(timeout)}): calls will fail that would have succeeded",
        )
