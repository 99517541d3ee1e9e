"""No ticket is forgotten and every till comes back, whatever falls together, restarts too."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.records import Run
from tests.unit.machines.virtual_till import (
    GOOD,
    NO_LOST_LINK,
    REFUSED,
    REJECTED,
    SLOW,
    Reply,
    VirtualTill,
    failing,
    good,
    hanging,
    offline,
    online,
    parameter,
)

REPLIES = st.sampled_from(
    [GOOD, GOOD, REFUSED, REJECTED, SLOW, failing("timeout", 60.0), *NO_LOST_LINK[1:]]
)
DEEDS = st.one_of(
    st.tuples(st.just("ticket"), st.just(0.0)),
    st.tuples(st.sampled_from(["sync.now", "load.full", "restart"]), st.just(0.0)),
    st.tuples(st.sampled_from(["offline.hold", "offline.release"]), st.just(0.0)),
    st.tuples(st.sampled_from(["till.opened", "ticket.customer", "ticket.started"]), st.just(0.0)),
    st.tuples(st.just("wait"), st.floats(0, 100)),
    st.tuples(st.just("wait"), st.floats(0, 0.1)),
)


def played(till: VirtualTill, deeds: list[tuple[str, float]], replies: list[Reply]) -> None:
    script = iter(replies)

    def serve(run: Run) -> Reply | None:
        reply = next(script, GOOD)
        if run.effect == "ping" and reply.name == "rejected":
            return GOOD  # a ping cannot be refused
        return reply

    till.server = serve
    for deed, seconds in deeds:
        if deed == "wait":
            till.wait(seconds)
        elif deed == "ticket":
            till.close_ticket()
        elif deed == "restart":
            till.restart()
        else:
            till.send(deed)
        assert_nothing_is_forgotten(till)


def assert_nothing_is_forgotten(till: VirtualTill) -> None:
    """Tickets that the server has not are known to wait, or are being sent."""
    if not till.waiting and till.state != "syncing":
        assert till.sent == till.closed


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.lists(DEEDS, max_size=40), st.lists(REPLIES, max_size=60))
def test_no_ticket_is_ever_forgotten(deeds: list[tuple[str, float]], replies: list[Reply]) -> None:
    """However closing, answers of every kind and restarts fall together: ``waiting`` is false
    only when the last call took every ticket, and all are sent once the server answers."""
    till = VirtualTill()
    played(till, deeds, replies)
    till.server = good
    till.send("offline.release")
    till.wait(1800.0)
    assert till.state == "online"
    assert till.sent == till.closed
    assert not till.waiting


def moments() -> list[tuple[str, Callable[[], VirtualTill]]]:
    """A till in each of its states, some with a call under way."""

    def in_degraded() -> VirtualTill:
        till = online()
        till.server = hanging
        till.wait(95.0)
        return till

    def in_syncing() -> VirtualTill:
        till = online()
        till.server = hanging
        till.close_ticket()
        return till

    def probing() -> VirtualTill:
        till = offline(online())
        till.server = hanging
        till.wait(75.0)
        return till

    return [
        ("online", online),
        ("degraded", in_degraded),
        ("syncing", in_syncing),
        ("offline-cooldown", lambda: offline(online())),
        ("offline-cooldown", probing),
    ]


@pytest.mark.parametrize(("state", "make"), moments())
@pytest.mark.parametrize("away", [0.0, 1.0, 59.0, 3600.0, 86400.0, -3600.0])
@pytest.mark.parametrize("tickets", [0, 2])
def test_a_restart_in_any_state_comes_back_online(
    state: str, make: Callable[[], VirtualTill], away: float, tickets: int
) -> None:
    """After any time away, also with a clock that was set back; a wait is resumed, not begun
    anew, and never longer than the file says."""
    till = make()
    assert till.state == state
    for _ in range(tickets):
        till.closed += 1  # while the process was on its way down
    till.server = good
    till.restart(away)
    assert till.state in (state, "syncing")
    longest = 1.2 * parameter("message_retry_wait_max", till)
    assert till.wait_for("online", longest + 10.0) <= longest
    till.wait(60.0)
    assert till.sent == till.closed


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(st.floats(0, 2000), st.lists(REPLIES, max_size=30), st.floats(0, 400))
def test_a_restart_at_any_moment_comes_back_online(
    moment: float, replies: list[Reply], away: float
) -> None:
    """In the middle of whatever it was doing."""
    till = VirtualTill()
    played(till, [("ticket", 0.0), ("wait", moment / 2), ("ticket", 0.0)], replies)
    till.wait(moment / 2)
    till.restart(away)
    till.server = good
    till.wait(1800.0)
    assert till.state == "online"
    assert till.sent == till.closed


def test_a_wait_goes_on_where_it_was_after_a_restart() -> None:
    """Forty seconds of a minute have passed, ten of them while the process was away."""
    till = offline(online(message_retry_jitter=0.0))
    since = len(till.steps)
    till.wait(30.0)
    till.restart(away=10.0)
    began = till.now
    till.server = good
    till.wait_for("online")
    probes = [at for at, _ in till.started("ping", since)]
    assert probes[0] - began == pytest.approx(20.0)
