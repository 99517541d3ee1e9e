"""The machine that lived a history gives the same steps again."""

import json
from contextlib import suppress
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.agent.keeping import worth_keeping
from engine.agent.noting import MOST_QUIET, WHOLE_EVERY
from engine.core.carrying import Carrying
from engine.core.records import Event
from engine.store.history import History
from engine.tools.replaying.exact import hold
from engine.tools.replaying.recording import Recording, Unreadable, read_recording
from tests.unit.tools.replaying.lives import NOW, TEXT, Life, chart_of, lived, long

CHART = chart_of()


def _recorded(life: Life, since: float | None = None) -> Recording:
    return read_recording(cast("History", life.kept), "01", since)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9))
def test_random_lives_are_played_again_step_by_step(seed: int) -> None:
    """Late timers, restarts and calls under way included: every step, and the whole till
    whenever it was noted."""
    life = lived(seed)
    recording = _recorded(life)
    assert recording.older == 0
    held = hold(CHART, recording)
    assert held.unlike is None
    # Where a life begins the till is taken as it was noted; all other steps were played.
    begun = sum(step.begins for step in recording.steps)
    assert held.steps == len(life.steps) - begun - _never_noted(life)


def _never_noted(life: Life) -> int:
    """Steps that are not kept, and after which none was kept in the same life."""
    lost = waiting = 0
    for step in life.steps:
        if step.event.name == "restored":
            lost, waiting = lost + waiting, 0
        waiting = 0 if worth_keeping(step) else waiting + 1
    return lost + waiting


def test_where_steps_are_gone_the_replay_begins_after_them() -> None:
    """At the next step that has the whole till; those before are counted."""
    life = long(7)
    del life.kept.rows[10]
    recording = _recorded(life)
    assert "till" in life.kept.rows[recording.older].detail
    assert recording.older > 10
    assert hold(CHART, recording).unlike is None
    assert len(recording.steps) + recording.older == len(life.kept.rows)


def test_steps_of_an_earlier_version_are_counted() -> None:
    """They have no notes."""
    life = long(8)
    life.kept.rows[5] = life.kept.rows[5]._replace(detail="{}")
    recording = _recorded(life)
    assert recording.older > 5
    assert hold(CHART, recording).unlike is None


def test_a_history_of_an_earlier_version_alone_is_no_recording() -> None:
    """Nothing of it can be played."""
    life = long(8)
    life.kept.rows = [row._replace(detail="{}") for row in life.kept.rows]
    recording = _recorded(life)
    assert (recording.steps, recording.older) == ((), len(life.kept.rows))


def test_a_replay_since_a_moment_begins_a_little_before_it() -> None:
    """At a step that has the whole till."""
    life = long(9)
    since = life.kept.rows[-20].at
    recording = _recorded(life, since)
    assert recording.steps[0].at <= since
    assert 20 <= len(recording.steps) <= 20 + WHOLE_EVERY + 1
    assert hold(CHART, recording).unlike is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("states", ("held",)), ("taken", "[]"), ("detail", None)],
)
def test_a_step_that_was_otherwise_is_found(field: str, value: Any) -> None:
    """Whatever of it is changed: the first such step is told, with both outcomes."""
    life = long(10)
    index = next(i for i, row in enumerate(life.kept.rows) if i > 3 and not row.dull)
    row = life.kept.rows[index]
    if value is None:
        value = json.dumps({**json.loads(row.detail), "changed": {"failures": [7, 8]}})
    life.kept.rows[index] = row._replace(**{field: value})
    held = hold(CHART, _recorded(life))
    assert held.unlike is not None
    assert held.unlike.step.at == pytest.approx(row.at)


def test_calls_for_two_customers_are_told_apart_though_none_is_named() -> None:
    """Their codes are replaced by signs."""
    life = Life(1, posts=False)
    life.live(100)
    for code in ("4711", "0815", "4711"):
        life.tills.deliver("01", Event("ticket.customer", {"customer": code}))
    life.live(100)
    life.tills.deliver("01", Event("ticket.customer", {"customer": "4711"}))
    recording = _recorded(life)
    assert "4711" not in str(life.kept.rows)
    assert "0815" not in str(life.kept.rows)
    signs = [step.data["customer"] for step in recording.steps if step.event == "ticket.customer"]
    # A sign lasts as long as a call: that somebody came again is nobody's business either.
    assert signs == ["#1", "#2", "#1", "#3"]
    assert hold(CHART, recording).unlike is None


def test_more_quiet_steps_than_are_kept_leave_a_gap() -> None:
    """And not a replay that goes wrong."""
    fast = TEXT.replace("  ping_interval:\n    default: 30s", "  ping_interval:\n    default: 1s")
    chart = chart_of(fast, ticket_sync_interval="1d")
    life = Life(3, chart, posts=False)
    life.live(60)
    life.hangs = True
    kept = len(life.kept.rows)
    life.live(MOST_QUIET + 100)
    life.tills.deliver("01", Event("ticket.closed", {"number": 1}))
    recording = _recorded(life)
    assert recording.older >= kept
    assert hold(chart, recording).unlike is None


def test_times_go_on_evenly_over_a_restart() -> None:
    """On one scale, whatever the clocks of the processes were."""
    life = Life(5)
    life.live(100)
    life.restart()
    life.live(100)
    recording = _recorded(life)
    times = [step.at for step in recording.steps]
    assert times == sorted(times)
    assert times[0] == NOW
    assert len({step.event for step in recording.steps if step.begins}) == 2


def test_after_a_reload_the_new_machine_is_held_to_what_it_lived() -> None:
    """From the first step at which the till is known whole; what the old one lived is not."""
    life = Life(6)
    life.live(300)
    edited = chart_of(TEXT, ping_interval="7s")
    life.tills.swap(Carrying(life.chart, edited))
    life.notes.follow(edited.definition)
    before = len(life.steps)
    life.live(300)
    recording = _recorded(life)
    assert recording.machines == [CHART.definition.hash, edited.definition.hash]
    held = hold(edited, recording)
    assert held.unlike is None
    assert len(life.steps) - before - 10 < held.steps < len(life.steps) - before
    assert hold(CHART, recording).steps > before - 10


@pytest.mark.parametrize(
    "note",
    [{"n": 0}, {"n": "x", "at": 1}, {"n": 5, "at": "x"}, {"n": 5, "at": 1.0, "quiet": [3]}],
    ids=str,
)
def test_a_history_that_another_hand_changed_is_said_to_be_so(note: dict[str, object]) -> None:
    """In a sentence, whatever was done to it."""
    life = long(13)
    last = life.kept.rows[-1]
    life.kept.rows[-1] = last._replace(detail=json.dumps({"replay": note}))
    recording = None
    with suppress(Unreadable):
        recording = _recorded(life)
    # What still reads as numbers is no fault of the reader's; the steps then do not hang together.
    assert recording is None or len(recording.steps) < 2
    life.kept.rows[-1] = last._replace(detail="[")
    with pytest.raises(Unreadable, match="The history of till 01 was changed by another hand"):
        _recorded(life)
