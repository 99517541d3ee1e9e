"""Another machine on what a till lived."""

from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.core.records import Run
from engine.store.history import History
from engine.tools.replay import Replay, play
from engine.tools.replaying.recording import Recording, read_recording
from engine.tools.replaying.world import World
from tests.unit.tools.replaying.lives import TEXT, Life, chart_of, lived

CHART = chart_of()
SAME = chart_of("# Another day\n" + TEXT)


def _recorded(life: Life) -> Recording:
    return read_recording(cast("History", life.kept), "01")


def _transitions(replay: Replay) -> Iterator[tuple[str, str]]:
    assert replay.played is not None
    for step in replay.played.steps:
        yield from ((taken.source, taken.target) for taken in step.taken if not taken.stays)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9))
@example(4535606)  # a call begins in its last step, and a rounded time decides whether before it
def test_an_edit_that_means_nothing_changes_nothing(seed: int) -> None:
    """Its own timers and the recorded answers lead it the same way, where nothing was late."""
    life = lived(seed, restarts=False, jitter=0.0)
    recording = _recorded(life)
    replay = play(SAME, recording)
    assert replay.held is None
    assert replay.was is not None
    assert replay.played is not None
    was = [(taken[1], taken[2]) for step in recording.steps for taken in step.taken if not taken[3]]
    assert list(_transitions(replay)) == was
    assert replay.played.assumed == 0
    assert replay.elsewhere == []
    assert replay.played.tally.places == replay.was.places
    assert replay.played.tally.delays == replay.was.delays
    assert replay.played.tally.calls == replay.was.calls


@pytest.mark.parametrize("seed", range(10))
def test_late_timers_and_restarts_change_little(seed: int) -> None:
    """An edit that means nothing is elsewhere for moments at the most."""
    replay = play(SAME, _recorded(lived(seed)))
    assert sum(each.end - each.begin for each in replay.elsewhere) < 30.0


def _outage() -> Life:
    """Ten good minutes, an outage of twenty, ten good minutes; nobody posts anything."""
    life = Life(42, posts=False)
    for there, seconds in ((True, 600), (False, 1200), (True, 600)):
        life.there = there
        life.live(seconds)
    return life


def test_a_shorter_wait_comes_back_sooner_and_asks_more_often() -> None:
    """The trade that message_retry_wait is about, told from one recording."""
    recording = _recorded(_outage())
    brisk = chart_of(message_retry_wait="10s", message_retry_wait_max="10s")
    replay = play(brisk, recording)
    assert replay.was is not None
    assert replay.played is not None
    lived_for = [until - begin for begin, until in replay.was.offline_spans(replay.end)]
    played_for = [until - begin for begin, until in replay.played.tally.offline_spans(replay.end)]
    assert len(lived_for) == len(played_for) == 1
    assert 1100 < played_for[0] < lived_for[0]
    assert replay.played.tally.calls["ping"] > replay.was.calls["ping"] + 50
    assert 0 < replay.played.assumed < replay.played.calls
    assert replay.elsewhere


def test_more_patience_before_offline_is_noticed_later() -> None:
    """By as many pings as it takes."""
    recording = _recorded(_outage())
    replay = play(chart_of(failures_to_offline=10), recording)
    assert replay.was is not None
    assert replay.played is not None
    ((was, _),) = replay.was.offline_spans(replay.end)
    ((would, _),) = replay.played.tally.offline_spans(replay.end)
    assert 60 < would - was < 120
    first = replay.elsewhere[0]
    assert (first.was[-1], first.would[-1]) == ("offline-cooldown", "degraded")


def test_a_shorter_timeout_gives_up_what_would_have_come() -> None:
    """A call whose recorded answer came after the edited timeout fails when that is over."""
    recording = _recorded(_outage())
    world = World(recording)
    call = next(call for call in world.calls if call.effect == "ping" and call.answer == "ok")
    lasted = call.until - call.began
    met = world.meet(Run(1, "ping", {"timeout": lasted / 2}, None), call.began)
    assert (met.answer, met.assumed) == ("failed.timeout", False)
    assert met.at == pytest.approx(call.began + lasted / 2)


def test_each_recorded_call_is_met_once() -> None:
    """What begins while it is under way meets it; what comes after is assumed."""
    world = World(_recorded(_outage()))
    call = next(call for call in world.calls if call.effect == "ping" and call.answer == "ok")
    run = Run(1, "ping", {"timeout": call.timeout}, None)
    first, second = world.meet(run, call.began), world.meet(run, call.began)
    assert (first.at, first.answer, first.assumed) == (call.until, "ok", False)
    assert second.assumed
    assert second.answer == "ok"


def test_a_call_in_an_outage_that_no_record_shows_fails_like_its_neighbours() -> None:
    """Also one of an effect that was never called."""
    recording = _recorded(_outage())
    world = World(recording)
    middle = recording.steps[0].at + 1200
    met = world.meet(Run(1, "load", {"timeout": 60.0, "kind": "full", "limit": 60.0}, None), middle)
    assert met.assumed
    assert met.answer == "failed.unreachable"
    assert met.data["reason"] == "unreachable"
    good = world.meet(Run(2, "load", {"timeout": 60.0, "kind": "full", "limit": 60.0}, None), 0.0)
    assert good.answer == "ok"
    assert good.data["gap"] is False
