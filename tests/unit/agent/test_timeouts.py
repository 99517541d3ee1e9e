"""A timeout that is low for the network is warned about, with the latency seen."""

import logging

import pytest

from engine.agent.timeouts import LowTimeouts
from engine.core.records import Event, Step, Till
from tests.unit.agent.scripted import clock

TILL = Till("01")


def ping(latency: float, name: str = "ping.ok", run: int | None = 1) -> Step:
    return Step("01", Event(name, {"latency": latency}, run=run), 0.0)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    assert all(record.getMessage() == "timeout.low" for record in caplog.records)
    assert all(record.levelno == logging.WARNING for record in caplog.records)
    return [record.fields for record in caplog.records]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("parameters", "name", "timeout"),
    [
        ({"webservice_timeout": 4.0, "ping_timeout": 60.0}, "webservice_timeout", 4.0),
        ({"webservice_timeout": 60.0, "ping_timeout": 4.0}, "ping_timeout", 4.0),
        ({"ping_timeout": 4}, "ping_timeout", 4.0),
    ],
)
def test_a_ping_that_takes_more_than_half_of_a_timeout_is_a_warning(
    parameters: dict[str, float], name: str, timeout: float, caplog: pytest.LogCaptureFixture
) -> None:
    """The line names the parameter, its value and what was seen."""
    LowTimeouts(parameters, clock()).observe(ping(2.5), TILL)
    assert lines(caplog) == [
        {
            "till": "01",
            "parameter": name,
            "timeout": timeout,
            "latency": 2.5,
            "message": f"a ping took 2.5 s, more than half of {name} (4s): "
            "calls will fail that would have succeeded",
        }
    ]


def test_a_till_is_warned_about_once_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    """And each till for itself."""
    time = clock()
    low = LowTimeouts({"webservice_timeout": 4.0}, time)
    for _ in range(13):
        low.observe(ping(3.0), TILL)
        time.advance(600)
    low.observe(ping(3.0), Till("02"))
    assert [line["till"] for line in lines(caplog)] == ["01", "01", "01", "02"]


@pytest.mark.parametrize(
    "step",
    [
        ping(2.0),
        ping(9.0, name="ping.failed.timeout"),
        ping(9.0, run=None),
        Step("01", Event("ping.ok", {"latency": 9.0}, run=1), 0.0, late=True),
    ],
    ids=["half and no more", "no answer", "not an effect's", "late"],
)
def test_nothing_else_is_a_warning(step: Step, caplog: pytest.LogCaptureFixture) -> None:
    """A failed ping says so itself."""
    LowTimeouts({"webservice_timeout": 4.0}, clock()).observe(step, TILL)
    assert caplog.records == []


@pytest.mark.parametrize("parameters", [{}, {"ping_timeout": "soon"}, {"other": 1.0}])
def test_a_machine_without_these_parameters_is_left_alone(
    parameters: dict[str, float | str], caplog: pytest.LogCaptureFixture
) -> None:
    """Any machine may be run."""
    LowTimeouts(parameters, clock()).observe(ping(9.0), TILL)
    assert caplog.records == []
