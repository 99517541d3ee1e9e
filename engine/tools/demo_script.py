"""What happens to the demo's server, and when: pure data, told in seconds from the start."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from engine.definition.values import format_duration

SHORTEST = 10.0
"""Seconds below which no outage can be shown: starting alone takes two."""

USUAL = 60.0
"""Seconds that one outage with all around it takes when nobody says how long."""

LONGEST_ROUND = 90.0
"""A demo that lasts longer shows several outages: half an hour of cooldown teaches nothing."""

SALES = 0.5
"""Seconds between two sales, on average."""


class Act(StrEnum):
    """A part of the script."""

    SELLING = "selling"
    GONE = "gone"
    SILENT = "silent"
    BACK = "back"
    CLOSING = "closing"


SENTENCES = {
    Act.SELLING: "The till sells; the server answers.",
    Act.GONE: "The server has died: it refuses every connection. The till sells on.",
    Act.SILENT: "The server takes connections and never answers. The till sells on.",
    Act.BACK: "The server is back; the till sells on.",
    Act.CLOSING: "The shop has closed; the last tickets go to the server.",
}

WORDS = {
    Act.SELLING: "sells",
    Act.GONE: "server gone",
    Act.SILENT: "server silent",
    Act.BACK: "server back",
    Act.CLOSING: "closing",
}

_SHARES = ((Act.SELLING, 0.0), (Act.GONE, 0.20), (Act.SILENT, 0.42), (Act.BACK, 0.60))
"""Where in a round each act begins. What follows the return is long: a probe may just have
begun to hang, and the wait after it has to run out before the till tries again."""

_CLOSING = 0.92
"""Where in the last round the till stops selling."""


class Scene(NamedTuple):
    """From ``start`` on, in seconds since the first sale, ``act`` is played."""

    start: float
    act: Act


@dataclass(frozen=True, slots=True)
class Script:
    """Scenes in their order. ``length`` is in seconds, None: the round is played for ever."""

    scenes: tuple[Scene, ...]
    round: float
    length: float | None

    def at(self, moment: float) -> Act:
        """The act that is played at a moment, in seconds since the first sale."""
        if self.length is None:
            moment %= self.round
        return next(scene.act for scene in reversed(self.scenes) if scene.start <= max(0.0, moment))

    def over(self, moment: float) -> bool:
        """Whether the end has come."""
        return self.length is not None and moment >= self.length


def script(duration: float | None) -> Script:
    """The script of ``duration`` seconds; for None one that goes on until somebody ends it."""
    if duration is None:
        return Script(_round(0.0, USUAL), USUAL, None)
    rounds = max(1, round(duration / LONGEST_ROUND))
    length = duration / rounds
    scenes = [scene for number in range(rounds) for scene in _round(number * length, length)]
    scenes.append(Scene((rounds - 1 + _CLOSING) * length, Act.CLOSING))
    return Script(tuple(scenes), length, duration)


def parameters(length: float) -> dict[str, str]:
    """Values for the machine's parameters with which an outage fits in a round of ``length``
    seconds. All lie within the limits of the machine's file."""
    wait = min(3.0, max(1.0, length // 20))
    return {
        "ping_interval": "1s",
        "ping_timeout": "1s",
        "webservice_timeout": "2s",
        "degraded_ping_interval": "1s",
        "degraded_sync_interval": "2s",
        "ticket_sync_interval": "2s",
        "message_retry_wait": format_duration(wait),
        "message_retry_wait_max": format_duration(wait * (2 if length >= 15 else 1.5)),
    }


def _round(start: float, length: float) -> tuple[Scene, ...]:
    return tuple(Scene(start + share * length, act) for act, share in _SHARES)
