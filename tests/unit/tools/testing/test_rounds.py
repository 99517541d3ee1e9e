"""Time in which a till goes round is counted, not played, and comes to the same."""

from pathlib import Path
from typing import NamedTuple

import pytest

from engine.core.build import build
from engine.core.repeating import Repeating
from engine.definition.machine import load_machine
from engine.definition.vocabulary import Value
from engine.effects.table import VOCABULARY
from engine.tools.testing.expecting import Happenings
from engine.tools.testing.model import Reply
from engine.tools.testing.virtual_till import VirtualTill
from tests.unit.machines.virtual_till import MACHINE
from tests.unit.tools.testing.conftest import SMALL


class Seen(NamedTuple):
    """All that can be seen of a till after some time, and how many steps were played."""

    now: float
    wall: float
    configuration: tuple[str, ...]
    context: dict[str, Value]
    left: dict[str, float]
    running: list[tuple[str, dict[str, Value]]]
    happened: Happenings
    steps: int


def _after(machine: Path, reply: Reply, seconds: float, short: bool) -> Seen:
    chart, since = build(load_machine(machine, VOCABULARY)), Happenings()
    again, play = (since.repeat, Repeating().feed) if short else (None, None)
    virtual = VirtualTill(chart, "01", (since.hear,), again, play)
    virtual.script({"all": reply})
    virtual.begin()
    virtual.wait(seconds)
    till = virtual.till
    return Seen(
        round(virtual.now, 6),
        round(virtual.wall, 3),
        till.configuration,
        till.context,
        {key: round(timer.due - virtual.moment, 6) for key, timer in till.timers.items()},
        [(run.effect, dict(run.arguments)) for run in till.running.values()],
        since,
        virtual.steps,
    )


@pytest.mark.parametrize("machine", [SMALL, MACHINE], ids=["small", "connection"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(answer="ok"),
        Reply(answer="ok", after="3s"),
        Reply(answer="failed.timeout"),
        Reply.model_validate({"answer": "failed.server_error", "with": {"retry_after": 7}}),
        Reply(answer="none"),
    ],
    ids=["good", "slow", "lost", "patience", "silent"],
)
def test_leaving_out_what_repeats_changes_nothing(machine: Path, reply: Reply) -> None:
    """State, context, what timers have left, calls, and every count are as if all was played."""
    played = _after(machine, reply, 5 * 3600 + 17.3, short=False)
    counted = _after(machine, reply, 5 * 3600 + 17.3, short=True)
    nothing = Happenings()
    assert counted._replace(steps=0, happened=nothing) == played._replace(steps=0, happened=nothing)
    assert vars(counted.happened) == vars(played.happened)
    assert counted.steps <= played.steps


def test_a_quiet_month_is_a_handful_of_steps() -> None:
    """86,400 pings are counted, three are played."""
    month = 30 * 86_400.0
    seen = _after(SMALL, Reply(answer="ok"), month, short=True)
    assert seen.now == month
    assert seen.happened.started["ping"] == 86_400
    assert seen.steps < 12


CHANCE = """
machine: chance
states:
  resting:
    after: [{delay: {base: 1min, max: 1min, jitter: 0.5, attempt: '0'}, target: looking}]
  looking:
    every: {1s: {log: looked}}
    after: {5s: resting}
"""


def test_where_chance_decides_what_comes_nothing_is_left_out(tmp_path: Path) -> None:
    """A till that looks the same each time that it wakes up sleeps another time each time."""
    (tmp_path / "chance.yaml").write_text(CHANCE, encoding="utf-8")
    reply = Reply(answer="ok")
    played = _after(tmp_path / "chance.yaml", reply, 7200.0, short=False)
    counted = _after(tmp_path / "chance.yaml", reply, 7200.0, short=True)
    assert (counted.left, counted.steps) == (played.left, played.steps)
