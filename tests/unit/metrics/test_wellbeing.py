"""What alerts look at: whether a till is offline, its numbers, and how its agent does."""

from dataclasses import replace

import pytest

from engine.core.facts import MachineFacts, StateFacts
from metrics.exporter import Exporter
from tests.unit.metrics.conftest import NOW, Read, samples

TOLD_LATER = (
    "tillwire_ready",
    "tillwire_loop_lag_seconds",
    "tillwire_last_exchange_timestamp_seconds",
    "tillwire_disk_free_bytes",
    "tillwire_journal_broken",
    "tillwire_journal_verified_timestamp_seconds",
    "tillwire_load_last_success_timestamp_seconds",
)


@pytest.mark.parametrize(
    ("configuration", "value"),
    [
        (("reachable", "online"), 0),
        (("away", "waits"), 1),
        (("away", "by-hand"), 2),
        (("pause",), 0),
        ((), None),
    ],
)
def test_offline_is_what_the_machine_says(
    facts: MachineFacts, configuration: tuple[str, ...], value: float | None
) -> None:
    """1 in an offline state, whatever it is called, 2 where a person has to release the till;
    nothing of a till that is nowhere yet."""
    states = (
        *facts.states,
        StateFacts("away", 7, 0, offline=True),
        StateFacts("waits", None, 1),
        StateFacts("by-hand", None, 1, held=True),
        StateFacts("pause", None, 0, held=True),
    )
    exporter = Exporter("1", replace(facts, states=states), lambda: NOW)
    exporter.add_till("01", configuration)

    assert samples(exporter).get(("tillwire_offline", (("till", "01"),))) == value


def test_missing_numbers_are_shown_with_the_backlog(exporter: Exporter, read: Read) -> None:
    """Not before the store has told of the till's tickets: no count is not a count of 0."""
    exporter.add_till("01")
    assert read("tillwire_ticket_numbers_missing", till="01") is None
    exporter.backlog("01", 0, 5, 0, None, 2)
    assert read("tillwire_ticket_numbers_missing", till="01") == 2


@pytest.mark.parametrize("name", TOLD_LATER)
def test_what_was_not_looked_at_is_absent(read: Read, name: str) -> None:
    """A 0 would be a statement."""
    assert read(name) is None


def test_what_was_told_last_is_shown(exporter: Exporter, read: Read) -> None:
    """Readiness, lag, disk, journal and the last load that went well."""
    exporter.wellbeing(True, 0.25)
    exporter.wellbeing(False, 0.5)
    exporter.disk(1_000)
    exporter.journal(True, None)
    exporter.load_succeeded(0.0)

    assert [read(name) for name in TOLD_LATER] == [0, 0.5, None, 1_000, 1, None, 0]
    exporter.journal(False, 7.5)
    assert read("tillwire_journal_verified_timestamp_seconds") == 7.5
    assert read("tillwire_journal_broken") == 0


@pytest.mark.parametrize(
    ("effect", "outcome", "at"),
    [
        ("ping", "ok", NOW),
        ("fetch_offers", "rejected", NOW),
        ("ping", "failed.timeout", None),
        ("load", "rejected", None),
    ],
)
def test_a_server_that_said_something_is_an_exchange(
    exporter: Exporter, read: Read, effect: str, outcome: str, at: float | None
) -> None:
    """A no is one too; a load may be refused by the till itself."""
    exporter.effect(effect, outcome, 0.1)
    assert read("tillwire_last_exchange_timestamp_seconds") == at
