"""Why a till is not elsewhere: each way out, and what held it."""

from collections.abc import Mapping
from json import dumps

from engine.definition.vocabulary import Value
from engine.store.history import HistoryRow
from engine.story.entries import Way, WhyNot
from engine.story.reading import tell
from engine.story.why_not import Standing, why_not
from tests.unit.tools.replaying.lives import NOW, chart_of

HERS = """
machine: scales
parameters:
  most: {default: 3, min: 1, max: 9, about: So many.}
  patience: {default: 5s, min: 1s, max: 9s, about: So long.}
context: {tries: {initial: 1, max: 9, about: How many.}}
events: {weighed: {about: It was weighed.}, tare: {about: Zero.}}
initial: ready
on:
  weighed: broken
states:
  ready:
    label: {en: Ready, fr: Prête}
    initial: idle
    on:
      tare: {target: ready, reenter: true}
    always: [{guard: tries >= most, target: broken}]
    after:
      10min: broken
    states:
      idle:
        every:
          1min: [{start: ping, with: {timeout: patience}}]
        on:
          ping.ok: {guard: tries + 1 > most, target: busy}
          ping.failed: broken
          weighed: {actions: [{assign: {tries: tries + 1}}]}
      busy:
        on: {ping.ok: idle}
  broken: {on: {tare: ready}}
"""
CHART = chart_of(HERS)


def ways(
    *rows: tuple[str, Mapping[str, object]], running: tuple[str, ...] = (), **context: Value
) -> tuple[WhyNot, dict[tuple[str, str], Way]]:
    standing = Standing(
        "01",
        ("ready", "idle"),
        {"tries": 1, **context},
        {"ready": NOW, "idle": NOW},
        {"ready.after.0": NOW + 600, "idle.every.0": NOW + 60},
        frozenset(running),
    )
    told = [
        HistoryRow("01", NOW + n, event, ("ready", "idle"), "[]", n > 0, dumps(detail), n)
        for n, (event, detail) in enumerate((("ping.failed.timeout", {}), *rows))
    ]
    found = why_not(CHART, standing, tell(told)[::-1], NOW + 30)
    return found, {(way.state, way.event): way for way in found.ways}


def test_each_way_out_is_told_with_what_can_bring_it() -> None:
    """A delay with its time, an answer with the call that is due; what leads back is left out,
    and so is what a rule further inside stands before. What led in has not come since."""
    told, found = ways()
    assert (told.state, told.since.timestamp()) == ("ready", NOW)
    assert list(found) == [
        ("idle", "ping.ok"),
        ("idle", "ping.failed"),
        ("ready", "after 10min"),
        ("ready", "always"),
    ]
    answer = found["idle", "ping.failed"]
    assert (answer.held, answer.by, answer.target) == ("never", "every 1min", "broken")
    assert answer.due is not None
    assert answer.due.timestamp() == NOW + 60
    delay = found["ready", "after 10min"]
    assert (delay.held, delay.due and delay.due.timestamp()) == ("due", NOW + 600)
    assert found["ready", "always"].held == "refused"
    assert found["ready", "always"].now == {"tries": 1, "most": 3}


def test_a_guard_that_refused_is_told_with_the_values_of_then_and_of_now() -> None:
    """The newest refusal counts."""
    then = {"refused": [["idle", "ping.ok", "tries + 1 > most", {"tries": 1, "most": 3}]]}
    _, found = ways(("ping.ok", then), ("weighed", {}), tries=2)
    way = found["idle", "ping.ok"]
    assert (way.held, way.seen, way.now) == (
        "refused",
        {"tries": 1, "most": 3},
        {"tries": 2, "most": 3},
    )
    assert way.last is not None
    assert way.last.timestamp() == NOW + 1


def test_an_event_that_came_while_another_rule_was_first_is_told_so() -> None:
    """And a call that is under way is."""
    _, found = ways(("ping.failed.timeout", {}), running=("ping",))
    assert (found["idle", "ping.failed"].held, found["idle", "ping.failed"].by) == (
        "passed",
        "under way",
    )


def test_what_nothing_holds_is_said() -> None:
    """A condition that holds by now, and a delay that ran out while its step failed."""
    _, found = ways(tries=3)
    assert found["ready", "always"].held == "open"
