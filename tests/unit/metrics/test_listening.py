"""A fault in the metrics is seen, and stops nothing."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from engine.core.facts import MachineFacts
from engine.core.records import Event, Step
from metrics.exporter import Exporter
from metrics.listening import LOG_EVERY, Guarded

Read = Callable[..., float | None]

CALLS: dict[str, tuple[Any, ...]] = {
    "add_till": ("01",),
    "observe": (Step("01", Event("x"), 0.0), 100.0),
    "step_failed": ("01",),
    "effect": ("ping", "ok", 0.1),
    "backlog": ("01", 1, 2, 3, 4.0, 5),
    "messages": ("01", 1, 2),
    "offers": ("fresh",),
    "source": (0, False),
    "load_succeeded": (1.0,),
    "wellbeing": (True, 0.1),
    "disk": (1_000_000,),
    "journal": (False, 1.0),
    "machine": (MachineFacts("connection", "0", (), (), (), ()),),
    "config": (True, 1.0),
    "worker_abandoned": (),
}


class Seconds:
    """A clock that goes where it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def break_everything(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on each call of the exporter raises."""

    def fail(*_: object) -> None:
        raise RuntimeError("no more memory for metrics")

    for call in CALLS:
        monkeypatch.setattr(exporter, call, fail)


def sentence(record: logging.LogRecord) -> str:
    """What the line says beside its name."""
    return str(record.fields["message"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("call", CALLS)
def test_a_failing_listener_is_caught_counted_and_logged(
    exporter: Exporter,
    read: Read,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    call: str,
) -> None:
    """Whatever the call, whoever made it goes on, and an operator can see the count."""
    break_everything(exporter, monkeypatch)
    guarded = Guarded(exporter, Seconds())
    getattr(guarded, call)(*CALLS[call])

    assert read("tillwire_listener_failures_total") == 1
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("tillwire.metrics", "metrics.failed")
    assert sentence(record) == f"the metrics did not take a call of {call}"


def test_a_working_listener_hears_everything(exporter: Exporter, read: Read) -> None:
    """What goes through the guard arrives unchanged."""
    guarded = Guarded(exporter, Seconds())
    for call, arguments in CALLS.items():
        getattr(guarded, call)(*arguments)
    guarded.add_till("02", ("offline",), {"offline": 7.0})

    till = {"till": "01", "machine": "connection"}
    assert read("tillwire_events_unhandled_total", **till, event="other") == 1
    assert read("tillwire_steps_failed_total", **till) == 1
    assert read("tillwire_effects_total", effect="ping", outcome="ok") == 1
    assert read("tillwire_tickets_pending", till="01") == 1
    assert read("tillwire_tickets_sent_total", till="01") == 2
    assert read("tillwire_tickets_refused_total", till="01") == 3
    assert read("tillwire_oldest_pending_ticket_timestamp_seconds", till="01") == 4
    assert read("tillwire_workers_abandoned_total") == 1
    name = "tillwire_state_entered_timestamp_seconds"
    assert read(name, till="02", machine="connection") == 7
    assert read("tillwire_listener_failures_total") == 0


def test_failures_are_logged_once_a_minute_and_all_counted(
    exporter: Exporter,
    read: Read,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A metric that fails at every step must not fill the till's disk."""
    break_everything(exporter, monkeypatch)
    clock = Seconds()
    guarded = Guarded(exporter, clock)
    for clock.now in (0.0, 1.0, LOG_EVERY - 0.1, LOG_EVERY, LOG_EVERY + 1):
        guarded.worker_abandoned()

    assert read("tillwire_listener_failures_total") == 5
    assert len(caplog.messages) == 2
    assert sentence(caplog.records[1]).endswith("(2 more since the last such line)")


def test_the_log_line_carries_the_place_of_the_fault(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a fault of ours, so whoever mends it needs the traceback."""
    break_everything(exporter, monkeypatch)
    Guarded(exporter, Seconds()).worker_abandoned()

    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is not None
    assert record.exc_info[0] is RuntimeError
