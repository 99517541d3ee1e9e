"""How the way to a fault is written, so that a test can play it."""

from engine.core.exploration import explore
from tests.unit.core.driving import chart_of

WHICH = """
machine: which
events: {one: {}, two: {}}
states:
  a: {on: {one: {target: b, actions: [{start: ask, with: {what: 1}}]}}}
  b: {on: {two: {target: c, actions: [{start: ask, with: {what: 2}}]}}}
  c: {on: {ask.ok: d}}
  d: {entry: {start: ask, with: {what: 2}}, on: {one: a}}
invariants: [{about: It holds., never: {active: d, starts: ask}}]
"""


def test_an_answer_names_its_call_where_that_is_not_the_oldest() -> None:
    """Only when the second call has ended is another one like it started."""
    found = explore(chart_of(WHICH)).problems
    problem = next(each for each in found if each.code == "never-broken")
    assert [line.strip() for line in problem.trace.splitlines()[2:]] == [
        "# 0s: begins in a",
        "- event: one  # 0s: a -> b, starts ask",
        "- event: two  # 0s: b -> c, starts ask",
        "- {answer: ask.ok, to: {what: 2}}  # 0s: c -> d, starts ask",
        "never: {active: d, starts: ask}",
    ]
