"""The one place that feeds the machines: events, timers, effects, listeners."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.agent import tills as tills_module
from engine.agent.tills import RETRY, Tills
from engine.core.feed import StepFailed, feed
from engine.core.records import Event, Step, Till
from engine.core.restore import pack
from tests.unit.agent.scripted import NotingRunner, chart_of, clock

CHART = chart_of()


class Shop:
    """Tills, what was asked for them, and the steps that a listener saw."""

    def __init__(self) -> None:
        self.clock = clock()
        self.runner = NotingRunner()
        self.steps: list[Step] = []
        self.tills = Tills(CHART, self.clock, self.runner, [self.listen])

    def listen(self, step: Step, till: Till) -> None:
        assert till.configuration == step.configuration
        self.steps.append(step)

    def advance(self, seconds: float, limit: int | None = None) -> int:
        self.clock.advance(seconds)
        return self.tills.advance(limit)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_new_till_begins_in_the_initial_state(shop: Shop) -> None:
    """And the listener is told so."""
    step = shop.tills.add("01")
    assert step.configuration == ("up",)
    assert "01" in shop.tills
    assert [till.id for till in shop.tills] == ["01"]
    assert shop.steps == [step]


def test_the_next_timer_says_when_there_is_something_to_do(shop: Shop) -> None:
    """None before the first till; then the earliest delay."""
    assert shop.tills.next_due() is None
    shop.tills.add("01")
    assert shop.tills.next_due() == 1010.0


def test_timers_run_out_in_their_order_whatever_till_they_belong_to(shop: Shop) -> None:
    """After a long sleep too: by the time at which they were due."""
    shop.tills.add("01")
    shop.clock.advance(5)
    shop.tills.add("02")
    shop.steps.clear()
    assert shop.advance(60) == 4
    told = [(step.till, step.event.name) for step in shop.steps]
    assert told == [
        ("01", "every 10s"),
        ("02", "every 10s"),
        ("01", "every 1min"),
        ("02", "every 1min"),
    ]


def test_no_more_timers_are_played_at_once_than_asked_for(shop: Shop) -> None:
    """The rest stays due, so that other events get their turn."""
    for number in range(5):
        shop.tills.add(str(number))
    assert shop.advance(10, limit=3) == 3
    assert shop.tills.next_due() == 1010.0
    assert shop.tills.advance() == 2


def test_a_timer_does_nothing_before_its_time(shop: Shop) -> None:
    """Waking up early is harmless."""
    shop.tills.add("01")
    assert shop.advance(9.999) == 0


def test_a_timer_that_an_earlier_one_stopped_is_late(shop: Shop) -> None:
    """Both were due; leaving the state ended the second."""
    shop.tills.add("01")
    shop.tills.deliver("01", Event("ticket.closed", {"number": 1}))
    shop.steps.clear()
    shop.advance(60)
    assert shop.steps[0].configuration == ("sending",)
    assert [step.late for step in shop.steps] == [False, True]


def test_effects_go_to_the_runner_and_dropped_ones_too(shop: Shop) -> None:
    """With the till they belong to."""
    shop.tills.add("01")
    shop.tills.deliver("01", Event("sync.now"))
    ((till, run),) = shop.runner.started
    assert (till, run.effect, run.arguments) == ("01", "send_tickets", {"timeout": 10.0})
    shop.tills.deliver("01", Event("send_tickets.failed.timeout", run=run.number))
    assert shop.tills["01"].configuration == ("down",)
    assert shop.runner.cancelled == []


def test_a_late_answer_changes_nothing(shop: Shop) -> None:
    """The run that it belongs to is gone."""
    shop.tills.add("01")
    step = shop.tills.deliver("01", Event("ping.failed.timeout", run=77))
    assert step is not None
    assert step.late
    assert shop.tills["01"].configuration == ("up",)


def fail_on(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """Let each step of an event fail, as long as the list that this gives holds its name."""
    failing = [name]

    def sometimes(chart: Any, till: Till, event: Event, now: float) -> Step:
        if event.name in failing:
            raise StepFailed(f"till {till.id}, event {event.name}: by arrangement")
        return feed(chart, till, event, now)

    monkeypatch.setattr(tills_module, "feed", sometimes)
    return failing


def test_a_step_that_fails_leaves_the_till_where_it_was(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """None comes back, one line says why, without a traceback."""
    shop.tills.add("01")
    fail_on(monkeypatch, "sync.now")
    assert shop.tills.deliver("01", Event("sync.now")) is None
    (record,) = caplog.records
    assert (record.getMessage(), record.exc_info) == ("step.failed", None)
    assert "by arrangement" in record.fields["message"]  # type: ignore[attr-defined]


def test_a_timer_whose_step_fails_is_put_off_and_not_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other timers go on; when the step works again, so does the timer."""
    shop.tills.add("01")
    failing = fail_on(monkeypatch, "every 1min")
    shop.advance(60)
    assert shop.runner.started == []
    for _ in range(7):
        shop.advance(10)
    assert [step.event.name for step in shop.steps[1:]] == ["every 10s"] * 8
    failing.clear()
    shop.advance(RETRY)
    assert [run.effect for _, run in shop.runner.started] == ["ping"]


def test_a_listener_that_fails_stops_nothing(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Not the till, not the effect, not the next listener."""

    def broken(_step: Step, _till: Till) -> None:
        raise ValueError("deaf")

    shop.tills = Tills(CHART, shop.clock, shop.runner, [broken, shop.listen])
    shop.tills.add("01")
    shop.tills.deliver("01", Event("sync.now"))
    assert [step.configuration for step in shop.steps] == [("up",), ("sending",)]
    assert len(shop.runner.started) == 1
    assert [record.getMessage() for record in caplog.records] == ["listener.failed"] * 2


def saved(shop: Shop) -> str:
    return pack(shop.tills["01"], shop.clock.monotonic(), shop.clock.wall())


def test_a_till_goes_on_where_it_was_saved(shop: Shop) -> None:
    """Its state, its timers by the wall clock, and its effects are started again."""
    shop.tills.add("01")
    shop.tills.deliver("01", Event("sync.now"))
    text = saved(shop)
    later = Shop()
    step = later.tills.add("01", text)
    assert step.configuration == ("sending",)
    assert [run.effect for _, run in later.runner.started] == ["send_tickets"]


def test_a_restored_timer_runs_out_when_it_would_have(shop: Shop) -> None:
    """Twenty seconds of a minute were left when the process ended."""
    shop.tills.add("01")
    shop.advance(40)
    text = saved(shop)
    later = Shop()
    later.clock.set_wall(shop.clock.wall() + 15)
    later.tills.add("01", text)
    later.advance(4.9)
    assert later.runner.started == []
    later.advance(0.2)
    assert [run.effect for _, run in later.runner.started] == ["ping"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "not JSON",
        '{"configuration": [[]]}',
        "[" * 100_000,
        (
            '{"configuration":["up"],"context":{},"timers":{"up.every.0":3},"running":[],'
            '"entered":{},"remembered":{},"runs":0,"draws":0}'
        ),
        (
            '{"configuration":["up"],"context":{},"timers":{},"running":[[1,2,3]],'
            '"entered":{"up":"x"},"remembered":{"up":1},"runs":0,"draws":0}'
        ),
    ],
    ids=range(9),
)
def test_a_text_that_is_no_till_is_said_and_the_till_begins_anew(
    shop: Shop, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its tickets are not in there: nothing is lost but its place."""
    step = shop.tills.add("01", text)
    assert step.configuration == ("up",)
    (record,) = caplog.records
    assert (record.getMessage(), record.levelno) == ("till.begins_anew", logging.WARNING)
    assert shop.advance(10) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["up", "down", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["up", "up.every.0", "failures", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


PARTS = "configuration", "context", "timers", "running", "entered", "remembered", "runs", "draws"


@settings(max_examples=150, deadline=None, database=None)
@given(part=st.sampled_from(PARTS), value=JSON)
def test_whatever_is_wrong_with_one_part_of_a_text_the_till_works(part: str, value: Any) -> None:
    """It plays the next event and its timers."""
    shop = Shop()
    shop.tills.add("01")
    spoilt = json.loads(saved(shop)) | {part: value}
    later = Shop()
    later.tills.add("01", json.dumps(spoilt))
    for _ in range(3):
        later.advance(301)
    later.tills.deliver("01", Event("sync.now"))
    assert later.tills["01"].configuration in [("up",), ("down",), ("sending",)]
