"""What steps, effects, backlogs and workers become in a scrape."""

import platform
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from engine.core.facts import MachineFacts, StateFacts
from engine.core.records import Event, Refusal, Step, Taken
from metrics.exporter import Exporter

Read = Callable[..., float | None]

ONLINE = ("reachable", "online")
DEGRADED = ("reachable", "degraded")


def arrival(till: str = "01") -> Step:
    """The step with which a new till enters its initial state."""
    return Step(
        till,
        Event("begin"),
        0.0,
        entered=["reachable", "online"],
        configuration=ONLINE,
    )


def degraded(till: str = "01") -> Step:
    """A ping failed and the till went from online to degraded."""
    return Step(
        till,
        Event("ping.failed.timeout"),
        1.0,
        taken=[Taken("ping.failed", "online", "degraded")],
        exited=["online"],
        entered=["degraded"],
        configuration=DEGRADED,
        handled=True,
    )


def test_every_active_state_is_1_and_every_other_0(exporter: Exporter, read: Read) -> None:
    """A compound state is active together with the state inside it."""
    exporter.observe(degraded(), 100.0)

    found = {
        state: read("tillwire_state", till="01", machine="connection", state=state)
        for state in ("reachable", "online", "degraded", "offline")
    }
    assert found == {"reachable": 1, "online": 0, "degraded": 1, "offline": 0}


def test_the_code_and_the_time_are_those_of_the_innermost_state(
    exporter: Exporter, read: Read
) -> None:
    """Going from one state to its sibling changes the code and starts the time anew."""
    till = {"till": "01", "machine": "connection"}
    exporter.observe(arrival(), 100.0)
    before = read("tillwire_state_code", **till)
    exporter.observe(degraded(), 160.25)

    assert before == 1
    assert read("tillwire_state_code", **till) == 4
    assert read("tillwire_state_entered_timestamp_seconds", **till) == 160.25


def test_a_step_that_stays_does_not_move_the_time(exporter: Exporter, read: Read) -> None:
    """A transition without target is no change of state: it goes on since when it began."""
    exporter.observe(arrival(), 100.0)
    exporter.observe(
        Step(
            "01",
            Event("ping.ok"),
            60.0,
            taken=[Taken("ping.ok", "online", "online", stays=True)],
            configuration=ONLINE,
            handled=True,
        ),
        160.0,
    )

    till = {"till": "01", "machine": "connection"}
    assert read("tillwire_state_entered_timestamp_seconds", **till) == 100
    assert read("tillwire_transitions_total", **till, to="online", event="ping.ok") is None


def test_a_state_around_keeps_its_time_when_the_state_inside_changes(facts: MachineFacts) -> None:
    """Where only the compound state has a code, its own entry is what counts."""
    states = tuple(
        replace(state, code=9 if state.id == "reachable" else None) for state in facts.states
    )
    exporter = Exporter("1", replace(facts, states=states), lambda: 0.0)
    exporter.observe(arrival(), 100.0)
    exporter.observe(degraded(), 160.0)

    text = exporter.render()[0].decode()
    assert 'tillwire_state_code{till="01",machine="connection"} 9\n' in text
    entered = 'tillwire_state_entered_timestamp_seconds{till="01",machine="connection"}'
    assert f"{entered} 100.0\n" in text


def test_a_state_that_is_entered_again_starts_its_time_anew(exporter: Exporter, read: Read) -> None:
    """Leaving and entering the same state in one step is a new stay."""
    exporter.observe(arrival(), 100.0)
    again = Step(
        "01",
        Event("sync.now"),
        9.0,
        taken=[Taken("sync.now", "online", "online")],
        exited=["online"],
        entered=["online"],
        configuration=ONLINE,
        handled=True,
    )
    exporter.observe(again, 109.0)

    till = {"till": "01", "machine": "connection"}
    assert read("tillwire_state_entered_timestamp_seconds", **till) == 109


def test_every_possible_transition_is_there_at_0_before_it_happens(
    exporter: Exporter, read: Read
) -> None:
    """So that rate() and increase() see the first one."""
    exporter.add_till("01")
    labels = {"till": "01", "machine": "connection", "event": "ping.failed"}

    assert read("tillwire_transitions_total", **labels, to="degraded") == 0
    assert read("tillwire_transitions_total", **labels, to="offline") == 0
    del labels["event"]
    assert read("tillwire_guard_rejections_total", **labels, state="online") == 0


def test_a_transition_counts_for_its_own_till_only(exporter: Exporter, read: Read) -> None:
    """Two tills share a machine, not their counters."""
    exporter.add_till("02")
    exporter.observe(degraded("01"), 100.0)
    exporter.observe(degraded("01"), 101.0)

    labels = {"machine": "connection", "to": "degraded", "event": "ping.failed"}
    assert read("tillwire_transitions_total", till="01", **labels) == 2
    assert read("tillwire_transitions_total", till="02", **labels) == 0


def test_a_transition_that_nothing_announced_is_counted_all_the_same(
    exporter: Exporter, read: Read
) -> None:
    """A count without its zero is better than no count."""
    exporter.observe(Step("01", Event("x"), 0.0, taken=[Taken("x", "a", "b")], handled=True), 100.0)

    labels = {"till": "01", "machine": "connection", "to": "b", "event": "x"}
    assert read("tillwire_transitions_total", **labels) == 1


def test_a_failure_is_a_cause_without_its_reason(exporter: Exporter, read: Read) -> None:
    """A machine that tells reasons apart gets no more series; reasons have a metric."""
    for reason in ("unauthorized", "server_error"):
        taken = [Taken(f"ping.failed.{reason}", "online", "degraded")]
        event = Event(f"ping.failed.{reason}")
        exporter.observe(Step("01", event, 0.0, taken=taken, handled=True), 100.0)

    labels = {"till": "01", "machine": "connection", "to": "degraded"}
    assert read("tillwire_transitions_total", **labels, event="ping.failed") == 2
    assert read("tillwire_transitions_total", **labels, event="ping.failed.unauthorized") is None


def test_every_refused_guard_is_counted(exporter: Exporter, read: Read) -> None:
    """Two guards that refuse the same event in the same state are two rejections."""
    refused = [Refusal("online", "ping.failed", "a > 1"), Refusal("online", "ping.failed", "b")]
    exporter.observe(
        Step("01", Event("ping.failed.timeout"), 0.0, refused=refused, handled=True), 100.0
    )

    labels = {"till": "01", "machine": "connection"}
    assert read("tillwire_guard_rejections_total", **labels, state="online") == 2
    assert read("tillwire_events_unhandled_total", **labels, event="known") == 0


def test_events_are_known_or_other(exporter: Exporter, read: Read) -> None:
    """Whoever posts made-up event names cannot make series without end."""
    for name in ("sync.now", "made.up", "made.up.too", "other"):
        exporter.observe(Step("01", Event(name), 0.0), 100.0)

    labels = {"till": "01", "machine": "connection"}
    assert read("tillwire_events_unhandled_total", **labels, event="known") == 1
    assert read("tillwire_events_unhandled_total", **labels, event="other") == 3
    assert read("tillwire_events_unhandled_total", **labels, event="made.up") is None


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(Step("01", Event("sync.now"), 0.0, late=True), id="a late answer"),
        pytest.param(Step("01", Event("every 30s", timer="online/0"), 0.0), id="a timer"),
        pytest.param(arrival(), id="a beginning"),
    ],
)
def test_a_step_that_asks_for_no_transition_is_not_an_unhandled_event(
    exporter: Exporter, step: Step
) -> None:
    """Only an event that somebody posted or an effect answered can go unhandled."""
    exporter.observe(step, 100.0)

    lines = exporter.render()[0].decode().splitlines()
    unhandled = [line for line in lines if line.startswith("tillwire_events_unhandled_total{")]
    assert unhandled
    assert all(line.endswith(" 0") for line in unhandled)


def test_a_late_step_changes_nothing(exporter: Exporter, read: Read) -> None:
    """A late step does not move the till that it names."""
    exporter.observe(arrival(), 100.0)
    exporter.observe(Step("01", Event("x"), 5.0, late=True, configuration=ONLINE), 105.0)

    till = {"till": "01", "machine": "connection"}
    assert read("tillwire_state_entered_timestamp_seconds", **till) == 100


def test_a_till_before_its_first_step_has_states_at_0_and_no_code(
    exporter: Exporter, read: Read
) -> None:
    """Nothing is claimed that is not known: neither a state nor a backlog."""
    exporter.add_till("01")

    till = {"till": "01", "machine": "connection"}
    assert read("tillwire_state", **till, state="online") == 0
    assert read("tillwire_state_code", **till) is None
    assert read("tillwire_state_entered_timestamp_seconds", **till) is None
    assert read("tillwire_tickets_pending", till="01") is None


def test_a_restored_till_is_shown_where_it_was(exporter: Exporter, read: Read) -> None:
    """Its states count since they were entered, before the process started."""
    exporter.add_till("01", DEGRADED, {"reachable": 50.0, "degraded": 70.0})
    exporter.add_till("02", DEGRADED)

    assert read("tillwire_state_code", till="01", machine="connection") == 4
    name = "tillwire_state_entered_timestamp_seconds"
    assert read(name, till="01", machine="connection") == 70
    assert read(name, till="02", machine="connection") == 1_790_000_000.5


def test_a_till_that_is_added_twice_keeps_its_counters(exporter: Exporter, read: Read) -> None:
    """Adding a till that is there already adds nothing."""
    exporter.observe(degraded(), 100.0)
    exporter.add_till("01")

    labels = {"to": "degraded", "event": "ping.failed"}
    assert read("tillwire_transitions_total", till="01", machine="connection", **labels) == 1
    assert read("tillwire_state_code", till="01", machine="connection") == 4


def test_the_backlog_is_shown_as_the_store_tells_it(exporter: Exporter, read: Read) -> None:
    """Totals come from the store and survive a restart; they are set, not added."""
    exporter.backlog("01", 3, 100, 2, 1_789_999_000.0)
    exporter.backlog("01", 2, 101, 2, 1_789_999_500.5)

    assert read("tillwire_tickets_pending", till="01") == 2
    assert read("tillwire_tickets_sent_total", till="01") == 101
    assert read("tillwire_tickets_refused_total", till="01") == 2
    name = "tillwire_oldest_pending_ticket_timestamp_seconds"
    assert read(name, till="01") == 1_789_999_500.5


@pytest.mark.parametrize("oldest_at", [None, 0.0])
def test_the_oldest_ticket_is_absent_when_none_is_pending(
    exporter: Exporter, read: Read, oldest_at: float | None
) -> None:
    """An age computed from 0 would be half a century."""
    exporter.backlog("01", 0, 100, 0, oldest_at)

    assert read("tillwire_oldest_pending_ticket_timestamp_seconds", till="01") is None
    assert read("tillwire_tickets_pending", till="01") == 0


def test_a_ping_falls_in_its_bucket(exporter: Exporter, read: Read) -> None:
    """A bound belongs to its own bucket."""
    exporter.effect("ping", "ok", 0.1)
    exporter.effect("ping", "failed.timeout", 200.0)

    name = "tillwire_effect_duration_seconds"
    found = {le: read(f"{name}_bucket", effect="ping", le=le) for le in ("0.025", "0.1", "60.0")}
    assert found == {"0.025": 0, "0.1": 1, "60.0": 1}
    assert read(f"{name}_bucket", effect="ping", le="+Inf") == 2
    assert read(f"{name}_count", effect="ping") == 2
    assert read(f"{name}_sum", effect="ping") == pytest.approx(200.1)


def test_an_effect_shows_all_its_outcomes_and_every_reason(exporter: Exporter, read: Read) -> None:
    """Outcomes and reasons that have not come yet are at 0. What is no ping has no buckets."""
    exporter.effect("send_tickets", "failed.timeout", 7.0)

    ends = {
        outcome: read("tillwire_effects_total", effect="send_tickets", outcome=outcome)
        for outcome in ("ok", "rejected", "failed", "failed.timeout")
    }
    assert ends == {"ok": 0, "rejected": 0, "failed": 1, "failed.timeout": None}
    assert read("tillwire_effect_failures_total", reason="timeout") == 1
    assert read("tillwire_effect_failures_total", reason="unauthorized") == 0
    name = "tillwire_effect_duration_seconds"
    assert read(f"{name}_sum", effect="send_tickets") == 7
    assert read(f"{name}_bucket", effect="send_tickets", le="+Inf") == 1
    assert read(f"{name}_bucket", effect="send_tickets", le="10.0") is None


def test_a_load_is_no_effect_here_but_for_why_it_failed(exporter: Exporter, read: Read) -> None:
    """Loads have metrics of their own."""
    exporter.effect("load", "failed.bad_reply", 7.0)

    assert read("tillwire_effects_total", effect="load", outcome="failed") is None
    assert read("tillwire_effect_duration_seconds_count", effect="load") is None
    assert read("tillwire_effect_failures_total", reason="bad_reply") == 1


def test_an_outcome_that_no_effect_has_is_refused(exporter: Exporter) -> None:
    """The label stays one of eight words."""
    with pytest.raises(ValueError, match="one of ok, rejected, failed"):
        exporter.effect("ping", "failed.tiemout", 0.1)


def test_a_step_that_failed_is_counted_for_its_till(exporter: Exporter, read: Read) -> None:
    """The counter is there from the till's beginning and moves by one."""
    exporter.add_till("01")
    exporter.add_till("02")
    exporter.step_failed("02")

    name = "tillwire_steps_failed_total"
    assert read(name, till="01", machine="connection") == 0
    assert read(name, till="02", machine="connection") == 1


def test_an_abandoned_worker_is_counted(exporter: Exporter, read: Read) -> None:
    """The counter starts at 0 and moves by one."""
    before = read("tillwire_workers_abandoned_total")
    exporter.worker_abandoned()

    assert (before, read("tillwire_workers_abandoned_total")) == (0, 1)


def test_the_process_tells_its_version_its_machine_and_its_clock(
    exporter: Exporter, read: Read
) -> None:
    """Build and machine are labels of a 1; the clock is read at the scrape."""
    python = platform.python_version()
    assert read("tillwire_build_info", version="1.2.3", python=python) == 1
    assert read("tillwire_config_info", machine="connection", hash="c0ffee") == 1
    assert read("tillwire_time_seconds") == 1_790_000_000.5


def test_the_exporter_keeps_out_of_the_global_registry(exporter: Exporter) -> None:
    """Two exporters in one process, or a library with metrics of its own, do not meet."""
    exporter.observe(degraded(), 100.0)
    everyones = {family.name for family in REGISTRY.collect()}

    assert not {name for name in everyones if name.startswith("tillwire")}


def test_process_metrics_are_there_where_the_platform_has_them(
    exporter: Exporter, read: Read
) -> None:
    """prometheus_client reads /proc; on Windows it says nothing and nothing fails."""
    resident = read("process_resident_memory_bytes")

    assert (resident is not None) == sys.platform.startswith("linux")


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        pytest.param(("p", "left", "l1", "right", "r1"), 11, id="first region, innermost code"),
        pytest.param(("p", "left", "l2", "right", "r1"), 10, id="a leaf without code: around it"),
        pytest.param(("p", "right", "r1"), 21, id="a region without code: the next deeper one"),
        pytest.param(("p",), None, id="no code at all"),
    ],
)
def test_of_parallel_regions_the_first_with_a_code_is_shown(
    configuration: tuple[str, ...], code: int | None
) -> None:
    """The same region speaks for the till whatever the others do."""
    states = (
        StateFacts("p", None, 0),
        StateFacts("left", 10, 1),
        StateFacts("l1", 11, 2),
        StateFacts("l2", None, 2),
        StateFacts("right", None, 1),
        StateFacts("r1", 21, 2),
    )
    exporter = Exporter("1", MachineFacts("m", "h", states, (), (), ()), lambda: 7.0)
    exporter.add_till("01", configuration)

    text = exporter.render()[0].decode()
    line = f'tillwire_state_code{{till="01",machine="m"}} {code}\n'
    assert (line in text) == (code is not None)
    assert ("tillwire_state_code{" in text) == (code is not None)
    assert 'tillwire_state_entered_timestamp_seconds{till="01",machine="m"} 7.0\n' in text
