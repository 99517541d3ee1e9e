"""The demo's timeline: what happens to the server, and when."""

import pytest

from engine.definition.machine import load_machine
from engine.definition.parameters import Overrides
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from engine.tools.demo_script import LONGEST_ROUND, SENTENCES, WORDS, Act, parameters, script


def _acts(duration: float) -> list[tuple[float, Act]]:
    return [(round(scene.start, 3), scene.act) for scene in script(duration).scenes]


def test_the_script_is_scaled_to_the_duration() -> None:
    """The same acts at the same shares of the time."""
    assert _acts(100 / 2) == [
        (0.0, Act.SELLING),
        (10.0, Act.GONE),
        (21.0, Act.SILENT),
        (30.0, Act.BACK),
        (46.0, Act.CLOSING),
    ]
    assert _acts(10) == [(start / 5, act) for start, act in _acts(50)]


def test_a_long_demo_has_several_outages() -> None:
    """Each round is short enough to be watched; the shop closes once, at the end."""
    plan = script(10 * LONGEST_ROUND)
    acts = [scene.act for scene in plan.scenes]

    assert acts.count(Act.GONE) == acts.count(Act.BACK) == 10
    assert acts.index(Act.CLOSING) == len(acts) - 1
    assert plan.at(LONGEST_ROUND * 1.25) is Act.GONE


@pytest.mark.parametrize(
    ("moment", "act"),
    [(-1, Act.SELLING), (0, Act.SELLING), (11.9, Act.SELLING), (12, Act.GONE), (59, Act.CLOSING)],
)
def test_an_act_lasts_until_the_next_begins(moment: float, act: Act) -> None:
    """A moment before the first sale belongs to the first act."""
    assert script(60).at(moment) is act


def test_without_a_duration_the_outages_go_on_for_ever() -> None:
    """The round is repeated, the shop never closes, the end never comes."""
    plan = script(None)

    assert [plan.at(plan.round * number + 15) for number in (0, 1, 999)] == [Act.GONE] * 3
    assert Act.CLOSING not in {scene.act for scene in plan.scenes}
    assert not plan.over(1e9)
    assert (script(60).over(59.9), script(60).over(60)) == (False, True)


def test_every_act_is_told_in_words() -> None:
    """A sentence and a short word each."""
    assert set(SENTENCES) == set(WORDS) == set(Act)


@pytest.mark.parametrize("duration", [8, 10, 15, 60, 90])
def test_the_parameters_are_within_the_machines_limits_and_leave_time_to_come_back(
    duration: float,
) -> None:
    """The longest wait, with its spread and a probe that hangs, ends before the shop closes."""
    given = parameters(duration)
    machine = load_machine(shipped_machine(), VOCABULARY, Overrides(given, None, ()))
    values = machine.parameters
    assert given.keys() <= values.keys()
    longest = float(values["message_retry_wait_max"]) * (1 + float(values["message_retry_jitter"]))
    back = next(start for start, act in _acts(duration) if act is Act.BACK)

    assert back + float(values["ping_timeout"]) + longest < duration
