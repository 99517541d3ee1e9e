"""Notices that a till goes round: what comes is then what came, and need not be played.

A till whose states, context, timers and calls are as they were goes on as it did then: the core
knows nothing else, and the answers are scripted. An hour in which a good server is pinged every
thirty seconds is two pings and a count.
"""

from collections.abc import Sequence
from typing import NamedTuple

from engine.core.records import Event, Step, Till

FINE = 7
"""Digits of a second to which times are compared: sums of delays are not exact."""
MOST_LOOKS = 500
"""So many steps without a round, and none is looked for any more."""


class Round(NamedTuple):
    """Steps after which a till is where it was before them."""

    steps: Sequence[Step]
    seconds: float


class Rounds:
    """Looks for rounds while time passes and nobody interferes; ``steps`` are those played."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._seen: dict[object, tuple[float, int]] = {}

    def look(
        self, till: Till, answers: Sequence[tuple[float, int, Event]], now: float
    ) -> Round | None:
        """A round that ends here, if there is one."""
        if not till.timers or len(self._seen) >= MOST_LOOKS:
            return None
        likeness = _likeness(till, answers, now)
        if likeness not in self._seen:
            self._seen[likeness] = now, len(self.steps)
            return None
        began, first = self._seen[likeness]
        return Round(self.steps[first:], now - began) if now > began else None


def _likeness(till: Till, answers: Sequence[tuple[float, int, Event]], now: float) -> object:
    """All that decides how a till goes on. Timers stand in the order in which they were set
    going: of those that run out together the first comes first."""
    order = {number: index for index, number in enumerate(till.running)}
    return (
        till.configuration,
        tuple(till.context.items()),
        tuple((t.key, round(t.due - now, FINE), t.length) for t in till.timers.values()),
        tuple((r.effect, tuple(r.arguments.items()), r.state) for r in till.running.values()),
        tuple(
            (
                round(at - now, FINE),
                event.name,
                tuple(event.data.items()),
                order.get(event.run or 0),
            )
            for at, _, event in sorted(answers, key=lambda each: each[:2])
        ),
        tuple(till.remembered.items()),
        till.draws,
    )
