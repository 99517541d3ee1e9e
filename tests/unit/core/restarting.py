"""Restarts of the process of a till that is played in virtual time."""

from engine.core.build import Chart
from engine.core.restore import pack, unpack
from tests.unit.core.driving import Play

WALL = 1_790_000_000.0
"""Seconds since 1970 when the process ends."""


def again(play: Play, chart: Chart | None = None, away: float = 0.0, jump: float = 0.0) -> Play:
    """The till after a restart that took ``away`` seconds, the clock set forward by ``jump``;
    the new process counts its time from 5."""
    text = pack(play.till, play.now, WALL)
    till, step = unpack(chart or play.chart, play.till.id, text, 5.0, WALL + away + jump)
    return Play.resumed(chart or play.chart, till, step, 5.0)


def left(play: Play) -> dict[str, float]:
    """Seconds until each timer runs out."""
    return {key: timer.due - play.now for key, timer in play.till.timers.items()}
