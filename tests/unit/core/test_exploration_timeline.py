"""A way through a machine, played in virtual time and written as a test of the machine."""

from typing import Any

from engine.core.exploration.search import Search
from engine.core.exploration.situations import Arguments
from engine.core.exploration.stimuli import RESTART, Call, Stimulus
from engine.core.exploration.timeline import Timeline, timeline
from engine.core.feed import timer_event
from engine.core.records import Event
from engine.definition.reader import read
from engine.definition.vocabulary import Value
from tests.unit.core.driving import chart_of

MACHINE = """
machine: told
events:
  all: {data: {n: integer, x: number, d: duration, b: boolean, t: text}}
context: {n: {initial: 0, max: 9}, unread: {initial: 0, max: 9}}
states:
  a:
    every: {10s: {start: tell}, 25s: {assign: {n: n + 1, unread: n}}}
    after: [{delay: 1min30s, target: b}]
    on: {all: {guard: n < 5, actions: [{start: ask}]}, tell: {}, ask: {}, sign: b}
  b:
    entry: {cancel: tell}
    after:
      - {delay: {base: 1min, max: 1h, jitter: 0.5, attempt: n}, target: a}
    on: {sign: a}
"""
CHART = chart_of(MACHINE)
SEARCH = Search(CHART)
TELL = Call("tell", "", ())


def told(*way: Stimulus, search: Search = SEARCH) -> Timeline:
    return timeline(CHART, search.situations, list(way))


def posted(name: str, **data: Value) -> Stimulus:
    return Stimulus("event", Event(name, data))


def over(key: str) -> Stimulus:
    return Stimulus("timer", timer_event(CHART, key))


def entries(lines: list[str]) -> Any:
    """The lines as the YAML that they are."""
    return read("\n".join(["timeline:", *(f"  {line}" for line in lines)]), "test.yaml").data


def test_a_delay_passes_with_all_that_falls_due_before() -> None:
    """Each effect is told of once, at the time at which the delay is over."""
    (_, wait) = told(over("a.after.0")).lines
    assert wait == (
        "- wait: 1min30s  # 1min30s: after 1min30s, starts tell, n = 1, n = 2, n = 3, a -> b, "
        "ends tell"
    )


def test_a_delay_that_is_longer_by_chance_is_waited_for_to_its_end() -> None:
    """Rounded up, so that whoever plays it again waits long enough."""
    ended = told(posted("sign", n=1), over("b.after.0"))
    (wait,) = [line for line in ended.lines if "wait" in line]
    assert ended.till.configuration == ("a",)
    assert "- wait: 1min" in wait
    assert "after 1min, b -> a" in wait


def test_what_an_event_carries_is_written_as_yaml() -> None:
    """The example, and for the rest something that is another one each time; times are times
    of the language."""
    ended = told(posted("all", d=2.5), posted("all", n=-1, b=True))
    assert entries(ended.lines) == {
        "timeline": [
            {"event": "all", "with": {"d": "2s500ms", "n": 1, "x": 1.0, "b": False, "t": "x1"}},
            {"event": "all", "with": {"n": -1, "b": True, "x": 2.0, "d": "2s", "t": "x2"}},
        ]
    }


def test_an_answer_ends_the_oldest_such_call() -> None:
    """What it carries beyond the example is left out: it reads as zero."""
    ended = told(
        over("a.every.0"),
        Stimulus("answer", Event("tell.failed.timeout", {"reason": "timeout"}), TELL),
    )
    assert ended.lines[-1] == "- answer: tell.failed.timeout"
    assert ended.till.running == {}
    assert not ended.astray


def test_a_restart_starts_calls_again() -> None:
    ended = told(over("a.every.0"), RESTART)
    assert ended.lines[-1] == "- restart: {}  # 10s: starts tell"
    assert ended.started == ("tell",)


def test_a_way_that_the_delays_forbid_ends_where_it_cannot_go_on() -> None:
    """An answer to a call that nobody made, a timer that is not running, one for which too many
    others would have to run out."""
    for impossible in (Stimulus("answer", Event("tell.ok"), TELL), over("b.after.0")):
        ended = told(impossible, posted("sign"))
        assert ended.astray
        assert ended.lines[-1].startswith(f"# {impossible.kind} {impossible.event.name}: cannot")


def test_endless_waiting_is_given_up() -> None:
    chart = chart_of(
        "machine: m\nstates:\n"
        "  a: {every: {100ms: {start: tell}}, after: {1h: b}, on: {tell: {}}}\n  b: {}\n"
    )
    way = [Stimulus("timer", timer_event(chart, "a.after.0"))]
    assert timeline(chart, Search(chart).situations, way).astray


def test_a_step_that_fails_ends_the_way() -> None:
    chart = chart_of(
        "machine: m\nstates:\n"
        "  a: {on: {sign: b}}\n  b: {always: [{target: c}]}\n  c: {always: [{target: b}]}\n"
    )
    ended = timeline(chart, Search(chart).situations, [posted("sign", n=1), RESTART])
    assert ended.failed
    assert ended.lines == ["# 0s: begins in a", "- {event: sign, with: {n: 1}}  # this step fails"]


def test_unknown_arguments_are_equal_only_when_that_is_supposed() -> None:
    """Those that are known have to be the same then too."""
    arguments = Arguments([("what", 1)], frozenset({"who"}))
    assert arguments != {"what": 1, "who": "x"}
    arguments.equal = True
    assert arguments == {"what": 1, "who": "x"}
    assert arguments == {"what": 1}
    assert arguments != {"what": 2, "who": "x"}
    assert arguments != 1
