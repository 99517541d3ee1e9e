"""What a case may expect, and what is said when it is not so."""

from collections.abc import Callable

import pytest

from metrics.exporter import Exporter
from tests.unit.tools.testing.conftest import Play

Told = Callable[[str], list[str]]


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("active: resting", "active: resting; got online"),
        ("inactive: online", "inactive: online; got online"),
        ("running: fetch_offers", "running: fetch_offers; got ping"),
        ("not_running: ping", "not_running: ping; got ping"),
        ("started: fetch_offers", "started: fetch_offers; got ping, 2 times"),
        ("started: {ping: 1}", "started: ping, 1 times; got ping, 2 times"),
        ("not_started: ping", "not_started: ping; got ping, 2 times"),
        ("entered: resting", "entered: resting; got nothing"),
        ("context: {failures: 2}", "failures: 2; got 1"),
        ("context: {mood: cross}", "mood: cross; got calm"),
        ("guard: failures > 1", "guard: failures > 1; got failures = 1"),
        ("timers: {every 30s: 10s}", "every 30s: 10s; got 30s"),
        ("timers: {every 30s: {max: 29s}}", "every 30s: max 29s; got 30s"),
        ("timers: {every 30s: 'off'}", "every 30s: off; got 30s"),
        ("timers: {after rest: 1min}", "after rest: 1min; got off"),
        ("refused: sync.now", "refused: sync.now; got ping.failed"),
        ("logged: the link is lost", "logged: the link is lost; got nothing"),
    ],
)
def test_what_is_not_as_expected_is_told(told: Told, expect: str, said: str) -> None:
    """Each kind of expectation fails with its line, the virtual time, and what is there."""
    body = f"""
    timeline:
      - wait: 30s
      - answer: ping.failed.timeout
      - wait: 30s
      - expect: {{{expect}}}
    """
    assert told(body) == [f"7 after 60 s: expected {said}"]


def test_what_is_as_expected_passes(play: Play) -> None:
    """All kinds together; a count of none, too."""
    result = play(
        """
        timeline:
          - wait: 30s
          - answer: ping.failed.timeout
          - wait: 30s
          - answer: ping.failed.unreachable
          - event: sync.now
          - expect:
              active: resting
              inactive: [online]
              running: []
              not_running: ping
              started: {ping: 2, fetch_offers: 0}
              not_started: [send_tickets]
              entered: [resting]
              context: {failures: 1, mood: cross}
              guard: failures + 1 == 2
              timers: {after rest: {min: 59s, max: rest}, every 30s: 'off'}
              refused: [ping.failed, sync.now]
              logged: the link is lost
        """
    )
    assert result.failures == ()
    assert result.hours == pytest.approx(60 / 3600)


def test_expectations_count_from_the_one_before(play: Play) -> None:
    """An empty one is a mark."""
    body = """
    timeline:
      - wait: 1min
      - expect: {started: {ping: 1}}
      - answer: ping.ok
      - wait: 30s
      - expect: {}
      - wait: 30s
      - answer: ping.ok
      - wait: 30s
    expect: {started: {ping: 1}}
    """
    assert play(body).failures == ()


def test_answers_take_the_time_that_is_written(told: Told) -> None:
    """A slow answer says how slow it was; a call that hangs ends with its own timeout."""
    body = """
    answers: {ping: {answer: ok, after: 3s}}
    timeline:
      - wait: 32s
      - expect: {active: online, running: ping}
      - wait: 1s
      - expect: {active: resting}
      - answers: {all: failed.timeout}
      - until: {running: ping}
      - wait: 29s
      - expect: {running: ping}
      - wait: 2s
      - expect: {context: {failures: 1}}
    """
    assert told(body) == []


def test_the_answers_of_an_effect_stand_above_those_of_all(told: Told) -> None:
    """In whatever order they are written; those of a case above those of its file."""
    body = """
    answers: {ping: {answer: ok, after: 4s}, all: failed.unreachable}
    timeline:
      - wait: 35s
      - expect: {active: resting}
      - event: ticket.customer
      - answers: {all: none}
      - until: {running: ping}
      - wait: 1h
    expect: {active: online, running: ping}
    """
    assert told(body) == []


def test_an_answer_may_name_the_call_that_it_ends(told: Told) -> None:
    """By arguments; without, the oldest is answered; where there is none, the case fails."""
    body = """
    timeline:
      - {event: ticket.customer, with: {customer: A}}
      - {event: ticket.customer, with: {customer: B}}
      - {answer: fetch_offers.ok, to: {customer: B}}
      - {answer: fetch_offers.ok, to: {customer: B}}
    """
    assert told(body) == [
        (
            "7 after 0 s: expected the timeline goes on; got no call of 'fetch_offers' with such "
            "arguments is under way that could be answered"
        )
    ]
    assert told(body.replace("{customer: B}}\n      - {answer", "{customer: A}}\n      - {answer"))


def test_time_passes_until_something_holds(told: Told) -> None:
    """Or until the time for it is over; a start counts in the step in which it comes."""
    body = """
    timeline:
      - until: {starts: ping, active: online}
      - expect: {timers: {every 30s: 30s}}
      - until: {active: resting, within: 5min}
    """
    assert told(body) == [
        "6 after 330 s: expected until: active resting within 5min; got active: online"
    ]


def test_a_restart_goes_on_where_the_till_was(told: Told) -> None:
    """Its timers count while nothing runs; calls under way are made anew."""
    body = """
    timeline:
      - wait: 31s
      - expect: {started: {ping: 1}}
      - restart: {away: 9s}
      - expect: {active: online, started: {ping: 1}, timers: {every 30s: 20s}}
    """
    assert told(body) == []


def test_what_may_never_be_ends_the_case_where_it_is(told: Told) -> None:
    """Within a wait as well as between lines."""
    body = """
    answers: {ping: failed.timeout}
    timeline:
      - wait: 1h
    never: {active: resting, guard: mood == 'cross'}
    """
    assert told(body) == [
        "6 after 90 s: expected never: active resting and mood == 'cross'; got it is so"
    ]


def test_what_is_never_so_passes(told: Told) -> None:
    """With everything that a condition may name."""
    body = """
    answers: {ping: failed.timeout}
    timeline:
      - wait: 1h
    never: {active: resting, starts: ping, running: ping}
    """
    assert told(body) == []


def test_what_comes_by_itself_is_waited_for(told: Told) -> None:
    """Everything is answered well from then on, calls under way among them."""
    body = """
    timeline:
      - wait: 30s
      - answer: ping.failed.timeout
      - wait: 30s
      - answer: ping.failed.timeout
    eventually: {active: ACTIVE, within: 2h}
    """
    assert told(body.replace("ACTIVE", "online")) == []
    assert told(body.replace("ACTIVE", "online, guard: failures > 3")) == [
        "8 after 7260 s: expected eventually: active online and failures > 3; got active: online"
    ]


def test_whether_something_leads_out_of_a_state_is_tried(told: Told) -> None:
    """Delays, answers and events."""
    body = """
    timeline:
      - wait: 30s
    leaves: online
    """
    assert told(body) == []


def test_metrics_are_those_of_the_agents_exporter(play: Play) -> None:
    """Summed over the series that have the labels; a name or label that is not there is said."""
    body = """
    answers: {ping: failed.timeout}
    timeline:
      - wait: 2min
      - expect:
          metrics:
            tillwire_transitions_total{event="ping.failed"}: 1
            tillwire_state{state="resting"}: 1
    expect:
      metrics:
        tillwire_transitions_total: 5
        tillwire_transition_total: 1
        tillwire_state{state="restin"}: 1
        tillwire_state{state=}: 1
    """
    result = play(body, lambda facts, wall: Exporter("1", facts, wall))
    assert [(f.line, f.expected, f.got) for f in result.failures] == [
        (12, "tillwire_transitions_total: 5", "1"),
        (
            13,
            "tillwire_transition_total: 1",
            "no such metric. Did you mean 'tillwire_transitions_total'?",
        ),
        (
            14,
            'tillwire_state{state="restin"}: 1',
            "no series with these labels. Did you mean 'state=\"resting\"'?",
        ),
        (
            15,
            (
                "tillwire_state{state=} is a name, and labels where needed: "
                'tillwire_state{state="online"}'
            ),
            "it cannot be read",
        ),
    ]


def test_metrics_that_nobody_counts_are_not_as_expected(told: Told) -> None:
    """The command always has somebody who does."""
    said = told("expect: {metrics: {tillwire_state: 1}}")
    assert said == ["3 after 0 s: expected metrics; got nothing counts them here"]


def test_a_failure_tells_the_steps_that_led_there(play: Play) -> None:
    """What came to pass, from the beginning, with its cause and its virtual time."""
    (failure,) = play(
        """
        answers: {ping: failed.timeout}
        timeline:
          - wait: 2min
          - event: sync.now
        expect: {active: online}
        """
    ).failures
    assert failure.steps == (
        "0s: begin: in online",
        "30s: every 30s: starts ping",
        "1min: ping.failed.timeout: failures = 1",
        "1min: every 30s: starts ping",
        "1min30s: ping.failed.timeout: online -> resting, mood = cross",
        "2min: sync.now: sync.now refused by failures > 5",
    )
