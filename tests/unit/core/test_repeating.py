"""What is repeated is what would have been played: the same steps, the same tills."""

from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.core import repeating
from engine.core.build import Chart, build
from engine.core.feed import StepFailed, begin, feed, timer_event
from engine.core.records import Event, Till
from engine.core.repeating import Repeating, _Noting
from engine.definition.machine import load_machine
from engine.definition.reader import read as parse
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine

PAGE = Path(__file__).parents[3] / "docs" / "language.md"
MACHINES = [
    text for text in PAGE.read_text(encoding="utf-8").split("```yaml\n")[1:] if "\nstates:" in text
]
TEXTS = [shipped_machine().read_text(encoding="utf-8"), *(t.partition("```")[0] for t in MACHINES)]


def _events(chart: Chart) -> dict[str, Any]:
    return {
        name: fields
        for name, fields in chart.definition.events.items()
        if "." in name and not name.startswith("done.")
    }


def _data(fields: Any, chance: Random) -> dict[str, Any]:
    values: dict[str, Any] = {
        "integer": chance.choice([0, 1, 10]),
        "number": 0.5,
        "boolean": chance.random() < 0.5,
        "text": chance.choice(["", "A", "kg", "timeout"]),
        "duration": chance.choice([0.0, 0.04, 9.0]),
    }
    return {name: values[field.type] for name, field in fields.items() if chance.random() < 0.9}


def _next(chart: Chart, till: Till, now: float, chance: Random) -> tuple[Event, float]:
    """What may happen to a till: an answer, a timer, something from outside; now and then too
    late or too early."""
    kind = chance.random()
    if till.running and kind < 0.4:
        run = chance.choice(list(till.running.values()))
        answers = [n for n in chart.definition.events if n.startswith(run.effect + ".")]
        name = chance.choice(answers)
        number = run.number + (chance.random() < 0.05) * 99
        return Event(name, _data(chart.definition.events[name], chance), run=number), now + 0.25
    if till.timers and kind < 0.75:
        timer = min(till.timers.values(), key=lambda each: (each.due, each.key))
        late = chance.choice([0.0, 0.0, 0.0, 0.5, 1.5]) * timer.length
        at = timer.due + late if chance.random() < 0.95 else now
        return timer_event(chart, timer.key), max(now, at)
    name, fields = chance.choice(sorted(_events(chart).items()))
    return Event(name, _data(fields, chance)), now + chance.choice([0.0, 1.0])


@pytest.mark.parametrize("text", TEXTS, ids=[t.split()[1] for t in TEXTS])
def test_a_repeated_step_is_the_step_that_would_have_been_played(text: str) -> None:
    """Ten tills live by chance, each twice: once with every step found out."""
    chart = build(load_machine(parse(text, "m.yaml"), VOCABULARY))
    repeated = Repeating()
    played = 0
    for number in range(10):
        chance = Random(number)
        till, _ = begin(chart, str(number), 0.0)
        twin, now = deepcopy(till), 0.0
        for _ in range(150):
            event, now = _next(chart, till, now, chance)
            expected = feed(chart, till, event, now)
            assert repeated.feed(chart, twin, event, now) == expected
            assert twin == till
            assert list(twin.timers) == list(till.timers)
            assert list(twin.running) == list(till.running)
            played += 1
    assert repeated.played < played


def test_most_steps_of_many_tills_are_repeated() -> None:
    """Whose customer, which ticket and what time it is makes no difference."""
    chart = build(load_machine(shipped_machine(), VOCABULARY))
    repeated = Repeating()
    for number in range(50):
        till, _ = begin(chart, str(number), float(number))
        repeated.feed(chart, till, Event("ticket.closed", {"number": number}), 100.0 + number)
    assert repeated.played == 1


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers' codes come from outside, any number of them."""
    monkeypatch.setattr(repeating, "MOST", 5)
    chart = build(load_machine(shipped_machine(), VOCABULARY))
    repeated = Repeating()
    for number in range(20):
        till, _ = begin(chart, "01", 0.0)
        repeated.feed(chart, till, Event("ticket.customer", {"customer": str(number)}), 1.0)
    assert len(repeated._known) <= 5


def test_another_chart_has_steps_of_its_own() -> None:
    """What was found out with one machine is nothing in another."""
    one = build(
        load_machine(
            parse("machine: a\nstates: {x: {on: {sync.now: y}}, y: {on: {sync.now: x}}}", "a"),
            VOCABULARY,
        )
    )
    two = build(
        load_machine(parse("machine: a\nstates: {x: {on: {sync.now: {}}}}", "a"), VOCABULARY)
    )
    repeated = Repeating()
    for chart, state in ((one, "y"), (two, "x"), (one, "y")):
        till, _ = begin(chart, "01", 0.0)
        assert repeated.feed(chart, till, Event("sync.now"), 1.0).configuration == (state,)


def test_a_step_that_cannot_be_played_fails_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the till stays where it was."""
    monkeypatch.setattr("engine.core.feed.MOST_TRANSITIONS", 0)
    chart = build(load_machine(shipped_machine(), VOCABULARY))
    repeated = Repeating()
    till, _ = begin(chart, "01", 0.0)
    before = deepcopy(till)
    for _ in range(2):
        with pytest.raises(StepFailed):
            repeated.feed(chart, till, Event("offline.hold"), 1.0)
        assert till == before


def test_data_that_notes_what_is_read_of_it_is_data_like_any_other() -> None:
    """It can be counted and listed."""
    read: set[str] = set()
    data = _Noting({"latency": 0.5, "unread": 1}, read)
    assert (data.get("latency"), data.get("other", 7), len(data)) == (0.5, 7, 2)
    assert list(data) == ["latency", "unread"]
    assert read == {"latency", "other"}


PASSING = """\
machine: passing
states:
  a:
    on: {sync.now: b}
  b:
    after: {1s: a}
    always: c
  c:
    every: {5s: {log: still here}}
"""


def test_a_timer_that_starts_and_stops_in_one_step_is_gone_when_it_is_repeated() -> None:
    """It is told, as it was, and does not run."""
    chart = build(load_machine(parse(PASSING, "passing.yaml"), VOCABULARY))
    repeated = Repeating()
    for number in range(2):
        till, _ = begin(chart, str(number), 0.0)
        step = repeated.feed(chart, till, Event("sync.now"), float(number))
        assert [timer.key for timer in step.timers_started] == ["b.after.0", "c.every.0"]
        assert [*till.timers] == ["c.every.0"]
        assert till.timers["c.every.0"].due == number + 5.0
    assert repeated.played == 1


def test_calls_that_a_step_drops_are_dropped_when_it_is_repeated() -> None:
    """Each till's own, by its own number."""
    chart = build(load_machine(shipped_machine(), VOCABULARY))
    repeated = Repeating()
    for number in range(2):
        till, _ = begin(chart, str(number), 0.0)
        (run,) = till.running.values()
        step = repeated.feed(chart, till, Event("offline.hold"), 1.0)
        assert step.cancelled == [run]
        assert till.running == {}
    assert repeated.played == 1
