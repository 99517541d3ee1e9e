"""What a reload of the files becomes in a scrape."""

from collections.abc import Callable
from dataclasses import replace

from engine.core.facts import MachineFacts, PossibleTransition, StateFacts
from engine.core.records import Event, Step, Taken
from metrics.exporter import Exporter

NOW = 1_790_000_000.5
Read = Callable[..., float | None]


def test_what_was_counted_stays_counted_when_the_machine_is_another_one(
    exporter: Exporter, facts: MachineFacts, read: Read
) -> None:
    """A reload is no restart: counters go on, what the new machine can do shows at once, and the
    states are those of the new one."""
    degraded = Step("01", Event("ping.failed.timeout"), 1.0, handled=True)
    degraded.taken = [Taken("ping.failed", "online", "degraded")]
    degraded.configuration = ("reachable", "degraded")
    exporter.observe(degraded, 101.0)
    moved = replace(
        facts,
        hash="b" * 64,
        states=(*facts.states, StateFacts("held", 6, 0)),
        transitions=(PossibleTransition("offline.hold", "online", "held"),),
        events=(*facts.events, "offline.hold"),
    )
    exporter.machine(moved)

    labels = {"till": "01", "machine": "connection"}
    went = {"to": "degraded", "event": "ping.failed"}
    assert read("tillwire_transitions_total", **labels, **went) == 1
    may = {"to": "held", "event": "offline.hold"}
    assert read("tillwire_transitions_total", **labels, **may) == 0
    assert read("tillwire_state", **labels, state="held") == 0
    assert read("tillwire_state", **labels, state="degraded") == 1
    assert read("tillwire_config_info", machine="connection", hash="b" * 64) == 1


def test_a_refused_file_shows_beside_the_time_of_the_good_one(
    exporter: Exporter, read: Read
) -> None:
    """Both are there from the start: the files that it started with were good."""
    good, when = (
        "tillwire_config_last_reload_successful",
        "tillwire_config_last_reload_success_timestamp_seconds",
    )
    assert (read(good), read(when)) == (1, NOW)
    exporter.config(False, None)
    assert (read(good), read(when)) == (0, NOW)
    exporter.config(True, 2000.0)
    assert (read(good), read(when)) == (1, 2000.0)
