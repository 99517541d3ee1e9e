"""What a guard that refused went by is told with the refusal."""

from engine.core.feed import begin, feed
from engine.core.plans import HIDDEN
from engine.core.records import Event, Refusal, Run
from engine.definition.vocabulary import Value
from tests.unit.core.driving import chart_of

SEEING = """
machine: seeing
parameters:
  most: {default: 3, min: 1, max: 9, about: So many.}
  slow: {default: 2s, min: 1s, max: 9s, about: So long.}
context:
  tries: {initial: 1, max: 9}
  load: {initial: none, values: [none, owed]}
events:
  typed: {data: {code: text, n: integer}}
states:
  a:
    on:
      typed:
        - {guard: event.code == 'x' and tries + 1 > most, target: b}
        - {guard: event.name == 'y', target: b}
      ask.failed:
        - {guard: event.reason == 'timeout' or load == 'owed', target: b}
      ask.ok:
        - {guard: event.n * slow > slow, target: b}
  b: {}
"""


def test_a_refusal_has_the_values_that_the_guard_went_by() -> None:
    """Parameters, variables and what the event carried, but no text that may be a customer's."""

    def refusals(event: str, run: int | None = None, **data: Value) -> list[Refusal]:
        till, _ = begin(chart_of(SEEING), "01", 0.0)
        if run is not None:
            till.running[run] = Run(run, "ask", {}, None)
        return feed(chart_of(SEEING), till, Event(event, data, run=run), 1.0).refused

    typed = refusals("typed", code="C-4711", n=5)
    assert dict(typed[0].seen) == {"tries": 1, "most": 3, "event.code": HIDDEN}
    assert typed[1].seen == ()
    assert refusals("typed", code="")[0].seen[-1] == ("event.code", "")
    assert dict(refusals("ask.failed", reason="unreachable")[0].seen) == {
        "load": "none",
        "event.reason": "unreachable",
    }
    (answered,) = refusals("ask.ok", run=7, n=1)
    assert answered.told(Event("ask.ok", run=7)) == {
        "state": "a",
        "event": "ask.ok",
        "guard": "event.n * slow > slow",
        "seen": {"slow": 2.0, "event.n": 1},
    }
    assert answered.told(Event("ask.ok"))["seen"] == {"slow": 2.0}


def test_a_guard_that_is_asked_twice_in_a_step_is_told_once() -> None:
    """With what it saw last; of what is looked at after every event no values are told."""
    chart = chart_of(
        """
        machine: twice
        events: {go: {}, look: {}}
        context: {n: {initial: 0, max: 9}}
        states:
          a:
            always: [{guard: n > 5, target: b}]
            on:
              go: {actions: [{raise: look}, {assign: {n: n + 1}}, {raise: more}, {raise: look}]}
              more: {actions: [{assign: {n: n + 1}}]}
              look: {guard: n > 7, target: b}
          b: {}
        """
    )
    till, _ = begin(chart, "01", 0.0)
    refused = feed(chart, till, Event("go"), 1.0).refused
    assert sorted(refused) == [
        Refusal("a", "always", "n > 5"),
        Refusal("a", "look", "n > 7", (("n", 2),)),
    ]
    assert [refusal.kept()[3:] for refusal in sorted(refused)] == [[], [{"n": 2}]]
