"""Who watches a chart is told of each transition of the file, and of each guard."""

from engine.core.build import build
from engine.core.feed import begin, feed
from engine.core.records import Event
from engine.definition.machine import load_machine
from engine.definition.model import Transition
from engine.definition.reader import read
from engine.definition.vocabulary import Vocabulary

MACHINE = """
machine: m
context:
  count: {initial: 0, max: 2}
events: {go: {}}
states:
  a:
    on:
      go:
        - {guard: count >= 1, target: a, reenter: true}
        - {guard: count < 1, actions: {assign: {count: count + 1}}}
"""


class Noted:
    """A witness that keeps what it is told, by the guard."""

    def __init__(self) -> None:
        self.taken_parts: list[object] = []
        self.guards: list[tuple[object, bool]] = []

    def taken(self, part: Transition) -> None:
        """See Witness."""
        self.taken_parts.append(part.guard)

    def guarded(self, part: Transition, held: bool) -> None:
        """See Witness."""
        if (part.guard, held) not in self.guards[-1:]:
            self.guards.append((part.guard, held))


def test_a_witness_is_told_which_branch_is_taken_and_how_its_guard_came_out() -> None:
    """Two branches of one event are two; making the chart asks no guard."""
    noted = Noted()
    chart = build(load_machine(read(MACHINE, "m.yaml"), Vocabulary()), noted)
    till, _ = begin(chart, "01", 0.0)
    assert noted.guards == []
    feed(chart, till, Event("go"), 0.0)
    assert noted.guards == [("count >= 1", False), ("count < 1", True)]
    assert noted.taken_parts == ["count < 1"]
    feed(chart, till, Event("go"), 0.0)
    assert noted.guards[2:] == [("count >= 1", True)]
    assert noted.taken_parts == ["count < 1", "count >= 1"]
